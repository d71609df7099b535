"""From a followed rollout to what the judge is given: evidence, present readings, burn, and each blind spot named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from cockpit.config import SloSettings
from cockpit.judge.rows import EXPECTED
from cockpit.metrics.blind import MISCONFIGURED, Up, blind_spot, latency_spot, own_spot
from cockpit.metrics.burn import Past, Spent, burn_of
from cockpit.metrics.counters import Pod
from cockpit.metrics.follow import Follow
from cockpit.metrics.history import ROLES
from cockpit.metrics.objectives import Objective
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
    declared: Objective | None = None,
    spent: Spent | None = None,
    fault: str | None = None,
) -> Observed:
    """The newest picture of one rollout. ``missing`` maps a source of the preset to why it gave nothing, or not all.

    ``fault``: why the objective of the settings cannot be used. Errors are not judged ready by any other then.
    """
    requests = missing.get("requests")
    blind: dict[Role, Blind | None] = {role: blind_spot(follow, role, metric, ups, requests) for role in ROLES}
    without = {name: missing[name] for name in (CPU, MEMORY) if name in missing}
    if "latency" in missing:
        without |= dict.fromkeys(QUANTILES, missing["latency"])
    if requests is not None:
        without |= dict.fromkeys((ERRORS, RATE, RATE_PER_POD), requests)
    counting = follow.counting
    return Observed(
        evidence=tuple(_evidence(follow, blind, missing, Blind(MISCONFIGURED, fault) if fault else None)),
        readings=readings(follow.history, blind, without, finished=follow.with_before),
        burn=burn_of(follow, slo, past, declared, spent) if slo is not None else None,
        saturation=counting.gauges.saturation(follow.history),
    )


def _evidence(
    follow: Follow, blind: Mapping[Role, Blind | None], missing: Mapping[str, Blind], fault: Blind | None
) -> Iterator[Evidence]:
    """Every SLI that is counted, each with its own blind spot."""
    arms = _either(blind)
    for item in follow.evidence:
        name = item.sli.name
        if name == ERRORS:
            yield replace(item, blind=fault or arms)
        elif name in QUANTILES:
            yield replace(item, blind=arms or latency_spot(follow, item.sli, missing.get("latency")))
        else:
            yield replace(item, blind=arms or missing.get(name) or own_spot(follow, item))


def _either(blind: Mapping[Role, Blind | None]) -> Blind | None:
    """The canary's gap; the baseline's only where it is a real one, since a canary may well stand alone."""
    canary, baseline = blind["canary"], blind["baseline"]
    if canary is not None and canary.code not in EXPECTED:
        return canary
    if baseline is not None and baseline.code not in EXPECTED:
        return baseline
    return canary


def unseen(evidence: tuple[Evidence, ...], blind: Blind) -> Observed:
    """Nothing can be read at present: counts stay what they were, every reading is unknown for the same reason."""
    known = [item for item in evidence if item.strata or item.sli.name == ERRORS]
    return Observed(
        evidence=tuple(replace(item, blind=blind) for item in known), readings=blank(tuple(STANDARD), blind)
    )
