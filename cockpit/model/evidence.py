"""Evidence: counts per arm on the 15 s grid, and the readings of an SLI made from them."""

from __future__ import annotations

from typing import Literal

import msgspec

SliKind = Literal["errors", "latency", "saturation", "volume"]
Unit = Literal["ratio", "seconds", "per_second", "cores", "bytes"]


class Sli(msgspec.Struct, frozen=True):
    """What is measured. ``limit`` is absolute (in ``unit``), ``k`` the allowed ratio canary to baseline."""

    name: str
    kind: SliKind
    unit: Unit
    limit: float | None = None
    k: float = 2.0


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


class Evidence(msgspec.Struct, frozen=True):
    """What is known of one SLI for one (uid, hash, attempt). ``judge.fold`` appends a stratum and returns a new one.

    ``log_abort`` and ``log_advance`` are natural logarithms of the two e-values (None until the sequential judge is
    in force). ``phi`` is the over-dispersion, frozen from the hour before.
    """

    sli: Sli
    canary: Counts = Counts()
    baseline: Counts = Counts()
    strata: int = 0
    as_of: float | None = None  # end of the newest stratum folded
    log_abort: float | None = None
    log_advance: float | None = None
    latched_at: float | None = None
    phi: float = 1.0
    blind: Blind | None = None


class Reading(msgspec.Struct, frozen=True):
    """The present value of an SLI for one arm over the display window; None: not known."""

    value: float | None
    as_of: float | None = None
    blind: Blind | None = None
