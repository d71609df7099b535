"""What may have died unseen: requests that a pod counted after its last scrape end with it (facts, correction 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cockpit.metrics.counters import Pod


class Lost:
    """Bounds the canary's unseen requests by what its pods counted in the scrape interval before they went away."""

    def __init__(self) -> None:
        self._pods: dict[Pod, tuple[int, int]] = {}  # -> (newest step with a sample, growth in it)
        self._restarts = 0
        self._newest = 0

    def step(self, index: int, present: Iterable[Pod], grown: Mapping[Pod, int], resets: Iterable[Pod]) -> None:
        """One grid step: the pods that had a sample, by how much each grew, and whose counters began anew."""
        self._newest = index
        for pod in resets:
            self._restarts += self._pods.get(pod, (0, 0))[1]
        for pod in present:
            before = self._pods.get(pod, (0, 0))[1]
            # Scraped every 30 s, a pod shows nothing new in every other step: the growth before still tells its pace.
            self._pods[pod] = (index, grown.get(pod, 0) or before)

    @property
    def requests(self) -> int:
        """At most about this many: growth before each restart, and before each end of a pod."""
        return self._restarts + sum(grown for index, grown in self._pods.values() if index < self._newest)
