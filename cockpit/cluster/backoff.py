"""Waiting between attempts: exponential, jittered, reset by health."""

from __future__ import annotations

import random
from collections.abc import Callable

BASE = 0.8
CAP = 30.0
HEALTHY_SECONDS = 120.0
LONGEST_ASKED = 300.0
"""Of a Retry-After: nobody may send us to sleep for a day."""


class Backoff:
    """0.8 s doubling to 30 s, times 1 + a random fraction; starts over after two minutes of health.

    The numbers are client-go's reflector's (facts 2.1.4). The jitter keeps watches that fell together, as when a
    load balancer restarts, from coming back together.
    """

    def __init__(self, wall: Callable[[], float], rng: random.Random, *, base: float = BASE, cap: float = CAP) -> None:
        self._wall = wall
        self._rng = rng
        self._base = base
        self._cap = cap
        self._healthy_since: float | None = None
        self.failures = 0

    def healthy(self) -> None:
        """Note that an attempt works (idempotent while it does)."""
        if self._healthy_since is None:
            self._healthy_since = self._wall()

    def next(self, at_least: float | None = None) -> float:
        """Seconds to wait after a failure; at least what the server asked for (Retry-After)."""
        if self._healthy_since is not None and self._wall() - self._healthy_since >= HEALTHY_SECONDS:
            self.failures = 0
        self._healthy_since = None
        delay = min(self._base * 2.0**self.failures, self._cap)
        self.failures = min(self.failures + 1, 16)
        asked = at_least if at_least is not None and at_least > 0 else 0.0
        return max(delay * (1 + self._rng.random()), min(asked, LONGEST_ASKED))

    def reset(self) -> None:
        """Somebody asked again by hand, or the path is known to be back."""
        self.failures = 0
        self._healthy_since = None
