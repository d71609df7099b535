"""Over-dispersion: how much burstier than chance errors arrive, measured on the baseline beforehand (facts 1.3c)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cockpit.model.evidence import Counts

ENOUGH = 40
"""Strata with requests that make an estimate worth using: ten minutes."""

BURSTY = 2.0
"""Above this the screen says that the evidence is discounted."""


class Dispersion(NamedTuple):
    """``phi`` divides the logarithm of the evidence; 1 is chance. ``strata``: how many it was measured on."""

    phi: float
    strata: int

    @property
    def known(self) -> bool:
        return self.strata >= ENOUGH

    @property
    def bursty(self) -> bool:
        return self.known and self.phi > BURSTY


def dispersion(baseline: Sequence[Counts]) -> Dispersion:
    """``max(1, sum((b_i - lam n_i)^2 / (lam n_i)) / (m - 1))`` over strata with requests; 1 while too few are known."""
    strata = [counts for counts in baseline if counts.total]
    bad, total = sum(counts.bad for counts in strata), sum(counts.total for counts in strata)
    if len(strata) < ENOUGH or not bad:
        return Dispersion(1.0, len(strata))
    rate = bad / total
    chi = sum((counts.bad - rate * counts.total) ** 2 / (rate * counts.total) for counts in strata)
    return Dispersion(max(1.0, chi / (len(strata) - 1)), len(strata))
