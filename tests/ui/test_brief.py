"""The judge's sentences in a table cell, held against what the judge really says."""

from __future__ import annotations

import pytest

from cockpit.judge import words
from cockpit.model.evidence import Counts, Evidence
from cockpit.model.sli import STANDARD
from screens.parts.brief import brief

CELL = 18
"""Cells that 120 columns leave for a reason."""


def evidence(name: str = "errors") -> Evidence:
    return Evidence(STANDARD[name], Counts(870, 22095), Counts(188, 66_000), 60, 0.0)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (words.beside(evidence()), "err 13.8× base"),
        (f"{words.beside(evidence())}; surely below 2x", "err 13.8× base"),
        (f"fully promoted, but it was against the evidence: {words.beside(evidence())}", "err 13.8× before"),
        (f"fully promoted; vs before: {words.beside(evidence())}; looks worse, not proven", "err 13.8× before"),
        (f"aborted; over its life {words.beside(evidence())}", "was err 13.8×"),
        (f"returning version: {words.beside(evidence())}", "err 13.8× base"),
        ("p95: slower than 250 ms 8.65 % vs 0.36 % (24.1x, n=82516), now 1.1x", "p95 slow 24.1×"),
        ("2 of 2 pods of the canary are in a crash loop (14 restarts, last exit Error 1)", "crash loop 2/2"),
        ("3 of 3 pods of the canary are out of memory (OOMKilled) (20 restarts)", "OOM killed 3/3"),
        ("2 of 2 pods of the canary cannot start: ImagePullBackOff", "no image 2/2"),
        ("1 of 2 pods of the canary cannot start: CreateContainerConfigError", "cannot start 1/2"),
        ("step 3 is stuck: analysis email-4-2 is inconclusive: delivered = [0.97]; query gets(x)", "check undecided"),
        ("step 3 is stuck: analysis email-4-2 gets no data: delivered = nothing", "check: no data"),
        ("Prometheus cannot scrape the canary: its targets are down", "C targets down"),
        ("Prometheus has no scrape target for the baseline's pods", "B not scraped"),
        ("http_requests_total exists for the baseline, not for the canary", "C has no metric"),
        ("the newest sample of the canary is 94 s old", "canary stale 94 s"),
        ("no request reached the canary for 90 s at 25%", "no traffic 90 s"),
        ("136 of 680 requests without errors until it is surely below 1.00 %, about 2 min", "136/680 requests"),
        (f"{words.beside(evidence())}; 41 of 249 requests, about 2 min at this rate", "41/249 requests"),
        (f"{words.beside(evidence())}; above 2x, not proven; 41 of 249 requests", "err 13.8× base"),
        ("rolled back to rev 5, flipped back by argo 5s later", "flipped back by argo"),
        ("rolled back to rev 5, changed to rev 9 by kubectl 5s later", "changed to rev 9 by kubectl"),
        ("cpu at 93% of its limit, baseline 40%", "cpu at 93%"),
    ],
)
def test_a_cell_says_what_and_how_much(reason: str, said: str) -> None:
    assert brief(reason, CELL) == said


def test_what_fits_and_what_has_no_short_form_stay_whole() -> None:
    assert brief("fully promoted", CELL) == "fully promoted"
    assert brief("errors 3.93 % vs 0.28 % (13.8x, n=22095)", 60).startswith("errors 3.93 %")
    assert brief("something that nobody foresaw here", CELL) == "something that nobody foresaw here"
