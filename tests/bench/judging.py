"""judge-tick: judging one rollout for one tick."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cockpit.judge import fold, judge
from cockpit.model.case import Case, Observed, Policy
from cockpit.model.evidence import Counts, Evidence, Reading, Sli, Stratum
from cockpit.model.snapshot import Source
from tests.bench.row import Row, row
from tests.harness import seat


def tick(quick: bool) -> Iterator[Row]:
    """One stratum folded into each of four SLIs, and the verdict."""
    slis = [Sli("errors", "errors", "ratio"), *(Sli(name, "latency", "seconds") for name in ("p50", "p95", "p99"))]
    evidence = [Evidence(sli) for sli in slis]
    policy, source, rollout = Policy(), Source("ok", at=seat.NOW), seat.rollout()
    reading = Reading(0.01, seat.NOW)
    samples = []
    for number in range(500 if quick else 5000):
        stratum = Stratum(seat.NOW + 15 * number, Counts(number % 3, 100), Counts(number % 2, 300))
        began = time.perf_counter()
        evidence = [fold(each, stratum) for each in evidence]
        observed = Observed(tuple(evidence), {sli.name: (reading, reading) for sli in slis})
        judge(Case(rollout, observed, source, seat.NOW + 15 * number), policy)
        samples.append((time.perf_counter() - began) * 1000)
    yield row("judge-tick", samples, "ms", 0.5, "median; four SLIs folded and judged")
