"""A rollback is verified only when every pod of the target is known to run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cockpit.actions import Actions, this_process
from cockpit.actions.proof import by_digest, judged
from cockpit.base.errors import Denied
from cockpit.model.artifact import Sameness
from cockpit.model.resource import Resource
from tests.harness.acting import Seat
from tests.harness.inprocess import Cluster

D, E = "sha256:" + "d" * 64, "sha256:" + "e" * 64


def pod(name: str, *, going: bool = False, **ids: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})},
        "status": {"containerStatuses": [{"name": key, "imageID": value} for key, value in ids.items()]},
    }


@pytest.mark.parametrize(
    ("image_id", "same"),
    [
        (f"r.test/web@{D}", "match"),
        (f"docker-pullable://mirror.test/web@{D}", "match"),  # a mirror serves the same artifact
        (f"r.test/web@{E}", "mismatch"),
        (E, "unresolved"),  # a config digest: only a registry can tell whose
        ("e" * 64, "unresolved"),
        ("", "pending"),
        ("garbage", "unresolved"),
    ],
)
def test_without_a_registry_only_one_digest_is_the_same(image_id: str, same: Sameness) -> None:
    assert by_digest(D, image_id) == same


def test_the_worst_of_all_pods_speaks() -> None:
    good, other, silent = pod("a", web=f"r/web@{D}"), pod("b", web=f"r/web@{E}"), pod("c", web="")
    config = pod("d", web=E)
    assert judged([good], {"web": D}, by_digest).state == "proven"
    assert judged([good, silent], {"web": D}, by_digest).state == "pending"
    assert judged([silent, config], {"web": D}, by_digest).state == "unresolved"
    said = judged([config, other, good], {"web": D}, by_digest)
    assert (said.state, said.text) == ("mismatch", f"pod b runs r/web@{E} as web, not the target {D}")
    assert judged([good, pod("x", going=True, web=f"r/web@{E}")], {"web": D}, by_digest).state == "proven"


def test_a_container_without_a_known_digest_or_status_proves_nothing() -> None:
    good = pod("a", web=f"r/web@{D}", side=f"r/side@{E}")
    assert judged([good], {"web": D, "side": None}, by_digest).state == "unresolved"
    assert judged([pod("a", web=f"r/web@{D}")], {"web": D, "side": E}, by_digest).state == "pending"


def test_pods_that_are_not_there_prove_nothing() -> None:
    good = pod("a", web=f"r/web@{D}")
    assert judged([], {"web": D}, by_digest, 0).state == "unresolved"
    assert judged([], {"web": D}, by_digest, 2).state == "pending"
    assert judged([good], {"web": D}, by_digest, 2).text == "1 of 2 pods can be seen"
    assert judged([good, pod("x", going=True, web=f"r/web@{D}")], {"web": D}, by_digest, 2).state == "pending"
    assert judged([good], {}, by_digest).state == "unresolved"
    evicted = pod("b")
    evicted["status"]["phase"] = "Failed"
    assert judged([good, evicted], {"web": D}, by_digest, 1).state == "proven"
    assert judged([good, evicted], {"web": D}, by_digest, 2).state == "pending"
    evicted["status"]["containerStatuses"] = [{"name": "web", "imageID": f"r/web@{E}"}]
    assert judged([good, evicted], {"web": D}, by_digest, 1).state == "mismatch"


def test_a_pods_name_and_image_are_hostile_text() -> None:
    text = judged([pod("a\x1b[2J", web=f"r/\x1b]0;x\x07@{E}")], {"web": D}, by_digest).text
    assert "\x1b" not in text
    assert "\x07" not in text


def compared(at: Seat, same: Sameness) -> list[tuple[str, str]]:
    """Let the seat's registries say ``same`` of everything; what they were asked."""
    asked: list[tuple[str, str]] = []

    def compare(declared: str, image_id: str) -> Sameness:
        asked.append((declared, image_id))
        return same

    at.actions = Actions(
        writer=at.cluster,
        reader=at.cluster,
        rights=at.cluster,
        journal=at.journal,
        clock=at.cluster.clock(),
        picture=at.cluster,
        who=this_process("sre1", "demo", "demo"),
        compare=compare,
    )
    return asked


@pytest.mark.parametrize("same", ["match", "match-config"])
async def test_pods_of_the_targets_class_verify_it(tmp_path: Path, same: Sameness) -> None:
    at = Seat(Cluster("single"), tmp_path)
    asked = compared(at, same)
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "done"
    assert "5 pods proven by digest" in outcome.reason
    assert len(asked) == 5
    (act,) = await at.journal.acts()
    assert act.verified_at is not None


@pytest.mark.parametrize(
    ("same", "words"),
    [("mismatch", "not the target sha256:"), ("unresolved", "registry unknown"), ("pending", "has not said which")],
)
async def test_another_image_or_an_unknown_one_is_never_verified(tmp_path: Path, same: Sameness, words: str) -> None:
    at = Seat(Cluster("single"), tmp_path)
    compared(at, same)
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "accepted"
    assert "not verified: pod web-" in outcome.reason
    assert words in outcome.reason
    (act,) = await at.journal.acts()
    assert (act.result, act.verified_at) == ("accepted", None)


async def test_pods_that_cannot_be_read_verify_nothing(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    intent, plan = at.intent("rollback", to="stable"), await at.plan("rollback", to="stable")

    async def denied(resource: Resource, namespace: str, uid: str) -> Any:
        raise Denied("you may not list pods")

    at.cluster.owned = denied  # type: ignore[method-assign]
    from cockpit.model.plan import Consent

    outcome = await at.actions.execute(intent, plan, Consent(yes=True))
    assert outcome.result == "accepted"
    assert "you may not list pods" in outcome.reason


async def test_an_image_changed_on_the_node_is_seen_although_the_template_is_pinned(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)
    read = at.cluster.owned

    async def lying(resource: Resource, namespace: str, uid: str) -> Any:
        found = await read(resource, namespace, uid)
        if resource.plural == "pods" and at.cluster.sent:
            for each in found[:1]:
                each["status"]["containerStatuses"][0]["imageID"] = f"registry.acme.test/default/web@{E}"
        return found

    at.cluster.owned = lying  # type: ignore[method-assign]
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "accepted"
    assert E in outcome.reason


@pytest.mark.parametrize("answer", ["no pods", "no object", "fewer pods"])
async def test_an_answer_that_leaves_pods_out_is_not_verified(tmp_path: Path, answer: str) -> None:
    at = Seat(Cluster("single"), tmp_path)
    asked = compared(at, "match")
    owned, get = at.cluster.owned, at.cluster.get

    async def fewer(resource: Resource, namespace: str, uid: str) -> Any:
        found = await owned(resource, namespace, uid)
        if resource.plural != "pods" or answer == "no object":
            return found
        return found[:-1] if answer == "fewer pods" else []

    async def garbage(resource: Resource, namespace: str, name: str) -> Any:
        found = await get(resource, namespace, name)
        return {"kind": "Status"} if answer == "no object" and resource.plural == "replicasets" else found

    at.cluster.owned, at.cluster.get = fewer, garbage  # type: ignore[method-assign]
    outcome = await at.act("rollback", to="stable")
    assert outcome.result == "accepted"
    words = {"no pods": "0 of 5 pods", "no object": "is no object", "fewer pods": "4 of 5 pods"}[answer]
    assert words in outcome.reason
    assert answer == "fewer pods" or not asked
    (act,) = await at.journal.acts()
    assert act.verified_at is None


async def test_an_operation_left_open_is_settled_by_the_same_proof(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    async def lost(*_: Any) -> None:
        raise SystemExit  # the process dies between the patch and the outcome

    at.actions._ledger.end = lost  # type: ignore[method-assign, assignment]
    with pytest.raises(SystemExit):
        await at.act("rollback", to="stable")
    later = Seat(at.cluster, tmp_path)
    compared(later, "mismatch")
    later.actions._ledger.who = this_process("sre1", "demo", "demo").__class__(
        "sre1", "x", "elsewhere", "demo", "demo", "0"
    )
    (settlement,) = await later.actions.settle()
    assert settlement.result == "accepted"
    assert "not verified" in settlement.text


async def test_what_leaves_the_picture_before_it_is_proven_is_not_settled_as_done(tmp_path: Path) -> None:
    at = Seat(Cluster("single"), tmp_path)

    async def lost(*_: Any) -> None:
        raise SystemExit

    at.actions._ledger.end = lost  # type: ignore[method-assign, assignment]
    with pytest.raises(SystemExit):
        await at.act("rollback", to="stable")
    later = Seat(at.cluster, tmp_path)
    later.actions._ledger.who = msgspec.structs.replace(this_process("sre1", "demo", "demo"), host="elsewhere")
    look, looks = at.cluster.snapshot, 0

    def fading() -> Any:
        nonlocal looks
        looks += 1
        return look() if looks == 1 else msgspec.structs.replace(look(), rollouts={})

    at.cluster.snapshot = fading  # type: ignore[method-assign]
    (settlement,) = await later.actions.settle()
    assert (settlement.result, "not in sight" in settlement.text) == ("accepted", True)
    (act,) = await later.journal.acts()
    assert act.verified_at is None
