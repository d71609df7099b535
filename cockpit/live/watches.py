"""Which resources are reflected: what the strategies ask for, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cockpit.model.resource import Resource
from cockpit.strategies.contract import Strategy


def watched(strategies: Sequence[Strategy]) -> dict[Resource, tuple[type[Any], bool]]:
    """Each resource once, whoever asks for it, with its row and whether its absence is no gap.

    Workloads come first: they are what is drawn first. Raises TypeError when two strategies differ about a row.
    """
    mains = {strategy.resource for strategy in strategies}
    watches = [watch for strategy in strategies for watch in strategy.watches]
    found: dict[Resource, tuple[type[Any], bool]] = {}
    for watch in sorted(watches, key=lambda watch: watch.resource not in mains):
        row, optional = found.get(watch.resource, (watch.row, True))
        if row is not watch.row:
            raise TypeError(f"two strategies keep different rows of {watch.resource.plural}")
        found[watch.resource] = (row, optional and watch.optional)
    return found
