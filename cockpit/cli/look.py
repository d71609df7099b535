"""Commands that look: ``list``, ``status``, ``revisions``. Text and JSON are made from the same dicts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cockpit.base.errors import ExitCode, NotFound
from cockpit.cli import report, text
from cockpit.cli.options import Options, shared
from cockpit.cli.output import dumps, say, width
from cockpit.cli.seat import run
from cockpit.cli.target import Target, find, parse_target
from cockpit.model.snapshot import Snapshot

if TYPE_CHECKING:
    from cockpit.session import Session

RolloutArgument = Annotated[
    str, typer.Argument(metavar="NS/NAME", help="NAMESPACE/NAME, or deployment/NAMESPACE/NAME.")
]

_DRIFT_SECONDS = 3.0
"""How long ``status`` waits for what registries say of drift; what is late stays unsaid."""
_REGISTRY_SECONDS = 20.0
_VOLATILE = ("as_of", "now")
"""Changes with every moment: no reason to print again."""


def _list(
    options: Options,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="All namespaces.")] = False,
) -> int:
    """List the rollouts, the one that needs a human most first."""
    overrides: dict[str, Any] = {"cluster__namespaces": ()} if all_namespaces else {}

    async def picture(seat: Session) -> Snapshot:
        return seat.snapshot()

    snapshot = run(options.settings(**overrides), picture)
    items = report.fleet(snapshot)
    if options.json:
        say(dumps(items))
    else:
        say(text.fleet(items, width()))
        _say_gaps(snapshot)
    return _sight(snapshot)


def _sight(snapshot: Snapshot) -> int:
    """Done when the cluster was seen; otherwise what was printed may be incomplete, and the exit code says so."""
    source = snapshot.sources.get("kubernetes")
    return int(ExitCode.DONE if source is None or source.state == "ok" else ExitCode.UNKNOWN)


def _say_gaps(snapshot: Snapshot) -> None:
    for gap in snapshot.gaps:
        say(f"! {gap}")
    for name, source in snapshot.sources.items():
        if source.state not in ("ok", "off") and source.message:
            say(f"! {name}: {source.message}")


def narrowed(options: Options, target: Target) -> Any:
    """Settings that read only the namespace in question: quick on large clusters, and enough for narrow rights."""
    return options.settings(cluster__namespaces=(target.namespace,))


def _status(
    options: Options,
    rollout: RolloutArgument,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Print again on every change, until interrupted.")
    ] = False,
) -> int:
    """Show one rollout: arms, pods, SLIs, burn, freshness."""
    target = parse_target(rollout, options.namespace)

    async def once(seat: Session) -> int:
        key = find(seat.snapshot(), target).key
        await seat.ask_drift(key, _DRIFT_SECONDS)
        snapshot = seat.examine(key)
        entry = report.status(snapshot, key)
        say(dumps(entry) if options.json else text.status(entry, width()))
        return _sight(snapshot)

    async def on(seat: Session) -> int:
        key = find(seat.snapshot(), target).key
        snapshot, printed = seat.examine(key), None
        while True:
            if key not in snapshot.rollouts:
                raise NotFound(f"{key} is gone: it was deleted")
            entry = report.status(snapshot, key)
            facts = {name: value for name, value in entry.items() if name not in _VOLATILE}
            if facts != printed:
                printed = facts
                say(dumps(entry, indent=None) if options.json else text.status(entry, width()) + "\n")
            snapshot = await seat.changed(snapshot.version)

    if not watch:
        return run(narrowed(options, target), once)
    try:
        return run(narrowed(options, target), on)
    except KeyboardInterrupt:
        return int(ExitCode.DONE)


def _revisions(options: Options, rollout: RolloutArgument) -> int:
    """List the versions a rollout can return to, newest first."""
    target = parse_target(rollout, options.namespace)

    async def versions(seat: Session) -> int:
        snapshot = seat.snapshot()
        key = find(snapshot, target).key
        known = {each.hash: each for each in await seat.revisions(key)}
        with suppress(TimeoutError):  # what no registry answered in time stays unknown
            async with asyncio.timeout(_REGISTRY_SECONDS):
                await seat.revisions_checked(key, lambda each: known.update({each.hash: each}))
        entries = report.revisions(list(known.values()))
        counted = seat.counted(list(known.values()))
        say(dumps(entries) if options.json else text.revisions(entries, width()) + f"\n{counted.text}")
        return _sight(snapshot)

    return run(narrowed(options, target), versions)


def add_to(app: typer.Typer) -> None:
    app.command("list")(shared(_list))
    app.command("status")(shared(_status))
    app.command("revisions")(shared(_revisions))
