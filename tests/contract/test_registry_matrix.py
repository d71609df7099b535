"""Each kind of login x each kind of loss, asked through the commands, on Debian's docker-registry. Budget: 100 s."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.matrix_stand import DAMAGES, NAME, MatrixStand, standing
from tests.contract.registry_kit import PASSWORD, USER
from tests.harness.command import Cockpit

EXPECTED = {
    "garbage-collected": "partial",
    "retained": "retained",
    "tag-moved": "retained",
    "manifest-deleted": "missing",
    "child-deleted": "partial",
    "layer-deleted": "partial",
}
"""What the pre-flight must call it, layers included."""


@pytest.fixture(scope="module", params=["none", "basic", "token"])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatrixStand]:
    with standing(tmp_path_factory.mktemp("matrix"), request.param) as made:
        yield made


@pytest.fixture(scope="module")
def cockpit(stand: MatrixStand) -> Cockpit:
    """A seat without logins of its own: it lives on the cluster's pull secret."""
    return stand.cockpit()


def test_versions_say_what_their_registry_holds(stand: MatrixStand, cockpit: Cockpit) -> None:
    told = stand.revisions(cockpit)
    assert [each["images"][0]["digest"] for _, each in sorted(told.items())] == [
        stand.digests[damage] for damage in (*DAMAGES, "running")
    ]
    # Layers are asked of the chosen target only: a list must not cost a registry hundreds of requests.
    shallow = {**EXPECTED, "layer-deleted": "retained"}
    assert {damage: told[number]["retained"] for number, damage in enumerate(DAMAGES, 1)} == shallow
    assert told[len(DAMAGES) + 1]["retained"] == "retained"
    for number, damage in enumerate(DAMAGES, 1):
        if shallow[damage] != "retained":
            assert told[number]["retained_reason"], damage
            assert told[number]["speed"] == "unavailable", damage


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_lost_blocks_by_name_and_what_is_held_is_proven(
    stand: MatrixStand, cockpit: Cockpit, damage: str
) -> None:
    told, found, answer = stand.preflight(cockpit, stand.revision(damage))
    assert told["complete"] is True
    (line,) = found["evidence"]
    assert f"@{stand.digests[damage]}: {EXPECTED[damage]}" in line
    if EXPECTED[damage] == "retained":
        assert (found["state"], "retained" in told["blocking"]) == ("ok", False)
        return
    assert answer.code == 1
    assert (found["state"], found["severity"]) == ("finding", "block")
    assert "retained" in told["blocking"]
    assert f"is {EXPECTED[damage]}" in found["text"]
    assert stand.digests[damage][:19] in found["text"]
    if EXPECTED[damage] == "partial":  # what is gone, or for which nodes
        assert (stand.lost[damage][:19] if damage == "layer-deleted" else "linux/amd64") in found["text"]
    assert found["remedy"]
    assert PASSWORD not in answer.out + answer.err


@pytest.mark.parametrize("damage", ["manifest-deleted", "layer-deleted"])
def test_the_typed_name_alone_does_not_go_past_a_loss(stand: MatrixStand, cockpit: Cockpit, damage: str) -> None:
    before = stand.patches()
    told = cockpit.run("rollback", NAME, "--to", stand.revision(damage), "--confirm", "web", "-o", "json")
    assert (told.code, told.json["result"]) == (1, "refused")
    assert "--override retained" in told.json["reason"]
    assert f"is {EXPECTED[damage]}" in told.json["reason"]
    assert stand.patches() == before


def test_a_registry_that_stopped_is_unknown_and_asks_for_the_name(stand: MatrixStand, cockpit: Cockpit) -> None:
    stand.registry.stop()
    try:
        told = stand.revisions(stand.cockpit())
        assert {each["retained"] for each in told.values()} == {"unknown"}
        reasons = {each["retained_reason"] for each in told.values()}
        assert all("connection refused" in each for each in reasons), reasons
        assert {each["speed"] for each in told.values()} & {"unavailable"} == set()  # nobody said that it is gone
        pre, found, answer = stand.preflight(cockpit, stand.revision("retained"))
        assert answer.code == 3
        assert (found["state"], found["severity"]) == ("unknown", "confirm")
        assert "retained" in pre["typed"]
        assert "connection refused" in found["text"]
        before = stand.patches()
        refused = cockpit.run("rollback", NAME, "--to", stand.revision("retained"), "--yes", "-o", "json")
        assert refused.json["result"] == "refused"
        assert "name" in refused.json["reason"]
        assert stand.patches() == before
    finally:
        stand.registry.start()


def test_a_rollback_to_what_is_held_is_carried_out_and_recorded(stand: MatrixStand, cockpit: Cockpit) -> None:
    stand.stage.cockpit = cockpit
    ended = stand.stage.act("rollback", "web", "--to", stand.revision("tag-moved"), "--confirm", "web")
    assert (ended["exit"], ended["result"]) == (0, "done"), ended
    # The digest counts, wherever its tag points today.
    (image,) = stand.stage.images("Rollout", "web")
    assert image.endswith(f"@{stand.digests['tag-moved']}")
    stand.stage.until(lambda: stand.stage.healthy("Rollout", "web"))
    assert stand.stage.running("web") == {image}
    assert stand.digests["tag-moved"] in cockpit.run("journal", "show", ended["op_id"]).out


def test_without_the_right_to_read_secrets_docker_config_serves(stand: MatrixStand) -> None:
    """The pull secret is the cluster's; who may not read it is asked for nothing more than a login of its own."""
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    rules = [{**everything, "resources": [each]} for each in ("rollouts", "replicasets", "pods", "nodes", "services")]
    stand.stage.control.user("looker", "looker-token", rules=rules)
    to = stand.revision("retained")
    for login, state in (((USER, PASSWORD), "retained"), ((USER, "stale"), "denied"), (None, "denied")):
        expected = "retained" if stand.registry.auth == "none" else state
        seat = stand.cockpit(login=login, token="looker-token")
        told = stand.revisions(seat)
        assert told[int(to)]["retained"] == expected, told[int(to)]["retained_reason"]
        assert PASSWORD not in str(told)
        if expected == "denied":  # what may not be asked is never called missing
            assert {each["retained"] for each in told.values()} == {"denied"}
