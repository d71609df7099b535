"""``cockpit journal show|verify|export`` as text and JSON, and bundles to hand on; from the file alone."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cockpit.cli.app import _guarded
from cockpit.cli.entry import entry
from cockpit.cli.text import acts
from cockpit.journal import Journal, OutcomeRecord, Piece
from cockpit.journal.records import canonical, chained
from tests.unit.test_journal import WHO, ident, intent
from tests.unit.test_journal_archive import seen, tamper

Run = Callable[..., tuple[int, str, str]]
T0 = 1_795_000_000.0
OP = ident(1)
LOG = hashlib.sha256(b"boom\n" * 500).hexdigest()
BODY: dict[str, Any] = {
    "verdict": {"state": "abort", "reason": "errors 4.1x the baseline"},
    "consent": {"tier": "NAME", "why": "toward what is held bad", "typed": True},
    "overrides": ["retained"],
    "preflight": {
        "target": "stable",
        "complete": True,
        "findings": [
            {
                "check": "retained",
                "title": "Retained",
                "state": "unknown",
                "severity": "block",
                "text": "registry: 503",
            },
            {"check": "rights", "title": "Rights", "state": "ok", "severity": "info", "text": ""},
            {
                "check": "argocd",
                "title": "Argo CD",
                "state": "finding",
                "severity": "confirm",
                "text": "auto-sync is on",
            },
        ],
    },
    "request": {
        "method": "PATCH",
        "path": "/apis/argoproj.io/v1alpha1/namespaces/payments/rollouts/checkout",
        "body": [{"op": "replace", "path": "/spec/paused", "value": False}],
        "why": "restore the template",
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """One rollback with evidence, then one abort without an outcome."""

    async def write() -> None:
        journal = Journal(tmp_path / "journal.sqlite3")
        await journal.archive.observe([seen()])
        await journal.intent(intent(1, "rollback", body=BODY), WHO)
        pieces = [Piece("logs/canary.log", "log", b"boom\n" * 500), Piece("../../../etc/passwd", "log", b"x")]
        named = await journal.archive.keep(OP, pieces)
        record = OutcomeRecord(OP, T0 + 3, "done", "every pod runs it", "4/4", T0 + 3, ("audit-1",), evidence=named)
        await journal.outcome(record, intent(1, "rollback"), WHO)
        await journal.intent(intent(2, "abort", reason="\x1b]52;c;aGk=\x07 evil"), WHO)
        await journal.close()

    asyncio.run(write())
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def run(path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config = path.parent / "config.toml"
    config.write_text(f'[journal]\npath = "{path}"\n')

    def call(*arguments: str) -> tuple[int, str, str]:
        code = _guarded(["journal", *arguments, "--config", str(config)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_show_says_who_did_what_why_on_what_evidence_and_how_it_ended(run: Run) -> None:
    code, out, err = run("show", OP)
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    for part in (
        f"{OP} rollback rollout payments/checkout done",
        "who sre1",
        "root on bastion",
        "context prod, cluster prod-eu-1",
        "from web@sha256:1 hash bad",
        "to web@sha256:2 hash good",
        "reason psp ✖ timeouts",
        "verdict ABORT errors 4.1x the baseline",
        "consent name typed; asked for name: toward what is held bad",
        "overrides retained",
        "pre-flight 3 checks, complete",
        "unknown retained: registry: 503",
        "ok rights: Rights",
        "confirm argocd: auto-sync is on",
        "sends PATCH /apis/argoproj.io/v1alpha1/namespaces/payments/rollouts/checkout: restore the template",
        '{"op": "replace", "path": "/spec/paused", "value": false}',
        "outcome done: 4/4; every pod runs it",
        "verified 2026-11-18",
        "audit audit-1",
        f"logs/canary.log 2.4 KiB sha256 {LOG}",
        "rows 1, 2; newest hash",
    ):
        assert part in said, part


def test_list_shows_the_ids_that_show_takes_and_the_versions(run: Run) -> None:
    code, out, err = run("list")
    assert (code, err) == (0, "")
    for op_id in (OP, ident(2)):
        assert f"\n    {op_id}  web@sha256:1… → web@sha256:2…" in out
        assert run("show", op_id)[0] == 0
    assert max(map(len, out.splitlines())) <= 80


def test_where_both_versions_do_not_fit_list_shows_the_one_that_was_gone_to() -> None:
    digests = [f"registry.example/team/checkout@sha256:{digit * 64}" for digit in "ab"]
    act = {
        "seq": 1, "op_id": OP, "at": T0, "actor": "sre1", "verb": "rollback", "namespace": "n", "name": "m",
        "from": digests[0], "to": digests[1], "reason": None, "result": "done",
        "afterwards": None,
    }  # fmt: skip
    assert acts([act], 80).endswith(f"\n    {OP}  → checkout@sha256:{'b' * 12}…")
    assert acts([act], 120).endswith(f"  checkout@sha256:{'a' * 12}… → checkout@sha256:{'b' * 12}…")
    later = acts([{**act, "afterwards": "the rollback of 19 s ago did not last: rev 6, which it left, is back"}], 80)
    assert later.endswith("\n    then  the rollback of 19 s ago did not last: rev 6, which it left, is back")
    assert "  gitops resume  n/m  " in acts([{**act, "verb": "unsuspend"}], 80)
    assert acts([{**act, "to": None}], 80).endswith(f"  from checkout@sha256:{'a' * 12}…")


def test_show_of_an_open_hostile_operation(run: Run) -> None:
    _, out, _ = run("show", ident(2))
    assert "  open" in out
    assert "\x1b" not in out
    assert "evidence" not in out
    assert run("show", ident(7))[0] == 1


def test_no_text_of_a_cluster_writes_a_line_of_its_own() -> None:
    """A server takes nearly any text for an image's name, a line break and what should follow it included."""
    forged = f"web:v1\n  verified   03:04\r\nSEQ 9\x1b[2J{'x' * 9}"
    act = {
        "seq": 1, "op_id": OP, "at": T0, "actor": forged, "verb": forged, "namespace": "n", "name": forged,
        "from": forged, "to": forged, "reason": forged, "result": forged,
    }  # fmt: skip
    names = ("context", "uid", "from_version", "to_version", "from_hash", "to_hash", "actor", "kind", "hash", "reason")
    row: dict[str, Any] = dict.fromkeys(names, forged)
    finding = dict.fromkeys(("check", "text", "state", "severity"), forged)
    body = {
        "by": dict.fromkeys(("os_user", "host", "cluster", "cockpit"), forged) | {"groups": [forged]},
        "verdict": {"state": forged, "reason": forged},
        "consent": {"tier": forged, "why": forged},
        "overrides": [forged],
        "preflight": {"findings": [finding]},
        "request": {"method": forged, "path": forged, "why": forged, "body": [{"value": forged}]},
    }
    outcome = {**row, "row": "outcome", "seq": 2, "result": forged, "verified_at": None}
    rows = [
        {**row, "row": "intent", "seq": 1, "body": body},
        {**outcome, "body": {"observed": forged, "audit_ids": [forged]}},
    ]
    piece = {"name": forged, "size": 1, "sha256": forged, "whole": True}
    shown = entry(act, rows, [piece])
    plain = entry(
        *[json.loads(json.dumps(each).replace(json.dumps(forged)[1:-1], "x")) for each in (act, rows, [piece])]
    )
    assert [line[:13] for line in shown.split("\n")[1:]] == [line[:13] for line in plain.split("\n")[1:]]
    listed = acts([act], 120)
    assert listed.count("\n") == 2
    assert not {"\r", "\x1b"} & set(shown + listed)


def test_show_as_json_is_the_rows_with_the_evidence(run: Run) -> None:
    first, second = json.loads(run("show", OP.lower(), "-o", "json")[1])
    assert (first["row"], second["row"]) == ("intent", "outcome")
    assert first["body"]["preflight"] == BODY["preflight"]
    assert first["evidence"][0] == {
        "name": "logs/canary.log", "kind": "log", "size": 2500, "sha256": LOG, "whole": True,
    }  # fmt: skip
    assert second["body"]["evidence"]["logs/canary.log"] == LOG


def test_show_survives_rows_written_by_hand() -> None:
    """Bodies of any shape; the row itself has its columns, as the table has."""
    row: dict[str, Any] = dict.fromkeys(
        ("context", "uid", "from_version", "to_version", "from_hash", "to_hash", "actor", "kind", "hash", "reason"), "x"
    )
    act = {"op_id": OP, "verb": "v", "namespace": "n", "name": "m", "result": None, "at": T0, "reason": None}
    for body in (
        {},
        {"by": 1, "verdict": 2, "consent": "x", "overrides": 3, "preflight": 4, "request": 5},
        {"by": {"groups": 3}, "preflight": {"findings": [1, None, {}]}, "request": {"body": 7}},
    ):
        rows = [
            {**row, "row": "intent", "seq": 1, "body": body},
            {**row, "row": "outcome", "seq": 2, "body": {"audit_ids": 4}, "result": None, "verified_at": "x"},
        ]
        assert "rows       1, 2" in entry(act, rows, [])


def test_the_groups_of_the_actor_are_shown(run: Run) -> None:
    row: dict[str, Any] = dict.fromkeys(
        ("context", "uid", "from_version", "to_version", "from_hash", "to_hash", "actor", "kind", "hash", "reason"), "x"
    )
    act = {"op_id": OP, "verb": "v", "namespace": "n", "name": "m", "result": None, "at": T0, "reason": None}
    rows = [{**row, "actor": "sre1", "row": "intent", "seq": 1, "body": {"by": {"groups": ["oncall", "captains"]}}}]
    assert "sre1 (oncall, captains)" in entry(act, rows, [])


def test_altered_evidence_is_shown_as_such_and_left_out_of_a_bundle(run: Run, path: Path, tmp_path: Path) -> None:
    tamper(path, "UPDATE kept SET content = x'00' WHERE name = 'logs/canary.log'")
    assert "ALTERED since it was kept" in run("show", OP)[1]
    code, out, _ = run("verify")
    assert code == 1
    assert "logs/canary.log" in out
    code, out, err = run("export", "--bundle", OP, "--to", str(tmp_path / "b.tar.gz"), "-o", "json")
    assert (code, json.loads(out)["altered"]) == (1, ["logs/canary.log"])
    assert "logs/canary.log" in err


def test_exported_lines_can_be_checked_by_anyone(run: Run) -> None:
    code, out, _ = run("export", "--jsonl", "--kept")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row.pop("table") for row in rows] == ["ops"] * 3 + ["kept"] * 3
    head = "0" * 64
    for row in rows[:3]:
        prev, found = row.pop("prev"), row.pop("hash")
        assert prev == head
        assert found == chained(prev, row) == hashlib.sha256((prev + canonical(row)).encode()).hexdigest()
        head = found
    assert run("verify", "--head", head)[0] == 0
    assert len(json.loads(run("export", "-o", "json")[1])) == 3


def test_an_export_goes_to_a_new_private_file_only(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    assert run("export", "--to", str(file))[:2] == (0, f"3 rows written to {file}\n")
    assert len(file.read_text().splitlines()) == 3
    assert file.stat().st_mode & 0o777 == 0o600
    code, _, err = run("export", "--to", str(file))
    assert code == 2
    assert "is there already" in err
    code, _, err = run("export", "--to", str(tmp_path / "no" / "folder"))
    assert code == 3
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_a_bundle_holds_rows_evidence_and_their_hashes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "incident.tar.gz"
    code, out, _ = run("export", "--bundle", OP.lower(), "--to", str(file))
    assert code == 0
    assert str(file) in out
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as archive:
        files = {
            member.name.removeprefix(f"{OP}/"): (archive.extractfile(member) or io.BytesIO()).read()
            for member in archive.getmembers()
        }
        assert all(member.isreg() and ".." not in member.name.split("/") for member in archive.getmembers())
    assert set(files) == {"manifest.json", "rows.json", "evidence/logs/canary.log", "evidence/etc/passwd"}
    assert files["evidence/logs/canary.log"] == b"boom\n" * 500
    manifest = json.loads(files["manifest.json"])
    for listed in manifest["files"]:
        content = files[listed["path"]]
        assert (listed["size"], listed["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    rows = json.loads(files["rows.json"])
    named = json.loads(rows[-1]["body"])["evidence"]
    assert {listed["name"]: listed["sha256"] for listed in manifest["files"] if "name" in listed} == named
    assert manifest["journal_head"] == json.loads(run("verify", "-o", "json")[1])["head"]
    again = tmp_path / "again.tar.gz"
    run("export", "--bundle", OP, "--to", str(again))
    assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--bundle", OP), 2),
        (("--bundle", OP, "--jsonl", "--to", "x"), 2),
        (("--bundle", ident(7), "--to", "never-made"), 1),
    ],
)
def test_a_bundle_that_cannot_be_made_is_one_sentence(run: Run, arguments: tuple[str, ...], code: int) -> None:
    found, out, err = run("export", *arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert not Path("never-made").exists()


def test_verify_tells_how_much_holds(run: Run, path: Path) -> None:
    said = json.loads(run("verify", "-o", "json")[1])
    assert (said["rows"], said["kept"], said["ok"], said["problem"]) == (3, 3, True, None)
    assert "3 rows and 3 kept records, the chain holds, head " in run("verify")[1]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT hash FROM ops WHERE seq = 3").fetchone()[0] == said["head"]
    connection.close()
