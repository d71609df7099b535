"""What the journal keeps beside the operations: once, for every seat, and believed only as it was written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cockpit.journal import (
    Journal,
    JournalError,
    Observation,
    OutcomeRecord,
    Piece,
    SeenJob,
    Transition,
    Workload,
)
from cockpit.journal import archive as archive_module
from cockpit.journal.kept import KeptStore, packed, unpacked
from cockpit.journal.schema import STEPS
from cockpit.journal.store import JournalStore
from cockpit.model.artifact import Contents
from cockpit.model.revision import Then
from cockpit.model.rollout import Image
from cockpit.registry.equivalence import Equivalence
from tests.unit.test_journal import WHO, ident, intent

T0 = 1_795_000_000.0
WEB = Workload("prod", "Rollout", "shop", "web", "uid-web")
DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def seen(version: str = "aaa", **more: Any) -> Observation:
    values: dict[str, Any] = {
        "workload": WEB,
        "replicaset": f"rs-{version}",
        "hash": version,
        "revision": 3,
        "container": "app",
        "image": "r.example/web:v1",
        "image_id": f"r.example/web@{DIGEST}",
        "digest": DIGEST,
        "at": T0,
        "platform": "linux/amd64",
    }
    return Observation(**{**values, **more})


def template(image: str = "r.example/web:v1", **env: str) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "app", "image": image}
    if env:
        container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite3", tmp_path / "run")


def rows(path: Path, what: str = "seq, kind") -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT {what} FROM kept ORDER BY seq").fetchall()
    connection.close()
    return found


def tamper(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert connection.execute(statement).rowcount > 0, statement
    connection.commit()
    connection.close()


async def test_an_image_that_ran_is_kept_once_and_last_seen_moves_in_steps(journal: Journal) -> None:
    archive = journal.archive
    for at in (T0, T0 + 10, T0 + 299):
        await archive.observe([seen(at=at)])
    assert await archive.ran("prod", "shop", [DIGEST, OTHER]) == {DIGEST: T0}
    await archive.observe([seen(at=T0 + 300)])
    await archive.observe([seen(at=T0 + 310)])
    assert await archive.ran("prod", "shop", [DIGEST]) == {DIGEST: T0 + 300}
    assert rows(journal.path) == [(1, "observation")]
    assert await archive.ran("prod", "elsewhere", [DIGEST]) == {}
    assert await archive.ran("another cluster", "shop", [DIGEST]) == {}


async def test_a_restart_learns_what_each_replicaset_ran_first(journal: Journal) -> None:
    moved = seen(image_id=f"w@{OTHER}", digest=OTHER)
    await journal.archive.observe([seen()])
    await journal.archive.observe([moved, seen("bbb", digest=OTHER), seen("ccc", digest=None)])
    assert await journal.archive.digests("prod") == {("rs-aaa", "app"): DIGEST, ("rs-bbb", "app"): OTHER}
    assert await journal.archive.digests("other") == {}


async def test_a_second_seat_adds_nothing_and_does_not_turn_time_back(journal: Journal) -> None:
    await journal.archive.observe([seen(at=T0 + 900)])
    other = Journal(journal.path)
    await other.archive.observe([seen(at=T0)])
    await other.archive.observe([seen(at=T0 + 2000)])
    await journal.archive.observe([seen(at=T0 + 1300)])
    assert await other.archive.ran("prod", "shop", [DIGEST]) == {DIGEST: T0 + 2000}
    assert rows(journal.path) == [(1, "observation")]


async def test_what_is_known_is_not_written_again(journal: Journal) -> None:
    await journal.archive.observe([seen()])
    await journal.archive.keep_template(WEB, "aaa", 3, template(), T0)
    await journal.archive.keep_job(SeenJob("prod", "shop", "migrate", "j", "web:v1", "migrate up", T0, "name"))
    await journal.close()
    journal.path.chmod(0o400)
    journal.path.parent.chmod(0o500)
    try:
        again = Journal(journal.path).archive
        await again.observe([seen(at=T0 + 20)])
        await again.keep_template(WEB, "aaa", 3, template(), T0 + 20)
        await again.keep_job(SeenJob("prod", "shop", "migrate", "j", "web:v1", "migrate up", T0 + 20, "name"))
        with pytest.raises(JournalError, match="read-only"):
            await again.observe([seen("bbb")])
    finally:
        journal.path.parent.chmod(0o700)
        journal.path.chmod(0o600)


async def test_many_observations_go_in_batches_and_none_is_lost(journal: Journal) -> None:
    many = [seen(f"v{number}") for number in range(503)]
    await journal.archive.observe(many)
    assert len(rows(journal.path)) == 503
    assert len(await journal.archive.versions("prod", "uid-web")) == 503
    assert (await journal.verify()).kept == 503


async def test_a_container_without_an_image_yet_is_not_observed(journal: Journal) -> None:
    await journal.archive.observe([seen(image_id="", digest=None)])
    assert not journal.path.exists()


async def test_a_template_comes_back_as_it_was_and_the_first_one_stays(journal: Journal) -> None:
    await journal.archive.keep_template(WEB, "aaa", 3, template(MODE="fast"), T0)
    await journal.archive.keep_template(WEB, "aaa", 4, template("r.example/web:v2"), T0 + 5)
    assert await journal.archive.template("prod", "uid-web", "aaa") == template(MODE="fast")
    assert await journal.archive.template("prod", "uid-web", "bbb") is None
    assert await journal.archive.template("other", "uid-web", "aaa") is None


async def test_secrets_of_a_template_are_not_written_and_it_is_not_offered_for_a_restore(journal: Journal) -> None:
    await journal.archive.keep_template(WEB, "aaa", 3, template(DB_PASSWORD="hunter2hunter2"), T0)
    await journal.archive.observe([seen()])
    assert await journal.archive.template("prod", "uid-web", "aaa") is None
    (version,) = await journal.archive.versions("prod", "uid-web")
    assert not version.template
    assert version.withheld == "its template holds literal secrets, which are not kept"
    assert version.images == (Image("app", "r.example/web:v1", DIGEST),)
    assert "hunter2" not in str(await journal.export_kept())
    (row,) = journal._kept.select("kind = 'template'", content=True)
    assert b"hunter2" not in (unpacked(row) or b"hunter2")


async def test_versions_outlive_their_replicaset(journal: Journal) -> None:
    archive = journal.archive
    await archive.observe([seen("aaa", revision=1), seen("aaa", container="init", image="i:1", image_id=f"i@{OTHER}")])
    await archive.keep_template(WEB, "aaa", 1, template(), T0 + 1)
    slis = (Then("errors", 0.01, "ratio", T0 + 60),)
    await archive.transition(Transition(WEB, "aaa", T0 + 60, "ready", "clean", slis))
    await archive.transition(Transition(WEB, "aaa", T0 + 90, "", left="promoted-over"))
    await archive.observe([seen("bbb", revision=2, at=T0 + 500, digest=OTHER, image_id=f"w@{OTHER}")])
    newest, oldest = await archive.versions("prod", "uid-web")
    assert (newest.hash, newest.revision, newest.template, newest.left) == ("bbb", 2, False, None)
    assert (newest.withheld, oldest.withheld) == ("its template was never recorded", "")
    assert (oldest.hash, oldest.first, oldest.last, oldest.template) == ("aaa", T0, T0 + 1, True)
    assert (oldest.left, oldest.left_at, oldest.slis) == ("promoted-over", T0 + 90, slis)
    assert oldest.images == (Image("app", "r.example/web:v1", DIGEST),)
    assert await archive.versions("prod", "uid-other") == ()


async def test_an_undo_renumbers_a_version_and_both_numbers_are_recorded(journal: Journal) -> None:
    await journal.archive.observe([seen(revision=3)])
    await journal.archive.observe([seen(revision=7, at=T0 + 50)])
    (version,) = await journal.archive.versions("prod", "uid-web")
    assert version.revision == 7
    assert len(rows(journal.path)) == 2


async def test_a_digest_is_the_one_first_seen_for_the_image_of_the_template(journal: Journal) -> None:
    """Neither a pod changed by hand nor a tag that moved afterwards is what the version was."""
    hand = seen(image="r.example/web:hotfix", image_id=f"w@{OTHER}", digest=OTHER)
    moved = seen(image_id=f"w@{OTHER}", digest=OTHER, at=T0 + 20)
    await journal.archive.observe([hand])
    await journal.archive.observe([seen(at=T0 + 10)])
    await journal.archive.observe([moved])
    await journal.archive.keep_template(WEB, "aaa", 3, template(), T0)
    (version,) = await journal.archive.versions("prod", "uid-web")
    assert version.images == (Image("app", "r.example/web:v1", DIGEST),)


async def test_a_transition_that_another_seat_told_is_not_told_twice(journal: Journal) -> None:
    other = Journal(journal.path).archive
    for archive, at, state in ((journal.archive, T0, "wait"), (other, T0 + 2, "wait"), (other, T0 + 60, "ready")):
        await archive.transition(Transition(WEB, "aaa", at, state))
    await journal.archive.transition(Transition(WEB, "aaa", T0 + 61, "ready"))
    await journal.archive.transition(Transition(WEB, "aaa", T0 + 90, "", left="aborted"))
    await other.transition(Transition(WEB, "aaa", T0 + 91, "", left="aborted"))
    await other.transition(Transition(WEB, "aaa", T0 + 900, "", left="aborted"))  # gone to and left again
    assert len(rows(journal.path)) == 4
    (version,) = await journal.archive.versions("prod", "uid-web")
    assert version.left_at == T0 + 900


async def test_jobs_are_told_since_a_time_and_without_their_passwords(journal: Journal) -> None:
    for number, at in enumerate((T0, T0 + 100)):
        command = "migrate --url=postgres://app:hunter2@db/shop up"
        await journal.archive.keep_job(SeenJob("prod", "shop", f"m{number}", f"u{number}", "w:1", command, at, "name"))
    (job,) = await journal.archive.jobs_since("prod", "shop", T0 + 1)
    assert (job["name"], job["image"], job["at"], job["why"]) == ("m1", "w:1", T0 + 100, "name")
    assert "hunter2" not in job["command"]
    assert await journal.archive.jobs_since("prod", "elsewhere", 0) == []


async def test_what_digests_hold_is_remembered_for_the_next_run(journal: Journal) -> None:
    first = Equivalence(journal.archive.memory())
    first.learn(Contents("sha256:index", "index", ("sha256:amd", "sha256:arm")))
    first.learn(Contents("sha256:amd", "manifest", ("sha256:config",)))
    await journal.close()
    again = Journal(journal.path)
    second = Equivalence(again.archive.memory())
    assert second.equal_to("sha256:config") == first.equal_to("sha256:config")
    assert "sha256:index" in second.equal_to("sha256:config")
    second.learn(Contents("sha256:amd", "manifest", ("sha256:config",)))
    await again.close()
    assert len(rows(journal.path)) == 2


async def test_a_memory_that_cannot_be_read_or_written_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal.sqlite3")
    memory = journal.archive.memory()
    assert list(memory.load()) == []
    memory.remember(Contents("sha256:a", "manifest", ()))
    await journal.close()
    memory.remember(Contents("sha256:b", "manifest", ()))
    assert list(memory.load()) == []


async def test_evidence_is_kept_whole_and_named_with_its_digest(journal: Journal) -> None:
    log = b"boom\n" * 20_000
    named = await journal.archive.keep(ident(1), [Piece("logs/canary.log", "log", log), Piece("empty", "events", b"")])
    first, second = await journal.archive.pieces(ident(1))
    assert (first.name, first.kind, first.size, first.sha256) == ("logs/canary.log", "log", 100_000, named[first.name])
    assert (second.name, second.size) == ("empty", 0)
    assert await journal.archive.piece(ident(1), "logs/canary.log") == log
    assert await journal.archive.piece(ident(1), "empty") == b""
    assert await journal.archive.piece(ident(1), "other") is None
    assert journal.path.stat().st_size < 100_000  # packed
    await journal.intent(intent(1), WHO)
    await journal.outcome(OutcomeRecord(ident(1), T0, "done", "observed", evidence=named), intent(1), WHO)
    entry = await journal.entry(ident(1))
    assert entry is not None
    assert (entry.act.result, entry.evidence) == ("done", (first, second))
    assert entry.rows[1]["body"]["evidence"] == named
    assert await journal.entry(ident(2)) is None


async def test_evidence_kept_again_stays_what_it_was(journal: Journal) -> None:
    before = await journal.archive.keep(ident(1), [Piece("log", "log", b"one")])
    assert await journal.archive.keep(ident(1), [Piece("log", "log", b"two")]) == before
    assert await journal.archive.piece(ident(1), "log") == b"one"


async def test_more_evidence_than_is_kept_is_refused_by_name(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "EVIDENCE_LIMIT", 10)
    with pytest.raises(JournalError, match=ident(1)):
        await journal.archive.keep(ident(1), [Piece("log", "log", b"x" * 11)])
    assert await journal.archive.pieces(ident(1)) == ()


async def test_a_file_that_has_grown_takes_no_observations_but_still_evidence(journal: Journal) -> None:
    small = KeptStore(journal._store, limit=100)
    journal.archive._kept = small
    with pytest.raises(JournalError, match=r"has grown to .* acts are still recorded"):
        await journal.archive.observe([seen()])
    assert await journal.archive.keep(ident(1), [Piece("log", "log", b"x")])
    await journal.intent(intent(1), WHO)
    assert (await journal.verify()).ok


@pytest.mark.parametrize("damage", ["digest = 'sha256:evil'", "body = '{}'", "at = at - 5", "body = x'00'"])
async def test_an_observation_altered_in_place_is_not_believed(journal: Journal, damage: str) -> None:
    await journal.archive.observe([seen()])
    await journal.close()
    tamper(journal.path, f"UPDATE kept SET {damage}")
    again = Journal(journal.path)
    assert await again.archive.ran("prod", "shop", [DIGEST, "sha256:evil"]) == {}
    assert await again.archive.versions("prod", "uid-web") == ()
    assert "observation of shop/" in str((await again.verify()).problem)


async def test_an_altered_content_is_never_given_out(journal: Journal) -> None:
    await journal.archive.keep_template(WEB, "aaa", 3, template(), T0)
    await journal.archive.keep(ident(1), [Piece("log", "log", b"the truth")])
    await journal.close()
    forged = packed(b'{"spec":"forged"}')["content"].hex()
    tamper(journal.path, f"UPDATE kept SET content = x'{forged}'")
    again = Journal(journal.path).archive
    assert await again.template("prod", "uid-web", "aaa") is None
    assert await again.piece(ident(1), "log") is None
    (version,) = await again.versions("prod", "uid-web")
    assert not version.template


async def test_a_content_that_unpacks_without_end_is_cut_short(journal: Journal) -> None:
    await journal.archive.keep(ident(1), [Piece("log", "log", b"short")])
    await journal.close()
    bomb = packed(bytes(50_000_000))["content"].hex()
    tamper(journal.path, f"UPDATE kept SET content = x'{bomb}'")
    assert await Journal(journal.path).archive.piece(ident(1), "log") is None


async def test_kept_rows_can_neither_be_changed_nor_removed(journal: Journal) -> None:
    await journal.archive.observe([seen()])
    await journal.archive.observe([seen(at=T0 + 900)])
    await journal.close()
    connection = sqlite3.connect(journal.path)
    (row,) = connection.execute("SELECT * FROM kept").fetchall()
    marks = ", ".join("?" for _ in row)
    for statement, values in (
        ("UPDATE kept SET digest = 'x'", ()),
        ("DELETE FROM kept", ()),
        (f"INSERT OR REPLACE INTO kept VALUES ({marks})", row),
        (f"INSERT INTO kept VALUES ({marks})", (3, row[1], "new", *row[3:-1], "f" * 64)),
        ("UPDATE sightings SET last = 0", ()),
        ("DELETE FROM sightings", ()),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement, values)
    connection.close()


def old_journal(path: Path) -> None:
    """A journal as the first version made it."""
    connection = sqlite3.connect(path)
    for statement in (*STEPS[0], "PRAGMA user_version = 1"):
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_journal_of_the_first_version_is_read_as_it_is_and_grows_the_new_tables(tmp_path: Path) -> None:
    old_journal(tmp_path / "journal.sqlite3")
    tmp_path.chmod(0o500)
    try:
        reader = Journal(tmp_path / "journal.sqlite3")
        assert await reader.archive.versions("prod", "uid-web") == ()
        assert await reader.archive.pieces(ident(1)) == ()
        assert (await reader.verify()).ok
        await reader.close()
    finally:
        tmp_path.chmod(0o700)
    journal = Journal(tmp_path / "journal.sqlite3")
    assert await journal.archive.ran("prod", "shop", [DIGEST]) == {}  # a reader changes nothing
    assert sqlite3.connect(journal.path).execute("PRAGMA user_version").fetchone()[0] == 1
    await journal.intent(intent(1), WHO)
    await journal.archive.observe([seen()])
    await journal.intent(intent(2), WHO)
    check = await journal.verify()
    assert (check.ok, check.rows, check.kept) == (True, 2, 1)


async def test_an_older_cockpit_is_told_that_this_one_is_newer(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.intent(intent(1), WHO)
    await journal.close()
    monkeypatch.setattr("cockpit.journal.store.VERSION", 1)  # what an older one knows
    with pytest.raises(JournalError, match=r"newer cockpit \(schema 2, this one knows 1\)"):
        JournalStore(journal.path).select()


async def test_a_closed_journal_keeps_nothing_and_says_so(journal: Journal) -> None:
    await journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.archive.observe([seen()])


async def test_since_when_a_cluster_is_watched_is_known(journal: Journal) -> None:
    assert (await journal.deployed(WEB.uid, "prod")).since is None
    await journal.archive.observe([seen(at=T0 + 5), seen("bbb", at=T0)])
    assert (await journal.deployed(WEB.uid, "prod")).since == T0
    assert (await journal.deployed(WEB.uid, "another cluster")).since is None
