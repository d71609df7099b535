"""The proof of a rollback: what every pod of the target's ReplicaSet really runs, against the target's digests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from cockpit.actions.ports import Picture
from cockpit.actions.watching import Deadline, next_picture
from cockpit.base.errors import CockpitError, NotFound
from cockpit.base.text import clean
from cockpit.model.artifact import Sameness
from cockpit.model.plan import Plan
from cockpit.model.resource import PODS, REPLICASETS
from cockpit.model.rollout import Rollout
from cockpit.strategies.contract import Reader
from cockpit.strategies.image import read_image_id
from cockpit.strategies.values import count, items, mapping, objects, plural, text

Compare = Callable[[str, str], Sameness]
"""(declared digest, imageID as the kubelet reports it) -> how the two relate (``registry.Equivalence.compare``)."""


class Proof(msgspec.Struct, frozen=True):
    """``proven`` alone makes a rollback done. ``pending``: a container has not said yet what it runs."""

    state: Literal["proven", "mismatch", "unresolved", "pending"]
    text: str


def by_digest(declared: str, image_id: str) -> Sameness:
    """The comparison where no registry is known: one digest, or not. A config's digest says nothing of a manifest's."""
    running = read_image_id(image_id)
    if running.kind == "pending":
        return "pending"
    if running.digest == declared:
        return "match"
    return "mismatch" if running.kind == "manifest" else "unresolved"


async def prove(
    plan: Plan, rollout: Rollout, reader: Reader, picture: Picture, compare: Compare, deadline: Deadline
) -> Proof:
    """Reads the pods until all of them have said what they run, or the deadline has passed.

    Never raises for an expected failure. They are read again when the picture changes, which pods that start do.
    """
    snapshot = picture.snapshot()
    while True:
        rollout = snapshot.rollouts.get(plan.key, rollout)
        try:
            pods, wanted = await _pods(rollout, reader)
        except CockpitError as error:
            found = Proof("unresolved", f"what its pods run cannot be read: {error}")
        else:
            goal = plan.goal
            named = (*mapping(goal.get("images")), *items(goal.get("inits")))
            digests = {**dict.fromkeys(named), **mapping(goal.get("digests"))}
            found = judged(pods, digests, compare, wanted)
        if found.state != "pending" or deadline.left <= 0:
            return found
        snapshot = await next_picture(picture, snapshot, deadline)


async def _pods(rollout: Rollout, reader: Reader) -> tuple[Sequence[Mapping[str, Any]], int]:
    """The target's pods as the server has them now, and how many its ReplicaSet says it has or is to have.

    The picture holds what was declared wherever that is pinned. Raises CockpitErrors.
    """
    arm = rollout.canary or rollout.baseline
    if arm is None or arm.replicaset is None:
        raise NotFound("its ReplicaSet is not in sight")
    namespace = rollout.key.namespace
    owner = await reader.get(REPLICASETS, namespace, arm.replicaset)
    uid = text(mapping(owner.get("metadata")).get("uid"), 80)
    if not uid:
        raise NotFound(f"the server's answer about ReplicaSet {namespace}/{arm.replicaset} is no object")
    pods = await reader.owned(PODS, namespace, uid)
    return pods, max(count(mapping(owner.get(member)).get("replicas")) for member in ("spec", "status"))


def judged(pods: Sequence[Mapping[str, Any]], digests: Mapping[str, Any], compare: Compare, wanted: int = 1) -> Proof:
    """All pods that are not going, every container of theirs: the worst of what is found speaks.

    ``digests``: container -> declared digest, None where nobody knows it. ``wanted``: how many pods there should be:
    nothing is proven by those that are not there.
    """
    pods = [pod for pod in pods if not mapping(pod.get("metadata")).get("deletionTimestamp")]
    worst = Proof("proven", f"{plural(len(pods), 'pod')} proven by digest")
    if not pods and not wanted:
        return Proof("unresolved", "it has no pods, and only pods prove what they run")
    if not digests:
        return Proof("unresolved", "the target's images are not known")
    ended = [pod for pod in pods if mapping(pod.get("status")).get("phase") in ("Failed", "Succeeded")]
    if len(pods) - len(ended) < wanted:
        worst = Proof("pending", f"{len(pods) - len(ended)} of {plural(wanted, 'pod')} can be seen")
    for pod in pods:
        name = clean(text(mapping(pod.get("metadata")).get("name"), 253), 253)
        status = mapping(pod.get("status"))
        said = {
            text(each.get("name"), 253): text(each.get("imageID"), 1024)
            for members in ("containerStatuses", "initContainerStatuses")
            for each in objects(status.get(members))
        }
        for container, declared in digests.items():
            found = _one(name, container, declared, said.get(container), compare)
            if found is None or (found.state == "pending" and pod in ended):  # one that was evicted says no more
                continue
            if _GRAVITY[found.state] > _GRAVITY[worst.state]:
                worst = found
    return worst


_GRAVITY = {"proven": 0, "pending": 1, "unresolved": 2, "mismatch": 3}


def _one(pod: str, container: str, declared: str | None, image_id: str | None, compare: Compare) -> Proof | None:
    """What stands against one container of one pod; None: it runs the target."""
    if image_id is None:
        return Proof("pending", f"pod {pod} has not started {container}")
    if declared is None:
        return Proof("unresolved", f"{container} of pod {pod} cannot be compared: the target's digest is not known")
    same = compare(declared, image_id)
    if same in ("match", "match-config"):
        return None
    if same == "mismatch":
        return Proof("mismatch", f"pod {pod} runs {clean(image_id, 200)} as {container}, not the target {declared}")
    if same == "pending":
        return Proof("pending", f"pod {pod} has not said which image {container} runs")
    return Proof(
        "unresolved",
        f"pod {pod} runs {clean(image_id, 200)} as {container}, which cannot be compared with {declared}: "
        "registry unknown",
    )
