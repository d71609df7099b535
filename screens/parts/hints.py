"""The two lines of keys at the foot of a screen, as many as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from screens.draw.line import Line
from screens.keys import SPECS, key_of


def hints(
    ids: Sequence[str], keymap: Mapping[str, str], width: int, lead: str = "", words: Mapping[str, str] | None = None
) -> Line:
    """``j/k move  ⏎ open  / filter …``; what does not fit is left out, help has it all. ``words`` renames some."""
    line = Line(f" {lead}", "dim")
    for name in ids:
        spec = SPECS[name]
        key = key_of(name, keymap)
        if name == "nav.down":
            key = f"{key}/{key_of('nav.up', keymap)}"
        piece = (
            Line("  " if line.width > 1 + len(lead) else "")
            .add(key, "key")
            .add(f" {(words or {}).get(name, spec.hint)}", "dim")
        )
        if line.width + piece.width > width:
            continue
        line.extend(piece)
    return line


def act_hints(
    ids: Sequence[str], keymap: Mapping[str, str], width: int, dead: Mapping[str, str], words: Mapping[str, str]
) -> Line:
    """The verbs; those that are not possible are dim (pressing one says why). ``words`` renames some."""
    line = Line(" ")
    for name in ids:
        piece = Line("   " if line.width > 1 and width >= 100 else "  " if line.width > 1 else "")
        piece.add(key_of(name, keymap), "dim" if name in dead else "key")
        piece.add(f" {words.get(name, SPECS[name].hint)}", "faint" if name in dead else "text")
        if line.width + piece.width > width:
            continue
        line.extend(piece)
    reason = next(iter(set(dead.values())), "") if len(set(dead.values())) == 1 and len(dead) >= len(ids) else ""
    note = reason or "(capital = changes the cluster, always asks)"
    if line.width + len(note) + 3 <= width:
        line.add("   ").add(note, "warn" if reason else "faint")
    elif line.width + 12 <= width and not reason:
        line.add("  ").add("(they ask)", "faint")
    return line
