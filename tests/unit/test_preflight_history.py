"""Age of a version, and neighbours that moved on meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.actions.preflight import history
from cockpit.actions.preflight.contract import Context
from cockpit.base.clock import rfc3339
from cockpit.model.preflight import Finding
from cockpit.model.revision import Served
from tests.harness import seat
from tests.harness.preflight import NOW, Reads, context, never_improves, ran, revision, workload

AGE, NEIGHBOURS = history.CHECKS
LATER, EARLIER = rfc3339(NOW - 600), rfc3339(NOW - 90_000)
SERVED = revision(served=(Served(NOW - 80_000, NOW - 7200, "promoted-over"),))
LABEL = {"app.kubernetes.io/part-of": "shop"}


def seen(finding: Finding) -> tuple[str, str]:
    return finding.state, finding.severity


async def test_age_warns_of_old_versions_and_of_many_passed_over() -> None:
    assert (await ran(AGE, context())).state == "ok"
    old = await ran(AGE, context(versions=[revision(created_at=NOW - 41 * 86_400)]))
    assert (seen(old), old.text) == (("finding", "warn"), "made 41d ago, 0 versions passed over")
    newer = [revision(f"n{number}", created_at=NOW - number) for number in range(1, 6)]
    passed = await ran(AGE, context(versions=[*newer, revision()]))
    assert (passed.state, "5 versions passed over" in passed.text) == ("finding", True)
    current = [revision("now", created_at=NOW - 1, current=True), *newer[:4]]
    assert (await ran(AGE, context(versions=[*current, revision()]))).state == "ok"


@pytest.mark.parametrize("versions", [[revision("other")], [revision(created_at=None)]], ids=["not known", "no time"])
async def test_an_age_that_is_not_known_is_said(versions: Any) -> None:
    finding = await ran(AGE, context(versions=versions))
    assert (seen(finding), "not known" in finding.text) == (("finding", "warn"), True)


def workloads(name: str, wrote: str, member: str = "f:template", kind: str = "Deployment") -> dict[str, Any]:
    entry = {"manager": "helm", "time": wrote, "fieldsV1": {"f:spec": {member: {}}}}
    metadata = {"name": name, "labels": LABEL, "creationTimestamp": EARLIER, "managedFields": [entry]}
    return {"kind": kind, "metadata": metadata}


async def look(*others: dict[str, Any], labels: dict[str, str] | None = None, **more: Any) -> Finding:
    own = workload(LABEL if labels is None else labels)
    own["metadata"]["creationTimestamp"] = EARLIER
    return await ran(NEIGHBOURS, context(Reads(own, *others), versions=more.pop("versions", [SERVED]), **more))


async def test_neighbours_whose_template_was_written_since_are_named() -> None:
    others = [workloads("pay", LATER), workloads("old", EARLIER), workloads("scaled", LATER, "f:replicas")]
    finding = await look(*others, workloads("api", LATER, kind="Rollout"))
    assert (seen(finding), finding.text) == (
        ("finding", "info"),
        "of shop, changed since it last served: api, pay",
    )
    assert (await look(*others[1:])).state == "ok"
    assert (await look(*others, labels={})).state == "skipped"


async def test_more_neighbours_than_fit_a_line_are_counted() -> None:
    finding = await look(*(workloads(f"w{number}", LATER) for number in range(7)))
    assert finding.text.endswith("w3, w4 and 2 more")
    assert len(finding.evidence) == 7


async def test_what_serves_now_serves_beside_them_and_what_is_not_known_is_unknown() -> None:
    serving = seat.rollout(baseline=seat.arm("baseline", seat.pod("p", created_at=NOW - 7200), hash="h"))
    assert (await look(workloads("pay", LATER), rollout=serving)).state == "ok"
    assert (await look(workloads("pay", LATER), versions=[revision("other")])).state == "unknown"


@pytest.mark.parametrize("entries", ["x", [{"time": "?", "fieldsV1": {"f:spec": {"f:template": {}}}}]], ids=str)
async def test_a_record_that_cannot_be_read_is_unknown(entries: Any) -> None:
    other = workloads("pay", EARLIER)
    other["metadata"]["managedFields"] = entries
    assert (await look(other)).state == "unknown"


async def test_no_failing_request_makes_neighbours_look_unchanged() -> None:
    def make() -> Context:
        own = workload(LABEL)
        own["metadata"]["creationTimestamp"] = EARLIER
        return context(Reads(own, workloads("pay", LATER)), versions=[SERVED])

    assert await never_improves(NEIGHBOURS, make) == {
        "get rollouts", "discover rollouts", "metadatas deployments", "metadatas rollouts",
    }  # fmt: skip
