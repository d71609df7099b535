"""Every way to falsify a journal with sqlite3 is found, by the chain alone or against a head noted elsewhere."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cockpit.journal import Journal, OutcomeRecord, Piece, Transition
from cockpit.journal.kept import packed
from cockpit.journal.records import GENESIS, canonical, chained
from cockpit.journal.schema import COLUMNS, KEPT_COLUMNS
from tests.unit.test_journal import WHO, ident, intent
from tests.unit.test_journal_archive import T0, WEB, seen, tamper, template


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Three operations with outcomes; observations before the first and after the second; evidence of the second."""
    journal = Journal(tmp_path / "journal.sqlite3")
    await journal.archive.observe([seen("aaa"), seen("bbb")])
    await journal.archive.keep_template(WEB, "aaa", 3, template(), T0)
    for number in (1, 2, 3):
        await journal.intent(intent(number), WHO)
        named = {}
        if number == 2:
            named = await journal.archive.keep(
                ident(2), [Piece("logs/canary.log", "log", b"boom"), Piece("verdict.json", "verdict", b"{}")]
            )
        record = OutcomeRecord(ident(number), T0 + number, "done", "observed", evidence=named)
        await journal.outcome(record, intent(number), WHO)
        if number == 2:
            await journal.archive.transition(Transition(WEB, "aaa", T0, "abort"))
    check = await journal.verify()
    assert (check.ok, check.rows, check.kept) == (True, 6, 6)
    await journal.close()
    return journal.path


async def problem(path: Path, head: str | None = None) -> str:
    journal = Journal(path)
    found = await journal.verify(head)
    await journal.close()
    return found.problem or ""


async def head_of(path: Path) -> str:
    journal = Journal(path)
    found = await journal.head()
    await journal.close()
    assert found is not None
    return found


def rehash(path: Path, table: str, columns: tuple[str, ...]) -> None:
    """Makes a chain whole again after somebody changed it, as one who knows the algorithm would."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    prev = GENESIS
    for number, row in enumerate(connection.execute(f"SELECT * FROM {table} ORDER BY seq").fetchall(), 1):
        values = {**{column: row[column] for column in columns}, "seq": number}
        hash_ = chained(prev, values)
        change = f"UPDATE {table} SET seq = ?, prev = ?, hash = ? WHERE seq = ?"
        connection.execute(change, (number, prev, hash_, row["seq"]))
        prev = hash_
    connection.commit()
    connection.close()


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "seq"])
async def test_one_changed_byte_of_any_column_of_an_operation(path: Path, column: str) -> None:
    change = {
        "op_id": f"'{ident(7)}'",
        "row": "'intent'",
        "result": "'failed'",
    }.get(column, f"coalesce({column}, '') || '1'")
    tamper(path, f"UPDATE ops SET {column} = {change} WHERE seq = 4")
    assert await problem(path) == "row 4 does not fit its hash: the journal was altered"


@pytest.mark.parametrize("column", [name for name in KEPT_COLUMNS if name not in ("seq", "kind")])
async def test_one_changed_byte_of_any_column_of_what_is_kept(path: Path, column: str) -> None:
    tamper(path, f"UPDATE kept SET {column} = coalesce({column}, '') || '1' WHERE seq = 2")
    assert "does not fit its hash: the journal was altered" in await problem(path)


async def test_a_row_deleted(path: Path) -> None:
    tamper(path, "DELETE FROM ops WHERE seq = 3")
    assert await problem(path) == "row 3 is missing: the journal was altered"


async def test_two_rows_swapped(path: Path) -> None:
    tamper(
        path,
        "UPDATE ops SET seq = 99 WHERE seq = 2",
        "UPDATE ops SET seq = 2 WHERE seq = 3",
        "UPDATE ops SET seq = 3 WHERE seq = 99",
    )
    assert await problem(path) == "row 2 does not fit its hash: the journal was altered"


async def test_a_row_appended_by_hand(path: Path) -> None:
    names = ", ".join(name for name in COLUMNS if name != "seq")
    tamper(
        path,
        f"INSERT INTO ops (seq, {names}, prev, hash) SELECT 7, {names}, "
        f"(SELECT hash FROM ops WHERE seq = 6), '{'c' * 64}' FROM ops WHERE seq = 6",
    )
    assert await problem(path) == "row 7 does not fit its hash: the journal was altered"


async def test_a_cut_tail_shows_against_a_noted_head(path: Path) -> None:
    head = await head_of(path)
    tamper(path, "DELETE FROM ops WHERE seq > 4")
    assert await problem(path) == ""
    assert "rows were cut off" in await problem(path, head)


async def test_a_journal_hashed_anew_shows_against_a_noted_head(path: Path) -> None:
    head = await head_of(path)
    tamper(path, "UPDATE ops SET actor = 'mallory' WHERE seq = 3")
    rehash(path, "ops", COLUMNS)
    assert await problem(path) == ""
    assert "is not in the journal" in await problem(path, head)


async def test_what_is_kept_hashed_anew_does_not_fit_the_operations(path: Path) -> None:
    tamper(path, "UPDATE kept SET digest = 'sha256:forged' WHERE seq = 1")
    rehash(path, "kept", KEPT_COLUMNS)
    assert "is not the one that row 1 names" in await problem(path)


async def test_a_kept_record_deleted(path: Path) -> None:
    tamper(path, "DELETE FROM kept WHERE seq = 2")
    assert await problem(path) == "record 2 of what is kept is missing: the journal was altered"


async def test_a_kept_record_deleted_and_the_rest_hashed_anew(path: Path) -> None:
    tamper(path, "DELETE FROM kept WHERE seq = 2")
    rehash(path, "kept", KEPT_COLUMNS)
    assert "record 3 of what is kept is not the one that row 1 names" in await problem(path)


async def test_all_that_is_kept_emptied(path: Path) -> None:
    tamper(path, "DELETE FROM kept WHERE kind != 'evidence'")
    assert "is missing" in await problem(path)
    tamper(path, "DELETE FROM kept")
    assert "logs/canary.log" in await problem(path)


async def test_the_end_of_what_is_kept_cut_off(path: Path) -> None:
    tamper(path, "DELETE FROM kept WHERE seq = 6")
    assert "record 6 of what is kept, which row 5 names, is gone" in await problem(path)


async def test_evidence_altered_names_operation_and_piece(path: Path) -> None:
    forged = packed(b"nothing happened")
    tamper(path, f"UPDATE kept SET content = x'{forged['content'].hex()}' WHERE name = 'logs/canary.log'")
    told = await problem(path)
    assert ident(2) in told
    assert "'logs/canary.log'" in told
    assert "is not what was kept" in told


async def test_evidence_deleted_names_operation_and_piece(path: Path) -> None:
    tamper(path, "DELETE FROM kept WHERE name = 'verdict.json'")
    assert await problem(path) == (
        f"evidence 'verdict.json' of operation {ident(2)} is missing: the journal was altered"
    )


async def test_evidence_replaced_with_a_whole_new_chain_does_not_fit_the_outcome(path: Path) -> None:
    forged = packed(b"nothing happened")
    tamper(
        path,
        f"UPDATE kept SET content = x'{forged['content'].hex()}', digest = '{forged['digest']}', "
        f"size = {forged['size']} WHERE name = 'logs/canary.log'",
    )
    rehash(path, "kept", KEPT_COLUMNS)
    told = await problem(path)
    assert told == f"evidence 'logs/canary.log' of operation {ident(2)} is not what was kept: the journal was altered"


async def test_bytes_hidden_beside_a_record_that_has_no_content(path: Path) -> None:
    tamper(path, "UPDATE kept SET content = x'00' WHERE seq = 1")
    assert "record 1) is not what was kept" in await problem(path)


async def test_a_template_altered_is_named(path: Path) -> None:
    forged = packed(canonical(template("evil:1")).encode())
    tamper(path, f"UPDATE kept SET content = x'{forged['content'].hex()}' WHERE kind = 'template'")
    assert await problem(path) == ("template of shop/web aaa (record 3) is not what was kept: the journal was altered")


async def test_a_body_whose_anchor_is_nonsense_breaks_nothing(path: Path) -> None:
    tamper(path, """UPDATE ops SET body = '{"kept": {"seq": "x"}, "evidence": [1]}' WHERE seq = 6""")
    rehash(path, "ops", COLUMNS)
    assert "which row 6 names, is gone" in await problem(path)
