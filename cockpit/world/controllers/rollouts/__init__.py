"""The Argo Rollouts controller: canary (basic and routed) and blue-green."""

from cockpit.world.controllers.rollouts.controller import Rollouts

__all__ = ["Rollouts"]
