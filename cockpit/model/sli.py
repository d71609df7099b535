"""The SLIs every rollout is shown with: names, kinds and units that metrics fill, the judge rows and screens draw."""

from __future__ import annotations

from cockpit.model.evidence import Sli

ERRORS = "errors"
P50 = "p50"
P95 = "p95"
P99 = "p99"
RATE = "rate"
RATE_PER_POD = "rate_per_pod"
CPU = "cpu"
MEMORY = "memory"

STANDARD: dict[str, Sli] = {
    sli.name: sli
    for sli in (
        Sli(ERRORS, "errors", "ratio"),
        Sli(P50, "latency", "seconds"),
        Sli(P95, "latency", "seconds"),
        Sli(P99, "latency", "seconds"),
        Sli(RATE, "volume", "per_second"),  # requests per second of the whole arm
        Sli(RATE_PER_POD, "volume", "per_second"),  # comparable between arms of different size
        Sli(CPU, "saturation", "cores"),  # the median pod's
        Sli(MEMORY, "saturation", "bytes"),  # the median pod's working set
    )
}
"""In the order of the SLI table."""

QUANTILES: dict[str, float] = {P50: 0.50, P95: 0.95, P99: 0.99}
