"""One file (or folder) per kind of rollout: what it watches, raw objects -> model.Rollout, verb -> its guarded plan."""

from cockpit.strategies.argo import ArgoRollouts
from cockpit.strategies.contract import Strategy
from cockpit.strategies.deployment import Deployments

REGISTRY: tuple[Strategy, ...] = (ArgoRollouts(), Deployments())


def for_kind(kind: str) -> Strategy:
    """The strategy of ``Key.kind``. Raises KeyError for a kind that nothing here handles."""
    for strategy in REGISTRY:
        if strategy.resource.kind == kind:
            return strategy
    raise KeyError(kind)


__all__ = ["REGISTRY", "Strategy", "for_kind"]
