"""Commands that change a rollout: draft from one first read, ask for the tier's consent, say what was observed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cockpit.base.errors import ExitCode, UsageError
from cockpit.cli import report
from cockpit.cli.journal import head_after
from cockpit.cli.look import RolloutArgument, narrowed
from cockpit.cli.options import Options, shared
from cockpit.cli.output import EXIT, complain, dumps, say, width
from cockpit.cli.seat import run
from cockpit.cli.target import Target, find, parse_target
from cockpit.cli.text import command as typed
from cockpit.cli.text import wrapped
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.rollout import Rollout

if TYPE_CHECKING:
    from cockpit.session import Session

_HELP: dict[Verb, str] = {
    "advance": "Release the pause; runs on to the next pause or check.",
    "skip": "Skip the step that is running.",
    "full": "Promote to 100 % at once, skipping steps and checks.",
    "pause": "Hold a rollout by hand.",
    "resume": "Lift a hold by hand.",
    "abort": "Take all traffic off the canary.",
    "retry": "Try an aborted rollout again.",
    "restart": "Restart the pods of a rollout.",
}


_PLAN_INDENT = 13
"""Where the text of a plan's lines begins; the longest label is ``pre-flight``."""


class Given(msgspec.Struct, frozen=True):
    """What the flags of a verb say."""

    reason: str | None
    yes: bool
    confirm: str | None
    dry_run: bool
    at_step: int | None
    at_hash: str | None
    to: str | None = None
    now: bool | None = None
    choice: str | None = None
    overrides: tuple[str, ...] = ()


Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; goes into the journal.")]
Yes = Annotated[bool, typer.Option("--yes", help="Confirm, as the y of the dialog does.")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="Confirm by the rollout's name; includes --yes.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the exact requests and send nothing.")]
AtStep = Annotated[
    int | None, typer.Option("--at-step", metavar="I", help="Refuse unless it stands at this step (from 0).")
]
AtHash = Annotated[
    str | None, typer.Option("--hash", metavar="H", help="Refuse unless its newest version has this pod template hash.")
]


async def perform(
    session: Session, target: Target, verb: Verb, given: Given, say_plan: Callable[[Plan], None]
) -> Outcome:
    """Draft, check what the flags demand, send, observe. Expected failures are outcomes; only finding it can raise."""
    snapshot = session.snapshot()
    rollout = find(snapshot, target)
    assessment = snapshot.assessments.get(rollout.key)
    intent = Intent(
        verb=verb,
        rollout=rollout,
        verdict=assessment.verdict if assessment else None,
        to=given.to,
        now=given.now,
        choice=given.choice,
        at=session.now(),
        at_step=given.at_step,
        at_hash=given.at_hash,
    )
    drafted = await session.plan(intent)
    if isinstance(drafted, Refusal):
        choices = "".join(f"; --choose {choice}: {text}" for choice, text in drafted.choices)
        return _unsent(verb, rollout, drafted.result, drafted.reason + choices)
    if given.dry_run:
        say_plan(drafted)
        return await session.dry_run(intent, drafted)
    consent = Consent(given.yes or given.confirm is not None, given.confirm, given.reason, given.overrides)
    if (needed := _needed(drafted, consent)) is not None:
        say_plan(drafted)
        return _unsent(verb, rollout, "refused", needed, drafted)
    for text in drafted.warnings:  # whoever confirms in the same command has seen no dialog
        complain(f"warning: {text}")
    return await session.execute(intent, drafted, consent, lambda line: complain(line) if sys.stderr.isatty() else None)


def _needed(plan: Plan, consent: Consent) -> str | None:
    """What the consent lacks, with the checks that ask for it; None when it suffices."""
    from cockpit.actions.consent import missing
    from cockpit.actions.preflight.runner import lacking

    told = missing(plan, consent)
    if plan.preflight is None or (told is not None and consent.name is not None):
        return told
    return lacking(plan.preflight, consent, plan) or told


def _requests(plan: Plan) -> list[dict[str, Any]]:
    """The exact requests, without the secrets that a pod template may carry."""
    from cockpit.actions.wire import shown  # lazily: the screens' first frame waits for this module too

    return [shown(patch) for patch in plan.patches]


def _unsent(verb: Verb, rollout: Rollout, result: Any, reason: str, plan: Plan | None = None) -> Outcome:
    return Outcome(
        verb=verb,
        namespace=rollout.key.namespace,
        name=rollout.key.name,
        result=result,
        requests=tuple(_requests(plan)) if plan else (),
        observed=None,
        op_id=None,
        reason=reason,
    )


def plan_text(plan: Plan, columns: int = 80) -> str:
    """A plan as the dialog shows it: title, effect lines, warnings, and each request with its exact body.

    Only the requests may be wider than ``columns``: they are there to be copied.
    """
    told = [*plan.lines, *(("warning", text) for text in plan.warnings)]
    if len(plan.sequence) > 1:
        told += [(f"stage {number}", text) for number, text in enumerate(plan.sequence, 1)]
    lines = [f"{plan.title} {plan.key.kind.lower()} {plan.key}"]
    for label, text in told:
        lines += wrapped(f"  {label}", text, columns, _PLAN_INDENT)
    for sent in _requests(plan):
        lines.append(f"{'  sends':<{_PLAN_INDENT}}{sent['method']} {sent['path']}?{sent['query']}")
        lines.append(f"{'':<{_PLAN_INDENT}}{sent['content_type']}: {sent['why']}")
        lines += [f"{'':<{_PLAN_INDENT}}{dumps(operation, indent=None)}" for operation in sent["body"]]
    return "\n".join(lines)


def outcome_text(ended: Outcome) -> str:
    """One line: what was asked, the result, what was observed, and the journal's id."""
    said = "; ".join(part for part in (ended.observed, ended.reason) if part)
    if not said.startswith(f"{ended.result}, "):  # "accepted, but not verified" says its result itself
        said = f"{ended.result}: {said}" if said else ended.result
    tail = f" [{ended.op_id}]" if ended.op_id else ""
    return f"{typed(ended.verb)} {ended.namespace}/{ended.name}: {said}{tail}"


def act(options: Options, rollout: str, verb: Verb, given: Given) -> int:
    """Run one verb as a command; returns the exit code."""
    target = parse_target(rollout, options.namespace)

    def say_plan(plan: Plan) -> None:
        if not options.json:
            say(plan_text(plan, width()))

    async def acting(session: Session) -> Outcome:
        return await perform(session, target, verb, given, say_plan)

    try:
        ended = run(narrowed(options, target), acting)
    except KeyboardInterrupt:
        complain("interrupted; what was sent is in the journal and is settled against the cluster at the next start")
        return int(ExitCode.UNKNOWN)
    head = head_after(options, ended.op_id)
    if options.json:
        say(dumps({**report.outcome(ended), "journal_head": head}))
    else:
        say(outcome_text(ended) + (f"\njournal head {head}" if head else ""))
    return int(EXIT[ended.result])


def _plain(verb: Verb) -> Callable[..., int]:
    """A verb without flags of its own."""

    def command(
        options: Options,
        rollout: RolloutArgument,
        reason: Reason = None,
        yes: Yes = False,
        confirm: Confirm = None,
        dry_run: DryRun = False,
        at_step: AtStep = None,
        at_hash: AtHash = None,
    ) -> int:
        return act(options, rollout, verb, Given(reason, yes, confirm, dry_run, at_step, at_hash))

    command.__doc__ = _HELP[verb]
    return command


def _advance(
    options: Options,
    rollout: RolloutArgument,
    reason: Reason = None,
    yes: Yes = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    at_step: AtStep = None,
    at_hash: AtHash = None,
    choose: Annotated[
        str | None,
        typer.Option("--choose", metavar="CHOICE", help="After an inconclusive check: again, or accept it as it is."),
    ] = None,
) -> int:
    return act(options, rollout, "advance", Given(reason, yes, confirm, dry_run, at_step, at_hash, choice=choose))


def _rollback(
    options: Options,
    rollout: RolloutArgument,
    to: Annotated[str, typer.Option("--to", metavar="stable|last-good|REV|DIGEST", help="The version to return to.")],
    now: Annotated[
        bool | None, typer.Option("--now/--through-steps", help="At once, or through the rollout's steps.")
    ] = None,
    reason: Reason = None,
    yes: Yes = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    at_step: AtStep = None,
    at_hash: AtHash = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--override", metavar="CHECK", help="Go past a check that blocks; needs --confirm NAME."),
    ] = None,
) -> int:
    """Return to an earlier version (stable, last-good, ...)."""
    from cockpit.actions.preflight.catalogue import CHECKS

    names = [check.name for check in CHECKS]
    for name in override or ():
        if name not in names:
            raise UsageError(f"--override {name}: there is no such check; there are {', '.join(names)}")
    if not to.strip():
        raise UsageError("--to names no version; say stable, last-good, a revision or a digest")
    given = Given(reason, yes, confirm, dry_run, at_step, at_hash, to=to, now=now, overrides=tuple(override or ()))
    return act(options, rollout, "rollback", given)


_advance.__doc__ = _HELP["advance"]
_WITH_OWN_FLAGS: Sequence[tuple[Verb, Callable[..., int]]] = (("advance", _advance), ("rollback", _rollback))


def add_to(app: typer.Typer) -> None:
    own = dict(_WITH_OWN_FLAGS)
    for verb in (*_HELP, "rollback"):
        app.command(verb)(shared(own.get(verb) or _plain(verb)))
