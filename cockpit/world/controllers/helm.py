"""Helm's storage: one Secret per revision of a release, as helm and Flux's helm-controller write it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Object, World
from cockpit.world.controllers.kit import label

Status = Literal["deployed", "superseded", "failed", "pending-install", "pending-upgrade", "pending-rollback"]

_TYPE = "helm.sh/release.v1"


def chart_version(number: int) -> str:
    return f"1.{number}.0"


def digest(manifests: Sequence[Object]) -> str:
    """Of a chart: each content has its own."""
    return f"sha256:{hashlib.sha256(json.dumps(list(manifests), sort_keys=True).encode()).hexdigest()}"


class Release:
    """One release, kept in Secrets of its namespace."""

    def __init__(self, world: World, namespace: str, name: str) -> None:
        self._world = world
        self.namespace = namespace
        self.name = name

    def stored(self) -> list[Object]:
        """Its Secrets by revision."""
        owned = {"owner": "helm", "name": self.name}
        return sorted(
            self._world.objects.select("secrets", self.namespace, owned), key=lambda s: int(label(s, "version"))
        )

    def deploy(
        self,
        manifests: Sequence[Object],
        manager: str,
        *,
        status: Status = "deployed",
        hooks: Sequence[Object] = (),
    ) -> int:
        """Store one more revision; a deployed one supersedes the one before. Its number."""
        stored = self.stored()
        number = int(label(stored[-1], "version")) + 1 if stored else 1
        if status == "deployed":
            for secret in stored:
                if label(secret, "status") == "deployed":
                    self._mark(secret, "superseded", manager)
        body = self._body(number, manifests, status, hooks)
        name = f"sh.helm.release.v1.{self.name}.v{number}"
        labels = {**self._labels(status), "version": str(number)}
        metadata = {"name": name, "namespace": self.namespace, "labels": labels}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": _TYPE, "data": {"release": body}}
        self._world.objects.create(secret, manager=manager)
        return number

    def history(self, owner: Object, before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """``status.history`` of a HelmRelease, newest first: what is stored, as helm-controller shortens it."""
        first = before[-1]["firstDeployed"] if before else rfc3339(self._world.clock.now())
        known = {entry["version"]: entry for entry in before}
        rows = []
        for secret in reversed(self.stored()):
            number = int(label(secret, "version"))
            digest = hashlib.sha256(secret["data"]["release"].encode()).hexdigest()
            fresh = {
                "chartName": self.name,
                "chartVersion": chart_version(number),
                "configDigest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}",
                "digest": f"sha256:{digest}",
                "firstDeployed": first,
                "lastDeployed": rfc3339(self._world.clock.now()),
                "name": self.name,
                "namespace": self.namespace,
                "version": number,
            }
            rows.append({**known.get(number, fresh), "status": label(secret, "status")})
        return rows[:5]

    def _mark(self, secret: Object, status: Status, manager: str) -> None:
        def write(found: Object) -> None:
            found["metadata"]["labels"] |= self._labels(status)

        self._world.objects.mutate("secrets", self.namespace, secret["metadata"]["name"], write, manager=manager)

    def _labels(self, status: Status) -> dict[str, str]:
        return {"owner": "helm", "name": self.name, "status": status, "modifiedAt": str(int(self._world.clock.now()))}

    def _body(self, number: int, manifests: Sequence[Object], status: Status, hooks: Sequence[Object]) -> str:
        """A release record: JSON, gzip, base64 twice (helm's own and the Secret's)."""
        now = rfc3339(self._world.clock.now())
        record = {
            "name": self.name,
            "namespace": self.namespace,
            "version": number,
            "info": {
                "first_deployed": now,
                "last_deployed": now,
                "status": status,
                "description": "Preparing upgrade" if status.startswith("pending") else "Upgrade complete",
            },
            "chart": {"metadata": {"name": self.name, "version": chart_version(number), "apiVersion": "v2"}},
            "config": {},
            # JSON is YAML, and helm's manifests are documents of it
            "manifest": "".join(f"---\n{json.dumps(manifest, sort_keys=True)}\n" for manifest in manifests),
            "hooks": [_hook(hook) for hook in hooks],
        }
        packed = gzip.compress(json.dumps(record, sort_keys=True).encode(), mtime=0)
        return base64.b64encode(base64.b64encode(packed)).decode()


def _hook(obj: Object) -> dict[str, Any]:
    events = str((obj["metadata"].get("annotations") or {}).get("helm.sh/hook", "")).split(",")
    return {
        "name": obj["metadata"]["name"],
        "kind": obj["kind"],
        "path": f"templates/{obj['metadata']['name']}.yaml",
        "manifest": json.dumps(obj, sort_keys=True),
        "events": events,
    }
