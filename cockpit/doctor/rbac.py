"""The rights the cockpit needs, as YAML for ``kubectl apply``: read-only, or with the operator's verbs added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cockpit.model.resource import Resource
from cockpit.model.right import Right


class Rule(NamedTuple):
    """One RBAC rule. ``cluster_only``: means something only in a ClusterRole."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    cluster_only: bool = False


_SEE = ("get", "list", "watch")

READ: tuple[Rule, ...] = (
    Rule(("argoproj.io",), ("rollouts", "analysisruns"), _SEE, "the rollouts and their checks"),
    Rule(("apps",), ("deployments", "replicasets"), _SEE, "plain Deployments, and the versions of every rollout"),
    Rule(("",), ("pods", "events", "services"), _SEE, "why a pod is not up, what happened, where traffic goes"),
    Rule(("",), ("pods/log",), ("get",), "logs of both arms"),
    Rule(("",), ("namespaces",), _SEE, "names of namespaces to choose from", cluster_only=True),
    Rule(("",), ("nodes",), _SEE, "platforms that a version's images must have", cluster_only=True),
)

WRITE: tuple[Rule, ...] = (
    Rule(("argoproj.io",), ("rollouts",), ("patch",), "pause, resume, restart, roll back"),
    Rule(("argoproj.io",), ("rollouts/status",), ("patch",), "advance, skip, full, abort, retry"),
    Rule(("apps",), ("deployments",), ("patch",), "the same for plain Deployments and workloadRef targets"),
)
"""RBAC cannot tell promote from abort: both are a patch of rollouts/status."""


def rights_of(rule: Rule) -> list[Right]:
    """Each single right that a rule grants, as access reviews ask for them."""
    rights = []
    for group in rule.groups:
        for name in rule.resources:
            plural, _, subresource = name.partition("/")
            resource = Resource(group, "*", plural, "", namespaced=not rule.cluster_only)
            rights += [Right(verb, resource, subresource or None) for verb in rule.verbs]
    return rights


def manifest(*, operator: bool, namespace: str | None = None, service: str | None = None) -> str:
    """YAML of a ClusterRole, or of a Role in ``namespace``, without a binding: whom to bind is not ours to say.

    ``service``: the settings' ``prometheus.service``; it adds a Role in the namespace where that is, for this
    one Service alone, because the right to proxy to every Service reaches far beyond metrics.
    """
    name = "rollout-cockpit-operator" if operator else "rollout-cockpit-read-only"
    rules = [rule for rule in (*READ, *(WRITE if operator else ())) if namespace is None or not rule.cluster_only]
    lines = _role(name, namespace, rules)
    if service is not None:
        where, _, target = service.partition("/")
        rule = Rule(("",), ("services/proxy",), ("get",), "SLIs from Prometheus through the API server")
        lines += ["---", *_role("rollout-cockpit-prometheus", where, [rule]), f'    resourceNames: ["{target}"]']
    return "\n".join(lines)


def _role(name: str, namespace: str | None, rules: Iterable[Rule]) -> list[str]:
    lines = [
        "apiVersion: rbac.authorization.k8s.io/v1",
        f"kind: {'Role' if namespace else 'ClusterRole'}",
        "metadata:",
        f"  name: {name}",
    ]
    if namespace:
        lines.append(f"  namespace: {namespace}")
    lines.append("rules:")
    for rule in rules:
        lines += [
            f"  # {rule.why}",
            f"  - apiGroups: [{_listed(rule.groups)}]",
            f"    resources: [{_listed(rule.resources)}]",
            f"    verbs: [{_listed(rule.verbs)}]",
        ]
    return lines


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)
