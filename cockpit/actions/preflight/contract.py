"""What a check of the pre-flight is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.actions.ports import Reads, Rights, Trial
from cockpit.actions.preflight.subject import Subject
from cockpit.model.artifact import Retention, Signatures
from cockpit.model.plan import Intent, Plan
from cockpit.model.preflight import Finding, Severity
from cockpit.model.rollout import Image


class Artifacts(Protocol):
    """What is asked of registries: ``live.artifacts`` binds them to this cluster's pull secrets and nodes."""

    async def retention(
        self,
        image: str,
        digest: str,
        namespace: str,
        secrets: Sequence[str] = (),
        *,
        control: str | None = None,
        deep: bool = False,
        max_age: float = 30.0,
        urgent: bool = False,
    ) -> Retention: ...

    async def signatures(
        self,
        image: str,
        digest: str,
        namespace: str,
        secrets: Sequence[str] = (),
        *,
        max_age: float = 30.0,
        urgent: bool = False,
    ) -> Signatures: ...


class Past(Protocol):
    """What the journal knows of versions (``journal.Archive``). May raise JournalError."""

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        """digest -> when it was last seen running in this namespace (cluster time); absent: never observed."""


class Context(msgspec.Struct, frozen=True):
    """Everything a check may use. ``images`` are those of the template as it would be written.

    ``running``: digests that pods of this rollout run now, for the control question. ``max_age``: seconds that an
    answer of a registry may be old. ``now``: cluster time. ``pod_dry_run``: the policy allows to try a pod.
    """

    intent: Intent
    plan: Plan
    template: dict[str, Any]
    images: tuple[Image, ...]
    running: Mapping[str, str]  # repository -> digest
    secrets: tuple[str, ...]
    artifacts: Artifacts
    past: Past
    reads: Reads
    trial: Trial
    rights: Rights
    subject: Subject
    cluster: str
    now: float
    max_age: float = 30.0
    pod_dry_run: bool = True

    @property
    def namespace(self) -> str:
        return self.plan.key.namespace


class Check(msgspec.Struct, frozen=True):
    """One check: its stable name, its title, the severity of a finding before policy, and the function.

    The function returns ``ok``, ``finding``, ``unknown`` or ``skipped``; a finding may carry a higher severity than the
    check's own. What it raises becomes ``unknown`` by the runner, which also applies policy and time-outs.
    ``deadline``: wall seconds.
    """

    name: str
    title: str
    severity: Severity
    run: Callable[[Context], Awaitable[Finding]]
    deadline: float = 10.0
