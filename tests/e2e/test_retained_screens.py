"""R by keystrokes in tmux on versions that are retained, lost, unknown or pruned; kubectl and the journal are asked.

Budget: 150 s.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import yaml

from tests.conftest import MakeCockpit, MakeTmux, MakeWorld
from tests.e2e.picker import CART, DIGEST, NAME, SPACE, Shop, finding
from tests.harness.command import Cockpit

SIZES = [(120, 36), (80, 24)]


@pytest.fixture
def shop(make_world: MakeWorld, make_cockpit: MakeCockpit, make_tmux: MakeTmux, tmp_path: Path) -> Shop:
    return Shop(make_world, make_cockpit, make_tmux, tmp_path)


@pytest.mark.parametrize("size", SIZES, ids=["120x36", "80x24"])
def test_back_to_an_older_retained_digest(shop: Shop, size: tuple[int, int]) -> None:
    digest, stable = shop.digest_of(5), shop.digest_of(6)
    terminal = shop.open(size)
    shop.pick(terminal, 5)
    terminal.wait_for(r"^▌.*retained")
    dialog = shop.review(terminal)
    assert "ROLL BACK" in dialog
    assert CART in dialog
    assert digest[:19] in dialog
    predicted = "all 4 steps: 25% → pause ∞ → 50% → pause ∞"
    assert predicted in dialog
    shop.send(terminal)
    shop.stage.watch(terminal, r"✔ rollback done")
    # As predicted: the first step's weight, then the gate of a human.
    status = shop.rollout()["status"]
    assert shop.wanted() == digest
    assert (status["currentStepIndex"], status["canary"]["weights"]["canary"]["weight"]) == (1, 25)
    assert shop.running() == {digest: 1, stable: 4}
    act = shop.newest()
    assert (act["verb"], act["result"], act["name"]) == ("rollback", "done", NAME)
    shown = shop.shown(act["op_id"])
    for part in (
        r"who +admin",
        rf"to +\S+@{digest}",
        r"outcome +done: 1 pod of rev 8 runs the target.*1 pod proven by digest",
        r"verified +\d{4}-",
        r"evidence +\S+\.json .* sha256 ",
        r"logs/canary\.log",
        r"verdict\.json",
    ):
        assert re.search(part, shown), part
    assert finding(shown, "retained").startswith("ok ")
    assert finding(shown, "signature").startswith("ok ")
    head = re.search(r"newest hash ([0-9a-f]{64})", shown)
    assert head
    verified = shop.cockpit.run("journal", "verify", "--head", head[1])
    assert verified.code == 0, verified
    # And on, gate by gate, to the end.
    for index in (3, None):
        assert shop.stage.act_on(CART, "advance", "--confirm", NAME)["result"] == "done"
        shop.stage.until(lambda index=index: stands(shop, index))
    shop.stage.until(lambda: shop.running() == {digest: 4})


def stands(shop: Shop, index: int | None) -> bool:
    """At the gate ``index``, or through."""
    status = shop.control.truth("rollouts", SPACE, NAME)["status"]
    if index is None:
        return bool(status["phase"] == "Healthy" and status["stableRS"] == status["currentPodHash"])
    return status["currentStepIndex"] == index and bool(status.get("pauseConditions"))


@pytest.mark.parametrize("size", SIZES, ids=["120x36", "80x24"])
def test_a_collected_digest_is_refused_by_name(shop: Shop, size: tuple[int, int]) -> None:
    terminal = shop.open(size)
    shop.pick(terminal, 1)
    terminal.wait_for(r"^▌.*GONE")
    dialog = shop.review(terminal)
    assert f"cart@{shop.digest_of(1)[:19]}" in dialog
    assert "is missing" in re.sub(r"[\s│]+", " ", dialog)
    assert "cart override retained" in re.sub(r"[\s│]+", " ", dialog)
    terminal.type(NAME)
    terminal.wait_for(rf"arm:  {NAME}")
    terminal.keys("C-s")
    terminal.wait_for(r"type cart override retained to arm")
    terminal.keys("Escape", "Escape")
    terminal.wait_gone(r"┌─ confirm")
    assert shop.patches() == []
    assert shop.cockpit.json("journal", "list") == []
    # The command says the same, and in its words what would go past it.
    refused = shop.cockpit.run("rollback", CART, "--to", "1", "--confirm", NAME)
    assert refused.code == 1
    assert f"cart@{shop.digest_of(1)[:19]}" in refused.out
    assert "--override retained" in refused.out
    assert shop.patches() == []


def test_a_registry_that_stops_half_way_is_unknown_typed_and_recorded_so(shop: Shop) -> None:
    digest = shop.digest_of(5)
    terminal = shop.open()
    shop.pick(terminal, 3)
    terminal.wait_for(r"^▌.*retained")
    shop.control.call("POST", "/registry/fault", {"status": 503, "text": "maintenance"})
    terminal.type("k")
    terminal.type("k")
    terminal.wait_for(rf"^▌.{{0,3}}\b5 +{DIGEST}")
    dialog = shop.review(terminal)
    flat = re.sub(r"[\s│]+", " ", dialog)
    assert "unknown retained: " in flat
    assert "503" in flat
    assert "type the rollout name" in flat
    terminal.type("y")  # is the first letter of a name now, not a yes
    terminal.wait_for(r"arm:  y")
    terminal.keys("C-s")
    terminal.wait_for(r"type cart to arm it")
    assert shop.patches() == []
    terminal.keys("BSpace")
    shop.send(terminal)
    shop.stage.watch(terminal, r"rollback (done|accepted)")
    assert shop.wanted() == digest
    shown = shop.shown(shop.newest()["op_id"])
    assert finding(shown, "retained").startswith("unknown ")
    assert re.search(r"consent +name typed", shown)


def test_a_version_pruned_from_the_cluster_comes_back_from_the_journal(shop: Shop) -> None:
    digest = shop.digest_of(7)
    terminal = shop.open()
    shop.pick(terminal, 6)
    shop.review(terminal)
    shop.send(terminal)
    shop.stage.watch(terminal, r"✔ rollback done")
    # revisionHistoryLimit takes what no pod runs any more.
    shop.kubectl.merge("rollout", SPACE, NAME, {"spec": {"revisionHistoryLimit": 0}})
    shop.stage.until(lambda: len(shop.kubectl.json("get", "replicasets", "-n", SPACE)["items"]) == 1)
    terminal.keys("Escape")
    terminal.wait_gone("› rollback")
    shop.pick(terminal, 7)
    terminal.wait_for(r"^▌.*pruned")
    dialog = shop.review(terminal)
    assert digest[:19] in dialog
    assert "pruned from the cluster" in re.sub(r"[\s│]+", " ", dialog)
    shop.send(terminal)
    shop.stage.watch(terminal, r"✔ rollback done")
    assert shop.wanted() == digest
    shop.stage.until(lambda: shop.running() == {digest: 4})
    assert shop.newest()["result"] == "done"


def test_killed_between_intent_and_outcome_it_is_settled_at_the_next_start(shop: Shop) -> None:
    digest = shop.digest_of(5)
    terminal = shop.open()
    shop.pick(terminal, 5)
    shop.review(terminal)
    shop.send(terminal)
    # The world stands still: the patch is there, its effect cannot have been seen.
    terminal.wait_for(r"sending|sent|accepted")
    shop.control.advance_until(lambda: shop.wanted() == digest, tick=0.0001, limit=1.0)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.wait_exit()
    assert shop.newest()["result"] is None
    shop.control.advance(60)
    again = shop.open()
    shop.stage.watch(again, CART)
    shop.stage.until(lambda: shop.newest()["result"])
    assert shop.newest()["result"] == "done"
    shown = shop.shown(shop.newest()["op_id"])
    assert "proven by digest" in shown
    assert len([each for each in shop.patches() if each["method"] == "PATCH"]) == 1


def test_another_seat_is_seen_on_the_row_and_in_the_dialog(shop: Shop, tmp_path: Path) -> None:
    other = second_seat(shop, tmp_path)
    fleet = shop.fleet()
    ended = shop.stage.finish(other.start("pause", CART, "--yes", "--reason", "wait for db", "-o", "json"))
    assert ended["result"] == "done", ended
    shop.stage.watch(fleet, r"cart .*ABORT sre2 paused \d+s")  # the verdict stays, the rest has no room
    fleet.type("P")
    dialog = shop.stage.watch(fleet, r"│ ▲ sre2 paused \S+ ago: wait for db")
    assert "RESUME" in dialog
    shop.leave(fleet)
    assert [each["verb"] for each in shop.cockpit.json("journal", "list")] == []  # theirs is in their journal
    assert shop.rollout()["spec"]["paused"] is True


def second_seat(shop: Shop, folder: Path) -> Cockpit:
    """Somebody else, with a home and a journal of their own: only the cluster is shared."""
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    shop.control.user("sre2", "sre2-token", rules=rules)
    document = yaml.safe_load(shop.stage.world.kubeconfig.read_text())
    document["users"][0]["user"]["token"] = "sre2-token"
    kubeconfig = folder / "sre2.kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    config = folder / "sre2.toml"
    config.write_text(
        "\n".join(
            f'path = "{folder / "sre2" / "journal.sqlite3"}"' if line.startswith("path = ") else line
            for line in shop.stage.world.config.read_text().splitlines()
        )
    )
    return Cockpit(folder / "sre2", "--config", str(config), "--kubeconfig", str(kubeconfig))
