"""Registries as this cluster sees them: with its pull secrets and its nodes' platforms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.model.artifact import Retention, Sameness, Signatures, TagState
from cockpit.model.resource import NODES, SECRETS, Resource

if TYPE_CHECKING:
    from cockpit.registry.credentials import PullSecret
    from cockpit.registry.registries import Registries

_KEPT_SECONDS = 600.0
"""How old platforms and pull secrets may be: both change rarely, and a wrong answer shows as denied or unknown."""
_FAILED_SECONDS = 10.0
"""The same where they could not be read: a moment's trouble must not make ten minutes of unknown."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Reads(Protocol):
    """What is asked of the API server (``cluster.api.Api``). Each raises CockpitErrors."""

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]: ...

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]: ...


class ClusterArtifacts:
    """Implements ``actions.preflight.contract.Artifacts``. The registry engine is imported at the first question."""

    def __init__(self, open_registries: Callable[[], Registries], reads: Reads, clock: Clock) -> None:
        self._open = open_registries
        self._reads = reads
        self._clock = clock
        self._registries: Registries | None = None
        self._secrets: dict[tuple[str, str], tuple[float, PullSecret | None]] = {}  # until when, and what
        self._nodes: tuple[float, tuple[str, ...]] | None = None  # until when, and what
        self._lock = asyncio.Lock()

    @property
    def registries(self) -> Registries:
        if self._registries is None:
            self._registries = self._open()
        return self._registries

    async def retention(
        self,
        image: str,
        digest: str,
        namespace: str,
        secrets: Sequence[str] = (),
        *,
        control: str | None = None,
        deep: bool = False,
        max_age: float = _KEPT_SECONDS,
        urgent: bool = False,
    ) -> Retention:
        """Whether the artifact is retained, for the platforms of this cluster's nodes."""
        platforms, logins = await asyncio.gather(self.platforms(), self._logins(namespace, secrets))
        return await self.registries.retention(
            image,
            digest,
            needed=platforms,
            control=control,
            secrets=logins,
            deep=deep,
            max_age=max_age,
            urgent=urgent,
        )

    async def signatures(
        self,
        image: str,
        digest: str,
        namespace: str,
        secrets: Sequence[str] = (),
        *,
        max_age: float = _KEPT_SECONDS,
        urgent: bool = False,
    ) -> Signatures:
        """All evidence about the artifact; labels are those of the nodes' first platform."""
        platforms, logins = await asyncio.gather(self.platforms(), self._logins(namespace, secrets))
        platform = platforms[0] if platforms else None
        return await self.registries.signatures(
            image, digest, platform=platform, secrets=logins, max_age=max_age, urgent=urgent
        )

    async def tag(self, image: str, in_use: str | None, namespace: str, secrets: Sequence[str] = ()) -> TagState:
        """Where the image's tag points now, seen from the digest in use."""
        return await self.registries.tag(image, in_use, secrets=await self._logins(namespace, secrets))

    async def learn(self, image: str, digest: str, namespace: str, secrets: Sequence[str] = ()) -> bool:
        """Read what a digest holds, so that ``compare`` can tell."""
        return await self.registries.learn(image, digest, secrets=await self._logins(namespace, secrets))

    def compare(self, declared: str, image_id: str) -> Sameness:
        return self.registries.compare(declared, image_id)

    async def platforms(self) -> tuple[str, ...]:
        """``os/architecture`` of the nodes that can be scheduled to; none known: every platform of an index counts."""
        async with self._lock:
            if self._nodes is not None and self._clock.wall() < self._nodes[0]:
                return self._nodes[1]
            try:
                nodes = await self._reads.objects(NODES)
            except CockpitError:
                found: tuple[str, ...] = ()
            else:
                found = tuple(sorted({each for node in nodes if (each := _platform(node)) is not None}))
            self._nodes = (self._clock.wall() + (_KEPT_SECONDS if found else _FAILED_SECONDS), found)
            return found

    async def _logins(self, namespace: str, names: Sequence[str]) -> list[PullSecret]:
        """Pull secrets that may be read; without the right to, the registry is asked with this machine's own logins."""
        from cockpit.registry.credentials import pull_secret

        found = []
        for name in names:
            until, secret = self._secrets.get((namespace, name), (float("-inf"), None))
            if self._clock.wall() >= until:
                lives = _KEPT_SECONDS
                try:
                    secret = pull_secret(await self._reads.get(SECRETS, namespace, name))
                except CockpitError:
                    secret, lives = None, _FAILED_SECONDS
                self._secrets[namespace, name] = (self._clock.wall() + lives, secret)
            if secret is not None:
                found.append(secret)
        return found

    async def aclose(self) -> None:
        if self._registries is not None:
            await self._registries.aclose()


def _platform(node: dict[str, Any]) -> str | None:
    spec, status = node.get("spec"), node.get("status")
    if isinstance(spec, dict) and spec.get("unschedulable") is True:
        return None
    info = status.get("nodeInfo") if isinstance(status, dict) else None
    system, architecture = (info.get("operatingSystem"), info.get("architecture")) if isinstance(info, dict) else (0, 0)
    if not isinstance(system, str) or not isinstance(architecture, str):
        return None
    return f"{system}/{_ARCHITECTURES.get(architecture, architecture)}"
