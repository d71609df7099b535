"""Drift: what pods run against what is said, from rows, from registries and from managed fields."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.base.errors import NotFound
from cockpit.cluster.rows import (
    Container,
    ContainerStatus,
    Meta,
    PodMeta,
    PodRow,
    PodSpec,
    PodStatus,
    ReplicaSetRow,
    ReplicaSetSpec,
    Template,
    TemplateSpec,
)
from cockpit.journal.observed import Deployed
from cockpit.live.drift import Compare, Side, drifts
from cockpit.live.drifting import Drifting
from cockpit.live.driftwatch import AGAIN, RECENT, DriftWatch, moved
from cockpit.live.origin import application_of, hotfixes, joined, out_of_sync, unrecorded
from cockpit.model.artifact import Sameness, TagState
from cockpit.model.drift import Drift
from cockpit.model.resource import PODS, REPLICASETS, ROLLOUTS, Key
from cockpit.model.rollout import Arm, Image, Owner, Pod, Replicas, Rollout, Weight
from cockpit.model.snapshot import Snapshot

A, B, INDEX = (f"sha256:{digit * 64}" for digit in "abc")
TAGGED = "reg.example/shop/web:v1"
KEY = Key("Rollout", "shop", "web")


def side(*pods: PodRow, image: str = TAGGED) -> Side:
    spec = ReplicaSetSpec(template=Template(spec=TemplateSpec(containers=(Container("web", image),))))
    return Side(ReplicaSetRow(meta=Meta(name="web-1", namespace="shop", uid="u-rs"), spec=spec), pods)


def pod(
    name: str, digest: str = A, image: str = TAGGED, generation: int = 0, image_id: str | None = None, **meta: Any
) -> PodRow:
    status = ContainerStatus("web", image_id=f"reg.example/shop/web@{digest}" if image_id is None else image_id)
    return PodRow(
        meta=PodMeta(name=name, namespace="shop", uid=f"u-{name}", generation=generation, **meta),
        spec=PodSpec(containers=(Container("web", image),)),
        status=PodStatus(container_statuses=(status,)),
    )


def says(answer: Sameness) -> Compare:
    return lambda declared, image_id: answer


def seen(*found: Drift) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(drift.kind, drift.severity, drift.pods) for drift in found]


UNPINNED = ("unpinned", "info", ())


def test_a_tag_alone_is_a_note_and_a_digest_is_nothing() -> None:
    (only,) = drifts([side(pod("a"), pod("b"))])
    assert seen(only) == [UNPINNED]
    assert only.text == "web is named by the tag v1, not by digest; a tag can move"
    pinned = f"reg.example/shop/web@{A}"
    assert drifts([side(pod("a", image=pinned), image=pinned)]) == ()


def test_no_tag_at_all_is_said_to_mean_latest() -> None:
    (only,) = drifts([side(image="reg.example:5000/shop/web")])
    assert "no tag, which means latest" in only.text


def test_both_arms_named_by_tag_are_one_note() -> None:
    assert len(drifts([side(), side()])) == 1


def test_a_proven_split_is_bad_and_makes_the_tag_a_warning() -> None:
    found = drifts([side(pod("a"), pod("b"), pod("c", B))], says("mismatch"))
    assert seen(*found) == [("split", "bad", ("c",)), ("unpinned", "warn", ())]
    assert "a, b" in found[0].text and A[:19] in found[0].text and B[:19] in found[0].text


def test_a_split_nobody_can_judge_says_so() -> None:
    for compare in (None, says("unresolved")):
        found = drifts([side(pod("a"), pod("b"), pod("c", B))], compare)
        assert seen(*found)[0] == ("split", "warn", ("c",))
        assert "not known" in found[0].text


@pytest.mark.parametrize("same", ["match", "match-config"])
def test_digests_of_one_image_are_no_split(same: Sameness) -> None:
    assert seen(*drifts([side(pod("a"), pod("b", INDEX))], says(same))) == [UNPINNED]


def test_a_config_digest_beside_a_manifest_digest_is_no_sign_of_a_split() -> None:
    assert seen(*drifts([side(pod("a"), pod("b", image_id=B))])) == [UNPINNED]


def test_pods_of_a_pinned_index_may_name_their_platform() -> None:
    pinned = f"reg.example/shop/web@{INDEX}"
    assert drifts([side(pod("a", A, pinned), pod("b", B, pinned), image=pinned)]) == ()


def test_pods_not_pulled_yet_and_leaving_ones_prove_nothing() -> None:
    going = pod("b", B, deletion_timestamp="2026-11-20T03:00:00Z")
    assert seen(*drifts([side(pod("a"), going, pod("c", image_id=""))], says("mismatch"))) == [UNPINNED]


def test_one_pod_that_differs_was_changed_by_hand_and_is_no_split_too() -> None:
    found = drifts([side(pod("a"), pod("b"), pod("c", B, "reg.example/shop/web:hot"))], says("mismatch"))
    assert seen(*found) == [("pod-hotfix", "bad", ("c",)), UNPINNED]
    assert "web:hot" in found[0].text and "web:v1" in found[0].text


def test_siblings_rewritten_alike_are_admission() -> None:
    mirrored = "mirror.example/shop/web:v1"
    found = drifts([side(pod("a", image=mirrored), pod("b", image=mirrored))])
    assert seen(*found) == [("admission", "info", ("a", "b")), UNPINNED]


def test_an_outlier_among_rewritten_siblings_is_by_hand() -> None:
    mirrored = "mirror.example/shop/web:v1"
    pods = [pod("a", image=mirrored), pod("b", image=mirrored), pod("c", image="reg.example/shop/web:hot")]
    assert seen(*drifts([side(*pods)])) == [("pod-hotfix", "bad", ("c",)), ("admission", "info", ("a", "b")), UNPINNED]


def test_generation_settles_it_where_the_server_keeps_it() -> None:
    other = "reg.example/shop/web:hot"
    by_hand = drifts([side(pod("a", image=other, generation=2), pod("b", image=other, generation=2))])
    assert seen(*by_hand)[0] == ("pod-hotfix", "bad", ("a", "b"))
    created = drifts([side(pod("a", image=other, generation=1), pod("b", generation=1))])
    assert seen(*created)[0] == ("admission", "info", ("a",))


def test_a_single_rewritten_pod_is_not_blamed_on_anyone() -> None:
    (first, _) = drifts([side(pod("a", image="reg.example/shop/web:hot"))])
    assert seen(first) == [("pod-hotfix", "warn", ("a",))]
    assert "cannot be told" in first.text


@pytest.mark.parametrize(
    ("said", "found"), [("mismatch", ["running-not-spec"]), ("unresolved", []), ("match", []), ("pending", [])]
)
def test_only_a_proven_difference_from_the_pinned_digest_counts(said: Sameness, found: list[str]) -> None:
    pinned = f"reg.example/shop/web@{A}"
    assert [each.kind for each in drifts([side(pod("a", B, pinned), image=pinned)], says(said))] == found


def test_what_runs_against_its_pin_is_no_split_too() -> None:
    pinned = f"reg.example/shop/web@{A}"
    compare: Compare = lambda declared, image_id: "match" if declared in image_id else "mismatch"  # noqa: E731
    found = drifts([side(pod("a", A, pinned), pod("b", A, pinned), pod("c", B, pinned), image=pinned)], compare)
    assert seen(*found) == [("running-not-spec", "bad", ("c",))]


def test_a_mirror_is_named_where_it_is_the_difference() -> None:
    mirrored = f"mirror.example/shop/web@{A}"
    (admission, _) = drifts([side(pod("a", image=mirrored), pod("b", image=mirrored))])
    assert f"is mirror.example/shop/web@{A[:19]}" in admission.text
    assert "for reg.example/shop/web:v1" in admission.text


def test_a_debug_container_is_said() -> None:
    row = pod("a")
    spec = PodSpec(containers=row.spec.containers, ephemeral_containers=(Container("dbg\x1b[31m", "busybox"),))
    found = drifts([side(PodRow(meta=row.meta, spec=spec, status=row.status))])
    assert seen(*found)[0] == ("pod-hotfix", "warn", ("a",))
    assert "\x1b" not in found[0].text and "dbg" in found[0].text


# -- the fleet -------------------------------------------------------------------------------------------------------


def rollout(*images: Image, owner: Owner | None = None, in_flight: bool = True) -> Rollout:
    arm = Arm("canary", "1", 1, "web-1", images or (Image("web", TAGGED, A),), (), 1, 1, 1)
    return Rollout(
        key=KEY,
        uid="u",
        resource_version="1",
        generation=1,
        strategy="canary",
        phase="Paused",
        message="",
        replicas=Replicas(1, 1, 1, 1),
        weight=Weight(None, None),
        seen={},
        canary=arm,
        owner=owner,
        in_flight=in_flight,
    )


class Shelf:
    def __init__(self, *pods: PodRow) -> None:
        self.pods, self.complete, self.reads = pods, True, 0

    def get(self, resource: Any, namespace: str, name: str) -> Any:
        assert resource == REPLICASETS
        self.reads += 1
        return side().replicaset

    def owned(self, resource: Any, uid: str) -> Sequence[Any]:
        return self.pods

    def referrers(self, resource: Any, namespace: str, name: str) -> Sequence[Any]:
        return ()

    def known(self, resource: Any) -> bool:
        return self.complete if resource == PODS else True


def test_a_quiet_fleet_costs_nothing_and_keeps_its_objects() -> None:
    shelf = Shelf(pod("a"))
    drifting = Drifting(shelf, lambda: None)
    drifting.again([KEY])
    first = drifting.found({KEY: rollout()}, {}, 100.0)
    assert [each.since for each in first[KEY]] == [100.0]
    reads = shelf.reads
    assert drifting.found({KEY: rollout()}, first, 200.0) is first
    assert shelf.reads == reads
    drifting.again([KEY])
    assert drifting.found({KEY: rollout()}, first, 300.0) is first  # the same findings, as old as before


def test_findings_go_with_their_cause_and_with_their_rollout() -> None:
    shelf = Shelf(pod("a"), pod("b", B))
    drifting = Drifting(shelf, lambda: None)
    drifting.again([KEY])
    first = drifting.found({KEY: rollout()}, {}, 1.0)
    assert [each.kind for each in first[KEY]] == ["split", "unpinned"]
    shelf.pods = (pod("a"),)
    drifting.again([KEY])
    second = drifting.found({KEY: rollout()}, first, 2.0)
    assert [(each.kind, each.severity, each.since) for each in second[KEY]] == [("unpinned", "info", 1.0)]
    drifting.again([KEY])
    assert drifting.found({}, second, 3.0) == {}


def test_while_pods_are_not_all_known_siblings_prove_nothing() -> None:
    shelf = Shelf(pod("a", image="reg.example/shop/web:hot"), pod("b"))
    shelf.complete = False
    drifting = Drifting(shelf, lambda: None)
    drifting.again([KEY])
    assert [each.kind for each in drifting.found({KEY: rollout()}, {}, 1.0)[KEY]] == ["unpinned"]


# -- beyond the rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["same", "unknown"])
def test_a_tag_that_stands_or_is_not_known_is_no_finding(state: Any) -> None:
    assert moved(Image("web", TAGGED, A), TagState(TAGGED, A, state)) is None


def test_a_moved_or_lost_tag_matters_more_when_nothing_is_pinned() -> None:
    loose, pinned = Image("web", TAGGED, A), Image("web", f"{TAGGED}@{A}", A)
    found = [moved(image, TagState(TAGGED, B, "moved")) for image in (loose, pinned)]
    assert [each.severity for each in found if each] == ["warn", "info"]
    assert found[0] is not None and A[:19] in found[0].text and B[:19] in found[0].text
    gone = moved(loose, TagState(TAGGED, None, "gone"))
    assert gone is not None and gone.severity == "warn" and "gone" in gone.text


def whole(*entries: tuple[str, str, Any]) -> dict[str, Any]:
    return {
        "metadata": {
            "managedFields": [
                {
                    "manager": manager,
                    "operation": operation,
                    "time": "2026-11-20T03:00:00Z",
                    "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": held}}}},
                }
                for manager, operation, held in entries
            ]
        },
        "spec": {"template": {"spec": {"containers": [{"name": "web"}], "imagePullSecrets": [{"name": "cred"}]}}},
    }


OWNER = Owner("argocd", "shop", "label", "it will be set back")
IMAGE = {'k:{"name":"web"}': {"f:image": {}}}


def test_an_image_set_with_kubectl_on_an_owned_object_is_a_hotfix() -> None:
    for held in (IMAGE, {}):  # keyed, and a list held as one (Rollout CRD)
        (found,) = hotfixes(rollout(owner=OWNER), whole(("kubectl-edit", "Update", held)))
        assert (found.kind, found.severity, found.container) == ("template-hotfix", "warn", "web")
        assert "kubectl-edit" in found.text and "argocd shop" in found.text and found.since is not None


@pytest.mark.parametrize(
    ("owner", "entries"),
    [
        (None, [("kubectl-edit", "Update", IMAGE)]),
        (OWNER, [("argocd-controller", "Update", IMAGE)]),
        (OWNER, [("kubectl-edit", "Update", {'k:{"name":"web"}': {"f:env": {}}})]),
        (OWNER, [("kubectl-edit", "Update", IMAGE), ("argocd-controller", "Apply", IMAGE)]),
    ],
)
def test_what_is_no_hotfix(owner: Owner | None, entries: Any) -> None:
    assert list(hotfixes(rollout(owner=owner), whole(*entries))) == []


def test_junk_in_managed_fields_is_no_hotfix_and_no_error() -> None:
    junk = {"metadata": {"managedFields": [None, {"fieldsV1": 5}, {"manager": 7, "fieldsV1": {"f:spec": []}}]}}
    assert list(hotfixes(rollout(owner=OWNER), junk)) == []


class Picture:
    """Stands for the live picture: hands out one rollout and takes what is told of it."""

    def __init__(self, one: Rollout) -> None:
        self.one, self.told = one, list[Any]()
        self.drifting = Drifting(Shelf(), lambda: None)
        self.drifting.tell = lambda key, found: self.told.append((key, found))  # type: ignore[method-assign]

    def snapshot(self) -> Snapshot:
        return Snapshot(1, 0.0, rollouts={KEY: self.one})

    def strategy(self, key: Key) -> Any:
        return type("Strategy", (), {"resource": ROLLOUTS})


class Registry:
    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def tag(self, image: str, in_use: str | None, namespace: str, secrets: Sequence[str] = ()) -> TagState:
        self.asked.append((image, tuple(secrets)))
        return TagState(image, B, "moved")

    async def learn(self, image: str, digest: str, namespace: str, secrets: Sequence[str] = ()) -> bool:
        return True

    def compare(self, declared: str, image_id: str) -> Sameness:
        return "mismatch"


class Reader:
    def __init__(self, answer: dict[str, Any] | None) -> None:
        self.answer = answer

    async def get(self, resource: Any, namespace: str, name: str) -> dict[str, Any]:
        if self.answer is None:
            raise NotFound("gone")
        return self.answer

    async def owned(self, resource: Any, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        return ()


class Wall:
    now = 1000.0

    def wall(self) -> float:
        return self.now


def watching(one: Rollout, answer: dict[str, Any] | None = None) -> tuple[DriftWatch, Picture, Registry, Wall]:
    picture, registry, wall = Picture(one), Registry(), Wall()
    return DriftWatch(picture, registry, Reader(answer), wall), picture, registry, wall  # type: ignore[arg-type]


def test_a_rollout_in_flight_is_asked_about_once_in_five_minutes() -> None:
    watch, picture, registry, wall = watching(rollout(), whole())
    for step in (0.0, 1.0, AGAIN - 2.0):
        wall.now += step
        asyncio.run(watch.look())
    assert registry.asked == [(TAGGED, ("cred",))]
    assert [(key, [each.kind for each in found]) for key, found in picture.told] == [(KEY, ["tag-moved"])]
    wall.now += 1.0
    asyncio.run(watch.look())
    assert len(registry.asked) == 2


def test_each_digest_of_a_split_version_is_held_against_its_tag() -> None:
    pods = tuple(
        Pod(name, "shop", "u", "1", "Running", True, 0, None, images=(Image("web", TAGGED, digest),))
        for name, digest in (("a", A), ("b", B))
    )
    one = rollout(Image("web", TAGGED, None))
    assert one.canary is not None
    watch, picture, registry, _ = watching(replace(one, canary=replace(one.canary, pods=pods)))

    async def tag(image: str, in_use: str | None, namespace: str, secrets: Sequence[str] = ()) -> TagState:
        return TagState(image, B, "same" if in_use == B else "moved")

    registry.tag = tag  # type: ignore[method-assign]
    asyncio.run(watch.look())
    ((_, (only,)),) = picture.told
    assert only.kind == "tag-moved" and f"runs {A[:19]}" in only.text and f"points to {B[:19]}" in only.text


def test_a_new_version_is_asked_about_at_once() -> None:
    watch, picture, registry, _ = watching(rollout())
    asyncio.run(watch.look())
    picture.one = rollout(Image("web", "reg.example/shop/web:v2", B))
    asyncio.run(watch.look())
    assert [image for image, _ in registry.asked] == [TAGGED, "reg.example/shop/web:v2"]


def test_a_finished_rollout_is_asked_about_only_while_it_is_open() -> None:
    watch, _, registry, _ = watching(rollout(in_flight=False))
    asyncio.run(watch.look())
    assert registry.asked == []
    watch.focus(KEY)
    asyncio.run(watch.look())
    assert len(registry.asked) == 1


def test_a_rollout_that_finished_within_the_hour_is_asked_about() -> None:
    one = rollout(in_flight=False)
    for ago, asked in ((RECENT - 1.0, 1), (RECENT + 1.0, 0)):
        watch, _, registry, _ = watching(replace(one, finished_at=-ago))  # the picture's time is 0
        asyncio.run(watch.look())
        assert len(registry.asked) == asked


def test_a_rollout_that_is_opened_is_asked_about_at_once() -> None:
    watch, _, registry, _ = watching(rollout())
    asyncio.run(watch.look())
    watch.focus(KEY)
    asyncio.run(watch.look())
    watch.focus(KEY)  # still open: not again
    asyncio.run(watch.look())
    assert len(registry.asked) == 2


def test_a_command_asks_once_and_does_not_wait_for_ever() -> None:
    watch, picture, registry, _ = watching(rollout(in_flight=False), whole())
    asyncio.run(watch.once(KEY, 5.0))
    assert [each.kind for each in picture.told[0][1]] == ["tag-moved"]

    async def never(*_: Any) -> TagState:
        await asyncio.Event().wait()
        raise AssertionError

    registry.tag = never  # type: ignore[method-assign]
    asyncio.run(watch.once(KEY, 0.01))
    assert len(picture.told) == 1
    asyncio.run(watch.once(Key("Rollout", "shop", "other"), 5.0))
    assert len(picture.told) == 1


# -- who deployed it -------------------------------------------------------------------------------------------------


def application(status: str = "OutOfSync", **changes: Any) -> dict[str, Any]:
    entry = {"group": "argoproj.io", "kind": "Rollout", "namespace": "shop", "name": "web", "status": status}
    told = {"resources": [entry], "sync": {"status": status, "revision": "0123456789abcdef"}, **changes}
    return {"metadata": {"name": "shop"}, "status": told}


def test_argo_cd_says_that_an_object_is_not_as_in_git() -> None:
    found = out_of_sync(KEY, application())
    assert found is not None and (found.kind, found.severity) == ("template-hotfix", "warn")
    assert "OutOfSync" in found.text and "0123456789" in found.text and "shop" in found.text


@pytest.mark.parametrize(
    "said",
    [
        application("Synced"),
        application(operationState={"phase": "Running"}),
        application(resources=[]),
        application(resources=[{"kind": "Rollout", "namespace": "shop", "name": "other", "status": "OutOfSync"}]),
        {"metadata": None, "status": {"resources": [None, 5, {"kind": []}]}},
        {},
    ],
)
def test_what_argo_cd_does_not_say_is_not_said(said: dict[str, Any]) -> None:
    assert out_of_sync(KEY, said) is None


@pytest.mark.parametrize(
    ("annotations", "labels", "expected"),
    [
        ({"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:shop/web"}, {}, (None, "shop")),
        ({"argocd.argoproj.io/tracking-id": "team_shop:argoproj.io/Rollout:shop/web"}, {}, ("team", "shop")),
        ({}, {"argocd.argoproj.io/instance": "shop"}, (None, "shop")),
        ({}, {"app.kubernetes.io/instance": "shop"}, None),
        ({"argocd.argoproj.io/tracking-id": 5}, {}, None),
        (None, None, None),
    ],
)
def test_which_application_is_meant(annotations: Any, labels: Any, expected: Any) -> None:
    assert application_of({"metadata": {"annotations": annotations, "labels": labels}}) == expected


def test_one_cause_is_said_once() -> None:
    by_hand, reported = Drift("template-hotfix", "warn", "set by hand", "web"), Drift("template-hotfix", "warn", "OoS")
    assert joined((), None) == ()
    assert joined((), reported) == (reported,)
    assert joined((by_hand,), None) == (by_hand,)
    (both,) = joined((by_hand,), reported)
    assert both.text == "set by hand; OoS" and both.container == "web"


class Cluster(Reader):
    """Answers for the object and, in one namespace, for the Application."""

    def __init__(self, answer: dict[str, Any], home: str) -> None:
        super().__init__(answer)
        self.home, self.reads = home, list[tuple[str, str, str]]()

    async def get(self, resource: Any, namespace: str, name: str) -> dict[str, Any]:
        self.reads.append((resource.plural, namespace, name))
        if resource.plural != "applications":
            return await super().get(resource, namespace, name)
        if namespace != self.home:
            raise NotFound("gone")
        return application()


def test_argo_cd_is_asked_about_the_open_rollout_only() -> None:
    held = whole()
    held["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop:argoproj.io/Rollout:shop/web"}
    reader, picture = Cluster(held, "argocd"), Picture(rollout(owner=OWNER))
    watch = DriftWatch(picture, Registry(), reader, Wall())  # type: ignore[arg-type]
    asyncio.run(watch.look())
    assert [plural for plural, _, _ in reader.reads] == ["rollouts"]
    watch.focus(KEY)
    asyncio.run(watch.look())
    assert reader.reads[1:] == [("rollouts", "shop", "web"), ("applications", "argocd", "shop")]
    assert "template-hotfix" in [each.kind for each in picture.told[-1][1]]


THREE = 1795143600.0  # 2026-11-20T03:00:00Z, when managers of ``whole`` wrote
KUBECTL = ("kubectl-set", "Update", IMAGE)


def left(since: float | None = THREE - 60, **known: Any) -> Deployed:
    return Deployed(since, **known)


def test_a_version_that_nobody_is_on_record_for_is_noted() -> None:
    (found,) = unrecorded(rollout(), whole(KUBECTL), left())
    assert (found.kind, found.severity, found.since) == ("unrecorded", "info", THREE)
    assert "kubectl-set" in found.text and A[:19] in found.text


@pytest.mark.parametrize(
    ("deployed", "entries"),
    [
        (None, [KUBECTL]),  # the journal could not be read
        (left(None), [KUBECTL]),  # it never watched this cluster
        (left(THREE), [KUBECTL]),  # as old as the version: a fresh install
        (left(THREE + 60), [KUBECTL]),
        (left(hashes=frozenset({"1"})), [KUBECTL]),  # an act led to this version
        (left(digests=frozenset({A})), [KUBECTL]),  # or to this digest, pinned under another hash
        (left(), [KUBECTL, ("argocd-controller", "Update", IMAGE)]),  # somebody with a name holds it
        (left(), [("helm", "Update", IMAGE)]),
        (left(), []),  # neither managed fields nor a creation time: when it came is not known
    ],
)
def test_what_is_on_record_or_could_not_be_is_not_noted(deployed: Deployed | None, entries: Any) -> None:
    assert list(unrecorded(rollout(), whole(*entries), deployed)) == []


def test_an_annotation_that_names_who_deployed_is_a_record() -> None:
    for place in ("metadata", "template"):
        held = whole(KUBECTL)
        target = held if place == "metadata" else held["spec"]["template"]
        target.setdefault("metadata", {})["annotations"] = {"kubernetes.io/change-cause": "ci run 812"}
        assert list(unrecorded(rollout(), held, left())) == []


def test_an_object_that_could_not_be_read_is_not_held_against_anybody() -> None:
    assert list(unrecorded(rollout(), {}, left())) == []


def test_the_creation_of_the_version_counts_where_managers_are_not_told() -> None:
    one = rollout()
    assert one.canary is not None
    young = replace(one, canary=replace(one.canary, created_at=THREE))
    (found,) = unrecorded(young, whole(), left())
    assert "does not say" in found.text
    old = replace(one, canary=replace(one.canary, created_at=THREE - 120))
    assert list(unrecorded(old, whole(), left())) == []
