"""The context of a pre-flight over given objects: what it asks is recorded, and any request can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cockpit.actions.gateway import Sent
from cockpit.actions.preflight.contract import Check, Context
from cockpit.actions.preflight.runner import run
from cockpit.actions.preflight.subject import Subject
from cockpit.base.errors import ApiError, Denied, NotFound, Unreachable
from cockpit.model.artifact import Retention, Sameness, Signatures
from cockpit.model.plan import Intent, Patch, Plan, Tier
from cockpit.model.preflight import Finding
from cockpit.model.resource import ROLLOUTS, Key, Resource
from cockpit.model.revision import Retained, Revision, Signed
from cockpit.model.right import Answer, Right
from cockpit.model.rollout import Image, Rollout
from tests.harness import seat

NAMESPACE, NAME = "shop", "cart"
KEY = Key("Rollout", NAMESPACE, NAME)
DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.example/shop/cart@{DIGEST}"
NOW = 1_800_000_000.0


class Reads:
    """Objects by ``(plural, namespace, name)``; what is not there is not found. Whole objects of secrets are refused.

    ``fails``: request -> what is raised, or answered instead; a TimeoutError never answers. ``asked``: the requests.
    """

    def __init__(self, *objects: Mapping[str, Any], absent: Sequence[str] = ()) -> None:
        self.held: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.absent = absent
        self.fails: dict[str, Any] = {}
        self.asked: list[str] = []
        for each in objects:
            self.put(each)

    def put(self, body: Mapping[str, Any]) -> None:
        metadata = body["metadata"]
        plural = body.get("plural") or _plural(str(body["kind"]))
        self.held[(plural, metadata.get("namespace", NAMESPACE), metadata["name"])] = dict(body)

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        assert resource.plural != "secrets", "a pre-flight never reads a secret whole"
        return await self._answer(f"get {resource.plural}", lambda: self._one(resource, namespace, name))

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        found = await self._answer(f"metadata {resource.plural}", lambda: self._one(resource, namespace, name))
        return dict(found.get("metadata", found)) if isinstance(found, dict) else found

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        assert resource.plural != "secrets", "a pre-flight never reads secrets whole"
        return await self._answer(f"list {resource.plural}", lambda: self._all(resource, namespace, selector))

    async def metadatas(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        found = await self._answer(f"metadatas {resource.plural}", lambda: self._all(resource, namespace, selector))
        return [each["metadata"] for each in found]

    async def serves(self, resource: Resource) -> bool:
        return await self._answer(
            f"discover {resource.plural}", lambda: any(plural == resource.plural for plural, _, _ in self.held)
        )

    def _one(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        try:
            return self.held[(resource.plural, namespace, name)]
        except KeyError:
            raise NotFound(f"{resource.plural} {name!r} not found") from None

    def _all(self, resource: Resource, namespace: str | None, selector: str | None) -> list[dict[str, Any]]:
        if resource.plural in self.absent:
            raise NotFound("the server could not find the requested resource")
        wanted = dict(part.split("=", 1) for part in selector.split(",")) if selector else {}
        return [
            body
            for (plural, at, _), body in self.held.items()
            if plural == resource.plural
            and namespace in (None, at)
            and wanted.items() <= dict(body["metadata"].get("labels") or {}).items()
        ]

    async def _answer(self, request: str, held: Any) -> Any:
        self.asked.append(request)
        if request in self.fails:
            return await failed(self.fails[request])
        return held()


class Trial:
    """Dry runs: ``patched`` and ``admitted`` are answered; by default what was asked, unchanged."""

    def __init__(self, patched: Sent | None = None, admitted: Sent | None = None) -> None:
        self.patched, self.admitted = patched, admitted
        self.pods: list[dict[str, Any]] = []

    async def dry_run(self, patch: Patch) -> Sent:
        body = {"spec": {"template": patch.ops[-1]["value"]}}
        return self.patched or Sent("sent", "the server would accept it", body=body)

    async def admit(self, resource: Resource, namespace: str, body: dict[str, Any]) -> Sent:
        self.pods.append(body)
        return self.admitted or Sent("sent", "the server would admit it", body=body)


class Rights:
    def __init__(self, answer: Answer = "allowed") -> None:
        self.answer: Answer = answer

    def can(self, right: Right, namespace: str) -> tuple[Answer, str]:
        return self.answer, "" if self.answer == "allowed" else f"you may not {right}"

    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]:
        return self.can(right, namespace)

    def forget(self) -> None: ...


class Registry:
    """Answers for every image alike."""

    def __init__(self, held: Retained = "retained", signed: Signed = "verified") -> None:
        self.held, self.signed = held, signed

    async def retention(self, image: str, digest: str, *_: Any, **__: Any) -> Retention:
        return Retention(image, digest, self.held, "", 0.0)

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        return Signatures(image, digest, self.signed, "", "none", "none", 0.0, key="k")

    async def learn(self, image: str, digest: str, *_: Any) -> bool:
        return True

    def compare(self, declared: str, image_id: str) -> Sameness:
        return "match" if image_id.endswith(declared) else "mismatch"


class Past:
    def __init__(self, jobs: Sequence[Mapping[str, Any]] = ()) -> None:
        self.jobs = jobs

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        return dict.fromkeys(digests, 1.0)

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[Mapping[str, Any]]:
        return self.jobs


def template(**spec: Any) -> dict[str, Any]:
    """A pod template with one container; ``spec`` is merged into its pod spec."""
    return {
        "metadata": {"labels": {"app": NAME}},
        "spec": {"containers": [{"name": "app", "image": IMAGE}], **spec},
    }


def workload(labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None, **spec: Any) -> Any:
    """A Rollout as the server would have it."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": "u",
            "labels": dict(labels or {}),
            "annotations": dict(annotations or {}),
        },
        "spec": {"replicas": 4, "template": template(), **spec},
        "status": {},
    }


def revision(hash_: str = "h", **changes: Any) -> Revision:
    """The version to return to, served until an hour before ``NOW``."""
    known: dict[str, Any] = {
        "revision": 4,
        "hash": hash_,
        "current": False,
        "stable": False,
        "last_good": True,
        "images": (Image("app", IMAGE, DIGEST),),
        "replicaset": f"{NAME}-{hash_}",
        "created_at": NOW - 86_400,
        **changes,
    }
    return Revision(**known)


def context(
    reads: Reads | None = None,
    *,
    target: dict[str, Any] | None = None,
    versions: Sequence[Revision] = (),
    trial: Trial | None = None,
    rights: Rights | None = None,
    pod_dry_run: bool = True,
    artifacts: Any = None,
    past: Any = None,
    running: Mapping[str, str] | None = None,
    rollout: Rollout | None = None,
) -> Context:
    """``target``: the template that the rollback would write; ``versions``: newest first, the target has hash ``h``."""
    reads = reads or Reads(workload())
    wanted = target or template()
    guard = {"op": "test", "path": "/metadata/uid", "value": "u"}
    ops = (guard, {"op": "replace", "path": "/spec/template", "value": wanted})
    patch = Patch(ROLLOUTS, NAMESPACE, NAME, None, ops, "write the template")
    plan = Plan("rollback", KEY, "u", "ROLL BACK", "away", (patch,), (), {}, to_hash="h", tier=Tier.YES)
    known = tuple(versions) or (revision(),)

    async def listed() -> Sequence[Revision]:
        return known

    return Context(
        intent=Intent("rollback", rollout or seat.rollout(), to="last-good"),
        plan=plan,
        template=wanted,
        images=(Image("app", IMAGE, DIGEST),),
        running=running or {},
        secrets=(),
        artifacts=artifacts or Registry(),
        past=past or Past(),
        reads=reads,
        trial=trial or Trial(),
        rights=rights or Rights(),
        subject=Subject(plan, reads, listed),
        cluster="c",
        now=NOW,
        pod_dry_run=pod_dry_run,
    )


FAILURES: dict[str, Any] = {
    "403": Denied("forbidden"),
    "500": Unreachable("HTTP 500"),
    "error": ApiError("teapot", status=418),
    "silence": TimeoutError(),
    "nothing": None,
    "empty": {},
    "text": "x",
    "other": {"items": "x", "metadata": "y"},
}
"""Ways for a request to fail, and answers that are none: for ``Reads.fails``."""
_RANKS = {"info": 0, "warn": 1, "confirm": 2, "block": 3}


def asks(finding: Finding) -> int:
    """How much a finding asks of an operator, from nothing to an override. What is unknown is never less than known."""
    if finding.state in ("ok", "skipped"):
        return 0
    return 3 if finding.state == "unknown" else _RANKS[finding.severity]


async def ran(check: Check, asked: Context, *, deadline: float = 30.0) -> Finding:
    """One check as the runner has it, with its severity."""
    limited = Check(check.name, check.title, check.severity, check.run, deadline)
    return (await run(asked, {}, 0.0, checks=[limited])).findings[0]


async def never_improves(check: Check, make: Callable[[], Context]) -> set[str]:
    """Fails each request that a check makes, each in every way: it must never ask less. Returns the requests."""
    clean = make()
    whole = await ran(check, clean)
    requests = dict.fromkeys(clean.reads.asked)  # type: ignore[attr-defined]
    for request in requests:
        for way, failure in FAILURES.items():
            failing = make()
            failing.reads.fails[request] = failure  # type: ignore[attr-defined]
            found = await ran(check, failing, deadline=0.02 if way == "silence" else 30.0)
            assert asks(found) >= asks(whole), f"{request}: {way}: {found}"
    return set(requests)


async def failed(failure: Any) -> Any:
    """Raises the failure; a TimeoutError stands for silence; anything else is garbage and given as the answer."""
    if isinstance(failure, TimeoutError):
        await asyncio.Event().wait()
    if isinstance(failure, Exception):
        raise failure
    return failure


def _plural(kind: str) -> str:
    return {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}.get(kind, f"{kind.lower()}s")
