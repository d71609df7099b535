"""``cockpit preflight``: what the checks of a rollback find, before anybody asks for it. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cockpit.base.errors import CockpitError, ExitCode
from cockpit.cli import report, text
from cockpit.cli.look import RolloutArgument, narrowed
from cockpit.cli.options import Options, shared
from cockpit.cli.output import EXIT, dumps, say, width
from cockpit.cli.seat import run
from cockpit.cli.target import find, parse_target
from cockpit.model.plan import Intent, Plan, Refusal
from cockpit.model.preflight import Preflight

if TYPE_CHECKING:
    from cockpit.session import Session

_NOT_MADE = "no check was made"


def exit_code(found: Preflight) -> ExitCode:
    """REFUSED when a check blocks, UNKNOWN when one could not be made, else DONE (also with warnings)."""
    if found.blocking:
        return ExitCode.REFUSED
    if not found.complete or any(each.state in ("unknown", "running") for each in found.findings):
        return ExitCode.UNKNOWN
    return ExitCode.DONE


def _preflight(
    options: Options,
    rollout: RolloutArgument,
    to: Annotated[str, typer.Option("--to", metavar="stable|last-good|REV|DIGEST", help="The version to return to.")],
    now: Annotated[
        bool | None, typer.Option("--now/--through-steps", help="At once, or through the rollout's steps.")
    ] = None,
) -> int:
    """Check whether a version is safe to return to. Exit code 1: a check blocks; 3: one could not be made."""
    target = parse_target(rollout, options.namespace)

    async def examine(session: Session) -> tuple[Plan | Refusal, tuple[str, ...] | None]:
        snapshot = session.snapshot()
        seen = find(snapshot, target)
        assessment = snapshot.assessments.get(seen.key)
        verdict = assessment.verdict if assessment else None
        drafted = await session.plan(Intent("rollback", seen, verdict, to=to, now=now, at=session.now()))
        return drafted, await _difference(session, drafted)

    drafted, diff = run(narrowed(options, target), examine)
    if isinstance(drafted, Refusal):
        return _say(options, report.preflight(to, drafted.preflight, diff, drafted.reason), int(EXIT[drafted.result]))
    if drafted.preflight is None:
        return _say(options, report.preflight(to, None, reason=_NOT_MADE), int(ExitCode.UNKNOWN))
    return _say(options, report.preflight(to, drafted.preflight, diff), int(exit_code(drafted.preflight)))


async def _difference(session: Session, drafted: Plan | Refusal) -> tuple[str, ...] | None:
    """What the template to return to has otherwise; None where the two cannot be compared."""
    if isinstance(drafted, Refusal) or drafted.from_hash is None or drafted.to_hash is None:
        return None
    try:
        return await session.diff(drafted.key, drafted.from_hash, drafted.to_hash)
    except CockpitError:
        return None


def _say(options: Options, entry: dict[str, Any], code: int) -> int:
    say(dumps(entry) if options.json else text.preflight(entry, width()))
    return code


def add_to(app: typer.Typer) -> None:
    app.command("preflight")(shared(_preflight))
