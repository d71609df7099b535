"""The journal under many processes, a full disk and kills: nothing lost, the chain whole, the reason said."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit.journal import Journal, JournalError, Piece
from tests.unit.test_journal import WHO, ident, intent
from tests.unit.test_journal_archive import DIGEST, T0, old_journal, seen

_SECONDS = 120
_WRITER = """
import asyncio, sys
from pathlib import Path
from cockpit.journal import Journal, Piece
from cockpit.model.artifact import Contents
from tests.unit.test_journal import WHO, ident, intent, outcome
from tests.unit.test_journal_archive import T0, WEB, seen, template

me = int(sys.argv[2])

async def main():
    journal = Journal(Path(sys.argv[1]))
    memory = journal.archive.memory()
    list(memory.load())
    for number in range(10):
        operation = me * 100 + number
        # What all see, and what this one alone sees.
        await journal.archive.observe([seen(f"all{number}"), seen(f"own{me}-{number}", at=T0 + number)])
        await journal.archive.keep_template(WEB, f"all{number}", 1, template(), T0)
        memory.remember(Contents(f"sha256:{number}", "manifest", ()))
        await journal.intent(intent(operation), WHO)
        await journal.archive.keep(ident(operation), [Piece("log", "log", b"x" * 5000)])
        await journal.outcome(outcome(operation), intent(operation), WHO)
    await journal.close()

sys.stdin.read(1)  # all begin together
asyncio.run(main())
"""


def writers(path: Path, count: int) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("older", [False, True], ids=["new", "migrated"])
async def test_eight_processes_write_at_once(tmp_path: Path, older: bool) -> None:
    path = tmp_path / "journal.sqlite3"
    if older:
        old_journal(path)
    running = writers(path, 8)
    for each in running:
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.flush()
    for each in running:
        _, said = each.communicate(timeout=_SECONDS)
        assert each.returncode == 0, said.decode()
    journal = Journal(path)
    check = await journal.verify()
    # Shared: 10 observations, 10 templates, 10 contents. Own: 10 observations and 10 pieces each.
    assert (check.problem, check.rows, check.kept) == (None, 160, 30 + 8 * 20)
    assert await journal.open_intents() == ()
    assert len(await journal.archive.versions("prod", "uid-web")) == 10 + 80
    assert len([*journal.archive.memory().load()]) == 10
    await journal.close()


async def test_a_process_killed_while_it_writes_leaves_a_whole_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    running = writers(path, 3)
    for each in running:
        assert each.stdin is not None
        each.stdin.write(b"\n")
        each.stdin.flush()
    reader = Journal(path)
    while len(await reader.acts(1000)) < 5:  # under way
        assert running[0].poll() is None or running[1].poll() is None
    running[0].send_signal(signal.SIGKILL)
    for each in running:
        each.communicate(timeout=_SECONDS)
    check = await reader.verify()
    assert check.problem is None
    assert check.rows >= 40
    await reader.intent(intent(9000), WHO)
    assert (await reader.verify()).rows == check.rows + 1
    await reader.close()


_LIMITED = """
import asyncio, os, resource, sys
from pathlib import Path
from cockpit.journal import Journal, JournalError, Piece
from tests.unit.test_journal import WHO, ident, intent

async def main():
    journal = Journal(Path(sys.argv[1]), Path(sys.argv[2]))
    await journal.intent(intent(1), WHO)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        await journal.archive.keep(ident(1), [Piece("log", "log", os.urandom(400_000))])
    except JournalError as error:
        print(error)
    await journal.intent(intent(2), WHO)
    print(await journal.intent_beside(intent(3), WHO))
    await journal.close()

asyncio.run(main())
"""


async def test_evidence_that_does_not_fit_is_said_and_the_next_row_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(path), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sentence, beside = done.stdout.splitlines()
    assert sentence.startswith(f"journal {path} cannot be written: ")
    assert "full" in sentence
    assert "set journal.path" in sentence
    assert Path(beside).is_file()
    check = await Journal(path).verify()
    assert (check.problem, check.rows, check.kept) == (None, 2, 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room; needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Takes all the room that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 512, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    assert os.statvfs(place).f_bavail == 0
    return filler


async def test_a_full_disk_is_said_for_rows_observations_and_evidence(small_disk: Path, tmp_path: Path) -> None:
    journal = Journal(small_disk / "journal.sqlite3", tmp_path / "run")
    await journal.intent(intent(1), WHO)
    filler = fill(small_disk)
    with pytest.raises(JournalError, match="full"):  # the log it writes to may still have room for a row or two
        for number in range(2, 200):
            await journal.intent(intent(number, body={"big": "x" * 4000}), WHO)
    with pytest.raises(JournalError, match="full"):
        for number in range(200):
            await journal.archive.observe([seen(f"v{number}")])
    with pytest.raises(JournalError, match="full"):
        await journal.archive.keep(ident(1), [Piece("log", "log", os.urandom(100_000))])
    assert (await journal.acts(1000))[-1].op_id == ident(1)  # still read
    assert (await journal.verify()).ok
    filler.unlink()
    await journal.archive.observe([seen("later")])
    await journal.intent(intent(900), WHO)
    assert (await journal.verify()).ok
    assert DIGEST in await journal.archive.ran("prod", "shop", [DIGEST])
    await journal.close()


async def test_a_first_start_on_a_full_disk_is_said(small_disk: Path, tmp_path: Path) -> None:
    fill(small_disk)
    journal = Journal(small_disk / "state" / "journal.sqlite3", tmp_path / "run")
    with pytest.raises(JournalError, match=r"journal .* cannot be written: .*(full|No space)"):
        await journal.intent(intent(1), WHO)
    assert list(journal.archive.memory().load()) == []
    await journal.close()


async def test_a_migration_that_is_cut_off_changes_nothing(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite3"
    old_journal(path)
    filler = fill(small_disk)
    journal = Journal(path)
    with pytest.raises(JournalError, match="full"):
        await journal.archive.observe([seen(at=T0)])
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    connection.close()
    filler.unlink()
    await journal.archive.observe([seen(at=T0)])
    assert (await journal.verify()).kept == 1
    await journal.close()
