"""The journal of the installed command: the head after an act, the record of it, and disks that are full."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.e2e.stage import SPACE, Stage


def test_an_act_names_the_head_that_proves_it(stage: Stage, tmp_path: Path) -> None:
    stage.canary_at_gate()
    answer = stage.act("abort", "web", "--yes", "--reason", "errors")
    assert answer["result"] == "done"
    head, op_id = answer["journal_head"], answer["op_id"]
    verified = stage.cockpit.run("journal", "verify", "--head", head)
    assert (verified.code, verified.err) == (0, "")
    shown = stage.cockpit.run("journal", "show", op_id)
    assert shown.code == 0
    for part in (
        f"{op_id}  abort rollout {SPACE}/web  done",
        "reason     errors",
        "sends      PATCH /apis/argoproj",
        head,
    ):
        assert part in shown.out, shown
    bundle = tmp_path / "bundle.tar.gz"
    assert stage.cockpit.run("journal", "export", "--bundle", op_id, "--to", str(bundle)).code == 0
    with tarfile.open(bundle) as archive:
        assert {f"{op_id}/manifest.json", f"{op_id}/rows.json"} <= set(archive.getnames())
    lines = stage.cockpit.run("journal", "export", "--jsonl").out.splitlines()
    assert json.loads(lines[-1])["hash"] == head

    undone = stage.cockpit.run("retry", f"{SPACE}/web", "--dry-run")
    assert "journal head" not in undone.out  # nothing was recorded


def test_on_a_full_disk_only_abort_and_pause_are_sent(stage: Stage, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        stage.canary_at_gate()
        lines = [
            f'path = "{disk / "journal.sqlite3"}"' if line.startswith("path") else line
            for line in stage.world.config.read_text().splitlines()
        ]
        config = tmp_path / "full.toml"
        config.write_text("\n".join(lines))
        stage.cockpit.leading = ("--config", str(config))
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(512)) == 512:
                    pass
            except OSError:
                assert os.statvfs(disk).f_bavail == 0
        refused = stage.act("advance", "web", "--yes")
        assert (refused["exit"], refused["result"], refused["journal_head"]) == (1, "refused", None)
        assert "nothing was sent, as it could not be recorded" in refused["reason"]
        assert "full" in refused["reason"]
        assert stage.control.writes(agent="rollout-cockpit") == []
        answer = stage.act("abort", "web", "--yes")
        assert answer["result"] == "done", answer
        fallback = list((stage.cockpit.home / "run").rglob("*fallback*"))
        assert "abort" in fallback[0].read_text()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
