"""How many pods of a template still fit: quantities, what a pod asks for, ResourceQuotas and LimitRanges. Pure.

Sources: kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity, /docs/concepts/policy/resource-quotas,
/docs/concepts/policy/limit-range, /docs/concepts/workloads/pods/init-containers (effective request of a pod).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from cockpit.actions.preflight.contract import Garbled
from cockpit.strategies.values import mapping, objects

_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)}
_COMPUTE = ("cpu", "memory")  # of these every container has to say how much, where a quota counts them
_SECTIONS = ("requests", "limits")

Amounts = dict[str, Decimal]
"""``requests.cpu`` -> how much."""


class Room(msgspec.Struct, frozen=True):
    """Pods of the target that fit into one quota. ``limiting``: what runs out first, in words; "" if nothing counts."""

    quota: str
    pods: int | None  # None: it does not limit them
    limiting: str = ""
    silent: tuple[str, ...] = ()  # what some container would have to ask for and does not: no pod is admitted


def quantity(value: Any) -> Decimal:
    """A resource.Quantity: ``250m`` is 0.25, ``1Gi`` 2**30, ``1e3`` 1000. Raises Garbled for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Garbled(f"{str(value)[:40]!r} is no quantity")
    number, exponent, suffix = Decimal(match[1]), match[2], match[3] or ""
    if exponent:
        return number.scaleb(int(exponent))
    return number * _BINARY[suffix] if suffix in _BINARY else number.scaleb(_DECIMAL.get(suffix, 0))


def demand(template: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> Amounts:
    """What one pod counts for, with the defaults of the namespace's LimitRanges."""
    spec = mapping(template.get("spec"))
    defaults = _defaults(ranges)
    total: Amounts = {}
    for container in (*objects(spec.get("containers")), *_sidecars(spec)):
        _add(total, _asked(container, defaults))
    # Init containers run one after another, before the others: the largest counts, not their sum.
    for container in objects(spec.get("initContainers")):
        for name, amount in _asked(container, defaults).items():
            total[name] = max(total.get(name, Decimal(0)), amount)
    for name, amount in mapping(spec.get("overhead")).items():
        for section in _SECTIONS:
            if f"{section}.{name}" in total:
                total[f"{section}.{name}"] += quantity(amount)
    return total


def room(quota: Mapping[str, Any], template: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> Room:
    """How many pods fit by what the quota says is used. Raises Garbled where it does not say it."""
    name = str(mapping(quota.get("metadata")).get("name"))
    spec, status = quota.get("spec"), quota.get("status")
    if not isinstance(spec, dict) or not isinstance(spec.get("hard"), dict):
        raise Garbled(f"quota {name} is not readable")
    if not _counts(spec, template, ranges):
        return Room(name, None)
    used, wanted = mapping(mapping(status).get("used")), demand(template, ranges)
    found: tuple[int, str] | None = None
    silent: list[str] = []
    for resource, hard in spec["hard"].items():
        counted = _counted(resource, wanted)
        if counted is None:
            silent += _silent(resource, template, ranges)
            continue
        if resource not in used:
            raise Garbled(f"quota {name} does not say yet how much {resource} is used")
        left = quantity(hard) - quantity(used[resource])
        fits = max(int(left / counted), 0)
        if found is None or fits < found[0]:
            found = (fits, f"{resource}: {used[resource]} of {hard} used, a pod takes {shown(resource, counted)}")
    if silent:
        return Room(name, 0, f"it wants {', '.join(silent)} of every container", tuple(silent))
    return Room(name, *found) if found is not None else Room(name, None)


def excess(template: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the template asks for more, or less, than a LimitRange allows a container or a pod."""
    defaults, said = _defaults(ranges), []
    pods = [("a pod", demand(template, ranges))]
    containers = [
        (f"container {each.get('name')}", _asked(each, defaults)) for each in _containers(mapping(template.get("spec")))
    ]
    for limits, each in _limits(ranges):
        kind = each.get("type")
        for who, asked in containers if kind == "Container" else pods if kind == "Pod" else ():
            for name, most in mapping(each.get("max")).items():
                given = asked.get(f"limits.{name}", asked.get(f"requests.{name}"))
                if given is not None and given > quantity(most):
                    said.append(f"{who} asks for {shown(name, given)} {name}, LimitRange {limits} allows {most}")
            for name, least in mapping(each.get("min")).items():
                given = asked.get(f"requests.{name}")
                if given is not None and given < quantity(least):
                    said.append(f"{who} asks for {shown(name, given)} {name}, LimitRange {limits} wants {least}")
    return said


def shown(resource: str, value: Decimal) -> str:
    """``500m``, ``2``, ``1Gi``."""
    if resource.endswith(("memory", "storage")) and value == value.to_integral_value():
        for suffix in ("Gi", "Mi", "Ki"):
            if value and value % _BINARY[suffix] == 0:
                return f"{int(value / _BINARY[suffix])}{suffix}"
    if value == value.to_integral_value():
        return str(int(value))
    return f"{value * 1000:.0f}m"


def _counted(resource: str, wanted: Amounts) -> Decimal | None:
    """What one pod takes of a quota's resource; None when it takes nothing."""
    if resource in ("pods", "count/pods"):
        return Decimal(1)
    name = resource if resource.startswith(("requests.", "limits.")) else f"requests.{resource}"
    return wanted.get(name) or None


def _silent(resource: str, template: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> list[str]:
    name = resource if resource.startswith(("requests.", "limits.")) else f"requests.{resource}"
    if name.partition(".")[2] not in _COMPUTE:
        return []
    defaults = _defaults(ranges)
    lacking = any(name not in _asked(each, defaults) for each in _containers(mapping(template.get("spec"))))
    return [name] if lacking else []


def _counts(spec: Mapping[str, Any], template: Mapping[str, Any], ranges: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the quota's scopes take pods of the template in; a scope nobody knows is taken to."""
    pod = mapping(template.get("spec"))
    asked = demand(template, ranges)
    best_effort = not any(name.partition(".")[2] in _COMPUTE and amount for name, amount in asked.items())
    ending = pod.get("activeDeadlineSeconds") is not None
    held = {
        "Terminating": ending,
        "NotTerminating": not ending,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }
    scopes = spec.get("scopes") if isinstance(spec.get("scopes"), list) else []
    if not all(held.get(scope, True) for scope in scopes or []):
        return False
    expressions = objects(mapping(spec.get("scopeSelector")).get("matchExpressions"))
    return all(_selected(each, str(pod.get("priorityClassName") or ""), held) for each in expressions)


def _selected(expression: Mapping[str, Any], priority: str, held: Mapping[str, bool]) -> bool:
    scope, operator = expression.get("scopeName"), expression.get("operator")
    if scope != "PriorityClass":
        return held.get(str(scope), True)
    values = expression.get("values") or []
    return {
        "In": priority in values,
        "NotIn": priority not in values,
        "Exists": bool(priority),
        "DoesNotExist": not priority,
    }.get(str(operator), True)


def _asked(container: Mapping[str, Any], defaults: tuple[Amounts, Amounts]) -> Amounts:
    """``requests.cpu`` and so on of one container, defaulted as the server does."""
    resources = mapping(container.get("resources"))
    limits = {name: quantity(value) for name, value in mapping(resources.get("limits")).items()}
    requests = {**limits, **{name: quantity(value) for name, value in mapping(resources.get("requests")).items()}}
    requests, limits = {**defaults[0], **requests}, {**defaults[1], **limits}
    return {
        **{f"requests.{name}": value for name, value in requests.items()},
        **{f"limits.{name}": value for name, value in limits.items()},
    }


def _defaults(ranges: Sequence[Mapping[str, Any]]) -> tuple[Amounts, Amounts]:
    requests: Amounts = {}
    limits: Amounts = {}
    for _, each in _limits(ranges):
        if each.get("type") == "Container":
            given = {name: quantity(value) for name, value in mapping(each.get("default")).items()}
            limits |= given
            requests |= {**given, **{n: quantity(v) for n, v in mapping(each.get("defaultRequest")).items()}}
    return requests, limits


def _limits(ranges: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, dict[str, Any]]]:
    for each in ranges:
        name, limits = mapping(each.get("metadata")).get("name"), mapping(each.get("spec")).get("limits")
        if not isinstance(limits, list):
            raise Garbled(f"LimitRange {name} is not readable")
        yield from ((str(name), limit) for limit in objects(limits))


def _containers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*objects(spec.get("initContainers")), *objects(spec.get("containers"))]


def _sidecars(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Init containers that keep running beside the others (Kubernetes 1.28)."""
    return [each for each in objects(spec.get("initContainers")) if each.get("restartPolicy") == "Always"]


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, Decimal(0)) + amount
