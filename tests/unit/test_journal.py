"""The journal: append-only, chained, shared by processes, and clear about a place that cannot be written or read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cockpit.journal import IntentRecord, Journal, JournalError, OutcomeRecord, Who
from cockpit.journal.records import GENESIS, canonical, chained
from cockpit.model.plan import Result, Verb

WHO = Who("sre1", "root", "bastion", "prod", "prod-eu-1", "0.1.0", pid=4, process="77")


def ident(number: int) -> str:
    return f"{number:026d}"


def intent(number: int, verb: Verb = "abort", **more: Any) -> IntentRecord:
    values: dict[str, Any] = {
        "op_id": ident(number),
        "at": 1_795_000_000.25 + number,
        "verb": verb,
        "kind": "Rollout",
        "namespace": "payments",
        "name": "checkout",
        "uid": "u1",
        "stage": 0,
        "reason": "psp ✖ timeouts",
        "from_": "web@sha256:1",
        "to": "web@sha256:2",
        "from_hash": "bad",
        "to_hash": "good",
        "body": {"plan": {"x": [1, None]}},
    }
    return IntentRecord(**{**values, **more})


def outcome(number: int, result: Result = "done") -> OutcomeRecord:
    return OutcomeRecord(ident(number), 1_795_000_001.0 + number, result, "observed", "it is so", 1_795_000_002.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state" / "journal.sqlite3", tmp_path / "runtime")


async def test_an_operation_is_listed_with_its_outcome(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.outcome(outcome(1), intent(1), WHO)
    await journal.intent(intent(2, "pause"), WHO)
    newest, oldest = await journal.acts()
    assert (newest.verb, newest.result, newest.seq) == ("pause", None, 3)
    assert (oldest.op_id, oldest.at, oldest.actor, oldest.result) == (ident(1), 1_795_000_001.25, "sre1", "done")
    assert (oldest.namespace, oldest.name, oldest.from_, oldest.to) == (
        "payments", "checkout", "web@sha256:1", "web@sha256:2",
    )  # fmt: skip
    assert oldest.reason == "psp ✖ timeouts"
    assert oldest.verified_at == 1_795_000_002.0
    assert [act.seq for act in await journal.acts(1)] == [3]


async def test_one_operation_in_full(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.intent(intent(1, stage=1, body={"request": {}}), WHO)
    await journal.outcome(outcome(1), intent(1), WHO)
    rows = await journal.show(ident(1))
    assert [(row["row"], row["stage"]) for row in rows] == [("intent", 0), ("intent", 1), ("outcome", 0)]
    assert rows[0]["body"]["by"] == {
        "cluster": "prod-eu-1", "cockpit": "0.1.0", "host": "bastion", "os_user": "root", "pid": 4, "process": "77",
    }  # fmt: skip
    assert rows[2]["body"]["observed"] == "it is so"
    assert await journal.show(ident(9)) == ()


async def test_rows_can_neither_be_changed_nor_removed_nor_replaced(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.close()
    connection = sqlite3.connect(journal.path)
    row = connection.execute("SELECT * FROM ops").fetchone()
    marks = ", ".join("?" for _ in row)
    for statement, values in (
        ("UPDATE ops SET actor = 'mallory'", ()),
        ("DELETE FROM ops", ()),
        (f"INSERT OR REPLACE INTO ops VALUES ({marks})", row),
        (f"INSERT INTO ops VALUES ({marks})", (5, *row[1:-2], row[-1], "f" * 64)),
        (f"INSERT INTO ops VALUES ({marks})", (2, *row[1:-2], GENESIS, "f" * 64)),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement, values)
    connection.close()


async def test_the_chain_is_sha256_over_the_hash_before_and_canonical_json(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.outcome(outcome(1), intent(1), WHO)
    first, second = await journal.show(ident(1))
    assert first["prev"] == GENESIS
    assert second["prev"] == first["hash"]
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert chained("x", {"a": 1}) == "da0bbedddc87d8f9873d2e31a0a504d386f44929760668fce4e1c04738fe6df5"
    check = await journal.verify()
    assert (check.ok, check.rows, check.head) == (True, 2, second["hash"])
    assert (await journal.verify(first["hash"])).ok
    assert not (await journal.verify("0" * 63 + "1")).ok


def _tamper(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    for trigger in ("ops_no_update", "ops_no_delete", "ops_in_order"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE ops SET actor = 'mallory' WHERE seq = 2", "row 2 does not fit its hash"),
        ("UPDATE ops SET body = '{}' WHERE seq = 1", "row 1 does not fit its hash"),
        ("UPDATE ops SET verified_at = 1 WHERE seq = 3", "row 3 does not fit its hash"),
        ("DELETE FROM ops WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM ops WHERE seq = 1", "row 1 is missing"),
    ],
)
async def test_verify_finds_what_was_altered(journal: Journal, statement: str, problem: str) -> None:
    for number in (1, 2, 3):
        await journal.intent(intent(number), WHO)
    await journal.close()
    _tamper(journal.path, statement)
    found = await Journal(journal.path).verify()
    assert not found.ok
    assert problem in str(found.problem)


async def test_a_cut_end_shows_only_against_a_noted_head(journal: Journal) -> None:
    for number in (1, 2):
        await journal.intent(intent(number), WHO)
    head = (await journal.verify()).head
    await journal.close()
    _tamper(journal.path, "DELETE FROM ops WHERE seq = 2")
    again = Journal(journal.path)
    assert (await again.verify()).ok
    assert "rows were cut off" in str((await again.verify(head)).problem)


async def test_only_operations_without_an_outcome_are_open(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.outcome(outcome(1), intent(1), WHO)
    await journal.intent(intent(2, body={"plan": "whole"}), WHO)
    await journal.intent(intent(2, stage=1, body={"request": "later"}), WHO)
    (found,) = await journal.open_intents()
    assert (found.op_id, found.stages, found.pid, found.process, found.host) == (ident(2), 2, 4, "77", "bastion")
    assert found.body["plan"] == "whole"


async def test_what_was_left_before_is_remembered_until_it_is_taken_back(journal: Journal) -> None:
    async def act(number: int, verb: Verb, source: str | None, target: str | None, result: Result = "done") -> None:
        record = intent(number, verb, from_hash=source, to_hash=target)
        await journal.intent(record, WHO)
        await journal.outcome(outcome(number, result), record, WHO)

    await act(1, "abort", "r2", "r1")
    assert (await journal.history("u1")).held_bad == ("r2",)
    await act(2, "retry", "r2", None)
    assert (await journal.history("u1")).held_bad == ()
    await act(3, "rollback", "r2", "r1", "failed")
    assert (await journal.history("u1")).held_bad == ()
    await act(4, "rollback", "r2", "r1", "accepted")
    await act(5, "abort", "r3", "r1")
    history = await journal.history("u1")
    assert history.held_bad == ("r3", "r2")
    assert history.rolled_back_from is None
    await act(6, "rollback", "r1", "r2")
    history = await journal.history("u1")
    assert history.held_bad == ("r1", "r3")
    assert history.left_by == (("r1", "rolled-back"), ("r3", "aborted"))
    assert history.rolled_back_from == "r1"
    assert (await journal.history("another")).held_bad == ()
    await act(7, "pause", "r2", None)
    assert (await journal.history("u1")).paused_by == "sre1"
    await act(8, "resume", "r2", None)
    await act(9, "advance", "r2", None)
    history = await journal.history("u1")
    assert history.paused_by is None
    assert (history.rolled_back_from, history.rolled_back_to) == ("r1", "r2")  # still under way, step by step
    await act(10, "abort", "r2", "r1")
    history = await journal.history("u1")
    assert (history.rolled_back_from, history.rolled_back_to) == (None, None)


async def test_versions_that_an_act_led_to_are_on_record(journal: Journal) -> None:
    digest = "sha256:" + "7" * 64
    empty = await journal.deployed("u1", "prod-eu-1")
    assert (empty.since, empty.hashes, empty.digests) == (None, frozenset(), frozenset())
    acts: tuple[tuple[Verb, Result | None, str], ...] = (
        ("rollback", "done", "r1"),
        ("full", "accepted", "r2"),
        ("rollback", "refused", "r3"),  # nothing was sent
        ("rollback", None, "r4"),  # what became of it is not known
        ("suspend", "done", "r5"),  # done to the owner, not to a version
    )
    for number, (verb, result, to) in enumerate(acts):
        record = intent(number, verb, to_hash=to, to=f"web=r.example/web@{digest}" if to == "r1" else to)
        await journal.intent(record, WHO)
        if result is not None:
            await journal.outcome(outcome(number, result), record, WHO)
    found = await journal.deployed("u1", "prod-eu-1")
    assert (found.hashes, found.digests) == ({"r1", "r2"}, {digest})
    assert (await journal.deployed("another", "prod-eu-1")).hashes == frozenset()


async def test_the_file_is_private(journal: Journal) -> None:
    old = os.umask(0)
    try:
        await journal.intent(intent(1), WHO)
    finally:
        os.umask(old)
    for file in journal.path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    assert journal.path.parent.stat().st_mode & 0o777 == 0o700


async def test_every_row_waits_for_the_disk(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    connection = journal._store._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 5000
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2


async def test_a_journal_that_is_not_there_is_empty_and_is_not_made_by_reading(journal: Journal) -> None:
    assert await journal.acts() == ()
    assert await journal.open_intents() == ()
    assert (await journal.verify()).ok
    assert not journal.path.exists()


async def test_a_file_that_is_no_journal_is_left_alone(journal: Journal) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"these are no pages of a database, but someone may want them" * 100)
    before = journal.path.read_bytes()
    with pytest.raises(JournalError, match="damaged or no journal"):
        await journal.intent(intent(1), WHO)
    with pytest.raises(JournalError, match="damaged or no journal"):
        await journal.acts()
    assert journal.path.read_bytes() == before


async def test_a_database_of_something_else_is_left_alone(journal: Journal) -> None:
    journal.path.parent.mkdir()
    connection = sqlite3.connect(journal.path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(JournalError, match="a database of something else"):
        await journal.intent(intent(1), WHO)
    with pytest.raises(JournalError, match="damaged or no journal"):
        await journal.acts()


async def test_first_starts_at_the_same_time_do_not_trip_over_each_other(tmp_path: Path) -> None:
    for round_ in range(20):
        journals = [Journal(tmp_path / str(round_) / "journal.sqlite3") for _ in range(4)]
        await asyncio.gather(*(each.intent(intent(number), WHO) for number, each in enumerate(journals)))
        assert (await journals[0].verify()).rows == 4
        for each in journals:
            await each.close()


async def test_a_newer_schema_is_neither_read_nor_written(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.close()
    connection = sqlite3.connect(journal.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    again = Journal(journal.path)
    for doing in (again.intent(intent(2), WHO), again.acts(), again.verify()):
        with pytest.raises(JournalError, match="newer cockpit"):
            await doing


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal.sqlite3", tmp_path / "file")
    with pytest.raises(JournalError, match=r"cannot be written: .*set journal\.path"):
        await journal.check_writable()
    with pytest.raises(JournalError, match="fallback file"):
        await journal.intent_beside(intent(1), WHO)


async def test_a_read_only_folder_can_still_be_read_and_not_even_root_writes_to_it(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.close()
    journal.path.parent.chmod(0o500)
    try:
        again = Journal(journal.path)
        assert len(await again.acts()) == 1
        with pytest.raises(JournalError, match=r"cannot be written: .* is read-only"):
            await again.intent(intent(2), WHO)
        assert len(await again.acts()) == 1
    finally:
        journal.path.parent.chmod(0o700)


async def test_a_full_disk_is_said_and_a_later_write_works(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    connection = journal._store._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="the disk is full"):
        for number in range(2, 400):
            await journal.intent(intent(number, body={"big": "x" * 4000}), WHO)
    await journal.intent(intent(900), WHO)
    assert (await journal.verify()).ok


async def test_a_failed_row_leaves_no_gap(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    with pytest.raises(JournalError, match="constraint"):
        await journal.intent(intent(2, op_id="short"), WHO)
    await journal.intent(intent(3), WHO)
    assert [act.seq for act in await journal.acts()] == [2, 1]
    assert (await journal.verify()).ok


_WRITER = """
import asyncio, sys
from pathlib import Path
from tests.unit.test_journal import WHO, Journal, intent

async def main():
    journal = Journal(Path(sys.argv[1]))
    for number in range(20):
        await journal.intent(intent(int(sys.argv[2]) * 100 + number), WHO)

asyncio.run(main())
"""


async def test_several_processes_share_one_chain(journal: Journal) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(journal.path), str(number)], stderr=subprocess.PIPE)
        for number in range(3)
    ]
    for writer in writers:
        _, said = await asyncio.to_thread(writer.communicate, None, 60)
        assert writer.returncode == 0, said
    check = await journal.verify()
    assert (check.rows, check.problem) == (60, None)


async def test_hostile_and_broken_text_is_kept_as_it_is(journal: Journal) -> None:
    reason = "\x1b]52;c;x\x07 \u202e 'quoted' \ud800"
    await journal.intent(intent(1, reason=reason.encode("utf-8", "replace").decode()), WHO)
    assert (await journal.verify()).ok


async def test_the_fallback_file_is_absorbed_in_order_and_then_empty(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    path = await journal.intent_beside(intent(2), WHO)
    await journal.outcome_beside(outcome(2), intent(2), WHO)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("a") as file:
        file.write('{"op_id": "junk"}\n{"cut off')
    assert await journal.absorb() == 3
    assert journal.fallback.read() == []
    assert [act.op_id for act in await journal.acts()] == [ident(2), ident(1)]
    assert await journal.open_intents() != ()  # the first has none
    assert (await journal.verify()).rows == 3
    assert await journal.absorb() == 0


async def test_the_fallback_file_keeps_what_cannot_be_absorbed_yet(journal: Journal) -> None:
    await journal.intent_beside(intent(1), WHO)
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"x" * 5000)
    with pytest.raises(JournalError):
        await journal.absorb()
    assert [row["op_id"] for row in journal.fallback.read()] == [ident(1)]


async def test_two_journals_have_two_fallback_files(tmp_path: Path) -> None:
    demo, production = (Journal(tmp_path / name / "journal.sqlite3", tmp_path / "run") for name in ("demo", "prod"))
    await demo.intent_beside(intent(1), WHO)
    assert await production.absorb() == 0
    assert await demo.absorb() == 1


async def test_a_fallback_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o777)
    with pytest.raises(JournalError, match="open to others"):
        await Journal(tmp_path / "j.sqlite3", tmp_path / "run").intent_beside(intent(1), WHO)


async def test_a_closed_journal_says_so(journal: Journal) -> None:
    await journal.intent(intent(1), WHO)
    await journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.intent(intent(2), WHO)


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file of the user that a link of somebody else points to."""
    path = tmp_path / "authorized_keys"
    path.write_text("ssh-ed25519 AAAA sre1\n")
    return path


async def test_a_link_laid_in_the_place_of_the_fallback_file_is_not_followed(journal: Journal, precious: Path) -> None:
    path = journal.fallback.path
    path.parent.mkdir(mode=0o700)
    path.symlink_to(precious)
    for doing in (journal.absorb(), journal.intent_beside(intent(1), WHO)):
        with pytest.raises(JournalError, match="fallback file"):
            await doing
    path.unlink()
    path.hardlink_to(precious)
    with pytest.raises(JournalError, match="not a file of ours"):
        await journal.absorb()
    path.unlink()
    os.mkfifo(path)  # opening or reading it would hang
    with pytest.raises(JournalError, match="not a file of ours"):
        await journal.absorb()
    assert precious.read_text() == "ssh-ed25519 AAAA sre1\n"


async def test_records_in_a_folder_of_somebody_else_are_not_believed(journal: Journal) -> None:
    path = await journal.intent_beside(intent(1), WHO)
    path.parent.chmod(0o777)  # where others can write, they may have written this
    with pytest.raises(JournalError, match="open to others"):
        await journal.absorb()
    assert await journal.acts() == ()
    path.parent.chmod(0o700)
    assert await journal.absorb() == 1


async def test_a_cut_line_and_odd_line_ends_do_not_take_the_next_record_with_them(journal: Journal) -> None:
    path = await journal.intent_beside(intent(1, reason="one\u2028two\u0085three"), WHO)
    with path.open("a") as file:
        file.write('{"op_id": "cut off by a cra')
    await journal.intent_beside(intent(2), WHO)
    assert await journal.absorb() == 2
    assert [(act.op_id, act.reason) for act in await journal.acts()] == [
        (ident(2), "psp ✖ timeouts"),
        (ident(1), "one\u2028two\u0085three"),
    ]


async def test_a_disk_that_takes_half_a_record_is_no_success(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    await journal.intent_beside(intent(1), WHO)
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:20]))
    with pytest.raises(JournalError, match="No space left"):
        await journal.intent_beside(intent(2), WHO)
    monkeypatch.undo()
    assert await journal.absorb() == 1


@pytest.mark.parametrize(
    "damage", ["reason = x'ff00'", "at = 'noon'", "verified_at = 9e999", "body = x'00'", "op_id = zeroblob(26)"]
)
async def test_a_row_rewritten_by_hand_is_found_and_never_an_unexpected_error(journal: Journal, damage: str) -> None:
    await journal.intent(intent(1), WHO)
    await journal.outcome(outcome(1), intent(1), WHO)
    await journal.intent(intent(2), WHO)
    await journal.close()
    connection = sqlite3.connect(journal.path)
    connection.executescript(f"DROP TRIGGER ops_no_update; UPDATE ops SET {damage} WHERE seq >= 2;")
    connection.close()
    again = Journal(journal.path, journal.fallback.path.parent)
    assert "row 2 does not fit its hash" in ((await again.verify()).problem or "")
    for reading in (again.acts(), again.open_intents(), again.history("u1"), again.evidence_resets()):
        with contextlib.suppress(JournalError):
            await reading


async def test_a_record_that_no_json_can_hold_is_not_written(journal: Journal) -> None:
    with pytest.raises(JournalError, match="no record"):
        await journal.intent(intent(1, body={"ratio": float("inf")}), WHO)
    assert await journal.acts() == ()
