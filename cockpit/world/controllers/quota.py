"""ResourceQuota: what a namespace uses, and whether one more pod still fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers.kit import Key, Queue

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(1000),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def quantity(text: object) -> Decimal:
    """A resource.Quantity as a number: ``250m`` is 0.25, ``1Gi`` is 2**30."""
    value = str(text)
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if value.endswith(suffix):
            return Decimal(value[: -len(suffix)]) * _SUFFIXES[suffix]
    return Decimal(value)


def _demand(resource: str, pods: Iterable[Object]) -> Decimal:
    if resource in ("pods", "count/pods"):
        return Decimal(sum(1 for _ in pods))
    section, _, name = resource.rpartition(".")
    if section not in ("requests", "limits", ""):
        return Decimal(0)
    total = Decimal(0)
    for pod in pods:
        for container in pod["spec"]["containers"]:
            asked: Mapping[str, Any] = (container.get("resources") or {}).get(section or "requests") or {}
            total += quantity(asked.get(name, "0"))
    return total


def _show(resource: str, value: Decimal) -> str:
    if value == value.to_integral_value():
        number = int(value)
        if resource.endswith(("memory", "storage")) and number:
            for suffix in ("Gi", "Mi", "Ki"):
                if number % int(_SUFFIXES[suffix]) == 0:
                    return f"{number // int(_SUFFIXES[suffix])}{suffix}"
        return str(number)
    return f"{int(value * 1000)}m"


class Quotas:
    """Keeps ``status.used`` of every ResourceQuota and answers for admission."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue = Queue(world.clock, self._refresh, 0.2)
        self.failures = self._queue.failures
        self._names: dict[str, set[str]] = {}

    def notice(self, change: Change) -> None:
        namespace = change.object["metadata"]["namespace"]
        if change.plural == "resourcequotas":
            names = self._names.setdefault(namespace, set())
            if change.type == "DELETED":
                names.discard(change.object["metadata"]["name"])
            else:
                names.add(change.object["metadata"]["name"])
        if change.type != "MODIFIED" or change.plural == "resourcequotas":
            for name in sorted(self._names.get(namespace, ())):
                self._queue.add((namespace, name))

    def refusal(self, namespace: str, pod: Object) -> str | None:
        """Why a new ``pod`` may not be created, in the API server's words; None when it may."""
        if not self._names.get(namespace):
            return None
        pods = self._pods(namespace)
        for quota in self._world.objects.select("resourcequotas", namespace):
            over: list[tuple[str, Decimal, Decimal, Decimal]] = []
            for resource, hard in sorted((quota["spec"].get("hard") or {}).items()):
                used, asked = _demand(resource, pods), _demand(resource, [pod])
                if asked and used + asked > quantity(hard):
                    over.append((resource, asked, used, quantity(hard)))
            if over:
                asked_text = ",".join(f"{name}={_show(name, a)}" for name, a, _, _ in over)
                used_text = ",".join(f"{name}={_show(name, u)}" for name, _, u, _ in over)
                hard_text = ",".join(f"{name}={_show(name, h)}" for name, _, _, h in over)
                return (
                    f"exceeded quota: {quota['metadata']['name']}, requested: {asked_text}, "
                    f"used: {used_text}, limited: {hard_text}"
                )
        return None

    def _pods(self, namespace: str) -> list[Object]:
        done = ("Succeeded", "Failed")
        pods = self._world.objects.select("pods", namespace)
        return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in done]

    def _refresh(self, key: Key) -> None:
        quota = self._world.objects.get("resourcequotas", *key)
        if quota is None:
            return
        hard = quota["spec"].get("hard") or {}
        pods = self._pods(key[0])
        used = {resource: _show(resource, _demand(resource, pods)) for resource in hard}

        def write(found: Object) -> None:
            found["status"] = {"hard": hard, "used": used}

        self._world.objects.mutate(
            "resourcequotas", *key, write, subresource="status", manager="kube-controller-manager"
        )
