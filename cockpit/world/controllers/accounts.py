"""The service account controller: every namespace has the account that its pods run as."""

from __future__ import annotations

from cockpit.world.contract import Change, World
from cockpit.world.controllers.kit import Key, Queue

_NAME = "default"


class Accounts:
    """Makes the default ServiceAccount of every living namespace, and makes it again when somebody deletes it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue = Queue(world.clock, self._reconcile, 0.05)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        """Hear of a namespace, or of a service account."""
        metadata = change.object["metadata"]
        if change.plural == "namespaces":
            if change.type == "ADDED":
                self._queue.add(("", metadata["name"]))
        elif change.type == "DELETED" and metadata["name"] == _NAME:
            self._queue.add(("", metadata["namespace"]))

    def _reconcile(self, key: Key) -> None:
        namespace = self._world.objects.get("namespaces", None, key[1])
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            return
        if self._world.objects.get("serviceaccounts", key[1], _NAME) is None:
            body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME, "namespace": key[1]}}
            self._world.objects.create(body, manager="kube-controller-manager")
