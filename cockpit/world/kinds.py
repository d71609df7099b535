"""The kinds this API server knows: names, groups, scope and subresources."""

from __future__ import annotations

from typing import NamedTuple

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class Kind(NamedTuple):
    """One resource type. ``versions``: served versions, the first is the one stored. ``group`` "" is the core."""

    plural: str
    kind: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    """Has a status subresource: main writes drop status, /status writes drop everything else."""
    scale: bool = False
    generation: bool = False
    """Keeps metadata.generation."""
    custom: bool = False
    """Defined by a CRD: no strategic merge, metadata-only columns come from its printer columns."""
    read_only: bool = False

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.versions[0]}" if self.group else self.versions[0]

    @property
    def verbs(self) -> tuple[str, ...]:
        return ("get", "list", "watch") if self.read_only else VERBS

    @property
    def strategic(self) -> bool:
        return not self.custom


_ALL = ("all",)
_ARGO = "argoproj.io"
_FLUX = "toolkit.fluxcd.io"
_RBAC = "rbac.authorization.k8s.io"

KINDS: tuple[Kind, ...] = (
    Kind("namespaces", "Namespace", namespaced=False, short=("ns",), status=True),
    Kind("nodes", "Node", namespaced=False, short=("no",), status=True),
    Kind("pods", "Pod", short=("po",), categories=_ALL, status=True),
    Kind("services", "Service", short=("svc",), categories=_ALL, status=True),
    Kind("endpoints", "Endpoints", short=("ep",)),
    Kind("events", "Event", short=("ev",)),
    Kind("configmaps", "ConfigMap", short=("cm",)),
    Kind("secrets", "Secret"),
    Kind("serviceaccounts", "ServiceAccount", short=("sa",)),
    Kind("resourcequotas", "ResourceQuota", short=("quota",), status=True),
    Kind("limitranges", "LimitRange", short=("limits",)),
    Kind("persistentvolumeclaims", "PersistentVolumeClaim", short=("pvc",), status=True),
    Kind("replicationcontrollers", "ReplicationController", short=("rc",), categories=_ALL, status=True),
    Kind(
        "deployments",
        "Deployment",
        "apps",
        short=("deploy",),
        categories=_ALL,
        status=True,
        scale=True,
        generation=True,
    ),
    Kind("replicasets", "ReplicaSet", "apps", short=("rs",), categories=_ALL, status=True, scale=True, generation=True),
    Kind(
        "statefulsets", "StatefulSet", "apps", short=("sts",), categories=_ALL, status=True, scale=True, generation=True
    ),
    Kind("daemonsets", "DaemonSet", "apps", short=("ds",), categories=_ALL, status=True, generation=True),
    Kind("controllerrevisions", "ControllerRevision", "apps"),
    Kind("jobs", "Job", "batch", categories=_ALL, status=True, generation=True),
    Kind("cronjobs", "CronJob", "batch", short=("cj",), categories=_ALL, status=True, generation=True),
    Kind(
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "autoscaling",
        ("v2",),
        short=("hpa",),
        categories=_ALL,
        status=True,
    ),
    Kind("poddisruptionbudgets", "PodDisruptionBudget", "policy", short=("pdb",), status=True, generation=True),
    Kind("ingresses", "Ingress", "networking.k8s.io", short=("ing",), status=True, generation=True),
    Kind("leases", "Lease", "coordination.k8s.io"),
    Kind("priorityclasses", "PriorityClass", "scheduling.k8s.io", namespaced=False, short=("pc",), generation=True),
    Kind("runtimeclasses", "RuntimeClass", "node.k8s.io", namespaced=False),
    Kind("roles", "Role", _RBAC),
    Kind("rolebindings", "RoleBinding", _RBAC),
    Kind("clusterroles", "ClusterRole", _RBAC, namespaced=False),
    Kind("clusterrolebindings", "ClusterRoleBinding", _RBAC, namespaced=False),
    Kind(
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        namespaced=False,
        short=("crd", "crds"),
        categories=("api-extensions",),
        read_only=True,
    ),
    Kind(
        "rollouts",
        "Rollout",
        _ARGO,
        ("v1alpha1",),
        short=("ro",),
        status=True,
        scale=True,
        generation=True,
        custom=True,
    ),
    # Argo's other CRDs declare no subresources: their status travels with the main resource.
    Kind("analysisruns", "AnalysisRun", _ARGO, ("v1alpha1",), short=("ar",), generation=True, custom=True),
    Kind("analysistemplates", "AnalysisTemplate", _ARGO, ("v1alpha1",), short=("at",), generation=True, custom=True),
    Kind(
        "clusteranalysistemplates",
        "ClusterAnalysisTemplate",
        _ARGO,
        ("v1alpha1",),
        namespaced=False,
        short=("cat",),
        generation=True,
        custom=True,
    ),
    Kind("experiments", "Experiment", _ARGO, ("v1alpha1",), short=("exp",), generation=True, custom=True),
    Kind(
        "virtualservices",
        "VirtualService",
        "networking.istio.io",
        ("v1beta1",),
        short=("vs",),
        generation=True,
        custom=True,
    ),
    Kind(
        "destinationrules",
        "DestinationRule",
        "networking.istio.io",
        ("v1beta1",),
        short=("dr",),
        generation=True,
        custom=True,
    ),
    # Argo CD shares the group. An Application's status and operation are members like any other.
    Kind("applications", "Application", _ARGO, ("v1alpha1",), short=("app", "apps"), generation=True, custom=True),
    Kind(
        "appprojects", "AppProject", _ARGO, ("v1alpha1",), short=("appproj", "appprojs"), generation=True, custom=True
    ),
    Kind(
        "applicationsets",
        "ApplicationSet",
        _ARGO,
        ("v1alpha1",),
        short=("appset", "appsets"),
        status=True,
        generation=True,
        custom=True,
    ),
    Kind(
        "kustomizations",
        "Kustomization",
        f"kustomize.{_FLUX}",
        short=("ks",),
        status=True,
        generation=True,
        custom=True,
    ),
    Kind(
        "gitrepositories",
        "GitRepository",
        f"source.{_FLUX}",
        short=("gitrepo",),
        status=True,
        generation=True,
        custom=True,
    ),
    Kind(
        "helmrepositories",
        "HelmRepository",
        f"source.{_FLUX}",
        short=("helmrepo",),
        status=True,
        generation=True,
        custom=True,
    ),
    Kind(
        "helmreleases",
        "HelmRelease",
        f"helm.{_FLUX}",
        ("v2",),
        short=("hr",),
        status=True,
        generation=True,
        custom=True,
    ),
)

EVENTS_GROUP = "events.k8s.io"
"""Serves the same stored objects as the core ``events``, in its own shape."""


class Registry:
    """Looks kinds up by plural, by (group, plural) of a path, and by apiVersion and kind of an object."""

    def __init__(self, kinds: tuple[Kind, ...] = KINDS) -> None:
        self.all = kinds
        self._plural = {kind.plural: kind for kind in kinds}
        self._object = {(kind.group, kind.kind): kind for kind in kinds}
        self._object[EVENTS_GROUP, "Event"] = self._plural["events"]

    def __getitem__(self, plural: str) -> Kind:
        return self._plural[plural]

    def __contains__(self, plural: str) -> bool:
        return plural in self._plural

    def served(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind at ``/apis/group/version/…/plural``, or None."""
        kind = self._plural.get(plural)
        if kind is None:
            return None
        if kind.plural == "events" and group == EVENTS_GROUP and version == "v1":
            return kind
        return kind if kind.group == group and version in kind.versions else None

    def of(self, api_version: str, kind: str) -> Kind | None:
        """The kind that an object's ``apiVersion`` and ``kind`` name, or None."""
        group, _, version = api_version.rpartition("/")
        found = self._object.get((group, kind))
        if found is None or (group != EVENTS_GROUP and version not in found.versions):
            return None
        return found
