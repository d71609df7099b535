"""A whole pre-flight at the wire: it never transfers secret data, and no answer that fails makes it ask for less.

The whole engine on a world in this process; what was asked is read from the servers' own records. Budget: 90 s.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cockpit.model.plan import Intent, Plan, Refusal, Tier
from cockpit.model.resource import Key
from cockpit.world.api.faults import Fault
from cockpit.world.api.ledger import Served
from tests.harness.preflight import asks
from tests.harness.stand import Chair, Stand, standing

CART = Key("Rollout", "shop", "cart")
METADATA = "as=PartialObjectMetadata"
SECRETIVE = """
title = "A version that refers to every kind of Secret"
history = "70m"
[[workload]]
namespace = "shop"
name = "cart"
replicas = 2
pinned = true
version = [{ tag = "v1", age = "60m" }, { tag = "v2", age = "45m" }, { tag = "v3", age = "6m" }]
[workload.strategy.canary]
steps = [{ setWeight = 25 }, { pause = {} }]
[workload.container]
envFrom = [{ secretRef = { name = "cart-env" } }]
env = [{ name = "PASSWORD", valueFrom = { secretKeyRef = { name = "cart-db", key = "password" } } }]
volumeMounts = [{ name = "tls", mountPath = "/tls" }, { name = "all", mountPath = "/all" }]
[workload.pod]
imagePullSecrets = [{ name = "regcred" }]
volumes = [
  { name = "tls", secret = { secretName = "cart-tls" } },
  { name = "all", projected = { sources = [{ secret = { name = "cart-key" } }] } },
]
[[release]]
name = "cart"
workloads = ["shop/cart"]
"""
NAMES = ("cart-env", "cart-db", "cart-tls", "cart-key")


def secretive(folder: Path) -> str:
    """The scenario's path, with a Secret for each name."""
    bodies = [
        f"""
[[object]]
age = "65m"
[object.body]
apiVersion = "v1"
kind = "Secret"
metadata = {{ name = "{name}", namespace = "shop" }}
stringData = {{ password = "correct horse" }}
"""
        for name in (*NAMES, "regcred")
    ]
    path = folder / "secretive.toml"
    path.write_text(SECRETIVE + "".join(bodies))
    return str(path)


async def planned(chair: Chair, to: str) -> Plan | Refusal:
    return await chair.session.plan(Intent("rollback", chair.rollout(CART), chair.verdict(CART), to=to))


def secrets_asked(stand: Stand) -> list[Served]:
    """Every request of this cockpit that reads Secrets, by whatever verb."""
    return [
        each
        for each in stand.world.api.ledger.select()
        if each.method == "GET" and re.search(r"/secrets(/|$)", each.path) and "/apis/" not in each.path
    ]


async def test_reading_what_a_version_refers_to_never_transfers_secret_data(tmp_path: Path) -> None:
    async with standing(tmp_path / "world", secretive(tmp_path)) as stand, stand.chair() as chair:
        await chair.look()
        for to in ("stable", "1"):
            plan = await planned(chair, to)
            assert isinstance(plan, Plan) and plan.preflight is not None, plan
            states = {each.check: each.state for each in plan.preflight.findings}
            assert states["config-present"] == "ok", plan.preflight.findings
            assert states["helm"] == "finding", "records of a release are Secrets"
        await chair.session.revisions_checked(CART)
        await chair.session.diff(CART, plan.from_hash or "", plan.to_hash or "")
        asked = secrets_asked(stand)
    named = {each.path.rpartition("/")[2] for each in asked}
    assert {*NAMES, "regcred", "secrets"} <= named, "each was asked about, and the release's records by a list"
    assert "watch" not in "".join(each.query for each in asked)
    whole = {each.path for each in asked if METADATA not in each.accept}
    assert whole <= {"/api/v1/namespaces/shop/secrets/regcred"}, "only the login that the registry needs"


async def test_without_the_right_to_read_secrets_nothing_is_believed_of_them(tmp_path: Path) -> None:
    async with standing(tmp_path / "world", secretive(tmp_path)) as stand, stand.chair() as chair:
        await chair.look()
        stand.world.api.faults.add(Fault(path="/secrets", status=403))
        plan = await planned(chair, "1")
    assert isinstance(plan, Plan) and plan.preflight is not None, plan
    states = {each.check: each.state for each in plan.preflight.findings}
    assert (states["config-present"], states["config-changed"], states["helm"]) == ("unknown", "unknown", "unknown")
    assert plan.tier is Tier.NAME


# -- every request that a pre-flight makes, failed alone ---------------------------------------------------------------

_GARBAGE = json.dumps({"kind": "Status", "metadata": {}, "items": "x"})


class Once:
    """A fault of the world's registry that meets one path."""

    down, delay, headers, content_type = False, 0.0, dict[str, str](), "application/json"

    def __init__(self, path: str, status: int, text: str = "") -> None:
        self._path, self.status, self.text = path, status, text

    def concerns(self, path: str) -> bool:
        return path == self._path


def fresh(chair: Chair) -> None:
    """As a cockpit that has asked nothing yet."""
    session: Any = chair.session
    session._rights.forget()
    artifacts = session._artifacts
    artifacts._nodes = None
    artifacts._secrets.clear()
    artifacts.registries._kept.clear()
    artifacts.registries._verified.clear()


def worse(sound: Plan, after: Plan | Refusal) -> list[str]:
    """Checks that ask for less than they did, without saying that they do not know."""
    if isinstance(after, Refusal):
        return []  # no act passes at all
    assert sound.preflight is not None and after.preflight is not None
    was = {each.check: each for each in sound.preflight.findings}
    said = []
    for each in after.preflight.findings:
        unknown = each.state == "unknown" and each.typed
        if not unknown and asks(each) < asks(was[each.check]):
            said.append(f"{each.check}: {was[each.check].text} -> {each.state} {each.text}")
        if each.state == "unknown":
            assert each.typed and after.tier is Tier.NAME, each
    return said


def registry_of(stand: Stand) -> Any:
    return stand.world.registry


async def asked_of(stand: Stand, chair: Chair, to: str) -> tuple[Plan, list[tuple[str, str]], list[str]]:
    """The sound pre-flight, what it asked of the API server (method, path), and what of the registry."""
    registry = registry_of(stand)
    fresh(chair)
    since, before = stand.world.api.ledger.seq, len(registry.requests)
    plan = await planned(chair, to)
    assert isinstance(plan, Plan), plan
    api = dict.fromkeys(
        (each.method, each.path)
        for each in stand.world.api.ledger.select(since)
        if "watch=" not in each.query and each.path != "/version"
    )
    return plan, list(api), list(dict.fromkeys(each["path"] for each in registry.requests[before:]))


@pytest.mark.parametrize(("scenario", "to"), [("config-changed", "1"), ("self-heal", "stable")])
async def test_no_answer_of_the_api_server_that_fails_makes_any_check_ask_for_less(
    tmp_path: Path, scenario: str, to: str
) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        sound, asked, _ = await asked_of(stand, chair, to)
        assert len(asked) >= 15
        said = []
        for method, path in asked:
            exactly = f"^{re.escape(path)}$"
            for how in (
                Fault(method=method, path=exactly, status=403),
                Fault(method=method, path=exactly, status=500),
                Fault(method=method, path=exactly, status=200, body=_GARBAGE, content_type="application/json"),
            ):
                stand.world.api.faults.add(how)
                fresh(chair)
                said += [f"{method} {path} {how.status}: {each}" for each in worse(sound, await planned(chair, to))]
                stand.world.api.faults.clear()
                assert how.used, (method, path)
    assert said == []


@pytest.mark.parametrize(("scenario", "to"), [("wrong-key", "1"), ("partial-index", "2")])
async def test_no_answer_of_the_registry_that_fails_makes_any_check_ask_for_less(
    tmp_path: Path, scenario: str, to: str
) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        sound, _, asked = await asked_of(stand, chair, to)
        assert len(asked) >= 5
        said = []
        for path in asked:
            ways = [Once(path, 200, _GARBAGE), Once(path, 404, "not here"), Once(path, 403), Once(path, 500)]
            for fault in ways if len(asked) < 12 else ways[:2]:  # the plain refusals are met by the other one
                await registry_of(stand).fail(fault)
                fresh(chair)
                said += [f"{path} {fault.status}: {each}" for each in worse(sound, await planned(chair, to))]
    assert said == []
