"""Who delivers a workload: Argo CD, Flux or Helm, as scenarios name them, and how each brings a new version."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from cockpit.world import acts
from cockpit.world.contract import Object, World
from cockpit.world.controllers import helm, manifests
from cockpit.world.git import git_of

Json = dict[str, Any]
Timed = tuple[str, Callable[[], None]]
"""(age as a scenario writes it, what happens then)."""

_ARGO = "argocd"
_CHARTS = "https://charts.acme.test"
_ROUTERS = ("VirtualService", "Ingress")
"""Whose weights the Rollout's controller writes: the platform made them, no owner of a workload applies them."""
_AUTHOR = "release-bot <release-bot@acme.test>"


class Owner(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every owner says. ``workloads``: those it delivers, as ``namespace/name``.

    ``suspended``: how long before the present somebody suspended it.
    """

    name: str
    workloads: list[str]
    suspended: str | None = None


class Application(Owner, frozen=True, kw_only=True):
    """An Application of Argo CD. ``automated``: its ``spec.syncPolicy.automated``, None for syncs by hand.

    ``set``: the ApplicationSet that generates it.
    """

    automated: Json | None = None
    set: str | None = None
    ignore: list[Json] = []


class Kustomization(Owner, frozen=True, kw_only=True):
    """``disabled``: how long before the present its workloads were exempted by annotation."""

    namespace: str = "flux-system"
    interval: str = "1m"
    disabled: str | None = None


class HelmRelease(Owner, frozen=True, kw_only=True):
    """A HelmRelease of Flux, beside its workload. ``drift``: its ``spec.driftDetection.mode``."""

    interval: str = "1m"
    drift: Literal["enabled", "warn", "disabled"] | None = None


class Release(Owner, frozen=True, kw_only=True):
    """A release that somebody upgrades with helm. ``last``: what the newest revision's record says."""

    last: helm.Status = "deployed"


class Delivery(ABC):
    """How one owner brings versions of its workloads into a world."""

    manager = acts.APPLY
    """Who creates the owner's objects."""

    def __init__(self, world: World, owner: Owner) -> None:
        self.world = world
        self.owner = owner
        self._held: dict[str, list[Object]] = {}

    def bring(self, workload: str, objects: Sequence[Object], tag: str, *, last: bool) -> Callable[[], None]:
        """What happens when a new version is released. Replicas are left to whoever scales."""

        routers = [obj for obj in objects if obj["kind"] in _ROUTERS]

        def deed() -> None:
            acts.ensure_namespace(self.world, workload.partition("/")[0])
            if workload not in self._held:
                acts.creates(self.world, *routers)()
            self._held[workload] = [self._marked(obj) for obj in objects if obj["kind"] not in _ROUTERS]
            self.release([obj for held in self._held.values() for obj in held], f"{workload}: {tag}", last=last)

        return deed

    def _marked(self, obj: Object) -> Object:
        made = copy.deepcopy(obj)
        made.get("spec", {}).pop("replicas", None)
        labels, notes = self.marks(made)
        for section, extra in (("labels", labels), ("annotations", notes)):
            if extra:
                made["metadata"][section] = {**(made["metadata"].get(section) or {}), **extra}
        return made

    @abstractmethod
    def marks(self, obj: Object) -> tuple[dict[str, str], dict[str, str]]:
        """(labels, annotations) by which ``obj`` is known as the owner's."""

    @abstractmethod
    def release(self, objects: list[Object], subject: str, *, last: bool) -> None:
        """Make ``objects`` what should be there."""

    def begin(self) -> None:
        """Create the owner's own objects, before its first release."""
        for obj in self.own():
            acts.ensure_namespace(self.world, obj["metadata"]["namespace"])
            if self.world.objects.get(*manifests.place(obj).key) is None:
                self.world.objects.create(obj, manager=self.manager)

    @abstractmethod
    def own(self) -> list[Object]:
        """The owner's own objects."""

    def later(self) -> Iterator[Timed]:
        """What people do to the owner."""
        yield from ()

    def _write(self, plural: str, namespace: str, name: str, change: Callable[[Object], None], manager: str) -> None:
        self.world.objects.mutate(plural, namespace, name, change, manager=manager)


class ArgoDelivery(Delivery):
    """A push to Git; an Application that syncs by hand is synced by somebody at once."""

    owner: Application
    manager = "argocd-server"

    def marks(self, obj: Object) -> tuple[dict[str, str], dict[str, str]]:
        where = manifests.place(obj)
        track = f"{self.owner.name}:{where.kind.group}/{where.kind.kind}:{where.namespace}/{where.name}"
        return {}, {"argocd.argoproj.io/tracking-id": track}

    def release(self, objects: list[Object], subject: str, *, last: bool) -> None:
        commit = git_of(self.world).push(repository(self.owner), self._path, objects, subject, _AUTHOR)
        if self.owner.automated is None:

            def sync(found: Object) -> None:
                found["operation"] = {"sync": {"revision": commit.sha}, "initiatedBy": {"username": "release-manager"}}

            self._write("applications", _ARGO, self.owner.name, sync, "argocd-server")

    def own(self) -> list[Object]:
        if self.owner.set is None:
            return [_argo("Application", self.owner.name, self._spec(self.owner.name, self._path))]
        template = {"metadata": {"name": "{{name}}"}, "spec": self._spec("{{name}}", "apps/{{name}}")}
        generators = [{"list": {"elements": [{"name": self.owner.name}]}}]
        return [_argo("ApplicationSet", self.owner.set, {"generators": generators, "template": template})]

    def later(self) -> Iterator[Timed]:
        if self.owner.suspended is not None:

            def suspend(found: Object) -> None:
                found["spec"]["syncPolicy"]["automated"]["enabled"] = False

            yield self.owner.suspended, lambda: self._write("applications", _ARGO, self.owner.name, suspend, "argocd")

    @property
    def _path(self) -> str:
        return f"apps/{self.owner.name}"

    def _spec(self, name: str, path: str) -> Json:
        spec: Json = {
            "project": "default",
            "source": {"repoURL": repository(self.owner), "path": path, "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": _namespace(self.owner)},
        }
        if self.owner.automated is not None:
            spec["syncPolicy"] = {"automated": self.owner.automated, "syncOptions": ["CreateNamespace=true"]}
        if self.owner.ignore:
            spec["ignoreDifferences"] = self.owner.ignore
        return spec


class KustomizeDelivery(Delivery):
    """A push to the GitRepository that the Kustomization applies."""

    owner: Kustomization
    manager = "kustomize-controller"

    def marks(self, obj: Object) -> tuple[dict[str, str], dict[str, str]]:
        prefix = "kustomize.toolkit.fluxcd.io"
        return {f"{prefix}/name": self.owner.name, f"{prefix}/namespace": self.owner.namespace}, {}

    def release(self, objects: list[Object], subject: str, *, last: bool) -> None:
        git_of(self.world).push(repository(self.owner), f"apps/{self.owner.name}", objects, subject, _AUTHOR)

    def own(self) -> list[Object]:
        source = _namespace(self.owner)
        spec = {"url": repository(self.owner), "interval": "1m", "ref": {"branch": "main"}}
        return [
            _flux("source.toolkit.fluxcd.io/v1", "GitRepository", self.owner.namespace, source, spec),
            _flux(
                "kustomize.toolkit.fluxcd.io/v1",
                "Kustomization",
                self.owner.namespace,
                self.owner.name,
                {
                    "interval": self.owner.interval,
                    "path": f"./apps/{self.owner.name}",
                    "prune": True,
                    "sourceRef": {"kind": "GitRepository", "name": source},
                },
            ),
        ]

    def later(self) -> Iterator[Timed]:
        owner = self.owner

        def suspend(found: Object) -> None:
            found["spec"]["suspend"] = True

        def disable(found: Object) -> None:
            notes = found["metadata"].setdefault("annotations", {})
            notes["kustomize.toolkit.fluxcd.io/reconcile"] = "disabled"

        def exempt() -> None:
            for held in self._held.values():
                for obj in held:
                    self._write(*manifests.place(obj).key, disable, "kubectl-annotate")

        if owner.suspended is not None:
            yield (
                owner.suspended,
                lambda: self._write("kustomizations", owner.namespace, owner.name, suspend, "flux"),
            )
        if owner.disabled is not None:
            yield owner.disabled, exempt


class HelmReleaseDelivery(Delivery):
    """A new chart in the repository that the HelmRelease follows."""

    owner: HelmRelease
    manager = "kustomize-controller"

    def marks(self, obj: Object) -> tuple[dict[str, str], dict[str, str]]:
        labels, notes = _helm_marks(self.owner)
        prefix = "helm.toolkit.fluxcd.io"
        return {**labels, f"{prefix}/name": self.owner.name, f"{prefix}/namespace": _namespace(self.owner)}, notes

    def release(self, objects: list[Object], subject: str, *, last: bool) -> None:
        git_of(self.world).push(_CHARTS, self.owner.name, objects, subject, _AUTHOR)

    def own(self) -> list[Object]:
        space = _namespace(self.owner)
        source = {"kind": "HelmRepository", "name": "charts"}
        spec: Json = {
            "interval": self.owner.interval,
            "releaseName": self.owner.name,
            "chart": {"spec": {"chart": self.owner.name, "version": "1.x", "sourceRef": source}},
        }
        if self.owner.drift is not None:
            spec["driftDetection"] = {"mode": self.owner.drift}
        return [
            _flux("source.toolkit.fluxcd.io/v1", "HelmRepository", space, "charts", {"url": _CHARTS, "interval": "5m"}),
            _flux("helm.toolkit.fluxcd.io/v2", "HelmRelease", space, self.owner.name, spec),
        ]

    def later(self) -> Iterator[Timed]:
        def suspend(found: Object) -> None:
            found["spec"]["suspend"] = True

        key = _namespace(self.owner), self.owner.name
        if self.owner.suspended is not None:
            yield self.owner.suspended, lambda: self._write("helmreleases", *key, suspend, "flux")


class HelmDelivery(Delivery):
    """``helm upgrade`` from somebody's terminal: the manifests, and a record of the release."""

    owner: Release

    def marks(self, obj: Object) -> tuple[dict[str, str], dict[str, str]]:
        return _helm_marks(self.owner)

    def release(self, objects: list[Object], subject: str, *, last: bool) -> None:
        for obj in objects:
            manifests.apply(self.world, obj, "helm")
        record = helm.Release(self.world, _namespace(self.owner), self.owner.name)
        record.deploy(objects, "helm", status=self.owner.last if last else "deployed")

    def own(self) -> list[Object]:
        return []


def deliveries(world: World, *owners: Owner) -> Iterator[Delivery]:
    kinds: dict[type[Owner], type[Delivery]] = {
        Application: ArgoDelivery,
        Kustomization: KustomizeDelivery,
        HelmRelease: HelmReleaseDelivery,
        Release: HelmDelivery,
    }
    for owner in owners:
        yield kinds[type(owner)](world, owner)


def repository(owner: Owner) -> str:
    """Where the manifests of an owner's namespace lie."""
    return f"https://git.acme.test/{_namespace(owner)}/deploy.git"


def project() -> Object:
    """The AppProject that every Argo CD has."""
    spec = {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}]}
    return _argo("AppProject", "default", {**spec, "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]})


def _namespace(owner: Owner) -> str:
    return owner.workloads[0].partition("/")[0]


def _helm_marks(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    notes = {"meta.helm.sh/release-name": owner.name, "meta.helm.sh/release-namespace": _namespace(owner)}
    return {"app.kubernetes.io/managed-by": "Helm"}, notes


def _argo(kind: str, name: str, spec: Json) -> Object:
    metadata = {"name": name, "namespace": _ARGO}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _flux(api: str, kind: str, namespace: str, name: str, spec: Json) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
