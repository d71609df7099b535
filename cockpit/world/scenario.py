"""Scenarios: specs, fault profiles, ages and human acts from TOML, replayed by the controllers up to the present."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Generator, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from cockpit.base.errors import UsageError
from cockpit.world import acts, controllers, fleet, mishaps, owners
from cockpit.world.contract import Profile, World
from cockpit.world.controllers.events import EVENT_TTL
from cockpit.world.controllers.rollouts.spec import seconds
from cockpit.world.mishaps import Fate, Hotfix, Load, Push, Webhook
from cockpit.world.profiles import ProfileBook
from cockpit.world.prometheus.faults import Fault, faults_of

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
    history = max(_age(scenario.history), fleet.HISTORY if rollouts else 0.0)
    world.clock.rewind(history)
    controllers.of(world).recorder.quiet_until = present - EVENT_TTL
    for node in world.objects.select("nodes"):
        world.objects.delete("nodes", None, node["metadata"]["name"])
    pods = sum(workload.replicas for workload in scenario.workload) + 12 * (rollouts or 0)
    controllers.make_nodes(world, max(scenario.nodes, 6, pods // 60))
    for webhook in scenario.webhook:
        mishaps.admits(world, webhook)
    timeline = list(_timeline(world, scenario))
    if rollouts:
        timeline += fleet.timeline(world, rollouts)
    for age, act in sorted(timeline, key=lambda entry: -entry[0]):
        if age > history:
            raise UsageError(f"The scenario {name} reaches {age:.0f} s back, further than its history.")
        world.clock.call_at(present - age, act)
    world.clock.run_until(present)
    return scenario


def _age(text: str) -> float:
    """Seconds before the present; negative: after it."""
    found = seconds(text.removeprefix("-"))
    if found is None:
        raise UsageError(f'"{text}" is not a length of time; write it like 90s, 18m or 1h30m.')
    return -found if text.startswith("-") else found


Timed = tuple[float, Callable[[], None]]


def _timeline(world: World, scenario: Scenario) -> Iterator[Timed]:
    """(age, what happens then) for everything but the fleet."""
    history = _age(scenario.history)
    for template in scenario.template:
        for namespace in template.namespaces:
            yield history, acts.creates(world, acts.analysis_template(template.name, namespace, template))
    for quota in scenario.quota:
        yield history, acts.creates(world, acts.quota(quota.namespace, quota.name, quota.hard))
    for item in scenario.object:
        yield from _item(world, item)
    delivered = yield from _owners(world, scenario)
    for workload in scenario.workload:
        yield from _workload(world, workload, delivered.get(f"{workload.namespace}/{workload.name}"))
    for trouble in scenario.prometheus:
        yield from _trouble(world, trouble)
    for quiet in scenario.quiet:
        for index, name in enumerate(quiet.names):
            yield from _workload(world, _still(quiet, name, history - 60 * (index + 1)))


def _owners(world: World, scenario: Scenario) -> Generator[Timed, None, dict[str, owners.Delivery]]:
    """The owners' own objects and what people did to them; who delivers which workload."""
    born = {f"{each.namespace}/{each.name}": each.version[0].age for each in scenario.workload}
    found: dict[str, owners.Delivery] = {}
    declared = (*scenario.application, *scenario.kustomization, *scenario.helmrelease, *scenario.release)
    if scenario.application:
        yield _age(scenario.history), acts.creates(world, owners.project(), by="argocd-server")
    for delivery in owners.deliveries(world, *declared):
        owner = delivery.owner
        unknown = [name for name in owner.workloads if name not in born]
        if unknown or not owner.workloads:
            raise UsageError(f"{owner.name} delivers {', '.join(unknown) or 'nothing'}: no workload of this scenario.")
        yield max(_age(born[name]) for name in owner.workloads), delivery.begin
        for age, act in delivery.later():
            yield _age(age), act
        found |= dict.fromkeys(owner.workloads, delivery)
    return found


def _item(world: World, item: Item) -> Iterator[Timed]:
    yield _age(item.age), acts.creates(world, item.body, by=item.by)
    for edit in item.edit:
        yield _age(edit.age), acts.merges(world, item.body, edit.merge, edit.by)
    if item.gone is not None:
        yield _age(item.gone), acts.deletes(world, item.body)


def _trouble(world: World, trouble: Trouble) -> Iterator[Timed]:
    age, rules = _age(trouble.age), faults_of(world).rules
    yield age, lambda: rules.append(trouble)
    if trouble.lasts is not None:
        yield age - _age(trouble.lasts), lambda: rules.remove(trouble) if trouble in rules else None


def _still(quiet: Quiet, name: str, age: float) -> Workload:
    steps = [{"setWeight": 20}, {"pause": {"duration": "5m"}}, {"setWeight": 60}, {"pause": {"duration": "5m"}}]
    versions = [Version(f"v1.{number}.0", f"{int(age - 240 * number)}s") for number in range(3)]
    return Workload(
        namespace=quiet.namespace,
        name=name,
        replicas=quiet.replicas,
        rps=quiet.rps,
        strategy={"canary": {"steps": steps}},
        version=versions,
    )


def _updates(subject: acts.Subject, workload: Workload, version: Version, image: str) -> Callable[[], None]:
    """Only the image changes, unless the versions of this workload differ in more."""
    if any(each.annotations or each.container or each.pod for each in workload.version):
        return subject.change(acts.template_of(workload, version, image), version.by)
    return subject.update(image, version.by)


def _turns(world: World, image: str, profile: Profile) -> Callable[[], None]:
    return lambda: world.profiles.set(image, profile)


def _workload(world: World, workload: Workload, owner: owners.Delivery | None = None) -> Iterator[Timed]:
    """Creation with the first version, each update, and what people did; ``owner`` brings the versions, if any."""
    book = world.profiles
    repository = f"registry.acme.test/{workload.namespace}/{workload.name}"
    images: list[str] = []
    for version in workload.version:
        image = f"{repository}:{version.tag}"
        book.set(image, version.profile)
        mishaps.signs(world, image, version.registry)
        yield 0.0, mishaps.loses(world, image, version.registry)
        for push in version.push:
            yield _age(push.age), mishaps.pushes(world, image, push.profile)
        for turn in version.turn:
            yield _age(turn.age), _turns(world, image, turn.profile)
        pinned = workload.pinned and isinstance(book, ProfileBook)
        images.append(f"{repository}@{book.digest(image)}" if pinned and isinstance(book, ProfileBook) else image)
        for load in version.load:
            yield _age(load.age), mishaps.loads(world, load.node, images[-1], f"{repository}:{load.tag}")
    if isinstance(book, ProfileBook):
        book.set_rps(workload.namespace, workload.name, workload.rps)
        for metric, values in workload.measurements.items():
            book.script(workload.namespace, workload.name, metric, values)
    subject = acts.Subject(world, workload.kind, workload.namespace, workload.name, workload.reference)
    ages = [_age(version.age) for version in workload.version]
    # older revisions only have to exist: one pod each keeps the start of a world short
    early = 1 if len(images) > 2 and workload.kind == "Rollout" else workload.replicas
    if owner is None:
        yield ages[0], subject.create(acts.objects_of(workload, workload.version[0], images[0], early))
    elif early > 1:
        yield ages[0] - 2, subject.scale(early)
    for number, (age, image) in enumerate(zip(ages, images, strict=True)):
        last, version = number == len(images) - 1, workload.version[number]
        if owner is not None:
            made = acts.objects_of(workload, version, image, early)
            yield age, owner.bring(f"{workload.namespace}/{workload.name}", made, version.tag, last=last)
        elif number:
            yield age, _updates(subject, workload, version, image)
        if number and not last and not version.walk and workload.kind == "Rollout":
            yield age - 15, subject.act("promote-full", "kubectl-argo-rollouts")
        if number == len(images) - 2 and early != workload.replicas:
            yield age - 60, subject.scale(workload.replicas)
    for act in workload.act:
        yield _age(act.age), subject.act(act.do, act.by)
    for hotfix in workload.hotfix:
        image = f"{repository}:{hotfix.tag}"
        yield _age(hotfix.age), mishaps.edits(world, workload.namespace, workload.name, image, hotfix.by)
