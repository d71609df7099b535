"""Rights, state and controlling owner of the workload: every outcome, and no failure makes one look better."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight import standing
from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.subject import Subject
from cockpit.base.clock import rfc3339
from cockpit.model.plan import Patch
from cockpit.model.preflight import Finding
from cockpit.model.resource import DEPLOYMENTS
from tests.harness import preflight
from tests.harness.preflight import NAMESPACE, NOW, Reads, Rights, context, never_improves, ran, revision, workload

RIGHTS, STATE, CONTROLLER = standing.CHECKS
LATER = rfc3339(NOW - 600)


def seen(finding: Finding) -> tuple[str, str]:
    return finding.state, finding.severity


def stands(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = workload()
    for member, values in changes.items():
        raw[member].update(values)
    return raw


def referring(rollout: dict[str, Any], deployment: dict[str, Any]) -> Context:
    """A Rollout whose template is that of a Deployment."""
    asked = context(Reads(rollout, deployment))
    patch = Patch(DEPLOYMENTS, NAMESPACE, "base", None, asked.plan.patches[0].ops, "write the template")
    plan = replace(asked.plan, patches=(patch,))

    async def versions() -> list[Any]:
        return [revision()]

    return replace(asked, plan=plan, subject=Subject(plan, asked.reads, versions))


def deployment(**metadata: Any) -> dict[str, Any]:
    known = {"name": "base", "uid": "u", **metadata}
    return {"kind": "Deployment", "metadata": known, "spec": {"template": {}}, "status": {}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("allowed", ("ok", "info")), ("denied", ("finding", "block")), ("unknown", ("unknown", "confirm"))],
)
async def test_rights_block_when_the_server_says_no_and_are_unknown_when_it_does_not_say(
    answer: Any, expected: tuple[str, str]
) -> None:
    finding = await ran(RIGHTS, context(rights=Rights(answer)))
    assert seen(finding) == expected
    assert finding.evidence == (f"patch rollouts.argoproj.io: {answer}",)


@pytest.mark.parametrize("answer", [None, "", "perhaps"])
async def test_an_access_review_that_says_nothing_allows_nothing(answer: Any) -> None:
    assert (await ran(RIGHTS, context(rights=Rights(answer)))).state == "unknown"


@pytest.mark.parametrize(
    ("raw", "expected", "words"),
    [
        (stands(), ("ok", "info"), ""),
        (stands(metadata={"deletionTimestamp": LATER}), ("finding", "block"), "Rollout cart is being deleted"),
        (stands(metadata={"generation": 7}), ("finding", "confirm"), "no controller has acted on it yet"),
        (stands(metadata={"generation": 7}, status={"observedGeneration": "6"}), ("finding", "confirm"), "6 of 7"),
        (stands(metadata={"generation": 7}, status={"observedGeneration": 7}), ("ok", "info"), ""),
        (stands(metadata={"generation": 7}, status={"observedGeneration": "5b9c"}), ("ok", "info"), ""),
        (
            stands(status={"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}),
            ("finding", "confirm"),
            "exceeded quota",
        ),
        (
            stands(status={"conditions": [{"type": "InvalidSpec", "status": "True", "message": "no steps"}]}),
            ("finding", "confirm"),
            "no steps",
        ),
        (stands(status={"conditions": [{"type": "Progressing", "status": "False"}]}), ("ok", "info"), ""),
        (stands(spec={"paused": True}), ("ok", "info"), ""),
    ],
    ids=["well", "deleted", "new", "behind", "up to date", "old Argo", "quota", "invalid", "stuck", "paused by hand"],
)
async def test_the_state_of_the_workload(raw: dict[str, Any], expected: tuple[str, str], words: str) -> None:
    finding = await ran(STATE, context(Reads(raw)))
    assert seen(finding) == expected
    assert words in finding.text


async def test_a_referenced_workload_has_to_be_seen_by_the_rollouts_controller() -> None:
    behind = stands(status={"workloadObservedGeneration": "3"})
    finding = await ran(STATE, referring(behind, deployment(generation=4)))
    assert (seen(finding), "3 of 4 of Deployment base" in finding.text) == (("finding", "confirm"), True)
    assert (await ran(STATE, referring(behind, deployment(generation=3)))).state == "ok"
    gone = await ran(STATE, referring(stands(), deployment(deletionTimestamp=LATER)))
    assert (seen(gone), "Deployment base is being deleted" in gone.text) == (("finding", "block"), True)


async def test_a_workload_that_is_being_deleted_is_said_when_the_other_one_cannot_be_read() -> None:
    asked = referring(stands(metadata={"deletionTimestamp": LATER}), deployment())
    asked.reads.fails["get deployments"] = preflight.FAILURES["500"]  # type: ignore[attr-defined]
    assert seen(await ran(STATE, asked)) == ("finding", "block")


async def test_what_another_object_controls_is_to_be_rolled_back_there() -> None:
    assert (await ran(CONTROLLER, context(Reads(stands())))).state == "ok"
    owned = stands(metadata={"ownerReferences": [{"kind": "Canary", "name": "cart", "controller": True}]})
    finding = await ran(CONTROLLER, context(Reads(owned)))
    assert (seen(finding), finding.remedy) == (("finding", "block"), "roll back Canary cart instead")
    kept = stands(metadata={"ownerReferences": [{"kind": "Application", "name": "shop"}]})
    assert (await ran(CONTROLLER, context(Reads(kept)))).state == "ok"


async def test_an_owner_of_the_referenced_workload_counts_and_the_rollout_that_scales_it_does_not() -> None:
    assert (await ran(CONTROLLER, referring(stands(), deployment()))).state == "ok"
    owned = deployment(ownerReferences=[{"kind": "KafkaConnect", "name": "k", "controller": True}])
    finding = await ran(CONTROLLER, referring(stands(), owned))
    assert (finding.state, finding.remedy) == ("finding", "roll back KafkaConnect k instead")


@pytest.mark.parametrize("owners", ["x", ["x"], {"kind": "Canary"}, 7], ids=str)
async def test_owners_that_cannot_be_read_are_not_called_none(owners: Any) -> None:
    finding = await ran(CONTROLLER, context(Reads(stands(metadata={"ownerReferences": owners}))))
    assert finding.state == "unknown"


@pytest.mark.parametrize("check", [STATE, CONTROLLER], ids=lambda check: check.name)
@pytest.mark.parametrize(
    "raw",
    [
        stands(),
        stands(
            metadata={"deletionTimestamp": LATER, "ownerReferences": [{"kind": "C", "name": "c", "controller": True}]}
        ),
        stands(metadata={"generation": 7}, status={"observedGeneration": 6}),
    ],
    ids=["well", "deleted and owned", "behind"],
)
async def test_no_failing_request_makes_it_look_better(check: Any, raw: dict[str, Any]) -> None:
    assert await never_improves(check, lambda: context(Reads(raw))) == {"get rollouts"}
    both = await never_improves(check, lambda: referring(raw, deployment(generation=1)))
    assert both == {"get rollouts", "get deployments"}
