"""Epochs of evidence: a retry told by the controller or seen by us, and a reset that the journal holds."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from cockpit.journal import Journal, ResetRecord, Who
from cockpit.live.attempts import Attempts, Reset
from cockpit.model.event import Event
from cockpit.model.rollout import Rollout
from cockpit.model.verdict import Verdict
from tests.harness import seat

T = 1_800_000_000.0
ITEM = seat.rollout()


def picture(rollout: Rollout) -> dict[object, Rollout]:
    return {rollout.key: rollout}


def retried(at: float) -> Event:
    return Event("e1", at, "Normal", "RolloutRetry", "", "Rollout", ITEM.key.namespace, ITEM.key.name, 1, ITEM.key)


def test_what_the_controller_tells_is_the_same_for_everyone() -> None:
    early, late = Attempts(), Attempts()
    for at, aborted in ((T, False), (T + 60, True), (T + 121, False)):
        early.rollouts(picture(replace(ITEM, aborted=aborted)), at)  # type: ignore[arg-type]
    assert early.epochs(picture(ITEM)) == {ITEM.key: T + 121}  # type: ignore[arg-type]
    early.events([retried(T + 120)])
    late.events([retried(T + 120)])
    assert early.epochs(picture(ITEM)) == late.epochs(picture(ITEM)) == {ITEM.key: T + 120}  # type: ignore[arg-type]
    early.events([])  # expired in the cluster, not here
    assert early.epochs(picture(ITEM)) == {ITEM.key: T + 120}  # type: ignore[arg-type]


def test_another_version_after_an_abort_is_no_retry() -> None:
    attempts = Attempts()
    attempts.rollouts(picture(replace(ITEM, aborted=True)), T)  # type: ignore[arg-type]
    assert ITEM.canary is not None
    other = replace(ITEM, canary=replace(ITEM.canary, hash="other"))
    attempts.rollouts(picture(other), T + 10)  # type: ignore[arg-type]
    assert attempts.epochs(picture(other)) == {}  # type: ignore[arg-type]


async def test_a_reset_is_journaled_and_honoured_by_every_process(tmp_path: Path) -> None:
    who = Who("sre1", "root", "bastion", "prod", "eu", "0.1.0")
    one, two = Journal(tmp_path / "j.sqlite3"), Journal(tmp_path / "j.sqlite3")
    try:
        assert await two.evidence_resets() == ()
        assert ITEM.canary is not None
        record = ResetRecord(
            op_id="0" * 26, at=5.0, from_time=T + 300, kind="Rollout", namespace="payments", name="checkout",
            uid=ITEM.uid, hash=ITEM.canary.hash, reason="one client", verdict=Verdict("abort", "4 %"),
        )  # fmt: skip
        await one.reset_evidence(record, who)
        (found,) = await two.evidence_resets()
        assert (found.uid, found.hash, found.from_time, found.reason) == (
            ITEM.uid,
            ITEM.canary.hash,
            T + 300,
            "one client",
        )
        assert found.verdict["state"] == "abort"
        assert await two.open_intents() == ()
        (act,) = await two.acts()
        assert (act.verb, act.result, act.actor, act.reason) == ("evidence-reset", "done", "sre1", "one client")
        assert (await one.verify()).ok
        assert (await one.history(ITEM.uid)).held_bad == ()
        attempts = Attempts()
        attempts.resets(Reset(each.uid, each.hash, each.from_time) for each in await two.evidence_resets())
        assert attempts.epochs(picture(ITEM)) == {ITEM.key: T + 300}  # type: ignore[arg-type]
        other = replace(ITEM, canary=replace(ITEM.canary, hash="next"))
        assert attempts.epochs(picture(other)) == {}  # type: ignore[arg-type]
    finally:
        await one.close()
        await two.close()
