"""From a followed rollout to what the judge is given: evidence, present readings, burn, and each blind spot named."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from cockpit.config import SloSettings
from cockpit.metrics.blind import Up, blind_spot
from cockpit.metrics.burn import Past, burn_of
from cockpit.metrics.counters import Pod
from cockpit.metrics.follow import Follow
from cockpit.metrics.history import ROLES
from cockpit.metrics.readings import blank, readings
from cockpit.model.case import Observed
from cockpit.model.evidence import Blind, Evidence
from cockpit.model.rollout import Role
from cockpit.model.sli import CPU, ERRORS, MEMORY, QUANTILES, RATE, RATE_PER_POD, STANDARD


def observe(
    follow: Follow,
    metric: str,
    missing: Mapping[str, Blind],
    ups: Mapping[Pod, Up] | None,
    slo: SloSettings | None,
    past: Mapping[float, Past],
) -> Observed:
    """The newest picture of one rollout. ``missing`` maps a source of the preset to why it gave nothing, or not all."""
    requests = missing.get("requests")
    blind: dict[Role, Blind | None] = {role: blind_spot(follow, role, metric, ups, requests) for role in ROLES}
    without = {name: missing[name] for name in (CPU, MEMORY) if name in missing}
    if "latency" in missing:
        without |= dict.fromkeys(QUANTILES, missing["latency"])
    if requests is not None:
        without |= dict.fromkeys((ERRORS, RATE, RATE_PER_POD), requests)
    return Observed(
        evidence=(replace(follow.evidence, blind=blind["canary"]),),
        readings=readings(follow.history, blind, without, finished=follow.with_before),
        burn=burn_of(follow, slo, past) if slo is not None else None,
    )


def unseen(evidence: Evidence, blind: Blind) -> Observed:
    """Nothing can be read at present: counts stay what they were, every reading is unknown for the same reason."""
    return Observed(evidence=(replace(evidence, blind=blind),), readings=blank(tuple(STANDARD), blind))
