"""R against a GitOps owner that puts back what was left: overridden by phrase, seen on the row, kept in the journal.

In tmux on worlds whose owners really act. Budget: 40 s.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import MakeCockpit, MakeTmux, MakeWorld
from tests.e2e.picker import CART, NAME, Shop, finding
from tests.harness.tmux import Tmux


def overridden(shop: Shop, terminal: Tmux, check: str) -> None:
    """R to rev 2 past the owner's finding, by the phrase that the dialog asks for."""
    shop.pick(terminal, 2)
    shop.review(terminal)
    phrase = f"{NAME} override {check}"
    terminal.wait_for(re.escape(phrase))
    terminal.type(NAME)
    terminal.wait_for(rf"arm:  {NAME}")
    terminal.keys("C-s")
    terminal.wait_for(rf"type {phrase} to arm")
    terminal.type(phrase.removeprefix(NAME))
    terminal.wait_for(rf"arm:  {phrase}")
    terminal.keys("C-s")
    terminal.wait_gone(r"┌─ confirm")


def to_fleet(shop: Shop, terminal: Tmux) -> None:
    terminal.keys("Escape")
    terminal.wait_gone(r"› rollback")
    terminal.keys("Escape")
    terminal.wait_for(r"all namespaces")


@pytest.mark.parametrize(
    ("scenario", "check", "manager"),
    [("self-heal", "argocd", "argocd-controller"), ("flux", "flux", "kustomize-controller")],
)
def test_what_the_owner_flips_back_is_told_and_recorded(
    make_world: MakeWorld,
    make_cockpit: MakeCockpit,
    make_tmux: MakeTmux,
    tmp_path: Path,
    scenario: str,
    check: str,
    manager: str,
) -> None:
    shop = Shop(make_world, make_cockpit, make_tmux, tmp_path, scenario)
    left, target = shop.digest_of(4), shop.digest_of(2)
    terminal = shop.open()
    overridden(shop, terminal, check)
    shop.control.advance_until(lambda: shop.wanted() == target, tick=0.01, limit=2.0)
    if scenario == "flux":  # it looks once a minute: the rollback is done by then
        shop.stage.watch(terminal, r"✔ rollback done")
    to_fleet(shop, terminal)
    told = rf"rolled back to rev [25], flipped back by {manager} \S+ later"
    shown = shop.stage.watch(terminal, rf"{CART}: {told}")
    assert re.search(r"\bcart .*✖ flipped back by", shown)  # its row, as far as the cell has room
    assert shop.wanted() == left
    act = shop.newest()
    shown = shop.shown(act["op_id"])
    assert re.search(rf"overrides +{check}$", shown, re.MULTILINE)
    assert finding(shown, check).startswith("block ")
    if scenario == "flux":
        assert act["result"] == "done"
        assert re.search(r"outcome +done: 1 pod of rev 5 runs the target", shown)
        assert re.search(rf"afterwards +{told}", shown)
    else:  # within seconds: it was never done
        assert act["result"] == "moved"
        assert re.search(rf"outcome +moved: sent, but {told}", shown)
        assert re.search(r"verified +no: the effect was not observed", shown)
    assert shop.cockpit.run("journal", "verify").code == 0


def test_with_auto_sync_suspended_it_lasts_until_it_is_resumed(
    make_world: MakeWorld, make_cockpit: MakeCockpit, make_tmux: MakeTmux, tmp_path: Path
) -> None:
    shop = Shop(make_world, make_cockpit, make_tmux, tmp_path, "self-heal")
    left, target = shop.digest_of(4), shop.digest_of(2)
    suspended = shop.stage.finish(
        shop.cockpit.start("gitops", "suspend", CART, "--reason", "INC-7", "--confirm", NAME, "-o", "json")
    )
    assert suspended["result"] == "done", suspended["reason"]
    terminal = shop.open()
    shop.pick(terminal, 2)
    dialog = shop.review(terminal)
    assert "override" not in dialog
    shop.send(terminal)
    shop.stage.watch(terminal, r"✔ rollback done")
    shop.control.advance(120)
    assert shop.wanted() == target
    resumed = shop.stage.finish(shop.cockpit.start("gitops", "resume", CART, "--confirm", NAME, "-o", "json"))
    assert resumed["result"] == "done", resumed["reason"]
    to_fleet(shop, terminal)
    shop.stage.watch(terminal, rf"{CART}: rolled back to rev [25], flipped back by argocd-controller")
    assert shop.wanted() == left
    verbs = [each["verb"] for each in shop.cockpit.json("journal", "list")]
    assert verbs == ["unsuspend", "rollback", "suspend"]
