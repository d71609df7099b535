"""Versions that went wrong in their registry, one scenario each: what revisions, provenance and pre-flight say.

The whole engine on a world in this process. Budget: 40 s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.model.plan import Intent, Plan
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from tests.harness.stand import Chair, standing

CART = Key("Rollout", "shop", "cart")
CLEAN = ("retained", "verified", "verified")

# Scenario -> revision -> (retained, signed, provenance). Without its manifests nothing beside an image is believed.
VERSIONS = {
    "collected": {
        1: ("missing", "verified", "verified"),
        2: (
            "retained",
            "verified",
            "verified",
        ),  # as far as manifests go; its layers are asked for when a plan is drawn
        3: CLEAN,
        4: CLEAN,
        5: CLEAN,
    },
    "partial-index": {1: CLEAN, 2: ("partial", "verified", "verified"), 3: CLEAN, 4: CLEAN},
    "unsigned": {
        1: ("retained", "none", "none"),
        2: ("retained", "verified", "none"),
        3: CLEAN,
        4: CLEAN,
        5: ("retained", "none", "none"),
    },
    "wrong-key": {
        1: ("retained", "invalid", "invalid"),
        2: ("retained", "verified", "invalid"),
        3: CLEAN,
        4: CLEAN,
    },
}
# Scenario -> revision -> check -> (state, severity) of the findings in which it differs from a sound version.
FINDINGS = {
    "collected": {1: {"retained": ("finding", "block")}, 2: {"retained": ("finding", "block")}, 3: {}},
    "partial-index": {2: {"retained": ("finding", "block")}, 1: {}},
    "unsigned": {1: {"signature": ("finding", "warn")}, 2: {}},
    "wrong-key": {1: {"signature": ("finding", "block")}, 2: {}},
}


async def asked(chair: Chair) -> dict[int, Revision]:
    told = await chair.session.revisions_checked(CART)
    return {each.revision: each for each in told if each.revision is not None}


@pytest.mark.parametrize("scenario", list(VERSIONS))
async def test_what_registries_say_of_each_version(tmp_path: Path, scenario: str) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        assert stand.world.scenario == scenario
        found = await asked(chair)
        labels = {}
        for number, each in sorted(found.items()):
            (signatures,) = await chair.session.provenance(CART, each.hash)
            labels[number] = (each.retained, each.signed, signatures.provenance_label)
            if signatures.provenance_label == "verified":
                build = stand.world.book.built(signatures.digest)
                assert build is not None and signatures.provenance is not None
                assert signatures.provenance.commit == build.commit == each.commit
                assert each.commit_verified
            else:
                assert not each.commit_verified
        assert labels == VERSIONS[scenario]


@pytest.mark.parametrize("scenario", list(FINDINGS))
async def test_the_pre_flight_names_what_is_wrong_and_nothing_else(tmp_path: Path, scenario: str) -> None:
    async with standing(tmp_path, scenario) as stand, stand.chair() as chair:
        await chair.look()
        rollout, verdict = chair.rollout(CART), chair.verdict(CART)
        for number, expected in FINDINGS[scenario].items():
            plan = await chair.session.plan(Intent("rollback", rollout, verdict, to=str(number)))
            assert isinstance(plan, Plan), plan
            assert plan.preflight is not None
            found = {
                each.check: (each.state, each.severity)
                for each in plan.preflight.findings
                if each.state in ("finding", "unknown") and each.check in ("retained", "signature")
            }
            assert found == expected, (number, plan.preflight.findings)
