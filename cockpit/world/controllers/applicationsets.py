"""Argo CD's ApplicationSet controller: one Application per element of a list, kept as the template says."""

from __future__ import annotations

import copy
import json
from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers import manifests
from cockpit.world.controllers.kit import Key, Queue, controller_of, key_of, own, status_of

_MANAGER = "argocd-applicationset-controller"
_DONE = {
    "type": "ResourcesUpToDate",
    "status": "True",
    "reason": "ApplicationSetUpToDate",
    "message": "All applications have been generated successfully",
}


class ApplicationSets:
    """Reconciles ApplicationSets with list generators. What is changed on a generated Application is put back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue = Queue(world.clock, self._reconcile, 0.5)
        self.failures = self._queue.failures

    def notice(self, change: Change) -> None:
        """Hear of an ApplicationSet, or of an Application that one of them made."""
        if change.plural == "applicationsets":
            if change.type != "DELETED":
                self._queue.add(key_of(change.object))
            return
        owner = controller_of(change.object)
        if owner is not None and owner["kind"] == "ApplicationSet":
            self._queue.add((key_of(change.object)[0], owner["name"]))

    def _reconcile(self, key: Key) -> None:
        owner = self._world.objects.get("applicationsets", *key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        for element in _elements(owner):
            self._keep(owner, _rendered(owner["spec"]["template"], element))

        def write(found: Object) -> None:
            if not status_of(found).get("conditions"):
                found["status"] = {"conditions": [{**_DONE, "lastTransitionTime": rfc3339(self._world.clock.now())}]}

        self._world.objects.mutate("applicationsets", *key, write, subresource="status", manager=_MANAGER)

    def _keep(self, owner: Object, template: dict[str, Any]) -> None:
        metadata = template["metadata"]
        space, name = owner["metadata"]["namespace"], metadata["name"]
        held = self._world.objects.get("applications", space, name)
        if held is None:
            body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": template["spec"]}
            metadata = {**metadata, "namespace": space, "ownerReferences": own(owner)}
            self._world.objects.create({**body, "metadata": metadata}, manager=_MANAGER)
            return
        if ((owner["spec"].get("syncPolicy") or {}).get("applicationsSync")) in ("create-only", "create-delete"):
            return
        spec = copy.deepcopy(template["spec"])
        for rule in owner["spec"].get("ignoreApplicationDifferences") or ():
            if rule.get("name") in (None, "", name):
                for text in rule.get("jsonPointers") or ():
                    _carry_over(held, {"spec": spec}, manifests.pointer(str(text)))

        def write(found: Object) -> None:
            found["spec"] = spec

        self._world.objects.mutate("applications", space, name, write, manager=_MANAGER)


def _elements(owner: Object) -> list[dict[str, Any]]:
    return [
        element
        for generator in owner["spec"].get("generators") or ()
        for element in (generator.get("list") or {}).get("elements") or ()
    ]


def _rendered(template: dict[str, Any], element: dict[str, Any]) -> dict[str, Any]:
    """The template with each ``{{key}}`` replaced."""
    text = json.dumps(template)
    for key, value in element.items():
        text = text.replace("{{" + key + "}}", json.dumps(str(value))[1:-1])
    found: dict[str, Any] = json.loads(text)
    return found


def _carry_over(held: Any, wanted: Any, path: list[str]) -> None:
    """Make ``wanted`` say at ``path`` what ``held`` says: that difference is ignored."""
    *parents, last = path
    for part in parents:
        held = held.get(part) if isinstance(held, dict) else None
        wanted = wanted.setdefault(part, {}) if isinstance(wanted, dict) else None
    if not isinstance(wanted, dict):
        return
    if isinstance(held, dict) and last in held:
        wanted[last] = copy.deepcopy(held[last])
    else:
        wanted.pop(last, None)
