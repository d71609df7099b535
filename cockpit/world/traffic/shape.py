"""What one pod's requests look like under a profile: routes, codes, latency buckets, and when faults begin."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from cockpit.world.contract import Profile

ROUTES: tuple[tuple[str, str, float], ...] = (
    ("GET", "/api/items", 0.55),
    ("GET", "/api/items/{id}", 0.30),
    ("POST", "/api/orders", 0.15),
)
"""(method, route, share of the requests)."""

NOT_FOUND = 0.01
"""Share of successful answers that are a 404; a client's mistake, no error of the service."""

UNAVAILABLE = 0.2
"""Share of errors that are a 503; the others are a 500."""

EDGES: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf)
"""Upper bounds of the latency buckets in seconds."""

EDGE_TEXT: tuple[str, ...] = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")

CELLS: tuple[tuple[int, str], ...] = (
    *((route, "200") for route in range(3)),
    (1, "404"),
    *((route, "500") for route in range(3)),
    *((route, "503") for route in range(3)),
)
"""(route, code) of each request counter, in the order counters are kept."""

FIRST_ERROR = 4
"""Index of the first cell of an error."""

ORDERS_OK = len(CELLS)
ORDERS_FAILED = ORDERS_OK + 1
WIDTH = ORDERS_FAILED + 1
"""Number of integer counters of a pod: the cells, then orders by result."""

IDLE_CORES = 0.004
"""What a pod burns without any request."""

_HEALTHY = Profile()
_NORMAL = NormalDist()


def effective(profile: Profile, *, faulty: bool) -> Profile:
    """The profile before its onset: errors, latency and bursts of a healthy version."""
    return profile if faulty else _before_onset(profile)


@lru_cache(maxsize=512)
def _before_onset(profile: Profile) -> Profile:
    return Profile(
        error_rate=_HEALTHY.error_rate,
        latency_median=_HEALTHY.latency_median,
        latency_sigma=_HEALTHY.latency_sigma,
        cpu_per_request=profile.cpu_per_request,
        memory=profile.memory,
        orders=profile.orders,
        log_line=None,
        metrics=profile.metrics,
        scrape=profile.scrape,
        reach=profile.reach,
        edges=profile.edges,
    )


class Latency:
    """A log-normal latency cut into buckets: conditional probabilities for splitting, and the mean within each."""

    __slots__ = ("chain", "cumulative", "means")

    def __init__(self, median: float, sigma: float) -> None:
        location, sigma = math.log(max(median, 1e-6)), max(sigma, 1e-3)

        def below(edge: float, shift: float = 0.0) -> float:
            return 1.0 if math.isinf(edge) else _NORMAL.cdf((math.log(edge) - location) / sigma - shift)

        self.cumulative = tuple(below(edge) for edge in EDGES)
        shares = [high - low for low, high in pairwise((0.0, *self.cumulative))]
        left, chain = 1.0, []
        for share in shares:
            chain.append(min(1.0, share / left) if left > 1e-12 else 1.0)
            left -= share
        self.chain = tuple(chain)
        mean = math.exp(location + sigma * sigma / 2)
        partial = [mean * (b - a) for a, b in pairwise((0.0, *(below(edge, sigma) for edge in EDGES)))]
        self.means = tuple(
            part / share if share > 1e-9 else min(edge, 2 * EDGES[-2])
            for part, share, edge in zip(partial, shares, EDGES, strict=True)
        )


@lru_cache(maxsize=512)
def latency_of(median: float, sigma: float) -> Latency:
    return Latency(median, sigma)
