"""Dry runs of one pre-flight: each is asked once, and what the server said is sorted before anyone judges by it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import msgspec

from cockpit.actions.ports import Trial as Asked
from cockpit.actions.ports import Tried
from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.subject import Once
from cockpit.base.secrets import HIDDEN
from cockpit.model.plan import Patch
from cockpit.model.resource import PODS, Resource
from cockpit.model.right import Right
from cockpit.strategies import for_kind
from cockpit.strategies.values import mapping

_NO_RIGHT = re.compile(r'^pods is forbidden: User ".*" cannot create resource "pods"')
"""How RBAC refuses; admission names the pod instead (``pods "web-1" is forbidden: …``)."""
_NO = re.compile(r'"[^"]*" is forbidden: |"[^"]*" is invalid: |denied the request|denied request', re.DOTALL)
"""How admission plugins, validation, webhooks and admission policies refuse. Anything else is nobody's judgement."""
_QUOTA = re.compile(r"exceeded quota: ")

Answer = Literal["admitted", "refused", "quota", "not-run", "unknown"]


class Admission(msgspec.Struct, frozen=True):
    """What became of the question whether a pod of the target would be admitted.

    ``not-run``: on purpose, ``text`` says why. ``body``: the pod as it would be, when ``admitted``.
    """

    answer: Answer
    text: str
    warnings: tuple[str, ...] = ()
    body: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Trials:
    """A ``Trial`` that asks each question once: several checks need the same answer."""

    def __init__(self, trial: Asked) -> None:
        self._trial = trial
        self._asked: dict[bytes, Once[Tried]] = {}

    async def dry_run(self, patch: Patch) -> Tried:
        return await self._once(patch, lambda: self._trial.dry_run(patch))

    async def admit(self, resource: Resource, namespace: str, body: dict[str, Any]) -> Tried:
        return await self._once((resource, namespace, body), lambda: self._trial.admit(resource, namespace, body))

    async def _once(self, question: Any, ask: Callable[[], Awaitable[Tried]]) -> Tried:
        async def asking() -> Tried:
            return await ask()

        return await self._asked.setdefault(msgspec.json.encode(question), Once(asking)).answer()


async def admission(ctx: Context) -> Admission:
    """Tries a pod of the target. It is tried as the person asking, not as the ReplicaSet's controller."""
    if not ctx.pod_dry_run:
        return Admission("not-run", "switched off ([preflight] pod_dry_run)")
    if _masked(ctx.template):
        return Admission(
            "unknown", "the template has literal secrets that the journal did not keep: a pod is not tried"
        )
    right, reason = await ctx.rights.check(Right("create", PODS), ctx.namespace)
    if right == "denied":
        return Admission("not-run", reason or f"you may not create pods in {ctx.namespace}")
    tried = await ctx.trial.admit(PODS, ctx.namespace, pod_of(ctx))
    match tried.fate:
        case "sent":
            return Admission("admitted", tried.text, tried.warnings, tried.body)
        case "refused":
            return Admission("not-run", tried.text.removeprefix("not run: "))
        case "denied" if _NO_RIGHT.match(tried.text):
            # Where the review said that we may, two answers of one server contradict each other.
            return Admission("not-run" if right == "unknown" else "unknown", tried.text)
        case "denied" | "failed" if _NO.search(tried.text):
            return Admission("quota" if _QUOTA.search(tried.text) else "refused", tried.text)
        case _:
            return Admission("unknown", tried.text)


def pod_of(ctx: Context) -> dict[str, Any]:
    """A pod as the ReplicaSet's controller would make it, without an owner: nothing may adopt or count it."""
    metadata = mapping(ctx.template.get("metadata"))
    hash_ = ctx.plan.to_hash or "preflight"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **{member: metadata[member] for member in ("annotations",) if metadata.get(member)},
            "generateName": f"{ctx.plan.key.name}-{hash_}-",
            "namespace": ctx.namespace,
            "labels": {**mapping(metadata.get("labels")), for_kind(ctx.plan.key.kind).hash_label: hash_},
        },
        "spec": ctx.template.get("spec"),
    }


def _masked(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_masked(each) for each in value.values())
    if isinstance(value, list):
        return any(_masked(each) for each in value)
    return isinstance(value, str) and HIDDEN in value
