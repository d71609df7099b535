"""Access and self reviews: what a user may do, answered from stored RBAC rules."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world import status
from cockpit.world.api.rbac import Question, Rbac
from cockpit.world.api.users import User
from cockpit.world.contract import Object

AUTHORIZATION = "authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"

REVIEWS: dict[tuple[str, str], tuple[str, bool]] = {
    (AUTHORIZATION, "selfsubjectaccessreviews"): ("SelfSubjectAccessReview", False),
    (AUTHORIZATION, "selfsubjectrulesreviews"): ("SelfSubjectRulesReview", False),
    (AUTHORIZATION, "subjectaccessreviews"): ("SubjectAccessReview", False),
    (AUTHORIZATION, "localsubjectaccessreviews"): ("LocalSubjectAccessReview", True),
    (AUTHENTICATION, "selfsubjectreviews"): ("SelfSubjectReview", False),
}
"""(group, plural) -> (kind, namespaced): resources that can only be created, and are never stored."""


def answer(plural: str, body: Object, user: User, rbac: Rbac, now: float) -> Object:
    """The review with its status filled in; raises 422 for one that asks nothing."""
    group = AUTHENTICATION if plural == "selfsubjectreviews" else AUTHORIZATION
    kind = REVIEWS[group, plural][0]
    metadata = {**(body.get("metadata") or {}), "creationTimestamp": rfc3339(now)}
    review: Object = {"kind": kind, "apiVersion": f"{group}/v1", "metadata": metadata}
    if plural == "selfsubjectreviews":
        return {**review, "status": {"userInfo": user.info()}}
    spec: dict[str, Any] = body.get("spec") or {}
    review["spec"] = spec
    if plural == "selfsubjectrulesreviews":
        namespace = spec.get("namespace") or ""
        if not namespace:
            raise status.bad_request("no namespace on request")
        return {**review, "status": _rules(user, namespace, rbac)}
    if plural != "selfsubjectaccessreviews":
        user = User(spec.get("user") or "", tuple(spec.get("groups") or ()))
    allowed = rbac.allows(user, _question(kind, spec))
    return {**review, "status": {"allowed": True} if allowed else {"allowed": False}}


def _question(kind: str, spec: dict[str, Any]) -> Question:
    attributes, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (attributes is None) == (path is None):
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        cause = status.Cause("FieldValueInvalid", f"Invalid value: null: {detail}", "spec.resourceAttributes")
        raise status.invalid(kind, AUTHORIZATION, "", [cause])
    if attributes is None:
        return Question((path or {}).get("verb") or "", path=(path or {}).get("path") or "/")
    keys = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Question(*(attributes.get(key) or "" for key in keys))


def _rules(user: User, namespace: str, rbac: Rbac) -> dict[str, Any]:
    resources: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    for rule in rbac.rules(user, namespace):
        if rule.get("nonResourceURLs"):
            paths.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
        else:
            kept = ("verbs", "apiGroups", "resources", "resourceNames")
            resources.append({key: rule[key] for key in kept if rule.get(key)})
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
