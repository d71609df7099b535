"""What happens in a scenario and when: creations, versions, human acts and mishaps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

from cockpit.base.errors import UsageError
from cockpit.world import acts, mishaps, owners
from cockpit.world.contract import Profile, World
from cockpit.world.controllers.rollouts.spec import seconds
from cockpit.world.profiles import ProfileBook
from cockpit.world.prometheus.faults import faults_of

if TYPE_CHECKING:
    from cockpit.world.scenario import Item, Scenario, Trouble, Version, Workload


Timed = tuple[float, Callable[[], None]]


def ago(text: str) -> float:
    """Seconds before the present; negative: after it."""
    found = seconds(text.removeprefix("-"))
    if found is None:
        raise UsageError(f'"{text}" is not a length of time; write it like 90s, 18m or 1h30m.')
    return -found if text.startswith("-") else found


def timeline(world: World, scenario: Scenario) -> Iterator[Timed]:
    """(age, what happens then) for everything but the fleet."""
    history = ago(scenario.history)
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
            yield from _workload(world, quiet.workload(name, history - 60 * (index + 1)))


def _owners(world: World, scenario: Scenario) -> Generator[Timed, None, dict[str, owners.Delivery]]:
    """The owners' own objects and what people did to them; who delivers which workload."""
    born = {f"{each.namespace}/{each.name}": each.version[0].age for each in scenario.workload}
    found: dict[str, owners.Delivery] = {}
    declared = (*scenario.application, *scenario.kustomization, *scenario.helmrelease, *scenario.release)
    if scenario.application:
        yield ago(scenario.history), acts.creates(world, owners.project(), by="argocd-server")
    for delivery in owners.deliveries(world, *declared):
        owner = delivery.owner
        unknown = [name for name in owner.workloads if name not in born]
        if unknown or not owner.workloads:
            raise UsageError(f"{owner.name} delivers {', '.join(unknown) or 'nothing'}: no workload of this scenario.")
        yield max(ago(born[name]) for name in owner.workloads), delivery.begin
        for age, act in delivery.later():
            yield ago(age), act
        found |= dict.fromkeys(owner.workloads, delivery)
    return found


def _item(world: World, item: Item) -> Iterator[Timed]:
    yield ago(item.age), acts.creates(world, item.body, by=item.by)
    for edit in item.edit:
        yield ago(edit.age), acts.merges(world, item.body, edit.merge, edit.by)
    if item.gone is not None:
        yield ago(item.gone), acts.deletes(world, item.body)


def _trouble(world: World, trouble: Trouble) -> Iterator[Timed]:
    age, rules = ago(trouble.age), faults_of(world).rules
    yield age, lambda: rules.append(trouble)
    if trouble.lasts is not None:
        yield age - ago(trouble.lasts), lambda: rules.remove(trouble) if trouble in rules else None


def _updates(subject: acts.Subject, workload: Workload, version: Version, image: str) -> Callable[[], None]:
    """Only the image changes, unless the versions of this workload differ in more."""
    if any(each.annotations or each.container or each.pod for each in workload.version):
        return subject.change(acts.template_of(workload, version, image), version.by)
    return subject.update(image, version.by)


def _turns(world: World, image: str, profile: Profile) -> Callable[[], None]:
    return lambda: world.profiles.set(image, profile)


def _images(world: World, workload: Workload, repository: str) -> Generator[Timed, None, list[str]]:
    """What becomes of each version's image; how the workload names them, in the order of its versions."""
    book = world.profiles
    images: list[str] = []
    for version in workload.version:
        image = f"{repository}:{version.tag}"
        book.set(image, version.profile)
        mishaps.signs(world, image, version.registry)
        yield 0.0, mishaps.loses(world, image, version.registry)
        for push in version.push:
            yield ago(push.age), mishaps.pushes(world, image, push.profile)
        for turn in version.turn:
            yield ago(turn.age), _turns(world, image, turn.profile)
        pinned = workload.pinned and isinstance(book, ProfileBook)
        images.append(f"{repository}@{book.digest(image)}" if pinned and isinstance(book, ProfileBook) else image)
        for load in version.load:
            yield ago(load.age), mishaps.loads(world, load.node, images[-1], f"{repository}:{load.tag}")
    return images


def _workload(world: World, workload: Workload, owner: owners.Delivery | None = None) -> Iterator[Timed]:
    """Creation with the first version, each update, and what people did; ``owner`` brings the versions, if any."""
    book = world.profiles
    repository = f"registry.acme.test/{workload.namespace}/{workload.name}"
    images = yield from _images(world, workload, repository)
    if isinstance(book, ProfileBook):
        book.set_rps(workload.namespace, workload.name, workload.rps)
        for metric, values in workload.measurements.items():
            book.script(workload.namespace, workload.name, metric, values)
    subject = acts.Subject(world, workload.kind, workload.namespace, workload.name, workload.reference)
    ages = [ago(version.age) for version in workload.version]
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
        yield ago(act.age), subject.act(act.do, act.by)
    for hotfix in workload.hotfix:
        image = f"{repository}:{hotfix.tag}"
        yield ago(hotfix.age), mishaps.edits(world, workload.namespace, workload.name, image, hotfix.by)
