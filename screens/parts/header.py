"""The lines at the top of every screen: where we are, who, how fresh, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot, Source
from cockpit.model.verdict import Assessment
from cockpit.ports import Identity
from screens.draw import glyphs
from screens.draw.format import age, clock
from screens.draw.line import Line, wrapped
from screens.parts.status import status

_NAMES = (("kubernetes", "k8s"), ("prometheus", "prom"), ("registry", "reg"), ("logs", "logs"))
_SOURCE_ROLE = {
    "ok": "ok", "syncing": "info", "stale": "warn", "lost": "bad", "denied": "warn", "absent": "dim", "off": "dim",
}  # fmt: skip


def header(
    identity: Identity, snapshot: Snapshot, now: float, trail: Iterable[str], width: int, *, frozen: bool
) -> Line:
    """``cockpit  CONTEXT › … RW · user · ● live 0.4s · 03:12:41 UTC``, shorter when narrow."""
    wide = width >= 100
    left = Line(" ")
    if identity.demo:
        left.add(f" DEMO {identity.demo} " if wide else " DEMO ", "demo").add(" ")
    elif wide:
        left.add("cockpit  ", "title")
    left.add(identity.context, "strong")
    trail = tuple(trail)
    if wide and not any("/" in name for name in trail):
        scope = "all namespaces" if identity.scope is None else ", ".join(identity.scope)
        left.add(" › ", "faint").add(scope, "text")
    for name in trail:
        left.add(" › ", "faint").add(name, "strong")
    right = Line()
    right.add(" READ-ONLY ", "read-only") if identity.read_only else right.add("RW", "text")
    gap = " · " if wide else " "
    if wide or width >= 76:
        user = identity.user if wide else identity.user.rpartition(":")[2].partition("@")[0]
        right.add(gap, "faint").add(user[:28] if wide else user[:10], "text")
    right.add(gap, "faint")
    kubernetes = snapshot.sources.get("kubernetes")
    if frozen:
        right.add(" FROZEN ", "warn-banner")
    else:
        right.extend(live(kubernetes, now))
    right.add(gap, "faint").add(clock(now), "strong").add(" UTC" if wide else "Z", "dim").add(" ")
    return left.with_right(right, width)


def live(source: Source | None, now: float) -> Line:
    """``● live 0.4s``: the state of the Kubernetes watch and how old its newest word is."""
    if source is None:
        return Line("? no data", "unknown")
    stamp = age(now - source.at) if source.at is not None else ""
    if source.state == "ok":
        return Line(f"{glyphs.LIVE} ", "ok").add(f"live {stamp}".rstrip(), "text")
    if source.state == "syncing":
        return Line(f"{glyphs.MOVING} listing…", "info")
    since = age(now - source.since) if source.since is not None else stamp
    return Line(f"{glyphs.BAD} {source.state.upper()} {since}".rstrip(), _SOURCE_ROLE[source.state])


def sources(snapshot: Snapshot, now: float, *, brief: bool) -> Line:
    """``prom ● 2s  k8s ● 0s  logs ● 0s``; what is not configured is not mentioned."""
    line = Line()
    for name, short in _NAMES:
        source = snapshot.sources.get(name)
        if source is None or source.state == "off":
            continue
        if line.width:
            line.add("  " if brief else "   ")
        line.add(f"{short} ", "dim")
        role = _SOURCE_ROLE[source.state]
        if source.state == "ok":
            line.add(glyphs.LIVE, role).add(f" {age(now - source.at)}" if source.at is not None else "", "text")
        else:
            since = f" {age(now - source.since)}" if source.since is not None else ""
            line.add(f"{source.state}{since}", role)
    return line


def gaps(snapshot: Snapshot, now: float) -> list[Line]:
    """What is lost and since when, one sentence each: sources first, then what rights or absence hide."""
    lines = []
    for name, _ in _NAMES:
        source = snapshot.sources.get(name)
        if source is None or source.state in {"ok", "off", "syncing"}:
            continue
        since = f" since {clock(source.since)} ({age(now - source.since)})" if source.since is not None else ""
        text = f"{name} {source.state}{since}"
        line = Line(f" {glyphs.WARN} ", "warn").add(text, "bad" if source.state == "lost" else "warn")
        if source.message:
            line.add(f": {source.message}", "text")
        lines.append(line)
    lines += [Line(f" {glyphs.WARN} ", "warn").add(gap, "text") for gap in snapshot.gaps]
    return lines


def notes(texts: Iterable[str], width: int) -> list[Line]:
    """What the session has to tell, whole."""
    return [Line(" ").extend(part) for text in texts for part in wrapped(text, max(20, width - 2), "warn")]


def stale(snapshot: Snapshot) -> bool:
    """Whether the Kubernetes picture is no longer being kept up."""
    source = snapshot.sources.get("kubernetes")
    return source is not None and source.state not in {"ok", "syncing"}


def rule(width: int, identity: Identity) -> Line:
    """The line under the header; coloured where the context calls itself production."""
    return Line("─" * width, "prod" if "prod" in identity.context.lower() else "faint")


def counts(
    rollouts: Iterable[Rollout],
    assessments: dict[Key, Assessment],
    width: int,
) -> Line:
    """``✖ 2 FAILING  ▲ 1 WARN  ‖ 3 PAUSED  > 1 WAIT FOR YOU …``."""
    tally: Counter[str] = Counter()
    waiting = 0
    for rollout in rollouts:
        found = status(rollout, assessments.get(rollout.key))
        tally[found.kind] += 1
        waiting += rollout.waits_for_human
    narrow = width < 100
    line = Line(" ")
    for kind, glyph, word, short, role in (
        ("failing", glyphs.BAD, "FAILING", "FAIL", "bad"),
        ("outage", glyphs.OUTAGE, "OUTAGE", "OUTAGE", "bad"),
        ("blind", glyphs.UNKNOWN, "BLIND", "BLIND", "unknown"),
        ("warn", glyphs.WARN, "WARN", "WARN", "warn"),
        ("paused", glyphs.PAUSED, "PAUSED", "PAUSED", "paused"),
        ("moving", glyphs.MOVING, "MOVING", "MOVING", "info"),
        ("healthy", glyphs.OK, "HEALTHY", "OK", "ok"),
    ):
        number = tally[kind]
        if not number and kind in {"outage", "blind", "warn"}:
            continue
        line.add(f"{glyph} {number} {short if narrow else word}", role if number else "dim")
        line.add("  " if narrow else "   ")
        if kind == "paused" and waiting:  # a count of its own: who waits can be failing as well as paused
            line.add(f"> {waiting} {'FOR YOU' if narrow else 'WAIT FOR YOU'}", "key").add("  " if narrow else "   ")
    return line.cut(width)
