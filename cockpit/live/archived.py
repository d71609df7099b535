"""ReplicaSets as they were: what the journal keeps of versions that the cluster has pruned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cockpit.base.errors import CockpitError
from cockpit.cluster.api import Api
from cockpit.journal import Archive
from cockpit.journal.observed import KnownVersion
from cockpit.live.live import Live
from cockpit.model.resource import REPLICASETS, Resource
from cockpit.strategies.arms import ARCHIVED, MEMORY, WITHHELD
from cockpit.strategies.contract import Strategy
from cockpit.strategies.values import mapping


class ArchivingReader:
    """Implements ``strategies.contract.Reader``: a workload's ReplicaSets include those only the journal knows.

    Digests that were recorded while pods ran are taught to the process's memory on the way, for scaled-down versions
    named by tag as well: a tag is never resolved today for a version of yesterday.
    """

    def __init__(self, api: Api, live: Live, archive: Archive, cluster: str) -> None:
        self._api = api
        self._live = live
        self._archive = archive
        self._cluster = cluster

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        return await self._api.get(resource, namespace, name)

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        held = await self._api.owned(resource, namespace, uid)
        strategy = self._strategy(uid)
        if resource != REPLICASETS or strategy is None:
            return held
        known = {version.hash: version for version in await self.versions(uid)}
        for raw in held:
            metadata = mapping(raw.get("metadata"))
            version = known.pop(str(mapping(metadata.get("labels")).get(strategy.hash_label)), None)
            if version is not None:
                teach(str(metadata.get("uid") or ""), version)
        kept = [await self._archived(uid, namespace, version, strategy) for version in known.values()]
        return [*held, *(raw for raw in kept if raw is not None)]

    async def versions(self, uid: str) -> tuple[KnownVersion, ...]:
        """What the journal knows; nothing when it cannot be read: then only the cluster's own are offered."""
        try:
            return await self._archive.versions(self._cluster, uid)
        except CockpitError:
            return ()

    async def template(self, uid: str, hash_: str) -> dict[str, Any] | None:
        try:
            return await self._archive.template(self._cluster, uid, hash_)
        except CockpitError:
            return None

    async def _archived(
        self, uid: str, namespace: str, version: KnownVersion, strategy: Strategy
    ) -> dict[str, Any] | None:
        """One that the cluster no longer has, in the shape of a ReplicaSet without pods.

        Without a template to put back it is only there to be refused by its name, with the reason.
        """
        template = await self.template(uid, version.hash) if version.template else None
        if template is None and not version.withheld:
            return None
        identity = f"journal:{uid}:{version.hash}"
        teach(identity, version)
        annotations = {ARCHIVED: "true"}
        if template is None:
            annotations[WITHHELD] = version.withheld
        if version.revision is not None:
            annotations[strategy.revision_key] = str(version.revision)
        return {
            "metadata": {
                "name": f"-{version.hash}",
                "namespace": namespace,
                "uid": identity,
                "labels": {strategy.hash_label: version.hash},
                "annotations": annotations,
            },
            "spec": {"replicas": 0, "template": template or _pods_of(version)},
            "status": {"replicas": 0, "availableReplicas": 0},
        }

    def _strategy(self, uid: str) -> Strategy | None:
        key = next((key for key, rollout in self._live.snapshot().rollouts.items() if rollout.uid == uid), None)
        return self._live.strategy(key) if key is not None else None


def _pods_of(version: KnownVersion) -> dict[str, Any]:
    """What is known of a template that was not kept: enough to name the version by its digest."""
    return {"spec": {"containers": [{"name": each.container, "image": each.image} for each in version.images]}}


def teach(uid: str, version: KnownVersion) -> None:
    """Let the process remember what pods of a ReplicaSet ran, as recorded."""
    for image in version.images:
        if image.digest is not None and MEMORY.recall(uid, image.container) is None:
            MEMORY.learn(uid, image.container, image.digest)
