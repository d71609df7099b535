"""The rollback window (spec.rollbackWindow, Argo 1.4): going back to a recent ReplicaSet runs no step and no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cockpit.base.clock import parse_time
from cockpit.model.rollout import Rollout
from cockpit.strategies.values import mapping

_EXPERIMENT = "experiment.argoproj.io/name"


def within(created: float | None, stable: float | None, all_created: Sequence[float | None], revisions: int) -> bool:
    """Whether the controller would skip the steps of a return to a ReplicaSet (facts/argo-rollouts.md 1.5).

    It has to be older than the stable one, with fewer than ``revisions`` ReplicaSets between the two; those of
    experiments do not count. ``created``: cluster unix seconds.
    """
    if revisions <= 0 or created is None or stable is None or created >= stable:
        return False
    return sum(created < each < stable for each in all_created if each is not None) < revisions


def applies(chosen: Mapping[str, Any], sets: Sequence[Mapping[str, Any]], rollout: Rollout) -> bool:
    """The same for a ReplicaSet as read from the server, among those of the rollout."""
    stable = rollout.baseline.created_at if rollout.baseline is not None else None
    known = [
        _created(raw) for raw in sets if _EXPERIMENT not in mapping(mapping(raw.get("metadata")).get("annotations"))
    ]
    return within(_created(chosen), stable, known, rollout.rollback_window)


def _created(raw: Mapping[str, Any]) -> float | None:
    stamp = mapping(raw.get("metadata")).get("creationTimestamp")
    return parse_time(stamp) if isinstance(stamp, str) else None
