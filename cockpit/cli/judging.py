"""Commands that judge: ``judge`` for counts at hand, ``gate`` for pipelines, ``evidence reset`` for a latch to go."""

from __future__ import annotations

import asyncio
import math
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cockpit.base.errors import ExitCode, NotFound, UsageError
from cockpit.cli.look import RolloutArgument, narrowed
from cockpit.cli.options import Options, shared
from cockpit.cli.output import dumps, say
from cockpit.cli.seat import run
from cockpit.cli.target import find, parse_target
from cockpit.model.evidence import Counts
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot
from cockpit.model.verdict import State, Verdict

if TYPE_CHECKING:
    from cockpit.session import Session

_COUNTS = re.compile(r"(\d{1,15})/(\d{1,15})")
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h)?")
_UNITS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_EXIT: dict[State, ExitCode] = {"ready": ExitCode.DONE, "abort": ExitCode.REFUSED, "blind": ExitCode.UNKNOWN}
_DECIDED = frozenset({"ready", "abort"})


def _judge(
    options: Options,
    canary: Annotated[str, typer.Option("--canary", metavar="ERR/REQ", help="Errors and requests of the canary.")],
    baseline: Annotated[str, typer.Option("--baseline", metavar="ERR/REQ", help="Those of the baseline.")],
    k: Annotated[float, typer.Option("-k", metavar="K", help="The allowed ratio of the error rates.")] = 2.0,
) -> int:
    """Weigh given counts: how much evidence they are, either way."""
    if not (math.isfinite(k) and k > 0):
        raise UsageError(f"-k {k:g} is no ratio; give a number above 0, such as 2")
    found = weighed(_counts("--canary", canary), _counts("--baseline", baseline), k)
    say(dumps(found) if options.json else "\n".join(_told(found, k)))
    return int(ExitCode.DONE)


def weighed(canary: Counts, baseline: Counts, k: float) -> dict[str, Any]:
    """The published object of ``judge``; an unbounded ratio is null there."""
    from msgspec.structs import replace

    from cockpit.judge import fold, ratio, rows, sequential
    from cockpit.judge.waiting import Pace
    from cockpit.model.case import Policy
    from cockpit.model.evidence import Evidence, Stratum
    from cockpit.model.sli import ERRORS, STANDARD

    evidence = fold(
        Evidence(sli=replace(STANDARD[ERRORS], k=k, ceiling=Policy().ceiling)), Stratum(0.0, canary, baseline)
    )
    # How long they were gathered is not known, only that they are all there is: no time of settling in is asked for.
    evidence = replace(evidence, strata=rows.LEAST_STRATA)
    state, reason = rows.judged(evidence, Policy(ratio=k), Pace(None, None))
    interval = ratio.jeffreys_interval(canary, baseline)
    return {
        "ratio": ratio.point(canary, baseline),
        "posterior": ratio.posterior(canary, baseline, k),
        "interval": list(interval) if interval is not None else None,
        "e_abort": sequential.shown(evidence.log_abort or 0.0),
        "e_advance": sequential.shown(evidence.log_advance or 0.0),
        "log_e_abort": evidence.log_abort or 0.0,
        "log_e_advance": evidence.log_advance or 0.0,
        "verdict": state,
        "reason": reason,
    }


def _told(found: dict[str, Any], k: float) -> list[str]:
    def number(value: float | None) -> str:
        return "unknown" if value is None else "unbounded" if math.isinf(value) else f"{value:.4g}"

    low, high = found["interval"] or (None, None)
    return [
        f"verdict    {found['verdict'].upper()} {found['reason']}",
        f"ratio      {number(found['ratio'])}, 95 % {number(low)} to {number(high)}; "
        f"P(ratio > {k:g}) {number(found['posterior'])}",
        f"evidence   {found['e_abort']:.4g} that it is above {k:g}, {found['e_advance']:.4g} that it is below "
        "(20 decides)",
    ]


def _counts(flag: str, text: str) -> Counts:
    match = _COUNTS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{flag} {text[:40]!r} is not ERRORS/REQUESTS, as in 12/3400")
    bad, total = int(match[1]), int(match[2])
    if bad > total:
        raise UsageError(f"{flag} {text[:40]}: more errors than requests")
    return Counts(bad, total)


def _gate(
    options: Options,
    rollout: RolloutArgument,
    timeout: Annotated[str, typer.Option("--timeout", metavar="TIME", help="Wait at most this long: 90s, 10m, 1h.")] = (
        "10m"
    ),
) -> int:
    """Wait for the verdict, for pipelines. Exit 0 ready, 1 abort, 3 blind, 4 not decided in time."""
    target = parse_target(rollout, options.namespace)
    seconds = _seconds(timeout)
    settings = narrowed(options, target)
    scale = settings.world.time_scale
    wall = seconds / scale if scale > 0 else seconds  # a world that runs faster has its time-outs sooner

    async def decided(seat: Session) -> tuple[str, str, Verdict]:
        snapshot = seat.snapshot()
        key = find(snapshot, target).key
        verdict = _verdict(snapshot, key)
        try:
            async with asyncio.timeout(wall):
                while verdict.state not in _DECIDED:
                    snapshot = await seat.changed(snapshot.version)
                    if key not in snapshot.rollouts:
                        raise NotFound(f"{key} is gone: it was deleted")
                    verdict = _verdict(snapshot, key)
        except TimeoutError:
            pass
        return key.namespace, key.name, verdict

    namespace, name, verdict = run(settings, decided)
    in_time = verdict.state in _DECIDED
    if options.json:
        say(
            dumps(
                {
                    "namespace": namespace,
                    "name": name,
                    "verdict": verdict.state,
                    "reason": verdict.reason,
                    "sli": verdict.sli,
                    "latched_at": verdict.latched_at,
                    "timed_out": not in_time,
                }
            )
        )
    else:
        late = "" if in_time else f" (not decided within {timeout})"
        say(f"{verdict.state.upper()} {verdict.reason}{late}")
    return int(_EXIT.get(verdict.state, ExitCode.NOT_YET))


def _verdict(snapshot: Snapshot, key: Key) -> Verdict:
    assessment = snapshot.assessments.get(key)
    return assessment.verdict if assessment is not None else Verdict("unjudged", "not judged yet")


def _seconds(text: str) -> float:
    match = _SPAN.fullmatch(text.strip())
    if match is None or (seconds := float(match[1]) * _UNITS[match[2]]) <= 0:
        raise UsageError(f"--timeout {text[:40]!r} is no time; write 90s, 10m or 1h")
    return seconds


def _reset(
    options: Options,
    rollout: RolloutArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; goes into the journal.")],
) -> int:
    """Set the evidence on the version in flight aside: a latched abort goes, and counting begins anew."""
    if not reason.strip():
        raise UsageError("--reason is empty; say why the evidence does not hold")
    target = parse_target(rollout, options.namespace)

    async def reset(seat: Session) -> dict[str, Any]:
        key = find(seat.snapshot(), target).key
        said = await seat.reset_evidence(key, reason)
        return {
            "verb": "evidence-reset",
            "namespace": key.namespace,
            "name": key.name,
            "result": "done",
            "reason": said,
        }

    done = run(narrowed(options, target), reset)
    say(dumps(done) if options.json else done["reason"])
    return int(ExitCode.DONE)


def add_to(app: typer.Typer) -> None:
    app.command("judge")(shared(_judge))
    app.command("gate")(shared(_gate))
    evidence = typer.Typer(help="What verdicts rest on.", rich_markup_mode=None, no_args_is_help=True)
    evidence.command("reset")(shared(_reset))
    # A group with a single command would swallow its name.
    evidence.callback()(lambda: None)
    app.add_typer(evidence, name="evidence")
