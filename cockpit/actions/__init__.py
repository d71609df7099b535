"""The only code that can change a cluster: plans, tiers, the gateway, observation and settlement."""

from cockpit.actions.actions import Actions
from cockpit.actions.settle import Settlement, this_process

__all__ = ["Actions", "Settlement", "this_process"]
