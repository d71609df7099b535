"""``cockpit`` and ``cockpit NS/NAME``: the only way from the engine to the screens, by one lazy import."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cockpit.base.errors import UsageError
from cockpit.cli.options import Options, shared
from cockpit.cli.target import Target, parse_target
from cockpit.config import Settings
from cockpit.ports import Seat


def open_screens(options: Options, rollout: str | None = None) -> int:
    """Show the screens until the person leaves. Raises UsageError where there is no terminal."""
    target = parse_target(rollout, options.namespace) if rollout else None
    return show(options.settings(), target)


def show(settings: Settings, target: Target | None = None) -> int:
    """Run the screens on ``settings``, straight on ``target`` when given; returns the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screens need a terminal; `cockpit list` and `cockpit status NS/NAME` print text or JSON")
    from screens import run

    async def open_seat() -> Seat:
        from cockpit.session import open_session

        return await open_session(settings, screens=True)

    return run(open_seat, settings, start=target)


def _open(
    options: Options,
    rollout: Annotated[str | None, typer.Argument(metavar="[NS/NAME]", help="Rollout to open at once.")] = None,
) -> int:
    """Open the screens."""
    return open_screens(options, rollout)


def add_to(app: typer.Typer) -> None:
    app.command("open", hidden=True)(shared(_open))
