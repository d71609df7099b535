"""What the judge says of many simulated rollouts: false alarms, misses and time to detect, against facts 1.4.

Errors of both arms are drawn per 15 s stratum at a canary share of 10 %; each rollout is looked at after every stratum
for half an hour, as the cockpit does, and by ``fold`` and ``judge`` themselves.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from cockpit.judge import fold, judge
from cockpit.judge.dispersion import dispersion
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Counts, Evidence, Sli, Stratum
from cockpit.model.sli import ERRORS
from cockpit.model.snapshot import Source
from tests.bench.row import Row
from tests.harness import seat

STEPS = 120
SECONDS = 15
_SLI = Sli(ERRORS, "errors", "ratio", ceiling=0.01)


class Setting(NamedTuple):
    """``rps`` of the canary (a tenth of all), the baseline's error rate, the true ratio; ``shape`` of gamma bursts."""

    rps: float
    rate: float
    ratio: float
    shape: float = 0.0


class Story(NamedTuple):
    """Minutes until abort and until ready were first said; None: never."""

    abort: float | None
    ready: float | None


def tell(setting: Setting, rng: random.Random) -> Story:
    """One rollout of half an hour."""
    burst = (lambda: rng.gammavariate(setting.shape, 1 / setting.shape)) if setting.shape else (lambda: 1.0)
    canary, baseline = SECONDS * setting.rps, SECONDS * setting.rps * 9
    before = [_arm(rng, baseline, setting.rate * burst()) for _ in range(240)] if setting.shape else []
    spread = dispersion(before)
    evidence = replace(Evidence(_SLI), phi=spread.phi, phi_strata=spread.strata)
    rollout, source = seat.rollout(), Source("ok", at=seat.NOW)
    ready: float | None = None
    for number in range(STEPS):
        one = _arm(rng, canary, setting.rate * setting.ratio * burst())
        two = _arm(rng, baseline, setting.rate * burst())
        evidence = fold(evidence, Stratum(seat.NOW + SECONDS * number, one, two))
        minutes = (number + 1) * SECONDS / 60
        verdict = judge(Case(rollout, Observed((evidence,)), source, seat.NOW), Policy()).verdict
        if verdict.state == "abort":
            return Story(minutes, ready)
        if verdict.state == "ready" and ready is None:
            ready = minutes
    return Story(None, ready)


def simulate(quick: bool) -> Iterator[Row]:
    """Rows in per cent of the rollouts and in minutes; 400 rollouts for each, 40 in a smoke run."""
    runs = 40 if quick else 400

    def stories(setting: Setting) -> list[Story]:
        rng = random.Random(f"{setting}")
        return [tell(setting, rng) for _ in range(runs)]

    def share(name: str, setting: Setting, bar: float, *, of: str = "abort") -> tuple[Row, list[Story]]:
        told = stories(setting)
        hits = [getattr(story, of) for story in told if getattr(story, of) is not None]
        value = 100.0 * len(hits) / runs
        note = (
            f"{runs} rollouts of 30 min: {setting.rps:g} rps, {setting.rate:.1%} errors, true ratio {setting.ratio:g}"
        )
        if setting.shape:
            note += f", bursts of shape {setting.shape:g}"
        return Row(name, value, "%", bar, note, hits, value <= bar), told

    yield share("false-abort-1rps", Setting(1, 0.01, 1.0), 1.0)[0]
    yield share("false-abort-5rps", Setting(5, 0.01, 1.0), 1.0)[0]
    yield share("abort-at-boundary", Setting(5, 0.01, 2.0), 5.0)[0]
    yield share("ready-at-boundary", Setting(5, 0.01, 2.0), 5.0, of="ready")[0]
    yield share("abort-bursty-1x", Setting(5, 0.01, 1.0, 0.5), 1.0)[0]
    yield share("abort-bursty-2x", Setting(5, 0.01, 2.0, 0.5), 5.0)[0]
    for name, setting, bar in (
        ("5x-at-1rps", Setting(1, 0.01, 5.0), 5.0),
        ("5x-at-5rps", Setting(5, 0.01, 5.0), 1.5),
        ("10x-bursty-5rps", Setting(5, 0.01, 10.0, 0.5), 5.0),
    ):
        row, told = share(f"missed-{name}", setting, 10.0)
        missed = 100.0 - (row.value or 0.0)
        yield Row(row.name, missed, "%", 10.0, row.yardstick, row.samples, missed <= 10.0)
        minutes = [story.abort if story.abort is not None else math.inf for story in told]
        median = statistics.median(minutes)
        found = [minute for minute in minutes if math.isfinite(minute)]
        shown = median if math.isfinite(median) else None
        yield Row(f"median-{name}", shown, "min", bar, f"over all {runs}, missed ones included", found, median <= bar)


def _arm(rng: random.Random, requests: float, rate: float) -> Counts:
    total = _poisson(rng, requests)
    return Counts(min(total, _poisson(rng, requests * rate)), total)


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50.0:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
