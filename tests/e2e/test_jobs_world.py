"""A migration whose Job removes itself: recorded while it can be seen, and told by the pre-flight when it is gone.

The whole engine on a world in this process. Budget: 15 s.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cockpit.model.plan import Intent, Plan
from cockpit.model.preflight import Finding
from cockpit.model.resource import Key
from cockpit.world.api.faults import Fault
from tests.harness.stand import Chair, Stand, standing

CATALOG = Key("Rollout", "shop", "catalog")
SECONDS = 20.0  # wall; only a broken watch takes as long


def migration(name: str) -> dict[str, Any]:
    container = {"name": "alembic", "image": "registry.acme.test/shop/catalog-migrations:v4", "args": ["upgrade"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "ttlSecondsAfterFinished": 60,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


async def found(chair: Chair, to: str) -> Finding:
    rollout, verdict = chair.rollout(CATALOG), chair.verdict(CATALOG)
    plan = await chair.session.plan(Intent("rollback", rollout, verdict, to=to))
    assert isinstance(plan, Plan), plan
    assert plan.preflight is not None
    return next(each for each in plan.preflight.findings if each.check == "migration")


async def recorded(chair: Chair, since: float, many: int) -> list[dict[str, Any]]:
    """What the journal knows, as soon as it knows so many."""
    async with asyncio.timeout(SECONDS):
        while True:
            jobs = await chair.session._archive.jobs_since(chair.session._cluster, "shop", since)
            if len(jobs) >= many:
                return [dict(each) for each in jobs]
            await asyncio.sleep(0.05)


async def run_and_vanish(stand: Stand, chair: Chair, name: str) -> None:
    """The Job is made, runs, and is gone; the cockpit follows each step as a watch tells it."""
    made = stand.now
    stand.world.store.create(migration(name), manager="helm")
    await recorded(chair, made - 1, 1)
    await stand.tick(chair)
    await stand.tick(chair)
    await recorded(chair, made - 1, 2)
    await stand.run(90, chair)
    assert stand.world.store.get("jobs", "shop", name) is None


async def test_a_job_that_is_gone_is_known_to_the_pre_flight(tmp_path: Path) -> None:
    async with standing(tmp_path, "migration") as stand:
        async with stand.chair(screens=True) as chair:
            await chair.look()
            before = await found(chair, "1")
            await run_and_vanish(stand, chair, "catalog-migrate-v4")
        async with stand.chair() as later:  # another process, which never saw the Job
            await later.look()
            after = await found(later, "1")
    # The namespace's other migrations are told already: whose schema they changed, nobody can see.
    assert not [each for each in before.evidence if "catalog" in each]
    assert (after.state, after.severity) == ("finding", "confirm")
    (line,) = (each for each in after.evidence if "catalog-migrate-v4" in each)
    assert line.startswith("Job catalog-migrate-v4: migration, no longer there (seen at ")
    assert after.remedy is not None and "does not undo a migration" in after.remedy


async def test_without_the_right_to_see_jobs_that_is_said_by_the_picture_and_by_the_check(tmp_path: Path) -> None:
    async with standing(tmp_path, "migration") as stand:
        stand.world.api.faults.add(Fault(path="/jobs", status=403))
        async with stand.chair(screens=True) as chair:
            await chair.look()
            async with asyncio.timeout(SECONDS):
                while not any("jobs" in gap for gap in chair.session.snapshot().gaps):
                    await chair.session.changed(chair.session.snapshot().version)
            finding = await found(chair, "1")
    assert (finding.state, finding.severity) == ("unknown", "confirm")
