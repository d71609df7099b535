"""Scenarios: what the default one shows, that no file states a status, fleets, ages, and errors a person can act on."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from cockpit.base.clock import parse_time
from cockpit.base.errors import UsageError
from cockpit.world import fleet, scenario
from cockpit.world.contract import Profile
from cockpit.world.profiles import ProfileBook, rps_of
from tests.world_lab import EPOCH, Lab, revision, scaled


@pytest.fixture(scope="module")
def shown() -> Lab:
    lab = Lab(nodes=0)
    scenario.load(lab, None)
    assert lab.controllers.failures() == {}
    return lab


def ro(lab: Lab, name: str) -> dict[str, Any]:
    found = lab.objects.get("rollouts", *name.split("/"))
    assert found is not None, name
    return found


@pytest.mark.parametrize(
    ("name", "phase", "message", "index"),
    [
        ("payments/ledger", "Paused", "CanaryPauseStep", 3),
        ("payments/checkout-api", "Paused", "CanaryPauseStep", 5),
        ("payments/cart", "Paused", "CanaryPauseStep", 3),
        ("payments/refunds", "Healthy", "", 4),
        ("search/search-indexer", "Progressing", "more replicas need to be updated", 0),
        ("search/query-api", "Paused", "CanaryPauseStep", 3),
        ("ml/recs", "Paused", "CanaryPauseStep", 1),
        ("ml/ranker", "Paused", "CanaryPauseStep", 3),
        ("identity/auth", "Paused", "CanaryPauseStep", 1),
        ("shop/catalog", "Paused", "manually paused", 3),
        ("shop/wishlist", "Degraded", "RolloutAborted: Rollout aborted update to revision 4", 0),
        ("shop/storefront", "Paused", "BlueGreenPause", None),
        ("shop/pricing", "Paused", "CanaryPauseStep", 5),
        ("notify/email-worker", "Paused", "InconclusiveAnalysisRun", 2),
        ("edge/gateway", "Paused", "CanaryPauseStep", 7),
        ("edge/media-proxy", "Paused", "CanaryPauseStep", 3),
        ("shop/reviews", "Healthy", "", 4),
    ],
)
def test_the_default_scenario_tells_its_stories(
    shown: Lab, name: str, phase: str, message: str, index: int | None
) -> None:
    status = ro(shown, name)["status"]
    assert (status["phase"], status.get("message", ""), status.get("currentStepIndex")) == (phase, message, index)


def test_it_starts_at_the_present_and_reaches_back() -> None:
    lab = Lab(nodes=0)
    scenario.load(lab, "default")
    assert lab.clock.now() == EPOCH
    ages = [
        created for obj in lab.objects.select("pods") if (created := parse_time(obj["metadata"]["creationTimestamp"]))
    ]
    assert max(ages) <= EPOCH
    assert min(ages) < EPOCH - 3600
    nodes = lab.objects.select("nodes")
    assert len(nodes) >= 9
    assert all((parse_time(node["metadata"]["creationTimestamp"]) or 0) <= EPOCH - 3 * 3600 for node in nodes)


def test_every_moving_one_has_revisions_to_go_back_to(shown: Lab) -> None:
    for obj in shown.objects.select("rollouts"):
        owned = shown.objects.owned("replicasets", obj["metadata"]["uid"])
        assert len(owned) >= 3, obj["metadata"]["name"]
        assert sorted(revision(rs) for rs in owned) == list(range(1, len(owned) + 1))


def test_deployments_are_in_trouble_of_their_own(shown: Lab) -> None:
    pusher = shown.objects.get("deployments", "notify", "push-sender")
    puller = shown.objects.get("deployments", "search", "autocomplete")
    refused = shown.objects.get("deployments", "data", "feature-store")
    assert pusher is not None
    assert puller is not None
    assert refused is not None
    assert 0 < pusher["status"]["updatedReplicas"] < pusher["spec"]["replicas"]
    waiting = [
        status["state"]["waiting"]["reason"]
        for pod in shown.objects.select("pods", "search", {"app": "autocomplete"})
        for status in pod["status"]["containerStatuses"]
        if "waiting" in status["state"]
    ]
    assert waiting
    assert set(waiting) <= {"ImagePullBackOff", "ErrImagePull"}
    failure = next(item for item in refused["status"]["conditions"] if item["type"] == "ReplicaFailure")
    assert "exceeded quota: team-data" in failure["message"]


def test_the_crash_loop_and_the_oom_show_in_the_pods(shown: Lab) -> None:
    def last(app: str) -> set[tuple[str, int]]:
        return {
            (status["lastState"]["terminated"]["reason"], status["lastState"]["terminated"]["exitCode"])
            for pod in shown.objects.select("pods", "search", {"app": app})
            for status in pod["status"]["containerStatuses"]
            if "terminated" in status["lastState"]
        }

    assert last("search-indexer") == {("Error", 1)}
    assert last("query-api") == {("OOMKilled", 137)}


def test_profiles_are_told_apart(shown: Lab) -> None:
    def profile(name: str, hashed: str) -> Profile:
        obj = ro(shown, name)
        owned = shown.objects.owned("replicasets", obj["metadata"]["uid"])
        field = obj["status"][hashed]
        rs = next(rs for rs in owned if rs["metadata"]["labels"]["rollouts-pod-template-hash"] == field)
        return shown.profiles.of(rs["spec"]["template"]["spec"]["containers"][0]["image"])

    assert profile("payments/checkout-api", "currentPodHash").error_rate > 0.03
    assert profile("payments/checkout-api", "stableRS").error_rate < 0.005
    assert (
        profile("payments/cart", "currentPodHash").latency_median > profile("payments/cart", "stableRS").latency_median
    )
    assert profile("ml/recs", "currentPodHash").metrics is False
    assert rps_of(shown, "payments", "checkout-api") == 120.0
    assert rps_of(shown, "identity", "auth") < 5


def test_images_are_pinned_where_the_scenario_says_so(shown: Lab) -> None:
    image = ro(shown, "payments/ledger")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"registry.acme.test/payments/ledger@{shown.profiles.digest(image)}"
    pods = shown.objects.select("pods", "payments", {"app": "ledger"})
    assert image in {status["imageID"] for pod in pods for status in pod["status"]["containerStatuses"]}


def test_owners_and_hands_can_be_seen(shown: Lab) -> None:
    assert "argocd.argoproj.io/tracking-id" in ro(shown, "shop/pricing")["metadata"]["annotations"]
    assert "helm.toolkit.fluxcd.io/name" in ro(shown, "search/query-api")["metadata"]["labels"]
    managers = {item["manager"] for item in ro(shown, "shop/catalog")["metadata"]["managedFields"]}
    assert "sre2" in managers
    assert ro(shown, "ml/ranker")["spec"]["workloadRef"]["name"] == "ranker-template"


def test_the_world_goes_on_from_there(shown: Lab) -> None:
    before = ro(shown, "payments/ledger")["status"]["currentStepIndex"]
    shown.objects.mutate(
        "rollouts", "payments", "ledger", lambda obj: obj["status"].pop("pauseConditions"), subresource="status"
    )
    shown.settle(120)
    status = ro(shown, "payments/ledger")["status"]
    assert status["currentStepIndex"] == before + 2
    assert status["canary"]["weights"]["canary"]["weight"] == 50


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_loads_and_none_states_a_status(name: str) -> None:
    text = resources.files("cockpit.world").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*(keys(item) for item in value.values()))
        return set().union(*(keys(item) for item in value)) if isinstance(value, list) else set()

    assert "status" not in keys(tomllib.loads(text))
    lab = Lab(nodes=0)
    scenario.load(lab, name)
    assert lab.controllers.failures() == {}
    assert lab.clock.now() == EPOCH


@pytest.mark.parametrize(
    ("name", "message"), [("single", "CanaryPauseStep"), ("routed", "CanaryPauseStep"), ("bluegreen", "BlueGreenPause")]
)
def test_small_scenarios_stand_at_their_gate(name: str, message: str) -> None:
    lab = Lab(nodes=0)
    scenario.load(lab, name)
    assert lab.status()["message"] == message
    assert len(lab.sets()) == 3


def test_a_fleet_of_forty() -> None:
    lab = Lab(nodes=0)
    scenario.load(lab, None, 40)
    assert lab.controllers.failures() == {}
    rollouts = lab.objects.select("rollouts")
    assert [(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in rollouts] == sorted(fleet.names(40))
    moving = [obj for obj in rollouts if obj["status"]["stableRS"] != obj["status"]["currentPodHash"]]
    assert len(moving) == 1
    assert 8 * 40 <= len(lab.objects.select("pods")) <= 13 * 40
    assert all(obj["status"]["phase"] == "Healthy" for obj in rollouts if obj not in moving)
    assert all(len(lab.objects.owned("replicasets", obj["metadata"]["uid"])) >= 2 for obj in rollouts)


def test_fleet_names_are_stable_and_unique() -> None:
    assert fleet.names(10) == fleet.names(2000)[:10]
    assert len(set(fleet.names(2000))) == 2000
    assert len(set(fleet.names(2000)) | set(fleet.names(10))) == 2000


def test_a_scenario_and_a_fleet_together() -> None:
    lab = Lab(nodes=0)
    scenario.load(lab, "single", 3)
    assert len(lab.objects.select("rollouts")) == 4


def test_a_scenario_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        title = "mine"
        [[workload]]
        namespace = "team"
        name = "api"
        version = [{ tag = "1", age = "1h" }, { tag = "2", age = "5m", walk = true, profile = { error_rate = 0.5 } }]
        act = [{ age = "2m", do = "abort" }]
        [workload.strategy.canary]
        steps = [{ setWeight = 50 }, { pause = {} }]
        """
    )
    lab = Lab(nodes=0)
    scenario.load(lab, str(path))
    assert ro(lab, "team/api")["status"]["abort"] is True
    assert lab.profiles.of("registry.acme.test/team/api:2").error_rate == 0.5
    assert isinstance(lab.profiles, ProfileBook)
    owned = lab.objects.owned("replicasets", ro(lab, "team/api")["metadata"]["uid"])
    assert sorted(scaled(rs) for rs in owned) == [0, 3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = 1", "Expected `str`, got `int` - at `$.title`"),
        ('title = "x"\nstatus = 1', "unknown field `status`"),
        ("title =", "cannot be used"),
        ('title = "x"\nhistory = "long"', '"long" is not a length of time'),
        (
            'title = "x"\n[[workload]]\nnamespace = "a"\nname = "b"\nversion = [{ tag = "1", age = "4h" }]',
            "further than its history",
        ),
    ],
)
def test_a_bad_scenario_is_refused_in_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        scenario.load(Lab(nodes=0), str(path))
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"choose one of .*bluegreen, .*default, "):
        scenario.read("nope")
    with pytest.raises(UsageError, match="does not exist"):
        scenario.read("nope.toml")
