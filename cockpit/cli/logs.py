"""``cockpit logs``: both arms merged, once or followed, through the feeds that the screens draw."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

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
from cockpit.ports import LogFeed, Seat

_POLL = 0.1
_QUIET = 1.2
"""Seconds without a new line after which a look that does not follow has seen what there is."""
_MOST = 20.0
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

    async def printing(seat: Seat) -> int:
        found = find(seat.snapshot(), target)
        arms: dict[Role, Any] = {"canary": found.canary, "baseline": found.baseline}
        roles = [role for role, side in arms.items() if side is not None and arm in (Which.both, Which(role))]
        if not roles:
            complain(f"{found.key} has no {arm.value} with pods now")
            return int(ExitCode.REFUSED)
        seat.focus(found.key)
        seat.set_log_window(found.key, window)
        feeds = {role: seat.logs(found.key, role) for role in roles}

        def show(role: Role, line: LogLine) -> None:
            if (container is not None and line.container != container) or (previous and not line.previous):
                return
            say(dumps(line_dict(role, line), indent=None) if options.json else line_text(role, line))

        await _pump(seat, found.key, feeds, show, follow=follow)
        return int(ExitCode.DONE)

    try:
        return run(narrowed(options, target), printing)
    except KeyboardInterrupt:
        return int(ExitCode.DONE)


async def _pump(seat: Seat, key: Key, feeds: Mapping[Role, LogFeed], show: Any, *, follow: bool) -> None:
    """Print what is new until interrupted, or (not following) until the feeds were quiet for a while."""
    loop = asyncio.get_running_loop()
    seen = dict.fromkeys(feeds, 0)
    told: dict[str, str] = {}
    began = quiet_since = loop.time()
    asked_at = seat.now()
    while True:
        fresh: list[tuple[Role, LogLine]] = []
        for role, feed in feeds.items():
            for line in feed.after(seen[role]):
                fresh.append((role, line))
                seen[role] = line.seq
            if feed.status and told.get(role) != feed.status:
                told[role] = feed.status
                complain(f"{key} {role}: {feed.status}")
        # Each feed is in order already; both together are ordered per batch, which the feeds' own window has settled.
        fresh.sort(key=lambda entry: entry[1].at or 0.0)
        caught_up = False
        for role, line in fresh:
            show(role, line)
            caught_up = caught_up or (line.at is not None and line.at >= asked_at)
        now = loop.time()
        quiet_since = now if fresh else quiet_since
        if not follow and (caught_up or now - quiet_since >= _QUIET or now - began >= _MOST):
            return
        await asyncio.sleep(_POLL)


def add_to(app: typer.Typer) -> None:
    app.command("logs")(shared(_logs))
