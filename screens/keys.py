"""Every key of the cockpit: one table of binding ids, default keys, what they do, and the settings laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from textual.binding import Binding


class Spec(NamedTuple):
    """``keys`` are alternatives, comma separated; ``text`` is what help says; ``hint`` what the key bar says."""

    id: str
    keys: str
    action: str
    text: str
    hint: str = ""


_SPECS = (
    Spec("nav.down", "j,down", "move(1)", "down", "move"),
    Spec("nav.up", "k,up", "move(-1)", "up"),
    Spec("nav.top", "g,home", "edge(False)", "first"),
    Spec("nav.bottom", "G,end", "edge(True)", "last"),
    Spec("nav.half_down", "ctrl+d,pagedown", "half(1)", "half a page down (never deletes)"),
    Spec("nav.half_up", "ctrl+u,pageup", "half(-1)", "half a page up"),
    Spec("nav.left", "h,left", "sideways(-1)", "left"),
    Spec("nav.right", "l,right", "sideways(1)", "right"),
    Spec("nav.open", "enter", "open", "open", "open"),
    Spec("nav.back", "escape,q,backspace", "back", "back (at the fleet q asks before it quits)", "back"),
    Spec("cmd", ":", "command", "command line", "command"),
    Spec("find.start", "/", "find", "filter the fleet, find in a log or page (! inverts a filter)", "filter"),
    Spec("find.next", "n", "find_next(1)", "next match"),
    Spec("find.previous", "N", "find_next(-1)", "previous match"),
    Spec("help", "?", "app.help", "this help", "help"),
    Spec("palette", "ctrl+p", "app.command_palette", "palette of views"),
    Spec("hist.last", "-", "app.last_view", "the view before this one"),
    Spec("hist.back", "[", "app.history(-1)", "back in the list of rollouts visited"),
    Spec("hist.forward", "]", "app.history(1)", "forward in that list"),
    Spec("pane.next", "tab", "pane_next(1)", "next pane", "pane"),
    Spec("pane.previous", "shift+tab", "pane_next(-1)", "pane before"),
    Spec("pane.steps", "1", "pane('steps')", "steps"),
    Spec("pane.sli", "2", "pane('sli')", "SLIs"),
    Spec("pane.pods", "3", "pane('pods')", "pods"),
    Spec("pane.logs", "4", "pane('logs')", "logs"),
    Spec("pane.full", "f", "pane_full", "full screen for this pane, and back", "full"),
    Spec("view.history", "i", "view('history')", "journal: what was done from this seat, with its evidence", "journal"),
    Spec("view.events", "v", "view('events')", "events", "events"),
    Spec("view.tree", "x", "view('tree')", "tree of revisions, pods and checks", "tree"),
    Spec("view.metrics", "m", "view('metrics')", "metrics, full screen", "metrics"),
    Spec("view.burn", "b", "view('burn')", "burn rates", "burn"),
    Spec("view.describe", "d", "view('describe')", "describe", "describe"),
    Spec("view.yaml", "y", "view('yaml')", "the object as YAML", "yaml"),
    Spec("view.drift", "r", "view('drift')", "drift: what runs against what is declared", "drift"),
    Spec("view.provenance", "u", "view('provenance')", "provenance: signed by whom, built from what", "provenance"),
    Spec("view.evidence-reset", "ctrl+e", "reset_evidence", "evidence begins anew: a latched abort goes (asks why)"),
    Spec("list.sort", "s", "sort", "sort: urgency, name, namespace, age (or sort now while the order is held)", "sort"),
    Spec("list.mark", "space", "mark", "mark: marked rollouts stay on top"),
    Spec("list.wide", "w", "wide", "all columns, h and l scroll"),
    Spec("list.all", "a", "everything", "all rollouts, or those in flight", "all"),
    Spec("log.follow", "s", "screen.log('follow')", "follow the log, or pause", "follow"),
    Spec("log.wrap", "w", "screen.log('wrap')", "wrap lines", "wrap"),
    Spec("log.time", "t", "screen.log('stamp')", "time: seconds, full, none", "time"),
    Spec("log.tail", "0", "screen.since('tail')", "log from the tail", "since"),
    Spec("log.head", "1", "screen.since('head')", "log from its head"),
    Spec("log.1m", "2", "screen.since('1m')", "log of the last minute"),
    Spec("log.5m", "3", "screen.since('5m')", "log of the last 5 minutes"),
    Spec("log.15m", "4", "screen.since('15m')", "log of the last 15 minutes"),
    Spec("log.30m", "5", "screen.since('30m')", "log of the last 30 minutes"),
    Spec("log.1h", "6", "screen.since('1h')", "log of the last hour"),
    Spec("log.previous", "p", "screen.log('previous')", "only the previous container's lines"),
    Spec("log.container", "a", "screen.log_container", "next container, or all"),
    Spec("log.errors", "e", "screen.log('errors')", "errors only", "errors"),
    Spec("log.lock", "o", "screen.log_lock", "lock both panes by time"),
    Spec("log.copy", "c", "screen.log_copy", "copy what the pane shows"),
    Spec("log.save", "ctrl+s", "screen.log_save", "save the pane's lines to a file"),
    Spec("metrics.span", "s", "span", "5 minutes, 15 minutes, an hour", "span"),
    Spec("pick.way", "t", "way", "as the plan chooses, at once, or through the steps", "how"),
    Spec("pick.preflight", "p", "preflight", "every check of the pre-flight: evidence, remedies", "checks"),
    Spec("pick.diff", "d", "diff", "the whole difference to that version", "diff"),
    Spec("page.wrap", "w", "page_wrap", "wrap lines", "wrap"),
    Spec("app.freeze", "z", "app.freeze", "freeze the screen (data keeps coming)", "freeze"),
    Spec("app.refetch", "ctrl+r", "refetch", "ask every source again", "refetch"),
    Spec("app.copy", "c", "copy", "copy name or digest (OSC 52)", "copy"),
    Spec("app.theme", "ctrl+t", "app.next_theme", "next theme"),
    Spec("app.quit", "ctrl+q", "leave", "quit"),
    Spec("app.interrupt", "ctrl+c", "interrupt", "says how to quit"),
    Spec("act.advance", ">", "act('advance')", "next: release the pause; runs on to the next gate", "next"),
    Spec("act.pause", "P", "act('pause')", "pause or resume by hand", "pause"),
    Spec("act.abort", "X", "act('abort')", "abort: traffic back to the baseline", "abort"),
    Spec("act.rollback", "R", "act('rollback')", "roll back to a retained version (picker)", "rollback"),
    Spec("act.retry", "T", "act('retry')", "try again: retry an aborted rollout", "retry"),
    Spec("act.full", "F", "act('full')", "full promote: skips every step and check", "full"),
    Spec("act.skip", "S", "act('skip')", "skip the running step", "skip"),
    Spec("act.none", "A", "app.no_act", "nothing: advance is >, abort is X"),
)  # fmt: skip

SPECS: dict[str, Spec] = {spec.id: spec for spec in _SPECS}

ACTS = ("act.advance", "act.pause", "act.abort", "act.rollback", "act.retry", "act.full", "act.skip", "act.none")
NAVIGATION = (
    "nav.down", "nav.up", "nav.top", "nav.bottom", "nav.half_down", "nav.half_up", "nav.left", "nav.right", "nav.open",
    "nav.back", "cmd", "find.start", "find.next", "find.previous", "help", "hist.last", "hist.back", "hist.forward",
)  # fmt: skip
VIEWS = (
    "view.history", "view.events", "view.tree", "view.metrics", "view.burn", "view.describe", "view.yaml",
    "view.drift", "view.provenance", "view.evidence-reset",
)  # fmt: skip
PANES = ("pane.next", "pane.previous", "pane.steps", "pane.sli", "pane.pods", "pane.logs", "pane.full")
LIST = ("list.sort", "list.mark", "list.wide", "list.all")
LOG = tuple(spec.id for spec in _SPECS if spec.id.startswith("log."))
APP = ("palette", "app.freeze", "app.refetch", "app.copy", "app.theme")
GROUPS = (
    ("Act: changes the cluster, always asks", ACTS),
    ("Move", NAVIGATION[:10]),
    ("Modes", NAVIGATION[10:]),
    ("Panes", PANES),
    ("Views", VIEWS),
    ("List", LIST),
    ("Logs", LOG),
    ("Here", ("metrics.span", "pick.way", "pick.preflight", "pick.diff", "page.wrap")),
    ("App", (*APP, "app.quit", "app.interrupt")),
)


def bindings(ids: Iterable[str]) -> list[Binding]:
    """Textual bindings of these ids with their default keys."""
    return [
        Binding(spec.keys, spec.action, spec.text, show=False, id=spec.id, priority=spec.id in _PRIORITY)
        for spec in (SPECS[name] for name in ids)
    ]


_PRIORITY = {"app.quit"}  # leaves from everywhere, dialogs included


def check_keymap(keys: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of the settings' keymap that can be used, and one sentence for each entry that cannot.

    A verb keeps the rule that lower case and ctrl chords never change a cluster: it is bound to capitals or marks only.
    """
    good: dict[str, str] = {}
    complaints: list[str] = []
    for name, key in sorted(
        keys.items(), key=lambda item: not item[0].startswith("act.")
    ):  # verbs take their keys first
        spec = SPECS.get(name)
        if spec is None:
            complaints.append(f"keys.{name}: no such binding; ? lists them by id")
            continue
        parts = [part.strip() for part in key.split(",") if part.strip()]
        if not parts:
            complaints.append(f"keys.{name}: no key is named")
            continue
        wrong = [part for part in parts if name.startswith("act.") and not _acts(part)]
        if wrong:
            complaints.append(f"keys.{name} = {key!r}: verbs are bound to capitals or marks, never {wrong[0]!r}")
            continue
        if not name.startswith("act.") and (taken := [part for part in parts if _taken_by_act(part, good)]):
            complaints.append(f"keys.{name} = {key!r}: {taken[0]} is the key of {_taken_by_act(taken[0], good)}")
            continue
        good[name] = ",".join(parts)
    by_key: dict[str, str] = {}
    for name, key in list(good.items()):
        for part in key.split(","):
            other = by_key.setdefault(part, name)
            if other != name and _together(other, name):
                complaints.append(f"keys.{name} = {part!r}: already the key of {other}")
                good.pop(name, None)
    return good, complaints


def key_of(name: str, keymap: Mapping[str, str]) -> str:
    """The first key of a binding, as people write it."""
    key = (keymap.get(name) or SPECS[name].keys).split(",")[0]
    return {"enter": "⏎", "escape": "Esc", "tab": "Tab", "space": "space"}.get(key, key)


def keys_of(name: str, keymap: Mapping[str, str]) -> str:
    """All keys of a binding."""
    return " ".join((keymap.get(name) or SPECS[name].keys).split(","))


def _acts(key: str) -> bool:
    return len(key) == 1 and (key.isupper() or not key.isalnum())


def _taken_by_act(key: str, keys: Mapping[str, str]) -> str | None:
    for name in ACTS:
        if key in (keys.get(name) or SPECS[name].keys).split(","):
            return name
    return None


def _together(one: str, other: str) -> bool:
    """Whether two bindings can be in force at once: log keys stand over the others on purpose."""
    local = {"log", "list", "metrics", "pick", "page"}
    groups = {one.split(".", maxsplit=1)[0], other.split(".", maxsplit=1)[0]}
    return len(groups) == 1 or not groups & local
