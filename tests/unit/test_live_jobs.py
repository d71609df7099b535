"""Jobs like migrations are written down by a watch: each moment once, gone ones too, and what is hidden is said."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from cockpit.base.clock import rfc3339
from cockpit.base.errors import ApiError
from cockpit.cluster.decode import decode_row
from cockpit.journal import JournalError
from cockpit.journal.observed import SeenJob
from cockpit.live.jobs import JobRow, Jobs
from cockpit.model.resource import JOBS
from tests.harness.virtual_time import EPOCH, run, virtual_clock
from tests.unit.test_live import Rig

MADE, ENDED = EPOCH + 100.0, EPOCH + 160.0
DONE = {"completionTime": rfc3339(ENDED), "conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": rfc3339(ENDED)}]}


def job(name: str, image: str = "flyway/flyway:10", **status: Any) -> JobRow:
    words = ["-p", "x", "migrate"] if "flyway" in image else ["dump"]
    raw = {
        "metadata": {"name": name, "namespace": "shop", "uid": f"u-{name}", "creationTimestamp": rfc3339(MADE)},
        "spec": {"template": {"spec": {"containers": [{"name": "run", "image": image, "args": words}]}}},
        "status": status,
    }
    row, odd = decode_row(msgspec.json.encode(raw), JobRow)
    assert isinstance(row, JobRow) and not odd
    return row


class Journal:
    def __init__(self) -> None:
        self.kept: list[SeenJob] = []
        self.broken = False

    async def keep_job(self, seen: SeenJob) -> None:
        if self.broken:
            raise JournalError("the disk is full")
        self.kept.append(seen)

    @property
    def told(self) -> list[tuple[str, float]]:
        return [(each.name, each.at) for each in self.kept]


class Desk:
    def __init__(self) -> None:
        self.rig, self.journal, self.said = Rig(), Journal(), list[str]()
        self.jobs = Jobs(self.journal, virtual_clock(), self.said.append, "prod")
        self.rig.live.beside(JOBS, JobRow, self.jobs)

    async def open(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self.jobs.follow())
        await self.rig.live.start()
        await self.rig.settled()
        return task


def test_jobs_like_migrations_are_told_when_they_are_made_and_when_they_ended_and_nothing_is_polled() -> None:
    async def main() -> None:
        desk = Desk()
        desk.rig.api.rows[JOBS] = [job("flyway-1", **DONE), job("backup", image="r.test/backup:3")]
        follow = await desk.open()
        assert desk.journal.told == [("flyway-1", MADE), ("flyway-1", ENDED)]
        first = desk.journal.kept[0]
        assert (first.cluster, first.namespace, first.image) == ("prod", "shop", "flyway/flyway:10")
        assert (first.command, first.why) == ("-p x migrate", "flyway")
        for kind, row in (("ADDED", job("flyway-2")), ("MODIFIED", job("flyway-2", **FAILED))):
            desk.rig.api.push(JOBS, kind, row)
        await asyncio.sleep(1)
        assert desk.journal.told[2:] == [("flyway-2", MADE), ("flyway-2", ENDED)]
        lists = len(desk.rig.api.lists)
        await asyncio.sleep(600)
        assert len(desk.rig.api.lists) == lists, "steady state: no polling lists"
        assert len(desk.journal.kept) == 4
        follow.cancel()
        await desk.rig.live.stop()

    run(main())


def test_one_that_is_deleted_at_work_has_ended_then() -> None:
    async def main() -> None:
        desk = Desk()
        desk.rig.api.rows[JOBS] = [job("flyway-1", active=1)]
        follow = await desk.open()
        assert desk.journal.told == [("flyway-1", MADE)]
        desk.rig.api.push(JOBS, "DELETED", job("flyway-1", active=1))
        await asyncio.sleep(1)
        ((_, gone),) = desk.journal.told[1:]
        assert abs(gone - virtual_clock().cluster()) < 5
        follow.cancel()
        await desk.rig.live.stop()

    run(main())


def test_where_they_may_not_be_read_that_is_a_gap_and_the_picture_is_whole() -> None:
    async def main() -> None:
        desk = Desk()
        forbidden = ApiError("jobs.batch is forbidden", status=403, reason="Forbidden")
        desk.rig.api.errors = {(JOBS, None): forbidden, (JOBS, "default"): forbidden}
        follow = await desk.open()
        snapshot = desk.rig.live.snapshot()
        assert any("jobs cannot be read" in gap or "jobs in default cannot be read" in gap for gap in snapshot.gaps)
        assert (snapshot.sources["kubernetes"].state, desk.rig.live.synced) == ("ok", True)
        assert desk.journal.kept == []
        follow.cancel()
        await desk.rig.live.stop()

    run(main())


def test_a_journal_that_cannot_be_written_is_said_once_and_catches_up() -> None:
    async def main() -> None:
        desk = Desk()
        desk.journal.broken = True
        desk.rig.api.rows[JOBS] = [job("flyway-1", **DONE)]
        follow = await desk.open()
        await asyncio.sleep(120)
        assert desk.said == ["Jobs like migrations are not recorded: the disk is full"]
        desk.journal.broken = False
        await asyncio.sleep(60)
        assert desk.journal.told == [("flyway-1", MADE), ("flyway-1", ENDED)]
        follow.cancel()
        await desk.rig.live.stop()

    run(main())


def test_odd_jobs_cost_nothing_but_themselves() -> None:
    async def main() -> None:
        journal = Journal()
        jobs = Jobs(journal, virtual_clock(), lambda said: None, "prod")
        for body in (
            b'{"metadata": {"name": "migrate-1"}, "spec": "x", "status": 7}',
            b'{"metadata": {"name": "migrate-2"}, "spec": {"template": []}, "status": {"conditions": [3]}}',
            b'{"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": [{"image": 7}]}}}}',
        ):
            row, _ = decode_row(body, JobRow)
            assert row is not None
            jobs.upsert(row)
        follow = asyncio.create_task(jobs.follow())
        await asyncio.sleep(1)
        assert [name for name, _ in journal.told] == ["migrate-1", "migrate-2"]
        follow.cancel()

    run(main())
