"""What a pre-flight can meet: one situation per thing that a check can find, for tests that make its requests fail."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.base.errors import Denied
from cockpit.model.artifact import Label, Retention, Signatures
from cockpit.model.revision import Signed
from tests.harness.preflight import (
    DIGEST,
    IMAGE,
    NAME,
    NAMESPACE,
    NOW,
    Past,
    Registry,
    revision,
    template,
    workload,
)
from tests.harness.rehearsal import Body, Situation

BEFORE, SINCE = rfc3339(NOW - 200_000), rfc3339(NOW - 600)
OTHER = "sha256:" + "b" * 64
RUNNING = "sha256:" + "c" * 64
PART_OF = "app.kubernetes.io/part-of"


def held(kind: str, name: str, *, at: str = BEFORE, namespace: str = NAMESPACE, **members: Any) -> Body:
    wrote = {"manager": "kubectl", "operation": "Update", "time": at, "fieldsV1": {"f:data": {"f:key": {}}}}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": BEFORE, "managedFields": [wrote]}
    return {"kind": kind, "metadata": metadata, "spec": {}, **members}


def needing(**spec: Any) -> Body:
    """A template that refers to one object of every kind."""
    container = {
        "name": "app",
        "image": IMAGE,
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "env": [{"name": "DB", "valueFrom": {"secretKeyRef": {"name": "db", "key": "key"}}}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    }
    return template(
        containers=[container],
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        serviceAccountName="shop",
        priorityClassName="high",
        runtimeClassName="gvisor",
        **spec,
    )


NEEDED = (
    held("ConfigMap", "settings"),
    held("Secret", "db"),
    held("PersistentVolumeClaim", "data"),
    held("ServiceAccount", "shop", imagePullSecrets=[{"name": "regcred"}]),
    held("Secret", "regcred"),
    {**held("PriorityClass", "high"), "plural": "priorityclasses"},
    {**held("RuntimeClass", "gvisor"), "plural": "runtimeclasses"},
)


def without(name: str, *more: Body) -> tuple[Body, ...]:
    return (*(each for each in NEEDED if each["metadata"]["name"] != name), *more)


def quota(used: str, hard: str = "4") -> Body:
    status = {"hard": {"requests.cpu": hard}, "used": {"requests.cpu": used}}
    return held("ResourceQuota", "compute", spec={"hard": {"requests.cpu": hard}}, status=status)


def limits(most: str) -> Body:
    return held("LimitRange", "limits", spec={"limits": [{"type": "Container", "max": {"memory": most}}]})


def service(**selector: str) -> Body:
    return held("Service", "cart", spec={"selector": {"app": NAME, **selector}})


def rollout(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Body:
    made = workload(labels, annotations, **spec)
    made["metadata"]["generation"] = 3
    made["status"] = {"observedGeneration": "3"}
    return dict(made)


def versioned(version: str) -> Body:
    return {**template(), "metadata": {"labels": {"app": NAME, "version": version}}}


def job(name: str = "cart-migrate") -> Body:
    spec = {"template": {"spec": {"containers": [{"name": "run", "image": "flyway/flyway:10"}]}}}
    body = held("Job", name, spec=spec)
    body["metadata"]["creationTimestamp"] = SINCE
    return body


def application(**policy: Any) -> Body:
    listed = {"group": "argoproj.io", "kind": "Rollout", "namespace": NAMESPACE, "name": NAME}
    return held(
        "Application",
        "cart",
        namespace="argocd",
        spec={"destination": {"server": "https://kubernetes.default.svc"}, "syncPolicy": policy},
        status={"sync": {"status": "Synced"}, "resources": [listed]},
    )


def flux(kind: str, namespace: str, **spec: Any) -> Body:
    return held(kind, "cart", namespace=namespace, spec={"interval": "1m", **spec}, status={})


def labels_of(api: str, namespace: str) -> dict[str, str]:
    return {f"{api}.toolkit.fluxcd.io/name": "cart", f"{api}.toolkit.fluxcd.io/namespace": namespace}


def release(status: str, kind: str = "Secret") -> Body:
    body = held(kind, "sh.helm.release.v1.cart.v7", type="helm.sh/release.v1")
    body["metadata"]["labels"] = {"owner": "helm", "name": "cart", "status": status, "version": "7"}
    return body


INSTALLED = {"meta.helm.sh/release-name": "cart", "meta.helm.sh/release-namespace": NAMESPACE}


class Labelled(Registry):
    """What the registry says by digest: provenance, and labels of the image."""

    def __init__(self, provenance: Signed = "verified", running: Signed = "verified", **labels: str) -> None:
        super().__init__()
        self.provenance, self.by_running = provenance, running
        self.labels = tuple(Label(name.replace("_", "-"), value, "config") for name, value in labels.items())

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        label = self.by_running if digest == RUNNING else self.provenance
        return Signatures(image, digest, "verified", "", label, "none", 0.0, key="k", labels=self.labels)


class Unsafe(Registry):
    """Of another version than the target: the one in force."""

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        if digest == DIGEST:
            return await super().signatures(image, digest)
        said = Label("rollout-cockpit.dev/rollback", "unsafe", "config")
        return Signatures(image, digest, "verified", "", "verified", "none", 0.0, key="k", labels=(said,))


class Login(Registry):
    """A registry that answers to a login only."""

    async def retention(self, image: str, digest: str, *_: Any, **__: Any) -> Retention:
        return Retention(image, digest, "retained", "", 0.0, asked_as="docker config")


class Never(Past):
    async def ran(self, *_: Any) -> dict[str, float]:
        return {}


def rewritten(body: Body) -> Body:
    """What an admission webhook that has gone wrong makes of a pod, or of an object with a template."""
    spec = body["spec"].get("template", body)["spec"]
    broken = {**spec, "containers": [{**each, "image": f"evil.example/x@{OTHER}"} for each in spec["containers"]]}
    if "template" in body["spec"]:
        return {**body, "spec": {**body["spec"], "template": {**body["spec"]["template"], "spec": broken}}}
    return {**body, "spec": broken}


def annotated(annotations: dict[str, str]) -> Body:
    return {**template(), "metadata": {"labels": {"app": NAME}, "annotations": annotations}}


def replicaset(annotations: dict[str, str]) -> Body:
    """Of a version that came after the target."""
    body = held("ReplicaSet", "cart-between", spec={"template": annotated(annotations)})
    body["metadata"] |= {
        "ownerReferences": [{"kind": "Rollout", "name": NAME, "uid": "u", "controller": True}],
        "labels": {"app": NAME, "rollouts-pod-template-hash": "between"},
        "annotations": {"rollout.argoproj.io/revision": "5"},
    }
    return body


def neighbour(kind: str, name: str) -> Body:
    """Another workload of the application, released since the target served."""
    wrote = {"manager": "argocd", "operation": "Apply", "time": SINCE, "fieldsV1": {"f:spec": {"f:template": {}}}}
    body = held(kind, name)
    body["metadata"] |= {"labels": {PART_OF: "shop"}, "managedFields": [wrote]}
    return body


def deployment(**metadata: Any) -> Body:
    """What a Rollout takes its template from."""
    known = {"name": "base", "namespace": NAMESPACE, "uid": "u", "generation": 1, **metadata}
    return {"kind": "Deployment", "metadata": known, "spec": {"template": template()}, "status": {}}


TRACKED = {"argocd.argoproj.io/tracking-id": f"cart:argoproj.io/Rollout:{NAMESPACE}/{NAME}"}
MIGRATES = {"name": "migrate", "image": "flyway/flyway:10", "args": ["migrate"]}
REFUSED = Denied('pods "cart-h-" is forbidden: violates PodSecurity "restricted:latest"')
RELEASED = release("deployed")
GONE = {
    "canary": {"trafficRouting": {"istio": {"virtualService": {"name": "cart"}, "destinationRule": {"name": "cart"}}}}
}
NGINX = {"canary": {"trafficRouting": {"nginx": {"stableIngress": "cart"}}}}

SITUATIONS: dict[str, Situation] = {
    "sound": Situation(
        *NEEDED,
        rollout({PART_OF: "shop"}, strategy=GONE),
        held("VirtualService", "cart"),
        held("DestinationRule", "cart"),
        service(),
        quota("0", "100"),
        limits("64Gi"),
        held("HorizontalPodAutoscaler", "cart"),
        held("PodDisruptionBudget", "cart"),
        held("Application", "search", namespace="argocd", status={"resources": []}),
        template=needing(),
        registry=Labelled(),
    ),
    "manifest missing": Situation(registry=Registry("missing")),
    "signature invalid": Situation(registry=Registry(signed="invalid")),
    "never ran": Situation(past=Never(), versions=[revision("other")]),
    "deployed, and no pod seen": Situation(past=Never()),
    "provenance lost": Situation(registry=Labelled("none"), running={IMAGE.partition("@")[0]: RUNNING}),
    "no rights": Situation(denies=("patch rollouts",)),
    "may not create pods": Situation(denies=("create pods",)),
    "being deleted": Situation({**(r := rollout()), "metadata": {**r["metadata"], "deletionTimestamp": SINCE}}),
    "controlled": Situation(
        {**(r := rollout()), "metadata": {**r["metadata"], "ownerReferences": [
            {"kind": "App", "name": "x", "controller": True}]}}
    ),
    "controller behind": Situation({**rollout(), "status": {"observedGeneration": "2"}}),
    **{
        f"{kind} {name} missing": Situation(*without(name), template=needing())
        for kind, name in (("ConfigMap", "settings"), ("Secret", "db"), ("claim", "data"), ("account", "shop"),
                           ("priority class", "high"), ("runtime class", "gvisor"))
    },
    "pull secret missing": Situation(*without("regcred"), template=needing(), registry=Login()),
    "pull secret of the template missing": Situation(
        template=template(imagePullSecrets=[{"name": "gone"}]), registry=Login()
    ),
    "ConfigMap changed": Situation(*without("settings", held("ConfigMap", "settings", at=SINCE)), template=needing()),
    "Secret changed": Situation(*without("db", held("Secret", "db", at=SINCE)), template=needing()),
    "migrated": Situation(job()),
    "migrated, the journal knows": Situation(past=Past([{"name": "cart-migrate", "why": "flyway"}])),
    "migrates as its pods start": Situation(rollout(template=template(initContainers=[MIGRATES]))),
    **{
        f"{kind} applied": Situation(held(kind, "shop", status={member: int(NOW) - 600}))
        for kind, member in (
            ("AtlasMigration", "lastApplied"), ("AtlasSchema", "last_applied"), ("Migration", "executedAt")
        )
    },
    "made for other configuration": Situation(rollout(template=annotated({"checksum/config": "b"}))),
    "a version in between says unsafe": Situation(replicaset({"rollout-cockpit.dev/rollback": "unsafe"})),
    "a neighbouring Deployment moved on": Situation(rollout({PART_OF: "shop"}), neighbour("Deployment", "prices")),
    "a neighbouring Rollout moved on": Situation(rollout({PART_OF: "shop"}), neighbour("Rollout", "search")),
    "a referenced Deployment is controlled": Situation(
        rollout(workloadRef={"kind": "Deployment", "name": "base"}),
        writes=deployment(ownerReferences=[{"kind": "App", "name": "x", "controller": True}]),
    ),
    "a referenced Deployment is applied by Flux": Situation(
        rollout(workloadRef={"kind": "Deployment", "name": "base"}),
        flux("Kustomization", "flux-system"),
        writes=deployment(labels=labels_of("kustomize", "flux-system")),
    ),
    "says unsafe": Situation(
        rollout(template={**template(), "metadata": {"annotations": {"rollout-cockpit.dev/rollback": "unsafe"}}})
    ),
    "its image says unsafe": Situation(registry=Unsafe()),
    "old": Situation(versions=[revision(created_at=NOW - 90 * 86_400)]),
    "not seen as a version": Situation(versions=[revision("other")]),
    "self-heal": Situation(
        application(automated={"selfHeal": True}), held("AppProject", "default", namespace="argocd")
    ),
    "self-heal, marked": Situation(rollout(annotations=TRACKED), application(automated={"selfHeal": True})),
    "self-heal, marked, Applications not to be listed": Situation(
        rollout(annotations=TRACKED), application(automated={"selfHeal": True}), denies=("list applications",)
    ),
    "Applications not to be listed": Situation(
        application(automated={"selfHeal": True}), denies=("list applications",)
    ),
    "marked, no Argo CD": Situation(rollout({"argocd.argoproj.io/instance": "cart"}), absent=["applications"]),
    "Kustomization": Situation(
        rollout(labels_of("kustomize", "flux-system")), flux("Kustomization", "flux-system")
    ),
    "HelmRelease": Situation(
        rollout(labels_of("helm", NAMESPACE)), flux("HelmRelease", NAMESPACE, driftDetection={"mode": "enabled"})
    ),
    "Helm": Situation(rollout(annotations=INSTALLED), release("pending-upgrade")),
    "Helm in ConfigMaps": Situation(rollout(annotations=INSTALLED), release("pending-upgrade", "ConfigMap")),
    "kapp": Situation(rollout({"kapp.k14s.io/app": "1"})),
    "template warned of": Situation(warns=["unknown field"]),
    "template rewritten": Situation(takes=rewritten),
    "pod rewritten": Situation(admits=rewritten),
    "pod refused": Situation(admits=REFUSED),
    "quota full": Situation(rollout(strategy=GONE), quota("4"), template=needing()),
    "limit exceeded": Situation(limits("128Mi"), template=needing()),
    "Service loses its pods": Situation(
        rollout(template=versioned("v2")), service(version="v2"), template=versioned("v1")
    ),
    "Service missing": Situation(rollout(strategy={"canary": {"canaryService": "cart"}})),
    "Istio missing": Situation(rollout(strategy=GONE)),
    "DestinationRule missing": Situation(rollout(strategy=GONE), held("VirtualService", "cart")),
    "VirtualService missing": Situation(rollout(strategy=GONE), held("DestinationRule", "cart")),
    "Ingress missing": Situation(rollout(strategy=NGINX)),
}  # fmt: skip
