"""How versions left, written down as a seat sees it happen: aborted, promoted over, rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from cockpit.journal import Journal
from cockpit.live.recording import Recorder
from cockpit.model.rollout import Arm, Rollout
from tests.harness import seat
from tests.harness.virtual_time import virtual_clock


class Live:
    """A picture with neither ReplicaSets nor pods: only what the rollout itself shows."""

    stores = type("Stores", (), {"get": staticmethod(lambda *_: None)})()

    def snapshot(self) -> Any:
        raise AssertionError("each look is handed its own")


def arm(name: str, age: float, role: Any = "canary") -> Arm:
    return seat.arm(role, hash=name, created_at=seat.NOW - age)


OLDER, STABLE, NEW, NEWER = (arm(name, age) for name, age in (("a", 90), ("b", 60), ("c", 30), ("d", 10)))


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite3")
    yield made
    await made.close()


def standing(canary: Arm | None, stable: Arm, *, aborted: bool = False) -> Rollout:
    rollout = seat.rollout(canary=canary, baseline=msgspec.structs.replace(stable, role="baseline"))
    return msgspec.structs.replace(rollout, aborted=aborted)


ABORTED = standing(NEW, STABLE, aborted=True)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([standing(NEW, STABLE), ABORTED], {"c": "aborted"}),
        ([standing(NEW, STABLE), standing(None, NEW)], {"b": "promoted-over"}),
        ([standing(NEW, STABLE), standing(None, STABLE)], {"c": "rolled-back"}),
        ([standing(NEW, STABLE), standing(OLDER, STABLE)], {"c": "rolled-back"}),
        ([standing(None, NEW), standing(STABLE, NEW), standing(None, STABLE)], {"c": "rolled-back"}),
        ([standing(NEW, STABLE), ABORTED, standing(None, STABLE)], {"c": "aborted"}),
        ([standing(NEW, STABLE), ABORTED, standing(NEW, STABLE), standing(None, STABLE)], {"c": "rolled-back"}),
        ([standing(NEW, STABLE), standing(NEWER, STABLE)], {}),
        ([standing(None, STABLE), standing(NEW, STABLE)], {}),
    ],
    ids=[
        "abort",
        "promotion",
        "back to stable",
        "back to an older one",
        "back from a promoted one",
        "aborted, then rolled back",
        "tried again, then rolled back",
        "another commit on top",
        "begun",
    ],
)
async def test_how_a_version_left_is_told_apart(
    journal: Journal, looks: list[Rollout], expected: dict[str, str]
) -> None:
    notices: list[str] = []
    recorder = Recorder(
        cast(Any, Live()), journal.archive, cast(Any, None), virtual_clock(), notices.append, cluster="prod"
    )
    for rollout in looks:
        await recorder.look(seat.picture(rollout))
    known = await journal.archive.versions("prod", looks[0].uid)
    assert {each.hash: each.left for each in known if each.left} == expected
    assert not notices
