"""How an act is written into a Kubernetes Event and read back by other seats."""

from __future__ import annotations

from collections.abc import Mapping

CONTROLLER = "rollout-cockpit.dev/cockpit"
"""``reportingController`` of our Events."""
OP_ID = "rollout-cockpit.dev/op-id"
VERB = "rollout-cockpit.dev/verb"
ACTOR = "rollout-cockpit.dev/actor"
REASON = "rollout-cockpit.dev/reason"
SEAT = "rollout-cockpit.dev/seat"

DONE: Mapping[str, str] = {
    "advance": "advanced",
    "skip": "skipped a step",
    "full": "promoted in full",
    "pause": "paused",
    "resume": "resumed",
    "abort": "aborted",
    "retry": "tried again",
    "restart": "restarted",
    "rollback": "rolled back",
    "suspend": "suspended auto-sync",
    "unsuspend": "resumed auto-sync",
}
"""What a seat did, by verb."""

FLIPPED = "flipped back"
"""``observed`` of the second outcome of a rollback that did not last."""
