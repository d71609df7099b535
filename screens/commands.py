"""The ``:`` command line: what it understands and how it completes. Nothing here changes a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.base.text import clean
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot

if TYPE_CHECKING:
    from screens.app import CockpitApp

WORDS = {
    "quit": "leave the cockpit",
    "ns": "ns NAME: only this namespace; ns all: every one",
    "goto": "goto [NS/]NAME: open a rollout",
    "filter": "filter REGEX: narrow the fleet; without one clears it",
    "sort": "sort urgency|name|namespace|age",
    "all": "every rollout",
    "active": "only rollouts in flight or just finished",
    "fleet": "back to the fleet",
    "journal": "what was done from this seat, with its evidence",
    "history": "the journal",
    "events": "events",
    "describe": "describe the rollout",
    "yaml": "the object as YAML",
    "tree": "tree of the rollout",
    "metrics": "metrics of the rollout",
    "burn": "burn rates of the rollout",
    "revisions": "versions it can return to",
    "provenance": "signatures of what runs, and what it was built from",
    "drift": "what runs against what is declared",
    "theme": "theme NAME",
    "help": "help",
}


VIEWS = frozenset(
    {
        "history", "journal", "events", "describe", "yaml", "tree", "metrics", "burn", "help", "revisions",
        "provenance", "drift",
    }
)  # fmt: skip


def complete(text: str, snapshot: Snapshot | None) -> list[str]:
    """What could follow, best first."""
    word, _, rest = text.partition(" ")
    if not _:
        return [name for name in WORDS if name.startswith(word)]
    if word == "goto" and snapshot is not None:
        names = sorted({*(str(key) for key in snapshot.rollouts), *(key.name for key in snapshot.rollouts)})
        return [f"goto {name}" for name in names if name.startswith(rest)]
    if word == "ns" and snapshot is not None:
        return [
            f"ns {name}"
            for name in sorted({key.namespace for key in snapshot.rollouts} | {"all"})
            if name.startswith(rest)
        ]
    if word == "sort":
        return [f"sort {name}" for name in ("urgency", "name", "namespace", "age") if name.startswith(rest)]
    return []


def run(app: CockpitApp, text: str) -> None:
    """Carry out one command line; what it does not understand is said."""
    word, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if word in {"q", "quit", "q!"}:
        app.action_leave()
    elif word == "ns":
        app.fleet.only_namespace(None if rest in {"", "all"} else rest)
        app.go_home()
    elif word in {"goto", "rollout", "deployment", "g"} or "/" in word:
        key = find(app.picture, rest if word in {"goto", "rollout", "deployment", "g"} else word)
        if key is None:
            app.say(f"there is no rollout {clean(rest or word, 80)!r} in this picture", "warn")
        else:
            app.open_rollout(key)
    elif word == "filter":
        app.go_home()
        app.fleet.find(rest, done=True)
    elif word == "sort":
        if not app.fleet.sort_by(rest):
            app.say("sort takes urgency, name, namespace or age", "warn")
    elif word in {"all", "active"}:
        app.go_home()
        app.fleet.show_all(word == "all")
    elif word == "fleet":
        app.go_home()
    elif word in VIEWS:
        app.open_view(word, app.view.target() if app.view else None)
    elif word == "theme":
        if not app.use_theme(rest):
            app.say(f"there is no theme {clean(rest, 40)!r}; there are {', '.join(sorted(app.palettes))}", "warn")
    else:
        app.say(f"{clean(word, 40)!r} is no command; try {', '.join(list(WORDS)[:8])}, …", "warn")


def find(snapshot: Snapshot | None, text: str) -> Key | None:
    """The rollout that ``NAME`` or ``NS/NAME`` means; a Rollout before a Deployment."""
    if snapshot is None:
        return None
    namespace, _, name = text.rpartition("/")
    namespace = namespace.rpartition("/")[2]
    found = [key for key in snapshot.rollouts if key.name == name and (not namespace or key.namespace == namespace)]
    return min(found, key=lambda key: (key.kind != "Rollout", key), default=None)
