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

CHECKS: tuple[Rule, ...] = (
    Rule(
        ("argoproj.io",),
        ("applications",),
        ("get", "list"),
        "whether Argo CD puts a rollback back (where Applications are)",
    ),
    Rule(
        ("kustomize.toolkit.fluxcd.io",),
        ("kustomizations",),
        ("get", "list"),
        "the same for Flux (where Kustomizations are)",
    ),
    Rule(("helm.toolkit.fluxcd.io",), ("helmreleases",), ("get", "list"), "the same for Flux's Helm releases"),
    Rule(("",), ("configmaps",), ("get", "list"), "whether a version's configuration is unchanged: only the metadata"),
    Rule(("",), ("serviceaccounts", "persistentvolumeclaims"), ("get",), "whether what else a version needs is there"),
    Rule(("",), ("resourcequotas", "limitranges"), ("list",), "whether a version fits the namespace's quota"),
    Rule(("autoscaling",), ("horizontalpodautoscalers",), ("list",), "who else scales it"),
    Rule(("policy",), ("poddisruptionbudgets",), ("list",), "how many of its pods may be away"),
    Rule(("networking.k8s.io",), ("ingresses",), ("get",), "the Ingresses that share traffic out"),
    Rule(("networking.istio.io",), ("virtualservices", "destinationrules"), ("get",), "the same for Istio"),
    Rule(("batch",), ("jobs",), _SEE, "migrations that ran since a version last served"),
    Rule(("db.atlasgo.io",), ("atlasmigrations", "atlasschemas"), ("list",), "the same for Atlas"),
    Rule(("schemas.schemahero.io",), ("migrations",), ("list",), "the same for SchemaHero"),
    Rule(
        ("scheduling.k8s.io",),
        ("priorityclasses",),
        ("get",),
        "whether what a version names is there",
        cluster_only=True,
    ),
    Rule(("node.k8s.io",), ("runtimeclasses",), ("get",), "the same", cluster_only=True),
)
"""What the pre-flight of a rollback asks. A check that may not ask is unknown: then it takes the typed name."""

SECRETS: tuple[Rule, ...] = (
    Rule(
        ("",),
        ("secrets",),
        ("get", "list"),
        "pull secrets, to ask their registry; of all others only the metadata is read (Helm's records, configuration)",
    ),
)
"""For operators only: RBAC cannot grant the metadata of a Secret without its contents."""

WRITE: tuple[Rule, ...] = (
    Rule(("argoproj.io",), ("rollouts",), ("patch",), "pause, resume, restart, roll back"),
    Rule(("argoproj.io",), ("rollouts/status",), ("patch",), "advance, skip, full, abort, retry"),
    Rule(("apps",), ("deployments",), ("patch",), "the same for plain Deployments and workloadRef targets"),
    Rule(("",), ("pods",), ("create",), "dry runs only: whether a pod of a version would be admitted"),
    Rule(("events.k8s.io",), ("events",), ("create",), "an Event per act, for other seats"),
    Rule(("argoproj.io",), ("applications",), ("patch",), "cockpit gitops suspend and resume"),
    Rule(("kustomize.toolkit.fluxcd.io",), ("kustomizations",), ("patch",), "the same for Flux"),
    Rule(("helm.toolkit.fluxcd.io",), ("helmreleases",), ("patch",), "the same for Flux"),
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
    added = (*SECRETS, *WRITE) if operator else ()
    rules = [rule for rule in (*READ, *CHECKS, *added) if namespace is None or not rule.cluster_only]
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
