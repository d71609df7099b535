"""What is put before the judge: a rollout, what was observed of it, and how fresh the sources are."""

from __future__ import annotations

import msgspec

from cockpit.model.evidence import Evidence, Reading, Saturation
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Burn


class Observed(msgspec.Struct, frozen=True):
    """All that Prometheus told about one rollout; a new object whenever anything in it changed.

    ``readings`` maps an SLI's name to its present (canary, baseline) values over the display window.
    """

    evidence: tuple[Evidence, ...] = ()
    readings: dict[str, tuple[Reading, Reading]] = {}
    burn: Burn | None = None
    saturation: tuple[Saturation, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """What is allowed before the evidence says abort; from the settings.

    ``ceiling``: share of errors that no canary needs to beat where no SLO says otherwise.
    """

    ratio: float = 2.0
    burn: float = 10.0
    detect_within: float = 300.0
    ceiling: float = 0.01


class Case(msgspec.Struct, frozen=True):
    """One rollout as the judge sees it. ``observed`` is None when nothing is configured to observe it by.

    ``intervals``: also the 95 % intervals of the ratios, which cost more than all the rest.
    """

    rollout: Rollout
    observed: Observed | None
    prometheus: Source
    now: float  # cluster time
    intervals: bool = False
