"""Nothing is changed on a picture that is no longer true: old plans, recorded patches, and two at once."""

from __future__ import annotations

import re

from tests.conftest import MakeCockpit, MakeTmux
from tests.e2e.stage import AGENT, SPACE, Stage
from tests.harness import manifests


def test_a_dialog_goes_inert_when_the_rollout_moves_under_it(stage: Stage, make_tmux: MakeTmux) -> None:
    stage.canary_at_gate()
    terminal = make_tmux(stage.cockpit, f"{SPACE}/web")
    stage.watch(terminal, r"web.*\n(.*\n)*.*2/4")
    terminal.type(">")
    terminal.wait_for(r"Esc")
    # Someone else passes the gate.
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{SPACE}/rollouts/web/status"
    stage.kubectl.replace_raw(path, lambda found: found["status"].update(pauseConditions=None))
    stage.until(lambda: stage.paused_at("web", 3))
    stage.watch(terminal, r"(?i)moved")
    before = len(stage.control.writes())
    terminal.type("y")
    stage.control.advance(5)
    shown = terminal.wait_for(r"(?i)moved")
    assert "step" in shown
    assert len(stage.control.writes()) == before
    assert stage.seen("web")["status"]["currentStepIndex"] == 3


def test_a_recorded_patch_is_refused_by_the_server_later(stage: Stage) -> None:
    stage.canary_at_gate()
    planned = stage.act("advance", "web", "--dry-run")
    assert planned["result"] == "planned"
    (request,) = planned["requests"]
    assert stage.act("advance", "web", "--yes")["result"] == "done"
    stage.until(lambda: stage.paused_at("web", 3))
    stage.control.advance(5)
    before = stage.seen("web")["status"]
    assert request["path"].endswith("/status")
    answer = stage.replay(request)
    assert answer == 422
    assert stage.seen("web")["status"]["currentStepIndex"] == before["currentStepIndex"]


def test_two_advancing_at_once_pass_one_gate(stage: Stage, make_cockpit: MakeCockpit) -> None:
    stage.canary_at_gate()
    other = make_cockpit(stage.world)
    target = f"{SPACE}/web"
    both = [each.start("advance", target, "-o", "json", "--yes", "--at-step", "1") for each in (stage.cockpit, other)]
    results = sorted(stage.finish(process)["result"] for process in both)
    assert results[0] == "done"
    assert results[1] in ("done", "moved", "nothing-to-do")
    assert results.count("done") == 1 or results == ["done", "done"]
    stage.control.advance(300)
    assert stage.seen("web")["status"]["currentStepIndex"] == 3
    sent = stage.control.writes(agent=AGENT)
    assert len([each for each in sent if each["status"] == 200]) == 1


def test_a_command_refuses_when_it_no_longer_stands_there(stage: Stage) -> None:
    stage.canary_at_gate()
    answer = stage.act("advance", "web", "--yes", "--at-step", "3")
    assert (answer["exit"], answer["result"]) == (1, "moved")
    assert re.search(r"step is 1, not 3", answer["reason"])
    answer = stage.act("abort", "web", "--yes", "--hash", "nope")
    assert answer["result"] == "moved"
    assert not stage.seen("web")["status"].get("abort")
    stage.update("Rollout", "web", "v3")
    assert manifests.image("v3") in stage.images("Rollout", "web")
