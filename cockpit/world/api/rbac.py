"""Role-based access control: default cluster roles, and the answer to "may this user do that"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cockpit.world.api.users import User
from cockpit.world.contract import Object
from cockpit.world.store import Store

Rule = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_ALL = [*_WRITE[:3], *_READ, *_WRITE[3:]]
_AGGREGATE = f"{_RBAC}/aggregate-to-"


class Question(NamedTuple):
    """ResourceAttributes of an access review. ``resource`` may be ``*``; ``path`` set instead: a non-resource URL."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Rbac:
    """Evaluates stored Roles and bindings; decoded rules are cached until one of them changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: dict[tuple[str, str], list[tuple[list[dict[str, Any]], list[Rule]]]] = {}
        for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"):
            store.watch(plural, lambda _: self._cache.clear())

    def allows(self, user: User, question: Question) -> bool:
        return user.masters or any(_covers(rule, question) for rule in self.rules(user, question.namespace))

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """All rules that hold for ``user`` in ``namespace`` ("" for cluster scope), duplicates included."""
        bindings = self._bindings("clusterrolebindings", "")
        if namespace:
            bindings = [*bindings, *self._bindings("rolebindings", namespace)]
        for subjects, rules in bindings:
            if any(_is(subject, user, namespace) for subject in subjects):
                yield from rules

    def _bindings(self, plural: str, namespace: str) -> list[tuple[list[dict[str, Any]], list[Rule]]]:
        key = (plural, namespace)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = [
                (binding.get("subjects") or [], self._role(binding["roleRef"], namespace))
                for binding in self._store.select(plural, namespace)
            ]
        return found

    def _role(self, reference: dict[str, Any], namespace: str) -> list[Rule]:
        if reference.get("kind") == "Role":
            role = self._store.get("roles", namespace, reference["name"])
        else:
            role = self._store.get("clusterroles", None, reference["name"])
        if role is None:
            return []
        selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors")
        if selectors is None:
            return role.get("rules") or []
        return aggregate(self._store, selectors)


def aggregate(store: Store, selectors: list[dict[str, Any]]) -> list[Rule]:
    """The rules of every ClusterRole that one of ``selectors`` picks by its labels."""
    rules: list[Rule] = []
    for selector in selectors:
        for role in store.select("clusterroles", None, selector.get("matchLabels") or {}):
            rules.extend(role.get("rules") or [])
    return rules


def _is(subject: dict[str, Any], user: User, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "User":
        return name == user.name
    if kind == "Group":
        return name in user.groups
    return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"


def _has(listed: Iterable[str] | None, wanted: str) -> bool:
    return listed is not None and any(item in ("*", wanted) for item in listed)


def _covers(rule: Rule, question: Question) -> bool:
    if not _has(rule.get("verbs"), question.verb):
        return False
    if question.path:
        urls: list[str] = rule.get("nonResourceURLs") or []
        return any(u in ("*", question.path) or (u.endswith("*") and question.path.startswith(u[:-1])) for u in urls)
    resource = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    resources: list[str] = rule.get("resources") or []
    if not (_has(resources, resource) or (question.subresource and f"*/{question.subresource}" in resources)):
        return False
    names: list[str] = rule.get("resourceNames") or []
    return _has(rule.get("apiGroups"), question.group) and (not names or question.name in names)


def _role(name: str, rules: list[Rule], labels: dict[str, str] | None = None, **rest: Any) -> Object:
    metadata: dict[str, Any] = {"name": name}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules, **rest}


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Rule:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _viewer_rules() -> list[Rule]:
    core = ["configmaps", "endpoints", "persistentvolumeclaims", "pods", "services", "serviceaccounts", "events"]
    core += ["limitranges", "namespaces", "namespaces/status", "pods/log", "pods/status", "resourcequotas"]
    core += ["replicationcontrollers", "resourcequotas/status", "services/status"]
    apps = ["controllerrevisions", "daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets"]
    apps += ["replicasets/scale", "statefulsets/scale", "daemonsets/status", "deployments/status", "replicasets/status"]
    return [
        _rule([""], core, _READ),
        _rule(["apps"], [*apps, "statefulsets/status"], _READ),
        _rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], _READ),
        _rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], _READ),
        _rule(["networking.k8s.io"], ["ingresses", "ingresses/status"], _READ),
        _rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], _READ),
        _rule(["events.k8s.io"], ["events"], _READ),
    ]


def _editor_rules() -> list[Rule]:
    core = ["configmaps", "events", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts", "services"]
    apps = ["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets"]
    apps += ["replicasets/scale", "statefulsets", "statefulsets/scale"]
    return [
        _rule([""], ["secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy"], _READ),
        _rule([""], [*core, "endpoints", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], _WRITE),
        _rule([""], ["pods/eviction"], ["create"]),
        _rule(["apps"], apps, _WRITE),
        _rule(["autoscaling"], ["horizontalpodautoscalers"], _WRITE),
        _rule(["batch"], ["cronjobs", "jobs"], _WRITE),
        _rule(["networking.k8s.io"], ["ingresses"], _WRITE),
        _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
        _rule(["coordination.k8s.io"], ["leases"], _ALL),
    ]


def _argo_roles() -> Iterator[Object]:
    """The aggregate roles that Argo Rollouts installs (its manifests/role)."""
    kinds = ["rollouts", "rollouts/scale", "experiments", "analysistemplates", "clusteranalysistemplates"]
    kinds.append("analysisruns")
    writable = [*kinds[:2], "rollouts/status", *kinds[2:]]
    for level, verbs, resources in (("admin", _ALL, writable), ("edit", _ALL, writable), ("view", _READ, kinds)):
        rules = [_rule(["argoproj.io"], resources, verbs)]
        yield _role(f"argo-rollouts-aggregate-to-{level}", rules, {f"{_AGGREGATE}{level}": "true"})


def default_roles() -> list[Object]:
    """ClusterRoles and bindings that a cluster with Argo Rollouts starts with."""
    urls = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"]
    urls += ["/version/", "/swagger-2.0.0.pb-v1"]
    reviews = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    basic = [
        _rule(["authorization.k8s.io"], reviews, ["create"]),
        _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
    ]
    admin = [
        _rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
        _rule([_RBAC], ["rolebindings", "roles"], _ALL),
    ]
    roles = [
        _role(
            "cluster-admin",
            [_rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}],
        ),
        _role("system:aggregate-to-admin", admin, {f"{_AGGREGATE}admin": "true"}),
        _role("system:aggregate-to-edit", _editor_rules(), {f"{_AGGREGATE}edit": "true"}),
        _role("system:aggregate-to-view", _viewer_rules(), {f"{_AGGREGATE}view": "true"}),
        *_argo_roles(),
        _role("system:basic-user", basic),
        _role("system:discovery", [{"nonResourceURLs": urls, "verbs": ["get"]}]),
        _role("system:public-info-viewer", [{"nonResourceURLs": ["/version", "/healthz", "/livez"], "verbs": ["get"]}]),
    ]
    for level, sources in (("admin", ("admin", "edit", "view")), ("edit", ("edit", "view")), ("view", ("view",))):
        selectors = [{"matchLabels": {f"{_AGGREGATE}{source}": "true"}} for source in sources]
        roles.append(_role(level, [], aggregationRule={"clusterRoleSelectors": selectors}))
    return [
        *roles,
        _binding("cluster-admin", "system:masters"),
        _binding("system:basic-user", "system:authenticated"),
        _binding("system:discovery", "system:authenticated"),
        _binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated"),
    ]


def _binding(role: str, *groups: str) -> Object:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group} for group in groups],
    }


def bootstrap(store: Store) -> None:
    """Store the default roles, with the aggregated ones filled in."""
    for obj in default_roles():
        store.create(obj, manager="kube-apiserver")
    for level in ("view", "edit", "admin"):

        def fill(role: Object) -> None:
            role["rules"] = aggregate(store, role["aggregationRule"]["clusterRoleSelectors"])

        store.mutate("clusterroles", None, level, fill, manager="kube-controller-manager")
