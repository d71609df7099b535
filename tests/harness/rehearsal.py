"""A pre-flight whose every request is recorded by its name, and any single one of which can be made to fail.

Requests go through the real gateway and the real access reviews down to an API client that is not there.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from msgspec.structs import replace

from cockpit.actions.gateway import Gateway
from cockpit.actions.preflight.contract import Check, Context
from cockpit.actions.preflight.runner import examined, run
from cockpit.actions.preflight.subject import Subject
from cockpit.actions.preflight.trial import Trials
from cockpit.base.clock import Clock
from cockpit.base.errors import Denied
from cockpit.cluster.api import WriteAnswer
from cockpit.cluster.rights import Rights
from cockpit.model.artifact import Retention, Sameness, Signatures
from cockpit.model.plan import Patch, Plan
from cockpit.model.preflight import Finding, Preflight, Severity
from cockpit.model.resource import DEPLOYMENTS, Resource
from cockpit.model.revision import Revision
from tests.harness import preflight

Body = dict[str, Any]

RAISED: dict[str, Severity] = {"neighbours": "confirm"}
"""Severities of single checks: what only informs is made to ask, so that losing it shows."""
PLAIN = object()
"""Instead of what admission makes of a body: the body as it was asked for."""


class Wire:
    """The one place that all requests of a rehearsal pass. ``fails``: what each named one raises, or is answered.

    ``reached``: filled with the places in the code that made a request, as file and line.
    """

    def __init__(self, fails: Mapping[str, Any] | None = None, reached: set[tuple[str, int]] | None = None) -> None:
        self.fails = dict(fails or {})
        self.asked: dict[str, None] = {}
        self._reached = reached

    def from_(self, caller: FrameType) -> None:
        if self._reached is not None:
            path = Path(caller.f_code.co_filename)
            self._reached.add((f"{path.parent.name}/{path.name}", caller.f_lineno))

    async def ask(self, request: str, answer: Callable[[], Any], plain: Any = None) -> Any:
        """``plain``: what is answered where the failure is ``PLAIN``."""
        self.asked[request] = None
        if request in self.fails:
            failure = self.fails[request]
            return plain if failure is PLAIN else await preflight.failed(failure)
        return answer()


class _Seen:
    """A port of the checks; each call of a method tells the wire from where in the code it came."""

    def __init__(self, wire: Wire, port: Any) -> None:
        self._wire, self._port = wire, port

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._wire.from_(sys._getframe(1))
            return getattr(self._port, name)(*args, **kwargs)

        return call


class Situation:
    """What a pre-flight meets: objects of the cluster, versions, registry, journal, rights, and what admission does.

    ``template``: what the rollback writes. ``admits``: the pod as admission makes it, or what it raises.
    ``takes``: the same for the template. ``denies``: rights that are not given, as text. ``writes``: the Deployment
    that the template is written to, where that is not the Rollout itself.
    """

    def __init__(
        self,
        *objects: Body,
        template: Body | None = None,
        versions: Sequence[Revision] = (),
        running: Mapping[str, str] | None = None,
        registry: preflight.Registry | None = None,
        past: Any = None,
        denies: Sequence[str] = (),
        admits: Callable[[Body], Body] | Exception | None = None,
        takes: Callable[[Body], Body] | Exception | None = None,
        warns: Sequence[str] = (),
        absent: Sequence[str] = (),
        writes: Body | None = None,
    ) -> None:
        named = [(each["kind"], each["metadata"]["name"]) for each in objects]
        workload = () if ("Rollout", preflight.NAME) in named else (preflight.workload(),)
        self.objects = (*workload, *objects, *((writes,) if writes is not None else ()))
        self.writes = writes
        self.template = template
        self.versions = tuple(versions) or (preflight.revision(),)
        self.running = dict(running or {})
        self.registry = registry or preflight.Registry()
        self.past = past or preflight.Past()
        self.denies = frozenset(denies)
        self.admits, self.takes = admits, takes
        self.warns = tuple(warns)
        self.absent = tuple(absent)

    def context(self, wire: Wire) -> Context:
        def seen(port: Any) -> Any:
            return _Seen(wire, port)

        reads = seen(_Reads(wire, preflight.Reads(*self.objects, absent=self.absent), self.denies))
        rights = Rights(_Reviews(wire, self.denies), Clock())
        writer = _Writer(wire, self)
        gateway = Gateway(writer, _Nothing(), rights, Clock(), read_only=False, creator=writer)
        asked = preflight.context(target=self.template, versions=self.versions, running=self.running)
        plan = replace(asked.plan, from_hash="now")
        if self.writes is not None:
            (patch,) = plan.patches
            plan = replace(plan, patches=(replace(patch, resource=DEPLOYMENTS, name=self.writes["metadata"]["name"]),))

        async def versions() -> Sequence[Revision]:
            found: Sequence[Revision] = await wire.ask("versions", lambda: self.versions)
            return found

        return replace(
            asked,
            plan=plan,
            secrets=tuple(each["name"] for each in asked.template["spec"].get("imagePullSecrets", ())),
            reads=reads,
            rights=seen(rights),
            trial=seen(Trials(seen(gateway))),
            artifacts=seen(_Artifacts(wire, self.registry)),
            past=seen(_Past(wire, self.past)),
            subject=Subject(plan, reads, versions),
        )

    async def found(self, check: Check, fails: Mapping[str, Any] | None = None) -> tuple[Finding, tuple[str, ...]]:
        """What one check says, as the operator is shown it, and the requests that it made."""
        wire = Wire(fails)
        (only,) = (await run(self.context(wire), RAISED, 0.0, checks=[check])).findings
        await _settled()
        return only, tuple(wire.asked)

    async def examined(
        self, fails: Mapping[str, Any] | None = None, *, reached: set[tuple[str, int]] | None = None
    ) -> tuple[Preflight, Plan, tuple[str, ...]]:
        """The whole pre-flight, the plan as its dialog shows it, and the requests that were made."""
        wire = Wire(fails, reached)
        ctx = self.context(wire)
        whole = await run(ctx, {}, 0.0)
        await _settled()
        return whole, examined(ctx.plan, whole), tuple(wire.asked)


async def _settled() -> None:
    """Ends what a check left waiting for an answer that never comes."""
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class _Reads:
    def __init__(self, wire: Wire, held: preflight.Reads, denied: frozenset[str]) -> None:
        self._wire, self._held, self._denied = wire, held, denied

    async def get(self, resource: Resource, namespace: str, name: str) -> Any:
        assert resource.plural != "secrets", "a pre-flight never reads a secret whole"
        request = f"get {resource.plural} {namespace}/{name}"
        return await self._wire.ask(request, lambda: self._held._one(resource, namespace, name))

    async def metadata(self, resource: Resource, namespace: str, name: str) -> Any:
        request = f"metadata {resource.plural} {namespace}/{name}"
        return await self._wire.ask(request, lambda: self._held._one(resource, namespace, name)["metadata"])

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Any:
        assert resource.plural != "secrets", "a pre-flight never reads secrets whole"
        request = f"list {resource.plural}" + (f" {selector}" if selector else "")
        return await self._wire.ask(request, lambda: self._listed(resource, namespace, selector))

    def _listed(self, resource: Resource, namespace: str | None, selector: str | None) -> Any:
        if f"list {resource.plural}" in self._denied:
            raise Denied(f"{resource.plural} is forbidden")
        return self._held._all(resource, namespace, selector)

    async def metadatas(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Any:
        request = f"metadatas {resource.plural}" + (f" {selector}" if selector else "")
        held = self._held
        return await self._wire.ask(
            request, lambda: [each["metadata"] for each in held._all(resource, namespace, selector)]
        )

    async def serves(self, resource: Resource) -> Any:
        served = any(plural == resource.plural for plural, _, _ in self._held.held)
        return await self._wire.ask(f"discover {resource.plural}", lambda: served)


class _Reviews:
    """SelfSubjectAccessReviews."""

    def __init__(self, wire: Wire, denied: frozenset[str]) -> None:
        self._wire, self._denied = wire, denied

    async def post(self, path: str, body: Body) -> Any:
        asked = body["spec"]["resourceAttributes"]
        right = f"{asked['verb']} {asked['resource']}"
        return await self._wire.ask(f"review {right}", lambda: {"status": {"allowed": right not in self._denied}})


class _Writer:
    """Dry runs, as the API server answers them."""

    def __init__(self, wire: Wire, situation: Situation) -> None:
        self._wire, self._situation = wire, situation

    async def patch(self, patch: Patch, dry_run: bool = False) -> Any:
        assert dry_run
        body = {"metadata": {"name": patch.name}, "spec": {"template": patch.ops[-1]["value"]}}
        takes = self._situation.takes
        return await self._answered("dry run of the template", body, takes, self._situation.warns)

    async def create(self, resource: Resource, namespace: str, body: Body, dry_run: bool = False) -> Any:
        assert dry_run
        if f"create {resource.plural}" in self._situation.denies:
            raise Denied(f'pods is forbidden: User "ann" cannot create resource "{resource.plural}"')
        return await self._answered("dry run of a pod", body, self._situation.admits, ())

    async def _answered(self, request: str, body: Body, act: Any, warns: Sequence[str]) -> Any:
        def answer() -> WriteAnswer:
            if isinstance(act, Exception):
                raise act
            return WriteAnswer(200, act(body) if act is not None else body, warnings=tuple(warns))

        found = await self._wire.ask(request, answer, body)
        return found if isinstance(found, WriteAnswer) else WriteAnswer(200, found)


class _Nothing:
    """The gateway's reader: a dry run reads nothing afresh."""

    async def get(self, *_: Any) -> Any:
        raise Denied("not here")

    async def owned(self, *_: Any) -> Any:
        raise Denied("not here")


class _Artifacts:
    def __init__(self, wire: Wire, registry: preflight.Registry) -> None:
        self._wire, self._registry = wire, registry

    async def retention(self, image: str, digest: str, *args: Any, **kwargs: Any) -> Retention:
        return await self._later(f"retention {digest[:19]}", self._registry.retention(image, digest, *args, **kwargs))

    async def signatures(self, image: str, digest: str, *args: Any, **kwargs: Any) -> Signatures:
        return await self._later(f"signatures {digest[:19]}", self._registry.signatures(image, digest, *args, **kwargs))

    async def learn(self, image: str, digest: str, *args: Any) -> bool:
        return await self._later(f"learn {digest[:19]}", self._registry.learn(image, digest, *args))

    def compare(self, declared: str, image_id: str) -> Sameness:
        return self._registry.compare(declared, image_id)

    async def _later(self, request: str, answer: Any) -> Any:
        held = await answer
        return await self._wire.ask(request, lambda: held)


class _Past:
    def __init__(self, wire: Wire, past: Any) -> None:
        self._wire, self._past = wire, past

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Any:
        held = await self._past.ran(cluster, namespace, digests)
        return await self._wire.ask("journal: ran", lambda: held)

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Any:
        held = await self._past.jobs_since(cluster, namespace, since)
        return await self._wire.ask("journal: jobs", lambda: held)
