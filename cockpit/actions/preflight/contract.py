"""What a check of the pre-flight is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from cockpit.actions.ports import Reads, Rights, Trial
from cockpit.actions.preflight.subject import Subject
from cockpit.base.errors import CockpitError
from cockpit.model.artifact import Retention, Sameness, Signatures
from cockpit.model.plan import Intent, Plan
from cockpit.model.preflight import Finding, FindingState, Severity
from cockpit.model.rollout import Image

NO_DIGEST = "no digest is known, which is said by retained"
"""Of checks that have nothing to ask about: one unknown that asks for the typed name is enough."""


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

    async def learn(self, image: str, digest: str, namespace: str, secrets: Sequence[str] = ()) -> bool:
        """Read what a digest holds, so that ``compare`` can tell. Raises CockpitErrors."""

    def compare(self, declared: str, image_id: str) -> Sameness:
        """A declared digest against an image by digest (or a pod's ``imageID``)."""


class Past(Protocol):
    """What the journal knows of versions (``journal.Archive``). May raise JournalError."""

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        """digest -> when it was last seen running in this namespace (cluster time); absent: never observed."""

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[Mapping[str, Any]]:
        """Jobs like migrations that were seen since: ``{name, image, command, at, why}``, oldest first."""


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
    seen_within: float = 30.0  # seconds that the sight of what is retained may be old: none right before the act
    inits: tuple[Image, ...] = ()  # of its init containers: nothing starts unless they can be pulled too

    @property
    def namespace(self) -> str:
        return self.plan.key.namespace


def found(
    state: FindingState,
    text: str,
    *,
    evidence: Sequence[str] = (),
    remedy: str | None = None,
    severity: Severity = "info",
) -> Finding:
    """A check's answer; the runner puts the check's name and severity on it. ``severity``: only to raise that."""
    return Finding("", "", state, severity, text, tuple(evidence), remedy)


def whole(raw: Any) -> dict[str, Any]:
    """An object's metadata. Raises ValueError for what is no object: nothing may be concluded from that."""
    metadata = raw.get("metadata") if isinstance(raw, dict) else None
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise ValueError("the server's answer is no object")
    return metadata


class Garbled(CockpitError):
    """An answer that is not what was asked for: nothing may be concluded from it."""


def wholes(listed: Any) -> list[dict[str, Any]]:
    """The objects of a collection. Raises Garbled or ValueError when there is no list, or one of them is no object."""
    if not isinstance(listed, list | tuple):
        raise Garbled("the server's answer is no list")
    for each in listed:
        whole(each)
    return list(listed)


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
