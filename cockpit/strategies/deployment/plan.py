"""Plans for a Deployment: pause, resume, restart, and putting an older template back (abort, rollback)."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.model.guards import PAUSED, TEMPLATE, UID
from cockpit.model.plan import Direction, Intent, Patch, Plan, Refusal
from cockpit.model.resource import DEPLOYMENTS, REPLICASETS
from cockpit.strategies import targets, templates
from cockpit.strategies.contract import Reader
from cockpit.strategies.deployment.build import HASH_LABEL, REVISION
from cockpit.strategies.drafts import capacity, draft, named, pictured, refuse, share
from cockpit.strategies.image import short
from cockpit.strategies.patching import Op, escape, guards, put, test
from cockpit.strategies.values import mapping, plural

MARKS = targets.Marks(HASH_LABEL, REVISION)
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def _patch(intent: Intent, ops: list[Op], why: str) -> Patch:
    return Patch(DEPLOYMENTS, intent.key.namespace, intent.key.name, None, tuple(ops), why)


async def pause(intent: Intent, _reader: Reader) -> Plan | Refusal:
    rollout = intent.rollout
    if rollout.paused_by == "human":
        return refuse(intent, "already paused; P resumes", "nothing-to-do")
    ops = [*guards("pause", rollout.seen), put(PAUSED, True)]
    mix = f"stays at {share(rollout)} on {pictured(rollout.canary)}" if rollout.canary else "nothing is in flight"
    lines = [
        ("traffic", mix),
        ("effect", "no further pod is replaced; scaling goes on, the progress deadline is not counted"),
        ("undo", "P resumes"),
    ]
    return draft(intent, "hold", [_patch(intent, ops, "pause")], lines, {"kind": "paused"})


async def resume(intent: Intent, _reader: Reader) -> Plan | Refusal:
    rollout = intent.rollout
    if rollout.paused_by != "human":
        return refuse(intent, "not paused: there is nothing to resume", "nothing-to-do")
    ops = [*guards("resume", rollout.seen), put(PAUSED, False)]
    direction: Direction = "hold"
    warnings: tuple[str, ...] = ()
    lines = [("effect", "nothing is in flight; a change made while paused is rolled out at once")]
    if rollout.canary is not None:
        direction = "toward"
        lines = [
            ("traffic", f"{share(rollout)} → 100 % on {pictured(rollout.canary)}"),
            ("effect", "the rolling update goes on to its end"),
            ("undo", f"X back to {named(rollout.baseline)}"),
        ]
        warnings = ("a Deployment has no gates: resuming means 100 % with no further stop",)
    return draft(intent, direction, [_patch(intent, ops, "resume")], lines, {"kind": "resumed"}, warnings=warnings)


async def restart(intent: Intent, reader: Reader) -> Plan | Refusal:
    rollout = intent.rollout
    if rollout.paused_by == "human":
        return refuse(intent, "paused: a restart would not be rolled out; P resumes")
    if intent.at is None:
        return refuse(intent, "the cluster's time is not known yet; try again")
    fresh = await reader.get(DEPLOYMENTS, intent.key.namespace, intent.key.name)
    template = mapping(mapping(fresh.get("spec")).get("template"))
    stamp = rfc3339(intent.at)
    ops = guards("restart", rollout.seen)
    if not isinstance(template.get("metadata"), dict):
        ops.append(put("/spec/template/metadata", {}))
    if not isinstance(mapping(template.get("metadata")).get("annotations"), dict):
        ops.append(put("/spec/template/metadata/annotations", {}))
    ops.append(put(f"/spec/template/metadata/annotations/{escape(_RESTARTED_AT)}", stamp))
    lines = [
        ("effect", f"a new revision with the same images: {plural(rollout.replicas.desired, 'pod')} replaced in turn"),
        ("traffic", "moves to the new pods as they become available"),
    ]
    warnings = (rollout.owner.warning,) if rollout.owner else ()
    goal = {"kind": "restarted", "at": intent.at}
    return draft(intent, "hold", [_patch(intent, ops, "restart")], lines, goal, warnings=warnings, deadline=600.0)


async def abort(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Back to the last good ReplicaSet: the older one that still has available pods."""
    rollout = intent.rollout
    if rollout.canary is None:
        return refuse(
            intent, f"nothing is in flight: {named(rollout.baseline)} serves everything; R goes to an older version"
        )
    if rollout.baseline is None or rollout.baseline.available == 0:
        return refuse(intent, "no older ReplicaSet has available pods to go back to; R with a revision goes to one")
    return await _go_back(intent, reader, rollout.baseline.hash)


async def rollback(intent: Intent, reader: Reader) -> Plan | Refusal:
    if intent.to is None:
        return refuse(intent, "say where to: stable, last-good, a revision or a digest")
    return await _go_back(intent, reader, intent.to)


async def _go_back(intent: Intent, reader: Reader, to: str) -> Plan | Refusal:
    """One patch: the template of ``to``, and ``paused: false`` with it where needed."""
    rollout, namespace = intent.rollout, intent.key.namespace
    sets = await reader.owned(REPLICASETS, namespace, rollout.uid)
    chosen = targets.select(to, sets, rollout, MARKS, intent.held_bad)
    if isinstance(chosen, str):
        return refuse(intent, chosen)
    target = await targets.target(chosen, rollout, reader, MARKS)
    fresh = await reader.get(DEPLOYMENTS, namespace, intent.key.name)
    current = mapping(fresh.get("spec")).get("template")
    if templates.same(current, target.template, HASH_LABEL):
        return refuse(intent, f"{target.name} is what the Deployment asks for already", "nothing-to-do")
    if intent.verb == "abort":
        ops = _abort_guards(intent, current, sets)
        if ops is None:
            return refuse(intent, "another version is being rolled out than the one on screen; look again", "moved")
    else:
        ops = guards("rollback", rollout.seen)
    ops.append(put(TEMPLATE, target.template))
    lines = [
        ("traffic", f"{share(rollout)} {pictured(rollout.canary)} → 0 %")
        if rollout.canary
        else ("from", pictured(rollout.baseline)),
        ("to", f"{target.name} ({', '.join(short(_image(target, each)) for each in target.images)})"),
    ]
    if rollout.canary is not None and rollout.baseline is not None and target.hash == rollout.baseline.hash:
        lines.append(("stable", capacity(rollout)[0]))
    lines.append(("takes", "a rolling update back, as traffic follows the pods"))
    if rollout.paused_by == "human":
        ops.append(put(PAUSED, False))
        lines.append(("then", "resumes the Deployment in the same request"))
    if not target.verbatim:
        lines.append(("pins", "images to the digests its pods ran: a new ReplicaSet"))
    goal = {
        "kind": "rolled-back",
        "hash": target.hash if target.verbatim else None,
        "left": rollout.canary.hash if rollout.canary else (rollout.baseline.hash if rollout.baseline else None),
        "images": target.images,
        "inits": list(target.inits),
        "digests": target.digests,
        "all": True,
    }
    return draft(
        intent,
        "away",
        [_patch(intent, ops, f"put the template of {target.name} back")],
        lines,
        goal,
        warnings=tuple(_warnings(intent, target)),
        to_hash=target.hash,
        to_images=tuple(_image(target, each) for each in target.images),
        deadline=600.0,
    )


def _abort_guards(intent: Intent, current: Any, sets: Any) -> list[Op] | None:
    """uid and version only, so that an autoscaler's change of replicas does not stand in the way.

    The version is no member of a Deployment, but its template is; it must belong to the ReplicaSet on screen.
    """
    canary = intent.rollout.canary
    for raw in sets:
        labels = mapping(mapping(raw.get("metadata")).get("labels"))
        template = mapping(raw.get("spec")).get("template")
        if (
            canary is not None
            and labels.get(HASH_LABEL) == canary.hash
            and templates.same(template, current, HASH_LABEL)
        ):
            return [test(UID, intent.rollout.uid), test(TEMPLATE, current)]
    return None


def _image(target: targets.Target, container: str) -> str:
    image, digest = target.images[container], target.digests.get(container)
    return f"{image.partition('@')[0]}@{digest}" if digest else image


def _warnings(intent: Intent, target: targets.Target) -> list[str]:
    rollout, warnings = intent.rollout, []
    if rollout.owner is not None:
        warnings.append(rollout.owner.warning)
    if target.unpinned:
        warnings.append(
            f"the digest of {', '.join(target.unpinned)} is not known: its tag may serve another image today"
        )
    if target.archived:
        warnings.append(f"{target.name} was pruned from the cluster: its template is the one this journal kept")
    if target.hash in intent.held_bad:
        warnings.append(f"{target.name} was left before by an abort or a rollback")
    if intent.verb == "abort" and rollout.returning:
        warnings.append(f"what rolls out is the return to an earlier version; this restores {target.name}")
    return warnings
