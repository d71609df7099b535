"""Every check of the pre-flight x every request it makes x every way that one can fail: no check ever gets better.

Each situation has something to find, so that an answer that is lost and taken for "nothing there" would be seen; that
this is so is a test of its own. Budget: 30 s.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cockpit.actions
from cockpit.actions.preflight.catalogue import CHECKS
from cockpit.actions.preflight.contract import Check, Context, found
from cockpit.actions.preflight.runner import lacking
from cockpit.base.errors import AnswerLost, ApiError, CockpitError, Denied, NotFound, Unreachable
from cockpit.model.artifact import Retention, Signatures
from cockpit.model.plan import Consent, Tier
from cockpit.model.preflight import Finding
from cockpit.model.resource import CONFIGMAPS
from tests.harness import virtual_time
from tests.harness.preflight import DIGEST, IMAGE, NAME, NAMESPACE, NOW, revision, workload
from tests.harness.rehearsal import PLAIN, Situation
from tests.harness.situations import RELEASED, SITUATIONS, held

RBAC = 'pods is forbidden: User "ann" cannot create resource "pods" in API group "" in the namespace "shop"'

FAILURES: dict[str, Any] = {
    "403": Denied("forbidden"),
    "403 of RBAC": Denied(RBAC),
    "500": Unreachable("API server answered with HTTP 500"),
    "lost": AnswerLost("the connection broke"),
    "silence": TimeoutError(),
    "418": ApiError("teapot", status=418),
    "429": ApiError("too many requests", status=429),
    "another error": CockpitError("no"),
    "a defect": KeyError("x"),
}
GARBAGE: dict[str, Any] = {
    "None": None,
    "{}": {},
    "[]": [],
    "a list of nothing": [None],
    "a list of {}": [{}],
    "items": {"items": "x"},
    "text": "x",
    "a number": 7,
    "metadata that is none": {"metadata": "x"},
    "an object without anything": {"metadata": {"name": NAME, "namespace": NAMESPACE}},
    "another object": {"kind": "Node", "metadata": {"name": "another"}, "spec": {}, "status": {}},
}
TOLD_ONLY = {
    "list horizontalpodautoscalers": "autoscalers are told of and ask nothing",
    "list poddisruptionbudgets": "budgets are told of and ask nothing",
    "learn": "says nothing by itself: compare does, by what was learned",
    "review create pods": "the dry run that it stands before gives its own answer",
}
"""Requests whose answers never ask anything of anybody; so losing them cannot make a check better."""


# -- the property ------------------------------------------------------------------------------------------------------


def asks(finding: Finding) -> int:
    """What a finding asks of the operator: an override (3), the typed name (2), a line to read (1), nothing (0)."""
    if finding.blocks:
        return 3
    if finding.typed:
        return 2
    return int(finding.state == "finding" and finding.severity == "warn")


def broken(request: str) -> Iterator[tuple[str, Any]]:
    """The ways in which a request can fail. What is a good answer to it is no failure."""
    yield from FAILURES.items()
    for name, answer in GARBAGE.items():
        empty = {"list": [], "metadatas": [], "versions": [], "journal: jobs": []}
        if any(request.startswith(kind) and answer == good for kind, good in empty.items()):
            continue  # there may be none
        if request == "journal: ran" and isinstance(answer, (dict, list)):
            continue  # never seen running: that asks for more
        yield name, answer


async def offences(check: Check, situation: Situation) -> list[str]:
    """Requests of a check whose failure makes it ask for less, without saying that it does not know."""
    sound, asked = await situation.found(check)
    said: list[str] = []
    if asks(sound) == 0:
        return said  # there is nothing less
    for request in asked:
        for how, failure in broken(request):
            after, _ = await situation.found(check, {request: failure})
            unknown = after.state == "unknown" and after.typed
            if not unknown and asks(after) < asks(sound):
                said.append(f"{check.name}: {request}: {how}: {_brief(sound)} -> {_brief(after)}")
    return said


def _brief(finding: Finding) -> str:
    return f"{finding.state}/{finding.severity} ({finding.text[:80]})"


@pytest.mark.parametrize("name", SITUATIONS)
def test_no_failing_request_makes_any_check_ask_for_less(name: str) -> None:
    async def all_of_them() -> list[str]:
        return [each for check in CHECKS for each in await offences(check, SITUATIONS[name])]

    assert virtual_time.run(all_of_them()) == []


@pytest.mark.parametrize("how", ["403", "500", "silence", "None"])
def test_what_is_unknown_is_never_passed_over(how: str) -> None:
    """Of a sound version each request is lost in turn: where a check does not know then, a ``y`` does not do."""

    async def looked() -> None:
        situation = SITUATIONS["sound"]
        well, plan, requests = await situation.examined()
        assert (well.typed, plan.tier) == ((), Tier.YES)
        assert lacking(well, Consent(yes=True), plan) is None
        unseen = []
        for request in requests:
            lost, plan, _ = await situation.examined({request: {**FAILURES, **GARBAGE}[how]})
            unknown = [each.check for each in lost.findings if each.state == "unknown"]
            if not unknown:
                unseen.append(request)
                continue
            assert set(unknown) <= set(lost.typed), request
            assert plan.tier is Tier.NAME, request
            assert lacking(lost, Consent(yes=True), plan) is not None, request
            assert lacking(lost, Consent(yes=True, overrides=tuple(unknown)), plan) is not None, request
            assert lacking(lost, Consent(name=NAME), plan) is None, request
        assert {each for each in unseen if each not in TOLD_ONLY} == set()

    virtual_time.run(looked())


# -- the tests of the tests --------------------------------------------------------------------------------------------


def better(request: str) -> Iterator[Any]:
    """Answers as they would be if all were well: what somebody who swallows an error takes for granted."""
    plain = {"kind": "x", "metadata": {"name": request.rpartition("/")[2], "uid": "u"}, "spec": {}, "status": {}}
    sound: dict[str, Any] = {
        "list": [], "metadatas": [], "review": {"status": {"allowed": True}}, "dry run": PLAIN,
        "retention": Retention(IMAGE, DIGEST, "retained", "", 0.0), "discover": False,
        "signatures": Signatures(IMAGE, DIGEST, "verified", "", "verified", "verified", 0.0, key="k"),
        "journal: ran": {DIGEST: NOW}, "journal: jobs": [],
        "versions": (revision(revision=9, created_at=NOW, replicas=10),),
    }  # fmt: skip
    if "owner=helm" in request:
        yield [RELEASED["metadata"]]
    yield from (answer for kind, answer in sound.items() if request.startswith(kind))
    if request.startswith("get"):
        yield from (NotFound("not found"), plain)
    if request.startswith("get rollouts"):
        yield workload()
    if request.startswith("metadata "):
        yield from (NotFound("not found"), held("x", request.rpartition("/")[2])["metadata"])


def test_every_request_has_a_situation_in_which_losing_it_would_be_seen() -> None:
    """Where a check takes a lost answer for a good one, some situation here tells: or the property proves nothing."""

    async def looked() -> tuple[set[str], set[str]]:
        made: set[str] = set()
        told: set[str] = set()
        for situation in SITUATIONS.values():
            for check in CHECKS:
                sound, asked = await situation.found(check)
                for request in asked:
                    made.add(_kind(check, request))
                    for answer in better(request):
                        after, _ = await situation.found(check, {request: answer})
                        if asks(after) < asks(sound):
                            told.add(_kind(check, request))
        return made, told

    made, told = virtual_time.run(looked())
    silent = {each for each in made - told if each.partition(": ")[2] not in TOLD_ONLY}
    assert sorted(silent) == sorted(NEVER_TELLS)


NEVER_TELLS = {
    "argocd: get appprojects": "sync windows are told of beside what the owner does",
    "argocd: versions": "when the target was deployed tells the commit to return to, nothing else",
}
"""Requests of one check by which it never asks for anything."""


def _kind(check: Check, request: str) -> str:
    """A request without the name of what it is about; the rollout and the Deployment that it refers to are one."""
    words = request.split(" ")
    about = {"get": 2, "list": 2, "metadata": 2, "metadatas": 2, "discover": 2, "review": 3, "journal:": 2, "dry": 9}
    said = " ".join(words[: about.get(words[0], 1)])
    same = {"get deployments": "get rollouts", "review patch deployments": "review patch rollouts"}
    return f"{check.name}: {same.get(said, said)}"


_REQUESTS = {
    "reads": {"get", "metadata", "objects", "metadatas", "serves"},
    "artifacts": {"retention", "signatures", "learn"},
    "past": {"ran", "jobs_since"},
    "trial": {"dry_run", "admit"},
    "rights": {"check"},
}
"""Ports of a check, and what goes out by them."""


def _places() -> set[tuple[str, int, int]]:
    """Every place in the pre-flight's code where a request is made: file, first line and last line."""
    folder, places = Path(cockpit.actions.__file__).parent, set()
    for path in (*(folder / "preflight").glob("*.py"), *(folder / "reconcilers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            port = ast.unparse(node.func.value).removeprefix("self.").rpartition(".")[2].removeprefix("_")
            if node.func.attr in _REQUESTS.get(port, ()):
                places.add((f"{path.parent.name}/{path.name}", node.lineno, node.end_lineno or node.lineno))
    return places


def test_every_request_that_the_code_can_make_is_made_in_some_situation() -> None:
    """What is never asked here is never made to fail: a new request of a check needs a situation."""

    async def looked() -> set[tuple[str, int]]:
        reached: set[tuple[str, int]] = set()
        for situation in SITUATIONS.values():
            await situation.examined(reached=reached)
        return reached

    reached = virtual_time.run(looked())
    places = _places()
    assert len(places) > 25  # the code is read as it is written today
    assert [
        place for place in places if not any((place[0], line) in reached for line in range(place[1], place[2] + 1))
    ] == []


@pytest.mark.parametrize(
    "swallowed", [Denied, Unreachable, TimeoutError, AttributeError], ids=lambda kind: kind.__name__
)
def test_a_check_that_takes_a_lost_answer_for_nothing_is_caught(swallowed: type[Exception]) -> None:
    async def careless(ctx: Context) -> Finding:
        try:
            async with asyncio.timeout(1):
                listed = await ctx.reads.objects(CONFIGMAPS, NAMESPACE)
            names = [each.get("metadata", {}).get("name") for each in listed if "metadata" in each]
        except (swallowed, TypeError, KeyError):
            return found("ok", "nothing there")
        return found("finding", "there is one") if names else found("ok", "nothing there")

    check = Check("careless", "careless", "warn", careless)
    assert virtual_time.run(offences(check, Situation(held("ConfigMap", "settings")))) != []
