"""Drift in the text of ``list`` and ``status``: the worst of each rollout in the list, all of it in the status."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.cli import text

SPLIT = {"kind": "split", "severity": "bad", "text": "web runs 2 different digests in one version: " + "x" * 90}
TAG = {"kind": "unpinned", "severity": "warn", "text": "web is named by the tag v1"}
NOTE = {"kind": "admission", "severity": "info", "text": "rewritten at creation"}


def entry(*drift: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Rollout",
        "namespace": "shop",
        "name": "web",
        "strategy": "canary",
        "phase": "Healthy",
        "message": "",
        "paused_by": None,
        "step": {"index": 2, "total": 2, "kind": None},
        "weight": {"set": 1.0, "actual": 1.0},
        "waits_for_human": False,
        "verdict": {"state": "unjudged", "reason": "promoted"},
        "in_flight": False,
        "drift": list(drift),
        "owner": None,
        "arms": {"canary": None, "baseline": None},
        "slis": [],
        "burn": None,
        "as_of": {},
        "now": 0.0,
    }


@pytest.mark.parametrize("columns", [80, 160])
def test_a_list_says_the_worst_of_each_rollout(columns: int) -> None:
    lines = text.fleet([entry(SPLIT, TAG, NOTE), entry()], columns).splitlines()
    (drift,) = [line for line in lines if "DRIFT" in line]
    assert drift.startswith("    DRIFT (+1 more): web runs 2 different digests")
    assert lines.index(drift) == 2 and all(len(line) <= columns for line in lines)


@pytest.mark.parametrize("columns", [80, 160])
def test_a_note_is_no_matter_of_the_list(columns: int) -> None:
    assert text.fleet([entry(NOTE)], columns) == text.fleet([entry()], columns)


def test_a_status_says_all_of_it_and_cuts_nothing() -> None:
    lines = text.status(entry(SPLIT, TAG, NOTE), 80).splitlines()
    assert [line[:20] for line in lines if line.startswith("drift ")] == ["drift     DRIFT split"[:20]]
    said = " ".join(line[10:].strip() for line in lines)
    assert "drift unpinned: web is named by the tag v1" in said
    assert "note admission: rewritten at creation" in said
    assert "x" * 90 in "".join(line[10:].strip() for line in lines)
    assert "drift" not in text.status(entry(), 80)
