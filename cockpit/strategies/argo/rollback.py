"""The plan of a rollback of a Rollout: through the steps, or now by a second stage that promotes fully (facts 1.4)."""

from __future__ import annotations

from typing import Any

from cockpit.base.errors import CockpitError
from cockpit.model.guards import HASH, PAUSED, UID, WORKLOAD
from cockpit.model.plan import Intent, Patch, Plan, Refusal
from cockpit.model.resource import ANALYSISRUNS, DEPLOYMENTS, REPLICASETS, ROLLOUTS, Resource
from cockpit.model.right import Right
from cockpit.strategies import targets, templates
from cockpit.strategies.argo import requests
from cockpit.strategies.argo.checks import BAD
from cockpit.strategies.argo.names import EPHEMERAL, HASH_LABEL, REVISION
from cockpit.strategies.argo.window import applies
from cockpit.strategies.contract import Reader
from cockpit.strategies.drafts import capacity, draft, named, pictured, refuse, run, share
from cockpit.strategies.goals import is_target, observed
from cockpit.strategies.image import short
from cockpit.strategies.patching import Op, guards, put, test
from cockpit.strategies.values import mapping, text

MARKS = targets.Marks(HASH_LABEL, REVISION, EPHEMERAL)
PODTEMPLATES = Resource("", "v1", "podtemplates", "PodTemplate")
_WORKLOADS = {"Deployment": DEPLOYMENTS, "ReplicaSet": REPLICASETS, "PodTemplate": PODTEMPLATES}


async def rollback(intent: Intent, reader: Reader) -> Plan | Refusal:
    """Puts the template of a retained version back. Raises what the reader raises."""
    rollout, namespace = intent.rollout, intent.key.namespace
    if not rollout.controller_seen:
        return refuse(intent, "no controller has looked at this rollout yet; cockpit doctor says what is missing")
    if intent.to is None:
        return refuse(intent, "say where to: stable, last-good, a revision or a digest")
    sets = await reader.owned(REPLICASETS, namespace, rollout.uid)
    bad = (*intent.held_bad, *(await _failed(intent, reader) if intent.to == "last-good" else ()))
    chosen = targets.select(intent.to, sets, rollout, MARKS, bad)
    if isinstance(chosen, str):
        return refuse(intent, chosen)
    target = await targets.target(chosen, rollout, reader, MARKS)
    fresh, resource, name, path = await _holder_of_template(intent, reader)
    if resource is None:
        return refuse(intent, f"a workloadRef to a {name} is not supported; change its template where it comes from")
    current = mapping(fresh.get("spec") if path.startswith("/spec") else fresh).get("template")
    # The ReplicaSet's template carries the server's defaults, the Rollout's does not: the controller's hash decides.
    in_force = target.verbatim and target.hash == rollout.seen.get(HASH) and observed(rollout)
    if in_force or templates.same(current, target.template, HASH_LABEL):
        again = "; it is aborted, T tries again" if rollout.aborted else ""
        return refuse(intent, f"{target.name} is what the rollout asks for already{again}", "nothing-to-do")
    stable = rollout.baseline.hash if rollout.baseline else None
    to_stable = target.hash == stable and target.verbatim
    # Leaving a version that was promoted is an emergency; one that is only on its way leaves the stable one serving.
    now = intent.now if intent.now is not None else rollout.canary is None
    by_hand = rollout.paused_by == "human"
    ops: list[Op] = (
        guards("rollback", rollout.seen) if resource is ROLLOUTS else _workload_guards(intent, fresh, resource)
    )
    ops.append(put(path, target.template))
    if by_hand and resource is ROLLOUTS:
        ops.append(put(PAUSED, False))
    window = not to_stable and applies(chosen, sets, rollout)
    patch = Patch(resource, namespace, name, None, tuple(ops), f"put the template of {target.name} back")
    sequence = [patch.why]
    if by_hand and resource is not ROLLOUTS:
        sequence.append("resume the rollout once the template is in force")
    if now and not to_stable:
        sequence.append("promote fully once the target is the version being rolled out")
    return draft(
        intent,
        "away",
        [patch],
        _lines(intent, target, to_stable=to_stable, now=now, by_hand=by_hand, window=window and target.verbatim),
        {
            "kind": "rolled-back",
            "hash": target.hash if target.verbatim else None,
            "left": rollout.canary.hash if rollout.canary else stable,
            "images": target.images,
            "inits": list(target.inits),
            "digests": target.digests,
            "now": now and not to_stable,
            "all": now or to_stable,
            "resume": by_hand and resource is not ROLLOUTS,
        },
        sequence=tuple(sequence) if len(sequence) > 1 else (),
        warnings=tuple(_warnings(intent, target, lost_window=window and not target.verbatim and not now)),
        needs=(Right("patch", ROLLOUTS, "status"),) if now and not to_stable else (),
        to_hash=target.hash,
        to_images=tuple(_image(target, each) for each in target.images),
        deadline=600.0 if now or to_stable else 120.0,
    )


def next_stage(goal: dict[str, Any], stage: int, rollout: Any) -> Patch | None:
    """The request of a later stage once the target is the version being rolled out; None: not yet."""
    current = text(rollout.seen.get("/status/currentPodHash"), 63)
    if not is_target(goal, rollout, current):
        return None
    if goal.get("resume") and stage == 1:
        return requests.resume_rolled_back(rollout, current)
    return requests.promote_target(rollout, current)


async def _failed(intent: Intent, reader: Reader) -> list[str]:
    """Hashes with a failed check; without the right to read those, nothing is known against any version."""
    try:
        runs = await reader.owned(ANALYSISRUNS, intent.key.namespace, intent.rollout.uid)
    except CockpitError:
        return []
    return [
        str(mapping(mapping(run.get("metadata")).get("labels")).get(HASH_LABEL))
        for run in runs
        if mapping(run.get("status")).get("phase") in BAD
    ]


async def _holder_of_template(intent: Intent, reader: Reader) -> tuple[dict[str, Any], Resource | None, str, str]:
    """(object, resource, name, pointer of the template): the Rollout itself, or the workload that it refers to."""
    namespace, workload = intent.key.namespace, intent.rollout.workload
    if workload is None:
        return await reader.get(ROLLOUTS, namespace, intent.key.name), ROLLOUTS, intent.key.name, "/spec/template"
    resource = _WORKLOADS.get(workload.kind)
    if resource is None:
        return {}, None, workload.kind, ""
    path = "/template" if resource is PODTEMPLATES else "/spec/template"
    return await reader.get(resource, namespace, workload.name), resource, workload.name, path


def _workload_guards(intent: Intent, fresh: dict[str, Any], resource: Resource) -> list[Op]:
    """uid and generation as seen; kinds that are not watched are guarded by the read this plan was made from."""
    seen, metadata = intent.rollout.seen, mapping(fresh.get("metadata"))
    generation = "/metadata/generation"
    if WORKLOAD + generation in seen:
        return [test(UID, seen[WORKLOAD + UID]), test(generation, seen[WORKLOAD + generation])]
    member = "generation" if resource is not PODTEMPLATES else "resourceVersion"
    return [test(UID, metadata.get("uid")), test(f"/metadata/{member}", metadata.get(member))]


def _image(target: targets.Target, container: str) -> str:
    image, digest = target.images[container], target.digests.get(container)
    return f"{image.partition('@')[0]}@{digest}" if digest else image


def _lines(
    intent: Intent, target: targets.Target, *, to_stable: bool, now: bool, by_hand: bool, window: bool
) -> list[tuple[str, str]]:
    rollout = intent.rollout
    leaving = rollout.canary or rollout.baseline
    images = ", ".join(short(_image(target, each)) for each in target.images)
    lines = [
        ("from", pictured(leaving)),
        ("to", f"{target.name} ({images})"),
    ]
    if to_stable:
        lines.append(("traffic", f"{share(rollout)} {named(leaving)} → 0 %: the stable version is up, no step runs"))
        lines.append(("stable", capacity(rollout)[0]))
    elif now:
        lines.append(("effect", "then promotes fully: every pause and check is skipped"))
        lines.append(
            ("takes", "its pods run already" if target.running else "as long as its pods need to become available")
        )
    elif window:
        lines.append(("runs", f"no step, no check: inside the rollback window of {rollout.rollback_window} revisions"))
    elif rollout.strategy == "bluegreen":
        lines.append(("runs", "preview pods, checks, then > makes the cutover"))
    else:
        lines.append(
            ("runs", f"all {len(rollout.steps)} steps: {run(rollout.steps)}" if rollout.steps else "a rolling update")
        )
    if not target.verbatim:
        lines.append(("pins", "images to the digests its pods ran: a new ReplicaSet, no fast way back"))
    if by_hand:
        lines.append(("then", "resumes the rollout, which is paused by hand"))
    return lines


def _warnings(intent: Intent, target: targets.Target, *, lost_window: bool) -> list[str]:
    rollout, warnings = intent.rollout, []
    if lost_window:
        window = f"the rollback window of {rollout.rollback_window} revisions"
        warnings.append(f"pinning {target.name} makes a new ReplicaSet, so {window} is lost: every step runs")
    if rollout.owner is not None:
        warnings.append(rollout.owner.warning)
    if target.unpinned:
        names = ", ".join(target.unpinned)
        warnings.append(f"the digest of {names} is not known: its tag may serve another image today")
    if target.archived:
        warnings.append(f"{target.name} was pruned from the cluster: its template is the one this journal kept")
    if target.hash in intent.held_bad:
        warnings.append(f"{target.name} was left before by an abort or a rollback")
    return warnings
