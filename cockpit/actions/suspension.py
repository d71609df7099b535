"""Suspending a GitOps owner and resuming it: the guarded patch, what it means, and whether it is in force."""

from __future__ import annotations

import json
from typing import Any, Literal

import msgspec

from cockpit.actions.conditions import resolve
from cockpit.actions.reconcilers import Reconciler, applications, flux
from cockpit.actions.reconcilers.reconciler import parents
from cockpit.base.text import clean
from cockpit.journal import OpenIntent, Owner, Suspension
from cockpit.model.guards import SUSPEND, SYNC, UID
from cockpit.model.plan import Intent, Patch, Plan, Refusal, Result, Verb
from cockpit.model.resource import Key, Resource
from cockpit.strategies.values import mapping, spell, text

ENABLED = f"{SYNC}/enabled"
_SYNC_POLICY = "/spec/syncPolicy"
_TITLES: dict[Verb, str] = {"suspend": "SUSPEND AUTO-SYNC", "unsuspend": "RESUME AUTO-SYNC"}
_POLICY = frozenset({"enabled", "prune", "selfHeal", "allowEmpty"})
Standing = Literal["applied", "untouched", "other"]


def command(verb: Verb, key: Key) -> str:
    """What to type, ``cockpit gitops resume shop/cart``."""
    kind = "deployment/" if key.kind == "Deployment" else ""
    return f"cockpit gitops {'resume' if verb == 'unsuspend' else 'suspend'} {kind}{key}"


def member(owner: Reconciler) -> str:
    """Where a kind of owner says whether it acts."""
    return SYNC if owner.tool == "argocd" else SUSPEND


def acts(owner: Reconciler) -> bool:
    """Whether the owner applies its source by itself now. Raises Unsure."""
    if owner.tool == "argocd":
        return applications.policy(owner) in ("self-heal", "automated")
    return not flux.suspended(owner)


def draft_suspend(intent: Intent, owner: Reconciler, *, remove: bool = False) -> Plan | Refusal:
    """``remove``: take the policy away whole, for an Argo CD before 3.1, which does not know ``enabled``."""
    if not acts(owner):
        how = "has no auto-sync" if resolve(owner.raw, member(owner)) is None else "is suspended already"
        return _nothing(intent, f"{owner} {how}: it puts nothing into force by itself")
    before = resolve(owner.raw, member(owner))
    if owner.tool == "flux":
        after: Any = True
        op = {"op": "add", "path": SUSPEND, "value": True}
    elif remove:
        after, op = None, {"op": "remove", "path": SYNC}
    else:
        after, op = {**before, "enabled": False}, {"op": "add", "path": ENABLED, "value": False}
    guards = [{"op": "test", "path": UID, "value": owner.uid}, {"op": "test", "path": member(owner), "value": before}]
    lines = (
        ("owner", str(owner)),
        ("effect", f"{owner} no longer puts Git into force by itself; what runs stays as it is"),
        ("now", said(owner, before)),
        ("after", said(owner, after)),
        ("resume", command("unsuspend", intent.key)),
    )
    return _plan(intent, owner, (*guards, op), after, lines, _resets(owner))


def draft_resume(intent: Intent, owner: Reconciler, known: Suspension | None, unread: str = "") -> Plan | Refusal:
    """Puts back exactly what was in force before. ``known``: from the journal; ``unread``: why that says nothing."""
    if acts(owner):
        return _nothing(intent, f"{owner} puts Git into force by itself already")
    now = resolve(owner.raw, member(owner))
    warnings = list(_resets(owner))
    if known is None:
        why = unread or "the journal does not know who suspended it, nor why"
        warnings.append(f"{why}; ask before you resume it")
    elif owner.tool == "argocd" and not same(now, known.owner.after):
        warnings.append(f"its sync policy was changed meanwhile: {said(owner, now)}")
    wanted = _wanted(intent, owner, known, now, unread)
    if isinstance(wanted, Refusal):
        return wanted
    if _drifted(owner):  # a line of the plan is not seen by whoever confirms in the same command
        warnings.append(_then(owner, wanted))
    op = _putting_back(owner, wanted)
    # A server finds no member to test within a policy that is not there.
    seen = _SYNC_POLICY if op["path"] == _SYNC_POLICY else member(owner)
    guards = [{"op": "test", "path": UID, "value": owner.uid}, {"op": "test", "path": seen, "value": now}]
    lines = (
        ("owner", str(owner)),
        ("now", said(owner, now)),
        ("after", said(owner, wanted)),
        ("effect", _then(owner, wanted)),
        ("suspended", f"{spell(intent.at - known.at)} ago by {known.actor}" if known and intent.at else ""),
    )
    return _plan(intent, owner, (*guards, op), wanted, lines, warnings)


def _wanted(intent: Intent, owner: Reconciler, known: Suspension | None, now: Any, unread: str) -> Any | Refusal:
    """The value to put back, None for none."""
    if owner.tool == "flux":
        return known.owner.before if known is not None else None
    if intent.to is not None:
        return policy_of(intent)
    if known is not None and isinstance(known.owner.before, dict):
        return known.owner.before
    if isinstance(now, dict):  # all that was in force is still there, but switched off
        return {name: value for name, value in now.items() if name != "enabled"}
    why = unread or "the journal does not know what its sync policy was"
    how = f"""say it: {command("unsuspend", intent.key)} --policy '{{"selfHeal": true, "prune": true}}'"""
    return Refusal(intent.verb, intent.key, f"{why}; {how}, as Git has it; nothing was sent")


def policy_of(intent: Intent) -> Any | Refusal:
    """A sync policy given by hand, as JSON."""
    try:
        given = json.loads(intent.to or "")
    except ValueError:
        given = None
    if not isinstance(given, dict) or not given.keys() <= _POLICY or not all(type(v) is bool for v in given.values()):
        allowed = ", ".join(sorted(_POLICY))
        return Refusal(intent.verb, intent.key, f"--policy takes a JSON object of true and false for {allowed}")
    if given.get("enabled") is False:
        return Refusal(intent.verb, intent.key, "--policy with enabled false would leave it suspended")
    return given


def _putting_back(owner: Reconciler, wanted: Any) -> dict[str, Any]:
    if wanted is None:
        return {"op": "remove", "path": member(owner)}
    if owner.tool == "argocd" and owner.spec.get("syncPolicy") is None:
        return {"op": "add", "path": _SYNC_POLICY, "value": {"automated": wanted}}
    return {"op": "add", "path": member(owner), "value": wanted}


def _then(owner: Reconciler, wanted: Any) -> str:
    if owner.tool == "flux":
        return f"it applies its source again, within {flux.interval(owner) or 'its interval'}"
    if not _drifted(owner):
        return "it puts Git into force by itself again"
    heals = mapping(wanted).get("selfHeal") is True
    return (
        "what runs is not what Git says: it is put back within seconds"
        if heals
        else "what runs is not what Git says: the next commit puts it back"
    )


def _drifted(owner: Reconciler) -> bool:
    """Whether Argo CD says that what runs is not what Git asks for; Flux says nothing of the kind."""
    return owner.tool == "argocd" and mapping(owner.status.get("sync")).get("status") == "OutOfSync"


def _resets(owner: Reconciler) -> tuple[str, ...]:
    return tuple(f"{parent} applies {owner} itself and may undo this" for parent in parents(owner))


def _plan(
    intent: Intent,
    owner: Reconciler,
    ops: tuple[dict[str, Any], ...],
    after: Any,
    lines: tuple[tuple[str, str], ...],
    warnings: Any,
) -> Plan:
    why = f"{'resume' if intent.verb == 'unsuspend' else 'suspend'} auto-sync of {owner}"
    resource = owner.resource
    goal = Owner(
        kind=resource.kind,
        namespace=owner.namespace,
        name=owner.name,
        uid=owner.uid,
        member=member(owner),
        before=resolve(owner.raw, member(owner)),
        after=after,
        group=resource.group,
        version=resource.version,
        plural=resource.plural,
        resource_version=text(owner.metadata.get("resourceVersion"), 40),
    )
    return Plan(
        verb=intent.verb,
        key=intent.key,
        uid=intent.rollout.uid,
        title=_TITLES[intent.verb],
        direction="hold",
        patches=(Patch(resource, owner.namespace, owner.name, None, ops, why),),
        lines=tuple((label, clean(line, 500)) for label, line in lines if line),
        goal={"owner": msgspec.to_builtins(goal)},
        warnings=tuple(clean(each, 300) for each in warnings),
    )


def _nothing(intent: Intent, reason: str) -> Refusal:
    return Refusal(intent.verb, intent.key, reason, "nothing-to-do")


def said(owner: Reconciler | Owner, value: Any) -> str:
    """A value at the owner's member in words: ``auto-sync {"selfHeal":true}``, ``suspended``."""
    argo = owner.tool == "argocd" if isinstance(owner, Reconciler) else owner.member == SYNC
    if not argo:
        return "suspended" if value is True else "not suspended"
    if not isinstance(value, dict):
        return "no auto-sync"
    return clean(f"auto-sync {json.dumps(value, sort_keys=True, separators=(',', ':'))}", 200)


def owner_in(plan: Plan) -> Owner:
    return msgspec.convert(plan.goal["owner"], Owner)


def same(value: Any, wanted: Any) -> bool:
    """Exactly equal: ``{}`` (on) is not absent (off). A null member is an absent one, as is a suspend of false."""
    return bool(_plain(value) == _plain(wanted))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if each is not None}
    return value or None


def standing(owner: Owner, fresh: Any) -> Standing:
    """What a fresh object shows."""
    value = resolve(fresh, owner.member)
    if same(value, owner.after):
        return "applied"
    return "untouched" if same(value, owner.before) else "other"


def settled(open_intent: OpenIntent, plan: Plan, fresh: dict[str, Any]) -> tuple[Result, str]:
    """What became of an act that an earlier run left open, by the owner as it is now."""
    owner = owner_in(plan)
    now = said(owner, resolve(fresh, owner.member))
    stands = standing(owner, fresh)
    if stands == "applied":
        return "done", f"{owner}: {now}"
    metadata = mapping(fresh.get("metadata"))
    if stands == "untouched" and owner.resource_version == str(metadata.get("resourceVersion")):
        return "failed", f"it was never carried out: {owner} is as it was before"
    return "unknown", f"whether it was carried out cannot be told any more; now {owner}: {now}"


def resource_of(owner: Owner) -> Resource:
    return Resource(owner.group, owner.version, owner.plural, owner.kind)
