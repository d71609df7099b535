"""Prometheus: client, presets, counters on the grid, and the sampler that turns them into evidence."""

from cockpit.metrics.sampler import Sampler

__all__ = ["Sampler"]
