"""The guarded requests to a Rollout: which resource, which subresource, and in words what each does."""

from __future__ import annotations

from collections.abc import Sequence

from cockpit.model.guards import ABORT, FULL, HASH, PAUSED, PAUSES, STEP, UID
from cockpit.model.plan import Intent, Patch
from cockpit.model.resource import ROLLOUTS
from cockpit.model.rollout import Rollout
from cockpit.strategies.patching import Op, drop, guards, put, test


def status(rollout: Rollout, ops: Sequence[Op], why: str) -> Patch:
    """A request to the status subresource; metadata and spec in it can be tested but not changed."""
    return Patch(ROLLOUTS, rollout.key.namespace, rollout.key.name, "status", tuple(ops), why)


def main(rollout: Rollout, ops: Sequence[Op], why: str) -> Patch:
    return Patch(ROLLOUTS, rollout.key.namespace, rollout.key.name, None, tuple(ops), why)


def release(intent: Intent) -> Patch:
    """Clears the controller's pause. ``controllerPause`` stays true: by that the controller knows a human resumed."""
    ops = [*guards(intent.verb, intent.rollout.seen), drop(PAUSES)]
    return status(intent.rollout, ops, "release the controller's pause")


def accept(intent: Intent, index: int) -> Patch:
    """Leaves an inconclusive step behind without its check (facts 1.1, rule 2)."""
    ops = [
        *guards(intent.verb, intent.rollout.seen),
        drop(PAUSES),
        put("/status/controllerPause", False),
        put(STEP, index),
    ]
    return status(intent.rollout, ops, "accept the inconclusive check and go to the next step")


def jump(intent: Intent, index: int) -> Patch:
    ops = [*guards(intent.verb, intent.rollout.seen), put(STEP, index)]
    return status(intent.rollout, ops, f"leave the running step for step {index + 1}")


def promote_full(intent: Intent) -> Patch:
    ops = [*guards(intent.verb, intent.rollout.seen), put(FULL, True)]
    return status(intent.rollout, ops, "promote fully: no pause, no check, 100 %")


def promote_target(rollout: Rollout, target: str) -> Patch:
    """The second stage of a rollback *now*: only while the target is the version being rolled out, and not aborted."""
    seen = rollout.seen
    ops = [
        test(UID, rollout.uid),
        test(HASH, target),
        test(ABORT, seen.get(ABORT)),
        test(PAUSED, seen.get(PAUSED)),
        put(FULL, True),
    ]
    return status(rollout, ops, "promote the target fully: no pause, no check")


def abort(rollout: Rollout) -> Patch:
    """One atomic request: an abort is ignored while promoteFull is still true (argo-rollouts #4461)."""
    ops = [*guards("abort", rollout.seen), put(ABORT, True), put(FULL, False)]
    return status(rollout, ops, "abort: traffic back to the stable version")


def resume_aborted(rollout: Rollout) -> Patch:
    """Lets an abort take effect on a rollout paused by hand; refused by the server unless the abort is in force."""
    ops = [*guards("abort", rollout.seen), test(ABORT, True), put(PAUSED, False)]
    return main(rollout, ops, "resume, so that the abort takes effect")


def retry(intent: Intent) -> Patch:
    ops = [*guards(intent.verb, intent.rollout.seen), put(ABORT, False)]
    return status(intent.rollout, ops, "clear the abort; the update starts again at step 1")


def pause(intent: Intent, paused: bool) -> Patch:
    ops = [*guards(intent.verb, intent.rollout.seen), put(PAUSED, paused)]
    return main(intent.rollout, ops, "pause by hand" if paused else "resume")


def restart(intent: Intent, stamp: str) -> Patch:
    ops = [*guards(intent.verb, intent.rollout.seen), put("/spec/restartAt", stamp)]
    return main(intent.rollout, ops, "restart the pods in place, the stable ones first")


def resume_rolled_back(rollout: Rollout, target: str) -> Patch:
    """The second stage of a rollback of a referenced workload under a paused Rollout."""
    ops = [test(UID, rollout.uid), test(HASH, target), test(PAUSED, True), put(PAUSED, False)]
    return main(rollout, ops, "resume, so that the rollback takes effect")
