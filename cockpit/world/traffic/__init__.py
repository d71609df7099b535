"""The world's traffic: requests split by the truth in the store, counted per pod, told alike by metrics and logs."""

from __future__ import annotations

from cockpit.world.contract import World
from cockpit.world.traffic.ledger import Counts, Traffic

__all__ = ["Counts", "Traffic", "install", "traffic_of"]

_INSTALLED = "traffic"


def install(world: World) -> Traffic:
    """Start the traffic of ``world``, once; before the first object is created, so that no history is missing.

    Sets ``world.telemetry`` and ``world.traffic``, and adds the ledger and the knobs to the control endpoint.
    """
    existing = getattr(world, _INSTALLED, None)
    if isinstance(existing, Traffic):
        return existing
    traffic = Traffic(world)
    world.telemetry = traffic.logs
    setattr(world, _INSTALLED, traffic)
    control = getattr(world, "control", None)
    if control is not None:
        from cockpit.world.traffic.control import add_routes

        add_routes(control, traffic)
    return traffic


def traffic_of(world: World) -> Traffic:
    """The traffic installed in ``world``."""
    return install(world)
