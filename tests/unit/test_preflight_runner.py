"""The pre-flight: a request that fails is unknown, unknown is typed, what blocks is overridden by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight.artifact import CHECKS
from cockpit.actions.preflight.contract import Check, Context
from cockpit.actions.preflight.runner import examined, lacking, run
from cockpit.base.errors import ApiError, Denied, Unreachable
from cockpit.model.artifact import Retention, Signatures
from cockpit.model.plan import Consent, Plan, Tier
from cockpit.model.preflight import Finding, Preflight
from cockpit.model.resource import Key
from cockpit.model.revision import Retained, Signed
from cockpit.model.rollout import Owner
from tests.harness import preflight

DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.example/shop/cart@{DIGEST}"
ASKS = {"retention": "retained", "signatures": "signature", "ran": "ran-here"}
"""Request -> the check that makes it."""
REQUESTS = tuple(ASKS)
FAILURES: dict[str, Any] = {
    "403": Denied("forbidden"),
    "500": Unreachable("HTTP 500"),
    "error": ApiError("teapot", status=418),
    "time-out": TimeoutError(),
    "garbage": None,
}
PLAN = Plan(
    "rollback", Key("Rollout", "shop", "cart"), "u", "ROLL BACK", "away", (), (), {}, to_hash="h", tier=Tier.YES
)


class Fake:
    """A registry and a journal that answer well, save the request that ``fails``; a time-out never answers."""

    def __init__(self, held: Retained = "retained", signed: Signed = "verified", ran: bool = True) -> None:
        self.held, self.signed, self.has_run = held, signed, ran
        self.fails: dict[str, Any] = {}
        self.asked: set[str] = set()

    async def _fault(self, request: str) -> bool:
        self.asked.add(request)
        if request not in self.fails:
            return False
        failure = self.fails[request]
        if isinstance(failure, TimeoutError):
            await asyncio.Event().wait()
        if failure is not None:
            raise failure
        return True

    async def retention(self, image: str, digest: str, *_: Any, **__: Any) -> Retention:
        if await self._fault("retention"):
            return None  # type: ignore[return-value]
        return Retention(image, digest, self.held, "", 0.0)

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        if await self._fault("signatures"):
            return None  # type: ignore[return-value]
        return Signatures(image, digest, self.signed, "", "none", "none", 0.0, key="k")

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        if await self._fault("ran"):
            return None  # type: ignore[return-value]
        return dict.fromkeys(digests, 1.0) if self.has_run else {}


async def looked(fake: Fake, policy: Mapping[str, Any] | None = None) -> Preflight:
    context = preflight.context(artifacts=fake, past=fake)
    # Only a check that never gets an answer runs into its deadline, however slow the machine is.
    silent = {ASKS[request] for request, failure in fake.fails.items() if isinstance(failure, TimeoutError)}
    checks = [
        Check(each.name, each.title, each.severity, each.run, deadline=0.01 if each.name in silent else 60.0)
        for each in CHECKS
    ]
    return await run(context, policy or {}, 0.0, checks=checks)


_GOODNESS = {"ok": 3, "finding": 1, "unknown": 1, "skipped": 2}


@pytest.mark.parametrize("fake", [{}, {"held": "missing"}, {"signed": "invalid"}, {"ran": False}], ids=str)
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_failing_request_never_improves_a_check_and_is_never_passed_over(
    request_: str, failure: str, fake: dict[str, Any]
) -> None:
    whole = await looked(Fake(**fake))
    failing = Fake(**fake)
    failing.fails[request_] = FAILURES[failure]
    found = await looked(failing)
    assert request_ in failing.asked
    changed = [each for each, other in zip(found.findings, whole.findings, strict=True) if each.state != other.state]
    assert [each.state for each in found.findings if each.state == "unknown"] == ["unknown"]
    assert all(each.state == "unknown" for each in changed)
    for each, other in zip(found.findings, whole.findings, strict=True):
        assert _GOODNESS[each.state] <= _GOODNESS[other.state]
    assert lacking(found, Consent(yes=True), PLAN) is not None
    assert examined(PLAN, found).tier is Tier.NAME


async def test_every_check_makes_a_request_that_the_table_fails() -> None:
    fake = Fake()
    await looked(fake)
    assert fake.asked == set(REQUESTS)


async def test_all_well_asks_for_nothing_more() -> None:
    found = await looked(Fake())
    assert (found.complete, found.blocking, found.typed) == (True, (), ())
    assert lacking(found, Consent(yes=True), PLAN) is None
    assert examined(PLAN, found).tier is Tier.YES


@pytest.mark.parametrize("held", ["missing", "partial"])
async def test_what_is_lost_needs_its_own_name_beside_the_rollouts(held: Retained) -> None:
    found = await looked(Fake(held=held))
    assert found.blocking == ("retained",)
    for given in (Consent(yes=True), Consent(name="cart"), Consent(name="cart", overrides=("signature",))):
        assert "--override retained --confirm cart" in str(lacking(found, given, PLAN))
    assert lacking(found, Consent(yes=True, overrides=("retained",)), PLAN) is not None  # the name is not implied
    assert lacking(found, Consent(name="cart", overrides=("retained",)), PLAN) is None


@pytest.mark.parametrize("held", ["denied", "unknown"])
async def test_not_allowed_to_ask_is_not_missing(held: Retained) -> None:
    found = await looked(Fake(held=held))
    assert (found.blocking, found.typed) == ((), ("retained",))
    assert lacking(found, Consent(yes=True), PLAN) is not None
    assert lacking(found, Consent(name="cart"), PLAN) is None


@pytest.mark.parametrize("severity", ["info", "warn", "confirm"])
async def test_no_policy_makes_unknown_less_than_typed(severity: str) -> None:
    fake = Fake(held="unknown", signed="unknown")
    found = await looked(fake, dict.fromkeys(("retained", "signature", "ran-here"), severity))
    assert found.typed == ("retained", "signature")
    assert {each.severity for each in found.findings if each.state == "unknown"} == {"confirm"}


async def test_policy_can_make_an_unknown_block() -> None:
    found = await looked(Fake(held="unknown"), {"retained": "block"})
    assert found.blocking == ("retained",)


async def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    async def hostile(_: Context) -> Finding:
        return Finding("", "", "finding", text="\x1b[2Jgone", evidence=("a\x1b]0;x\x07",), remedy="put \x1b[8mit\nback")

    fake = Fake()
    context = preflight.context(artifacts=fake, past=fake)
    found = await run(context, {}, 0.0, checks=[Check("x", "x", "warn", hostile)])
    (only,) = found.findings
    assert "\x1b" not in only.text + "".join(only.evidence)
    assert only.remedy == "put it back", "it is copied and pasted: a line break would send it"


async def test_an_invalid_signature_blocks_and_a_missing_one_warns() -> None:
    found = await looked(Fake(signed="invalid"))
    assert found.blocking == ("signature",)
    assert "--override signature" in str(lacking(found, Consent(name="cart"), PLAN))
    unsigned = await looked(Fake(signed="none"))
    assert (unsigned.blocking, unsigned.typed) == ((), ())
    assert lacking(unsigned, Consent(yes=True), PLAN) is None


async def test_policy_says_what_an_invalid_signature_asks_for() -> None:
    found = await looked(Fake(signed="invalid"), {"signature": "confirm"})
    assert (found.blocking, found.typed) == ((), ("signature",))


async def test_a_check_that_could_not_ask_says_why_once_and_what_helps() -> None:
    async def raising(error: Exception) -> Finding:
        async def asked(_: Context) -> Finding:
            raise error

        return await preflight.ran(Check("state", "state", "confirm", asked), preflight.context())

    denied = await raising(Denied("services is forbidden"))
    assert (denied.state, denied.text) == ("unknown", "services is forbidden")
    assert denied.remedy == "cockpit rbac --operator prints the rights that the checks need"
    assert (await raising(Unreachable("HTTP 500"))).remedy is None
    assert (await raising(KeyError("x"))).text == "a defect in the cockpit itself (KeyError: 'x'); please report it"
    assert (await raising(ValueError())).text == "could not be checked"


async def test_an_owner_is_warned_of_once() -> None:
    owner = Owner("argocd", "cart", "label", "Argo CD may re-apply Git over this")
    plan = replace(PLAN, warnings=(owner.warning, "the window is closed"))
    asked = Preflight("h", "h", (Finding("argocd", "Argo CD", "finding", "block", "puts Git back"),), complete=True)
    assert examined(plan, asked, owner).warnings == ("BLOCKED, Argo CD: puts Git back", "the window is closed")
    unsure = Preflight("h", "h", (Finding("argocd", "Argo CD", "unknown", "confirm", "HTTP 500"),), complete=True)
    assert owner.warning in examined(plan, unsure, owner).warnings
