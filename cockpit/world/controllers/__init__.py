"""The controllers of the world: nothing has a status but what they worked out."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from cockpit.world.contract import Change, Objects, World
from cockpit.world.controllers.accounts import Accounts
from cockpit.world.controllers.admission import Admission
from cockpit.world.controllers.analysisruns import AnalysisRuns
from cockpit.world.controllers.applicationsets import ApplicationSets
from cockpit.world.controllers.deployments import Deployments
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.experiments import Experiments
from cockpit.world.controllers.flux import HelmReleases, Kustomizations
from cockpit.world.controllers.gitops import Applications
from cockpit.world.controllers.jobs import Jobs
from cockpit.world.controllers.kit import Key
from cockpit.world.controllers.kubelet import Kubelet
from cockpit.world.controllers.nodes import Scheduler, make_nodes
from cockpit.world.controllers.quota import Quotas
from cockpit.world.controllers.replicasets import ReplicaSets
from cockpit.world.controllers.rollouts import Rollouts
from cockpit.world.store import Store

__all__ = ["Controllers", "install", "make_nodes", "of"]


class Controllers:
    """All controllers of one world, fed by one subscription to its store."""

    def __init__(self, world: World) -> None:
        self.recorder = Recorder(world)
        self._scheduler = Scheduler(world, self.recorder)
        self._kubelet = Kubelet(world, self.recorder)
        self.images = self._kubelet.images
        self._quotas = Quotas(world)
        self.admission = Admission(world, self._quotas)
        self._replica_sets = ReplicaSets(world, self.recorder, self.admission)
        self._deployments = Deployments(world, self.recorder)
        self._rollouts = Rollouts(world, self.recorder)
        self._analysis_runs = AnalysisRuns(world)
        self._experiments = Experiments(world)
        self._jobs = Jobs(world, self.recorder)
        self._accounts = Accounts(world)
        self._applications = Applications(world, self.recorder)
        self._application_sets = ApplicationSets(world)
        self._kustomizations = Kustomizations(world, self.recorder)
        self._helm_releases = HelmReleases(world, self.recorder)
        self._listeners = {
            "namespaces": (self._accounts.notice,),
            "serviceaccounts": (self._accounts.notice,),
            "nodes": (self._scheduler.notice,),
            "pods": (
                self._scheduler.notice,
                self._kubelet.notice,
                self._quotas.notice,
                self._replica_sets.notice,
            ),
            "resourcequotas": (self._quotas.notice,),
            "replicasets": (
                self._replica_sets.notice,
                self._deployments.notice,
                self._rollouts.notice,
                self._experiments.notice,
            ),
            "deployments": (self._deployments.notice, self._rollouts.notice, self._applications.notice),
            "rollouts": (self._rollouts.notice, self._applications.notice),
            "services": (self._applications.notice,),
            "configmaps": (self._applications.notice,),
            "secrets": (self._applications.notice,),
            "jobs": (self._jobs.notice,),
            "applications": (self._applications.notice, self._application_sets.notice),
            "applicationsets": (self._application_sets.notice,),
            "kustomizations": (self._kustomizations.notice,),
            "helmreleases": (self._helm_releases.notice,),
            "analysisruns": (self._analysis_runs.notice, self._rollouts.notice),
            "experiments": (self._experiments.notice, self._rollouts.notice),
        }

    def notice(self, change: Change) -> None:
        """Hand a committed write to whoever cares; they only enqueue."""
        for listener in self._listeners.get(change.plural, ()):
            listener(change)

    def failures(self) -> dict[tuple[str, Key], Exception]:
        """The last error of every key whose reconciliation fails now: a bug, or an object nobody foresaw."""
        named: dict[str, Any] = {
            "scheduler": self._scheduler,
            "quotas": self._quotas,
            "replicasets": self._replica_sets,
            "deployments": self._deployments,
            "rollouts": self._rollouts,
            "analysisruns": self._analysis_runs,
            "experiments": self._experiments,
            "jobs": self._jobs,
            "accounts": self._accounts,
            "applications": self._applications,
            "applicationsets": self._application_sets,
            "kustomizations": self._kustomizations,
            "helmreleases": self._helm_releases,
        }
        return {(name, key): error for name, part in named.items() for key, error in part.failures.items()}


_INSTALLED: WeakKeyDictionary[Objects, Controllers] = WeakKeyDictionary()

NODES = 6
"""Nodes of a world whose scenario asks for no other number."""


def install(world: World, nodes: int = NODES) -> Controllers:
    """Start all controllers of ``world`` and give it nodes."""
    controllers = _INSTALLED[world.objects] = Controllers(world)
    world.objects.subscribe(controllers.notice)
    if isinstance(world.objects, Store):
        world.objects.validating.append(controllers.admission.check)
    if nodes:
        make_nodes(world, nodes)
    return controllers


def of(world: World) -> Controllers:
    """The controllers that ``install`` gave to ``world``; installs them when it did not yet."""
    return _INSTALLED.get(world.objects) or install(world)
