"""Scenarios: specs, fault profiles, ages and human acts as TOML states them, loaded into a world."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from cockpit.base.errors import UsageError
from cockpit.world import acts, controllers, fleet, mishaps, owners, timeline
from cockpit.world.contract import Profile, World
from cockpit.world.controllers.events import EVENT_TTL
from cockpit.world.mishaps import Fate, Hotfix, Load, Push, Webhook
from cockpit.world.prometheus.faults import Fault

DEFAULT = "default"

Json = dict[str, Any]


class Turn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """From ``age`` on a version behaves like ``profile``: an outage, a fix, a scrape that stops."""

    age: str
    profile: Profile


class Version(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One image of a workload. ``age``: how long before the present it was set, as ``1h30m``; ``-5m``: that long after.

    Versions that are not the last are promoted in full at once, unless ``walk``: then their steps run.
    ``registry``: what became of its image, and how it was signed. ``push``: its tag was pushed again. ``load``: nodes
    on which other content was imported under its name. ``by``: the client that set it. ``annotations`` (of the pod
    template), ``container`` and ``pod`` (members of the pod's spec) are what else its template says.
    """

    tag: str
    age: str
    profile: Profile = Profile()
    walk: bool = False
    turn: list[Turn] = []
    registry: Fate = "held"
    annotations: dict[str, str] = {}
    container: Json = {}
    pod: Json = {}
    push: list[Push] = []
    load: list[Load] = []
    by: str = acts.CI


class Act(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Something a person did, ``age`` before the present, with a tool that names itself ``by``."""

    age: str
    do: Literal["pause", "resume", "promote", "promote-full", "abort", "retry"]
    by: str = "kubectl-argo-rollouts"


class Workload(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A Rollout or Deployment. ``strategy`` and ``spec`` are merged into the object as they stand.

    ``routing`` names a traffic router and adds the stable and canary Service; ``reference`` puts the template into a
    Deployment of that name (workloadRef); ``pinned`` writes images by digest instead of by tag.
    """

    kind: Literal["Rollout", "Deployment"] = "Rollout"
    namespace: str
    name: str
    replicas: int = 3
    rps: float = 20.0
    strategy: Json = {}
    routing: str | None = None
    reference: str | None = None
    pinned: bool = False
    spec: Json = {}
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    measurements: dict[str, list[float]] = {}
    version: list[Version]
    act: list[Act] = []
    hotfix: list[Hotfix] = []
    container: Json = {}
    pod: Json = {}

    @property
    def blue_green(self) -> bool:
        return "blueGreen" in self.strategy


class Quiet(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Healthy Rollouts that only stand there."""

    namespace: str
    names: list[str]
    replicas: int = 3
    rps: float = 30.0

    def workload(self, name: str, age: float) -> Workload:
        """The Rollout called ``name``, with three versions since ``age`` seconds before the present."""
        steps = [{"setWeight": 20}, {"pause": {"duration": "5m"}}, {"setWeight": 60}, {"pause": {"duration": "5m"}}]
        return Workload(
            namespace=self.namespace,
            name=name,
            replicas=self.replicas,
            rps=self.rps,
            strategy={"canary": {"steps": steps}},
            version=[Version(f"v1.{number}.0", f"{int(age - 240 * number)}s") for number in range(3)],
        )


class Template(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An AnalysisTemplate, in each of ``namespaces``."""

    name: str
    namespaces: list[str]
    metrics: list[Json]
    args: list[Json] = []


class Quota(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    namespace: str
    name: str
    hard: dict[str, str]


class Edit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A merge patch of an object, ``age`` before the present, by a client that names itself ``by``."""

    age: str
    merge: Json
    by: str = "kubectl-edit"


class Item(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Any object, as its manifest states it: made at ``age``, changed by ``edit``, deleted at ``gone``."""

    age: str
    body: Json
    by: str = acts.APPLY
    edit: list[Edit] = []
    gone: str | None = None


class Trouble(Fault, forbid_unknown_fields=True, kw_only=True):
    """A fault of Prometheus (``prometheus.faults``) from ``age`` on, for ``lasts`` when that is given."""

    age: str
    lasts: str | None = None


class Scenario(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A file of ``scenarios/``. It has no place for a status: that is the controllers' work.

    ``config`` is TOML that the cockpit's config file for this world contains.
    """

    title: str
    history: str = "3h"
    nodes: int = 6
    template: list[Template] = []
    quota: list[Quota] = []
    workload: list[Workload] = []
    quiet: list[Quiet] = []
    prometheus: list[Trouble] = []
    webhook: list[Webhook] = []
    object: list[Item] = []
    application: list[owners.Application] = []
    kustomization: list[owners.Kustomization] = []
    helmrelease: list[owners.HelmRelease] = []
    release: list[owners.Release] = []
    config: str = ""


def names() -> list[str]:
    """Scenarios that come with the package."""
    found = resources.files("cockpit.world").joinpath("scenarios").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml"))


def read(name: str) -> Scenario:
    """The scenario called ``name``, or in the TOML file of that path. Raises UsageError."""
    path = Path(name)
    if name.endswith(".toml"):
        if not path.is_file():
            raise UsageError(f"The scenario file {name} does not exist.")
        text = path.read_text(encoding="utf-8")
    elif name in names():
        text = resources.files("cockpit.world").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise UsageError(f'There is no scenario "{name}"; choose one of {", ".join(names())}, or name a .toml file.')
    try:
        return msgspec.convert(tomllib.loads(text), Scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"The scenario {name} cannot be used: {error}.") from error


def load(world: World, name: str | None, rollouts: int | None = None) -> Scenario:
    """Fill ``world`` and leave its clock where it stands: at the present that the scenario led up to.

    The clock is set back by the scenario's history, everything in it is created, updated and acted on at its age, and
    the controllers do the rest. ``rollouts`` adds a generated fleet of that many; without ``name`` it is all there is.
    """
    scenario = Scenario("fleet", history="0s") if name is None and rollouts else read(name or DEFAULT)
    present = world.clock.now()
    history = max(timeline.ago(scenario.history), fleet.HISTORY if rollouts else 0.0)
    world.clock.rewind(history)
    controllers.of(world).recorder.quiet_until = present - EVENT_TTL
    for node in world.objects.select("nodes"):
        world.objects.delete("nodes", None, node["metadata"]["name"])
    pods = sum(workload.replicas for workload in scenario.workload) + 12 * (rollouts or 0)
    controllers.make_nodes(world, max(scenario.nodes, 6, pods // 60))
    for webhook in scenario.webhook:
        mishaps.admits(world, webhook)
    timed = list(timeline.timeline(world, scenario))
    if rollouts:
        timed += fleet.timeline(world, rollouts)
    for age, act in sorted(timed, key=lambda entry: -entry[0]):
        if age > history:
            raise UsageError(f"The scenario {name} reaches {age:.0f} s back, further than its history.")
        world.clock.call_at(present - age, act)
    world.clock.run_until(present)
    return scenario
