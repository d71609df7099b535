"""``cockpit logs``: both arms merged, once or followed, through the feeds that the screens draw."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cockpit.base.errors import ExitCode, UsageError
from cockpit.cli.look import RolloutArgument, narrowed
from cockpit.cli.options import Options, shared
from cockpit.cli.output import complain, dumps, say
from cockpit.cli.seat import run
from cockpit.cli.target import find, parse_target
from cockpit.model.log import LogLine
from cockpit.model.resource import Key
from cockpit.model.rollout import Role
from cockpit.ports import LogFeed

if TYPE_CHECKING:
    from cockpit.session import Session

_POLL = 0.1
_BATCH = 20_000
_SPAN = re.compile(r"(\d+)([smhd])")
_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Which(StrEnum):
    canary = "canary"
    baseline = "baseline"
    both = "both"


def seconds(text: str) -> float:
    """``90s``, ``5m``, ``1h30m`` in seconds. Raises UsageError."""
    if not text or _SPAN.sub("", text):
        raise UsageError(f"{text!r} is no duration; write for example 90s, 5m or 1h")
    return sum(int(number) * _UNIT[unit] for number, unit in _SPAN.findall(text))


def line_dict(role: str, line: LogLine) -> dict[str, Any]:
    """One line as JSON."""
    return {
        "arm": role,
        "at": line.at,
        "pod": line.pod,
        "container": line.container,
        "level": line.level or None,
        "text": line.text,
        "note": line.note,
        "previous": line.previous,
    }


def line_text(role: str, line: LogLine) -> str:
    """``03:12:41.120 C pod  text``: C canary, B baseline; our own notes stand in angle brackets."""
    at = "--:--:--.---" if line.at is None else datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    body = f"<{line.text}>" if line.note else line.text
    return f"{at} {role[0].upper()} {line.pod}{' (previous)' if line.previous else ''}  {body}"


def _logs(
    options: Options,
    rollout: RolloutArgument,
    arm: Annotated[Which, typer.Option("--arm", help="Whose logs.")] = Which.both,
    since: Annotated[str | None, typer.Option("--since", metavar="5m", help="Only the last 90s, 5m, 1h.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Only of the container instance before.")] = False,
    container: Annotated[str | None, typer.Option("--container", "-c", metavar="C", help="One container.")] = None,
) -> int:
    """Print the logs of both arms, merged by time."""
    target = parse_target(rollout, options.namespace)
    window = seconds(since) if since is not None else None

    async def printing(session: Session) -> int:
        from cockpit.logs.hub import LogOptions

        found = find(session.snapshot(), target)
        arms: dict[Role, Any] = {"canary": found.canary, "baseline": found.baseline or found.before}
        roles = [role for role, side in arms.items() if side is not None and arm in (Which.both, Which(role))]
        if not roles:
            complain(f"{found.key} has no {arm.value} with pods now")
            return int(ExitCode.REFUSED)
        names = {name: None for role in roles for pod in arms[role].pods for name in pod.containers}
        if container is not None and names and container not in names:
            complain(f"{found.key} has no container {container!r}; there is {', '.join(names)}")
            return int(ExitCode.REFUSED)
        options_ = LogOptions(since=window, follow=follow, previous=previous, container=container)
        session.open_logs(found.key, options_)
        feeds = {role: session.logs(found.key, role) for role in roles}

        def show(role: Role, line: LogLine) -> None:
            say(dumps(line_dict(role, line), indent=None) if options.json else line_text(role, line))

        drained = None if follow else asyncio.create_task(session.logs_drained())
        await _pump(found.key, feeds, show, drained)
        return int(ExitCode.DONE)

    try:
        return run(narrowed(options, target), printing)
    except KeyboardInterrupt:
        return int(ExitCode.DONE)


async def _pump(
    key: Key, feeds: Mapping[Role, LogFeed], show: Callable[[Role, LogLine], None], drained: asyncio.Task[None] | None
) -> None:
    """Print what is new; ends when ``drained`` does (None: only when interrupted)."""
    seen = dict.fromkeys(feeds, 0)
    told: dict[Role, str] = {}
    while True:
        last = drained is not None and drained.done()
        fresh: list[tuple[Role, LogLine]] = []
        for role, feed in feeds.items():
            lines = feed.after(seen[role], _BATCH)
            fresh += [(role, line) for line in lines]
            if lines:
                if lines[0].seq > seen[role] + 1 and seen[role]:
                    complain(f"{key} {role}: {lines[0].seq - seen[role] - 1} lines came too fast to be printed")
                seen[role] = lines[-1].seq
            if feed.status and told.get(role) != feed.status:
                told[role] = feed.status
                complain(f"{key} {role}: {feed.status}")
        # Each feed is in order already; both together are put in order per batch, which the feeds' own window settled.
        fresh.sort(key=lambda entry: entry[1].at or 0.0)
        for role, line in fresh:
            show(role, line)
        if last:
            return
        if not fresh:
            await asyncio.wait([drained], timeout=_POLL) if drained is not None else await asyncio.sleep(_POLL)
        else:
            await asyncio.sleep(0)


def add_to(app: typer.Typer) -> None:
    app.command("logs")(shared(_logs))
