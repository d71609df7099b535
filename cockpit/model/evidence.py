"""Evidence: counts per arm on the 15 s grid, and the readings of an SLI made from them."""

from __future__ import annotations

from typing import Literal

import msgspec

SliKind = Literal["errors", "latency", "saturation", "volume"]
Unit = Literal["ratio", "seconds", "per_second", "cores", "bytes"]


class Sli(msgspec.Struct, frozen=True):
    """What is measured. ``limit`` is absolute (in ``unit``), ``k`` the allowed ratio canary to baseline.

    ``alpha`` is this SLI's part of the chance of a false alarm (all parts add up to 0.05). ``ceiling`` is the share of
    bad events that is fine whatever the baseline does; ``threshold`` the frozen latency (seconds) above which a request
    is bad.
    """

    name: str
    kind: SliKind
    unit: Unit
    limit: float | None = None
    k: float = 2.0
    alpha: float = 0.05
    ceiling: float | None = None
    threshold: float | None = None


class Counts(msgspec.Struct, frozen=True):
    """Events of one arm: ``bad`` of ``total`` requests (errors, or slower than the threshold)."""

    bad: int = 0
    total: int = 0


class Stratum(msgspec.Struct, frozen=True):
    """One cell of the grid: what both arms did in ``[start, start + 15 s)`` of evidence time."""

    start: float
    canary: Counts
    baseline: Counts


class Blind(msgspec.Struct, frozen=True):
    """Data that should be there and is not; ``code`` is one of facts 3.4."""

    code: str
    reason: str
    since: float | None = None


Cause = Literal["ratio", "late", "burn"]
"""What latched: evidence since the start, evidence since a later moment, or budget burnt beyond the baseline's."""


Proof = Literal["ratio", "ceiling"]
"""Why the canary is fine: surely below k times the baseline, or surely below what is allowed anyway."""


class Evidence(msgspec.Struct, frozen=True):
    """What is known of one SLI for one (uid, hash, attempt). ``judge.fold`` appends a stratum and returns a new one.

    ``log_abort`` and ``log_advance`` are natural logarithms of the two e-values, ``log_recent`` that of the evidence of
    the last quarter of an hour; None before the first stratum. ``phi`` is the over-dispersion, frozen from the hour
    before on ``phi_strata`` strata (fewer than 40: not known, 1). ``latched_at`` is evidence time. ``proven``
    once reached stays until the evidence for it is gone, not merely a little less.

    ``abort`` to ``late_done`` are the state of the fold and nothing to draw (``judge.sequential``, ``judge.late``).
    """

    sli: Sli
    canary: Counts = Counts()
    baseline: Counts = Counts()
    strata: int = 0
    as_of: float | None = None  # end of the newest stratum folded
    log_abort: float | None = None
    log_advance: float | None = None
    log_recent: float | None = None
    latched_at: float | None = None
    latched_by: Cause | None = None
    proven: Proof | None = None
    phi: float = 1.0
    phi_strata: int = 0
    unseen: int = 0  # at most this many requests of the canary died before a scrape could see them
    blind: Blind | None = None
    abort: tuple[float, ...] = ()
    advance: tuple[float, ...] = ()
    held_canary: Counts = Counts()  # waits until both arms have requests
    held_baseline: Counts = Counts()
    late: tuple[tuple[float, ...], ...] = ()  # newest first
    late_started: int = 0
    late_done: float = 0.0


class Saturation(msgspec.Struct, frozen=True):
    """How full a resource is: use of the median pod over its limit (ratio), and whether it has been full for a while.

    ``limit`` is the canary pod's, in the unit of the SLI; ``full_in`` seconds until it is met at the present growth.
    """

    name: str
    canary: float | None = None
    baseline: float | None = None
    canary_full: bool = False
    baseline_full: bool = False
    limit: float | None = None
    full_in: float | None = None


class Reading(msgspec.Struct, frozen=True):
    """The present value of an SLI for one arm over the display window; None: not known."""

    value: float | None
    as_of: float | None = None
    blind: Blind | None = None
