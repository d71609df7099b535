"""Drift of one rollout from its rows: what its pods run against what its ReplicaSets say. Pure functions.

Source of the catalogue: facts/registry-and-rollback.md 1.7. Whether two digests are the same image is asked of
``compare``; where it cannot tell, nothing is claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cockpit.base.text import clean
from cockpit.cluster.rows import Container, PodRow, ReplicaSetRow
from cockpit.model.artifact import Sameness
from cockpit.model.drift import Drift, DriftKind
from cockpit.strategies.image import declared_digest, read_image_id, repository, short, tag_of

Compare = Callable[[str, str], Sameness]
"""(declared digest, ``imageID``) -> how they relate, by what registries told so far."""

_RANK = {"bad": 0, "warn": 1, "info": 2}
_MOST_NAMES = 3


class Side(NamedTuple):
    """One arm as reflected: its ReplicaSet and the pods it controls."""

    replicaset: ReplicaSetRow
    pods: Sequence[PodRow]


def drifts(sides: Sequence[Side], compare: Compare | None = None) -> tuple[Drift, ...]:
    """Everything the rows alone tell, worst first. Pods on their way out are not looked at."""
    found: list[Drift] = []
    for replicaset, every in sides:
        pods = [pod for pod in every if pod.meta.deletion_timestamp is None]
        for container in replicaset.spec.template.spec.containers:
            rewritten = list(_rewritten(container, pods))
            other = list(_other_than_said(container.name, pods, compare))
            outliers = {name for drift in (*rewritten, *other) if drift.kind != "admission" for name in drift.pods}
            # What was changed by hand or runs against its pin differs by that; it is no second sign of a moved tag.
            rest = [pod for pod in pods if clean(pod.meta.name, 253) not in outliers]
            found += [*rewritten, *_split(container.name, rest, compare), *other]
        found.extend(_debugged(pods))
    return ordered([*found, *_unpinned(sides)])


def ordered(found: Sequence[Drift]) -> tuple[Drift, ...]:
    """Worst first, each once; a container named by tag is a warning once something else is wrong with its image."""
    wrong = {drift.container for drift in found if drift.kind in ("split", "tag-moved") and drift.severity != "info"}
    raised = (
        Drift(drift.kind, "warn", drift.text, drift.container, drift.pods, drift.since)
        if drift.kind == "unpinned" and drift.container in wrong
        else drift
        for drift in found
    )
    return tuple(sorted(dict.fromkeys(raised), key=lambda drift: _RANK[drift.severity]))


def _unpinned(sides: Sequence[Side]) -> Iterator[Drift]:
    images: dict[str, str] = {}
    for replicaset, _ in sides:
        for container in replicaset.spec.template.spec.containers:
            if declared_digest(container.image) is None:
                images.setdefault(container.name, container.image)
    for name, image in images.items():
        tag = tag_of(image)
        said = f"the tag {clean(tag, 128)}" if tag else "no tag, which means latest"
        yield _drift("unpinned", "info", name, f"{{}} is named by {said}, not by digest; a tag can move")


def _rewritten(container: Container, pods: Sequence[PodRow]) -> Iterator[Drift]:
    """Pods whose spec names another image than their ReplicaSet's template: by admission, or by hand afterwards.

    ``metadata.generation`` of a pod tells where the server keeps it (KEP-5067: 1 as created, more when its spec was
    changed since); elsewhere siblings tell: a webhook rewrites all of them alike, a hand changes one.
    """
    images = {pod.meta.name: image for pod in pods if (image := _image(pod, container.name)) is not None}
    changed = [pod for pod in pods if images.get(pod.meta.name, container.image) != container.image]
    if not changed:
        return
    common, count = Counter(images.values()).most_common(1)[0]
    by_webhook, by_hand, unclear = [], [], []
    for pod in changed:
        if pod.meta.generation > 1:
            by_hand.append(pod)
        elif pod.meta.generation == 1 or (count > 1 and images[pod.meta.name] == common):
            by_webhook.append(pod)
        elif len(images) == 1:
            unclear.append(pod)
        else:
            by_hand.append(pod)
    for pods_of, kind, severity, tail in (
        (by_hand, "pod-hotfix", "bad", "instead of {}: changed on the pod by hand"),
        (unclear, "pod-hotfix", "warn", "instead of {}; with one pod it cannot be told by whom it was changed"),
        (by_webhook, "admission", "info", "for {}: rewritten at creation by an admission webhook"),
    ):
        for image in dict.fromkeys(images[pod.meta.name] for pod in pods_of):
            which = [pod for pod in pods_of if images[pod.meta.name] == image]
            elsewhere = repository(image) != repository(container.image)
            wanted, real = (_called(each, whole=elsewhere) for each in (container.image, image))
            text = f"{{}} on {_names(which)} is {real} {tail.replace('{}', wanted)}"
            yield _drift(kind, severity, container.name, text, which)  # type: ignore[arg-type]


def _split(name: str, pods: Sequence[PodRow], compare: Compare | None) -> Iterator[Drift]:
    """Pods of one ReplicaSet that run different artifacts: a tag moved while they were created."""
    running: dict[str, list[PodRow]] = {}
    for pod in pods:
        identity = read_image_id(_image_id(pod, name))
        if identity.kind in ("manifest", "config") and identity.digest is not None:
            # Config and manifest digests of one image always differ: only what registries told can join them.
            running.setdefault(identity.digest, []).append(pod)
    if len(running) < 2:
        return
    classes: list[list[str]] = []
    certain = True
    for digest in sorted(running, key=lambda each: (-len(running[each]), each)):
        said = [_same(digest, other[0], running, name, compare) for other in classes]
        if True in said:
            classes[said.index(True)].append(digest)
        else:
            certain = certain and None not in said
            classes.append([digest])
    if len(classes) < 2 or (not certain and not _all_pulled(running, name)):
        return
    if not certain and all(declared_digest(_image(pod, name) or "") for pod in pods):
        return  # pinned: an index and its platforms have digests of their own
    parts = [f"{_cut(group[0])} on {_names([pod for digest in group for pod in running[digest]])}" for group in classes]
    fewer = [pod for group in classes[1:] for digest in group for pod in running[digest]]
    text = f"{{}} runs {len(classes)} different digests in one version: {'; '.join(parts)}"
    if not certain:
        text += "; whether they are one image is not known"
    yield _drift("split", "bad" if certain else "warn", name, text, fewer)


def _same(one: str, other: str, running: dict[str, list[PodRow]], name: str, compare: Compare | None) -> bool | None:
    """Whether two running digests are one image; None: not known."""
    if compare is None:
        return None
    said = {
        compare(one, _image_id(running[other][0], name)),
        compare(other, _image_id(running[one][0], name)),
    }
    if said & {"match", "match-config"}:
        return True
    return False if "mismatch" in said else None


def _all_pulled(running: dict[str, list[PodRow]], name: str) -> bool:
    """Whether all digests are of manifests: those of one tag agree unless it moved, or nodes were loaded by hand."""
    return all(read_image_id(_image_id(pods[0], name)).kind == "manifest" for pods in running.values())


def _other_than_said(name: str, pods: Sequence[PodRow], compare: Compare | None) -> Iterator[Drift]:
    """Pods that are pinned to a digest and proven to run another artifact."""
    if compare is None:
        return
    wrong: dict[tuple[str, str], list[PodRow]] = {}
    for pod in pods:
        declared, image_id = declared_digest(_image(pod, name) or ""), _image_id(pod, name)
        running = read_image_id(image_id).digest
        if declared is None or running is None or running == declared:
            continue
        if compare(declared, image_id) == "mismatch":
            wrong.setdefault((declared, running), []).append(pod)
    for (declared, running), which in wrong.items():
        text = f"{{}} on {_names(which)} runs {_cut(running)}, which is not the {_cut(declared)} it is pinned to"
        yield _drift("running-not-spec", "bad", name, text, which)


def _called(image: str, *, whole: bool) -> str:
    """An image in short; with its repository where that is the difference."""
    name = short(clean(image, 1024))
    return f"{clean(repository(image), 1024).rpartition('/')[0]}/{name}" if whole else name


def _debugged(pods: Sequence[PodRow]) -> Iterator[Drift]:
    which = [pod for pod in pods if pod.spec.ephemeral_containers]
    if which:
        names = dict.fromkeys(each.name for pod in which for each in pod.spec.ephemeral_containers)
        said = ", ".join(clean(name, 63) for name in list(names)[:_MOST_NAMES])
        text = f"{_names(which)}: debug container {said} was added after creation"
        yield Drift("pod-hotfix", "warn", text, None, tuple(clean(pod.meta.name, 253) for pod in which))


def _image(pod: PodRow, container: str) -> str | None:
    return next((each.image for each in pod.spec.containers if each.name == container), None)


def _image_id(pod: PodRow, container: str) -> str:
    return next((each.image_id for each in pod.status.container_statuses if each.name == container), "")


def _drift(kind: DriftKind, severity: str, container: str, text: str, pods: Sequence[PodRow] = ()) -> Drift:
    name = clean(container, 253)
    return Drift(
        kind,
        severity,  # type: ignore[arg-type]
        text.replace("{}", name, 1),
        name,
        tuple(sorted(clean(pod.meta.name, 253) for pod in pods)),
    )


def _names(pods: Sequence[PodRow]) -> str:
    names = sorted(clean(pod.meta.name, 253) for pod in pods)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _cut(digest: str) -> str:
    return f"{digest[:19]}…"
