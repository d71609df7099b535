"""kill -9 at every point of a verb: the next start settles it truthfully. Without a journal only X and P are sent."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeCockpit
from tests.e2e.stage import SPACE, Stage
from tests.faults.proxy import Proxy, ca_of, server_of

PATCH = r"/rollouts/web"


@pytest.fixture
def proxy(stage: Stage, tmp_path: Path) -> Iterator[Proxy]:
    kubeconfig = stage.world.kubeconfig
    with Proxy(server_of(kubeconfig), tmp_path / "proxy", server_ca=ca_of(kubeconfig)) as made:
        yield made


def acts(stage: Stage) -> list[dict[str, Any]]:
    """The journal, newest first, after a start of the cockpit has settled what was open."""
    listed: list[dict[str, Any]] = stage.cockpit.json("list")
    assert listed
    found: list[dict[str, Any]] = stage.cockpit.json("journal", "list")
    return found


def test_before_the_patch_reached_the_server(stage: Stage, proxy: Proxy) -> None:
    stage.canary_at_gate()
    fault = proxy.fault("hang", method="PATCH", path=PATCH)
    through = str(proxy.kubeconfig(stage.world.kubeconfig))
    process = stage.cockpit.start("abort", f"{SPACE}/web", "--yes", "--kubeconfig", through)
    assert fault.hit.wait(60), process.poll()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [act["result"] for act in stage.cockpit.json("journal", "list")] == [None]
    (act,) = acts(stage)
    assert act["result"] in ("failed", "unknown")
    assert not stage.seen("web")["status"].get("abort")
    assert stage.control.writes(agent="rollout-cockpit") == []


def test_after_the_patch_before_its_answer(stage: Stage, proxy: Proxy) -> None:
    stage.canary_at_gate()
    fault = proxy.fault("mute", method="PATCH", path=PATCH)
    through = str(proxy.kubeconfig(stage.world.kubeconfig))
    process = stage.cockpit.start("abort", f"{SPACE}/web", "--yes", "--kubeconfig", through)
    assert fault.hit.wait(60), process.poll()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stage.until(lambda: stage.status("web").get("abort"))
    stage.control.advance(120)
    (act,) = acts(stage)
    assert act["result"] == "done"
    assert len(stage.control.writes(agent="rollout-cockpit")) == 1


def test_after_the_answer_before_the_outcome(stage: Stage, proxy: Proxy) -> None:
    stage.canary_at_gate()
    through = str(proxy.kubeconfig(stage.world.kubeconfig))
    process = stage.cockpit.start("abort", f"{SPACE}/web", "--yes", "--kubeconfig", through)
    (sent,) = proxy.wait_for("PATCH", PATCH)
    stage.until(lambda: sent.answered, tick=0.0001, limit=1.0)
    process.send_signal(signal.SIGKILL)  # the world stands still: the effect cannot have been observed
    process.communicate()
    stage.control.advance(120)
    (act,) = acts(stage)
    assert act["result"] == "done"
    assert len(stage.control.writes(agent="rollout-cockpit")) == 1


def test_a_lost_answer_is_read_back_and_never_sent_again(stage: Stage, proxy: Proxy, make_cockpit: MakeCockpit) -> None:
    stage.canary_at_gate()
    proxy.fault("swallow", method="PATCH", path=PATCH)
    through = str(proxy.kubeconfig(stage.world.kubeconfig))
    stage.cockpit = make_cockpit(stage.world, "--kubeconfig", through)
    answer = stage.act("abort", "web", "--yes")
    assert (answer["exit"], answer["result"]) == (0, "done")
    assert len(proxy.sent("PATCH")) == 1

    proxy.fault("refuse", method="PATCH", path=PATCH)
    answer = stage.act("retry", "web", "--confirm", "web")
    assert answer["result"] in ("failed", "unknown")
    assert stage.seen("web")["status"].get("abort") is True
    assert len(proxy.sent("PATCH")) == 2


def test_without_a_journal_only_abort_and_pause_are_sent(stage: Stage, tmp_path: Path) -> None:
    stage.canary_at_gate()
    blocked = tmp_path / "a-file"
    blocked.write_text("")  # a folder that cannot be made, also for root
    lines = [
        f'path = "{blocked / "journal.sqlite3"}"' if line.startswith("path") else line
        for line in stage.world.config.read_text().splitlines()
    ]
    config = tmp_path / "no-journal.toml"
    config.write_text("\n".join(lines))
    stage.cockpit.leading = ("--config", str(config))
    refused = stage.act("advance", "web", "--yes")
    assert refused["result"] == "refused"
    assert "journal" in refused["reason"]
    assert stage.control.writes(agent="rollout-cockpit") == []
    for verb, member in (("pause", "spec"), ("abort", "status")):
        answer = stage.act(verb, "web", "--yes")
        assert answer["result"] == "done", answer
        assert stage.seen("web")[member]
    fallback = list((stage.cockpit.home / "run").rglob("*fallback*"))
    assert fallback
    assert "abort" in fallback[0].read_text()
