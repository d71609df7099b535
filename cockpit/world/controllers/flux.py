"""Flux: kustomize-controller applies a Kustomization at every interval, helm-controller upgrades and mends releases."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from cockpit.base.clock import rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers import helm, manifests
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, annotation, condition, drop_condition, key_of, status_of
from cockpit.world.controllers.rollouts.spec import seconds
from cockpit.world.git import Commit, git_of

_REQUESTED = "reconcile.fluxcd.io/requestedAt"
_INTERVAL = 600.0  # seconds, of an object that does not say


class _Flux(ABC):
    """What Flux's controllers have in common: an interval, ``spec.suspend``, a source, a Ready condition."""

    plural: str
    manager: str

    def __init__(self, world: World, recorder: Recorder) -> None:
        self.world = world
        self.recorder = recorder
        self._queue = Queue(world.clock, self._reconcile, 0.4)
        self.failures = self._queue.failures
        self._next: dict[Key, float] = {}
        self._sources: dict[str, set[Key]] = {}
        git_of(world).follow(self._pushed)

    def notice(self, change: Change) -> None:
        if change.type != "DELETED":
            self._queue.add(key_of(change.object))

    def _pushed(self, repository: str) -> None:
        for key in sorted(self._sources.get(repository, ())):
            self._queue.add(key)

    def _reconcile(self, key: Key) -> None:
        owner = self.world.objects.get(self.plural, *key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        repository, path = self.source(owner)
        self._sources.setdefault(repository, set()).add(key)
        if owner["spec"].get("suspend"):
            self._next.pop(key, None)
            return
        now = self.world.clock.now()
        commit = git_of(self.world).head(repository)
        wanted = None if commit is None else commit.tree.get(path)
        due = self._next.get(key)
        news = commit is not None and wanted is not None and self.news(owner, commit, wanted)
        if due is not None and now < due and not news and not self._asked(owner):
            return
        self._next[key] = now + (seconds(str(owner["spec"].get("interval", ""))) or _INTERVAL)
        self._queue.wake(key, self._next[key])
        status = copy.deepcopy(status_of(owner))
        if commit is None or wanted is None:
            text = f"Source artifact not found: {path} of {repository}"
            _ready(owner, status, "False", "ArtifactFailed", text, now)
        else:
            self.carry_out(owner, status, commit, wanted)
        status["observedGeneration"] = owner["metadata"]["generation"]
        if annotation(owner, _REQUESTED):
            status["lastHandledReconcileAt"] = annotation(owner, _REQUESTED)

        def write(found: Object) -> None:
            found["status"] = status

        self.world.objects.mutate(self.plural, *key, write, subresource="status", manager=self.manager)

    def _asked(self, owner: Object) -> bool:
        """Whether the spec is new, or somebody ran ``flux reconcile``."""
        status = status_of(owner)
        asked = annotation(owner, _REQUESTED)
        new = status.get("observedGeneration") != owner["metadata"]["generation"]
        return new or (bool(asked) and asked != status.get("lastHandledReconcileAt"))

    def put_back(self, wanted: Iterable[Object], disabled: tuple[str, str]) -> list[str]:
        """Apply what differs and is not exempted by the annotation ``disabled``; ``Kind/ns/name did`` of each."""
        done = []
        for manifest in wanted:
            where = manifests.place(manifest)
            live = self.world.objects.get(*where.key)
            exempt = live is not None and annotation(live, disabled[0]) == disabled[1]
            if not exempt and manifests.drifted(live, manifest):
                did = manifests.apply(self.world, manifest, self.manager)
                done.append(f"{where.kind.kind}/{where.namespace}/{where.name} {did}")
        return done

    @abstractmethod
    def source(self, owner: Object) -> tuple[str, str]:
        """(repository, path) that ``owner`` follows."""

    @abstractmethod
    def news(self, owner: Object, commit: Commit, wanted: tuple[Object, ...]) -> bool:
        """Whether the source has what ``owner`` has not carried out yet."""

    @abstractmethod
    def carry_out(self, owner: Object, status: dict[str, Any], commit: Commit, wanted: tuple[Object, ...]) -> None:
        """Do it, and say so in ``status``."""


def _referred(world: World, owner: Object, reference: dict[str, Any]) -> str:
    """The URL of the source that a sourceRef names; empty when there is none."""
    plural = {"GitRepository": "gitrepositories", "HelmRepository": "helmrepositories"}.get(str(reference.get("kind")))
    space = reference.get("namespace") or owner["metadata"]["namespace"]
    found = world.objects.get(plural, space, str(reference.get("name", ""))) if plural else None
    return str(found["spec"].get("url", "")) if found else ""


def _ready(owner: Object, status: dict[str, Any], value: str, reason: str, message: str, now: float) -> None:
    """Set the Ready condition; the time stays while its status does."""
    old = condition(status, "Ready") or {}
    turned = old.get("status") != value
    drop_condition(status, "Ready")
    status["conditions"].append(
        {
            "type": "Ready",
            "status": value,
            "reason": reason,
            "message": message,
            "observedGeneration": owner["metadata"]["generation"],
            "lastTransitionTime": rfc3339(now) if turned else old["lastTransitionTime"],
        }
    )


class Kustomizations(_Flux):
    """kustomize-controller: every interval the whole of the path is applied again, whoever changed it since."""

    plural = "kustomizations"
    manager = "kustomize-controller"

    def source(self, owner: Object) -> tuple[str, str]:
        spec = owner["spec"]
        return _referred(self.world, owner, spec.get("sourceRef") or {}), str(spec.get("path", "")).removeprefix("./")

    def news(self, owner: Object, commit: Commit, wanted: tuple[Object, ...]) -> bool:
        return bool(status_of(owner).get("lastAppliedRevision") != _revision(commit))

    def carry_out(self, owner: Object, status: dict[str, Any], commit: Commit, wanted: tuple[Object, ...]) -> None:
        done = self.put_back(wanted, ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"))
        revision = _revision(commit)
        if done:
            self.recorder.event(owner, "Progressing", "\n".join(done), component=self.manager)
        entries = []
        for manifest in wanted:
            where = manifests.place(manifest)
            entries.append(
                {
                    "id": f"{where.namespace}_{where.name}_{where.kind.group}_{where.kind.kind}",
                    "v": where.kind.versions[0],
                }
            )
        status |= {
            "inventory": {"entries": entries},
            "lastAppliedRevision": revision,
            "lastAttemptedRevision": revision,
        }
        text = f"Applied revision: {revision}"
        _ready(owner, status, "True", "ReconciliationSucceeded", text, self.world.clock.now())


class HelmReleases(_Flux):
    """helm-controller: a new chart is an upgrade; drift is mended only where ``spec.driftDetection.mode`` asks."""

    plural = "helmreleases"
    manager = "helm-controller"

    def source(self, owner: Object) -> tuple[str, str]:
        chart = (owner["spec"].get("chart") or {}).get("spec") or {}
        return _referred(self.world, owner, chart.get("sourceRef") or {}), str(chart.get("chart", ""))

    def news(self, owner: Object, commit: Commit, wanted: tuple[Object, ...]) -> bool:
        return bool(status_of(owner).get("lastAttemptedRevisionDigest") != helm.digest(wanted))

    def carry_out(self, owner: Object, status: dict[str, Any], commit: Commit, wanted: tuple[Object, ...]) -> None:
        space = owner["spec"].get("targetNamespace") or owner["metadata"]["namespace"]
        release = helm.Release(self.world, space, owner["spec"].get("releaseName") or owner["metadata"]["name"])
        now = self.world.clock.now()
        if self.news(owner, commit, wanted):
            for manifest in wanted:
                manifests.apply(self.world, manifest, self.manager)
            number = release.deploy(wanted, self.manager)
            verb, reason = ("install", "InstallSucceeded") if number == 1 else ("upgrade", "UpgradeSucceeded")
            chart = helm.chart_version(number)
            text = (
                f"Helm {verb} succeeded for release {space}/{release.name}.v{number} with chart {release.name}@{chart}"
            )
            self.recorder.event(owner, reason, text, component=self.manager)
            _ready(owner, status, "True", reason, text, now)
            status["history"] = release.history(owner, status.get("history") or ())
            status["lastAttemptedRevision"] = chart
            status["lastAttemptedRevisionDigest"] = helm.digest(wanted)
            status["lastAttemptedReleaseAction"] = verb
            return
        mode = (owner["spec"].get("driftDetection") or {}).get("mode")
        if mode not in ("enabled", "warn"):
            return
        drifted = [m for m in wanted if manifests.drifted(self.world.objects.get(*manifests.place(m).key), m)]
        if not drifted:
            return
        text = f"Cluster state of release {space}/{release.name} has drifted from the desired state"
        self.recorder.event(owner, "DriftDetected", text, kind="Warning", component=self.manager)
        if mode == "enabled":
            done = self.put_back(drifted, ("helm.toolkit.fluxcd.io/driftDetection", "disabled"))
            if done:
                text = f"Cluster state of release {space}/{release.name} has been corrected:\n" + "\n".join(done)
                self.recorder.event(owner, "DriftCorrected", text, component=self.manager)


def _revision(commit: Commit) -> str:
    return f"main@sha1:{commit.sha}"
