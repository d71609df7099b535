"""Selectors, routes, ages, protobuf bodies and shapes of the world's API."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.world.api import protobuf
from cockpit.world.api.cells import human_duration, pod_status
from cockpit.world.api.logs import stamp
from cockpit.world.api.negotiation import representation
from cockpit.world.api.routes import parse
from cockpit.world.api.selectors import Selector, parse_labels
from cockpit.world.api.shape import Shapes
from cockpit.world.kinds import Registry
from cockpit.world.status import Rejected

KINDS = Registry()
LABELS = {"app": "web", "tier": "front", "n": "5", "example.com/x": "y"}
SELECTORS = [
    ("", True),
    ("app=web", True),
    ("app==web,tier=front", True),
    ("app!=web", False),
    ("other!=web", True),
    ("app in (api, web)", True),
    ("app notin (api,web)", False),
    ("other notin (api)", True),
    ("app", True),
    ("!app", False),
    ("!other", True),
    ("n>4", True),
    ("n<4", False),
    ("example.com/x=y", True),
    ("app=", False),
]


@pytest.mark.parametrize(("text", "matches"), SELECTORS)
def test_label_selectors(text: str, matches: bool) -> None:
    assert all(term.matches(LABELS) for term in parse_labels(text)) is matches


@pytest.mark.parametrize("text", ["app in web", "=x", "app=web,", "a b", "app in (a", "-x=1"])
def test_unreadable_label_selectors(text: str) -> None:
    with pytest.raises(Rejected, match="unable to parse requirement"):
        parse_labels(text)


def test_field_selectors() -> None:
    data = b'{"status":{"phase":"Running"},"spec":{"nodeName":"n1"}}'
    pods = KINDS["pods"]
    assert Selector(pods, "", "status.phase=Running,spec.nodeName!=n2").matches("ns", "a", {}, data)
    assert not Selector(pods, "", "status.phase!=Running").matches("ns", "a", {}, data)
    assert Selector(pods, "", "metadata.name=a,metadata.namespace=ns").matches("ns", "a", {}, data)
    assert Selector(pods, "", "metadata.name=a").only_name() == "a"
    with pytest.raises(Rejected, match=r"field label not supported: status\.phase"):
        Selector(KINDS["rollouts"], "", "status.phase=Paused")


ARGO = "/apis/argoproj.io/v1alpha1/namespaces"
ROUTES = [
    ("GET", "/api/v1/pods", {}, "list", "", "pods", "", "", ""),
    ("GET", "/api/v1/namespaces", {}, "list", "", "namespaces", "", "", ""),
    ("GET", "/api/v1/namespaces/x", {}, "get", "", "namespaces", "x", "x", ""),
    ("GET", "/api/v1/namespaces/x/status", {}, "get", "", "namespaces", "x", "x", "status"),
    ("GET", "/api/v1/namespaces/x/pods/p/log", {"follow": ""}, "get", "", "pods", "x", "p", "log"),
    ("GET", "/apis/apps/v1/namespaces/x/deployments", {"watch": "1"}, "watch", "apps", "deployments", "x", "", ""),
    ("GET", "/apis/apps/v1/deployments", {"watch": "false"}, "list", "apps", "deployments", "", "", ""),
    ("PATCH", f"{ARGO}/x/rollouts/r/status", {}, "patch", "argoproj.io", "rollouts", "x", "r", "status"),
    ("DELETE", "/api/v1/namespaces/x/pods", {}, "deletecollection", "", "pods", "x", "", ""),
    ("POST", "/api/v1/namespaces/x/pods/p/eviction", {}, "create", "", "pods", "x", "p", "eviction"),
    ("GET", "/apis/apps/v1", {}, "get", "", "", "", "", ""),
    ("GET", "/version", {}, "get", "", "", "", "", ""),
]  # fmt: skip


@pytest.mark.parametrize("case", ROUTES, ids=[f"{case[0]} {case[1]}" for case in ROUTES])
def test_routes(case: tuple[Any, ...]) -> None:
    method, path, query, verb, group, plural, namespace, name, subresource = case
    target = parse(method, path, query)
    found = (target.verb, target.group, target.plural, target.namespace, target.name, target.subresource)
    assert found == (verb, group, plural, namespace, name, subresource)


DURATIONS = [
    (-5, "<invalid>"), (-0.5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"),
    (10_799, "179m"), (10_800, "3h"), (11_000, "3h3m"), (28_800, "8h"), (172_799, "47h"),
    (172_800, "2d"), (180_000, "2d2h"),
    (691_200, "8d"), (63_072_000, "2y"), (63_158_400, "2y1d"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_ages(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_log_stamps_drop_trailing_zeros() -> None:
    assert stamp(1_800_000_000.0) == b"2027-01-15T08:00:00Z"
    assert stamp(1_800_000_000.25) == b"2027-01-15T08:00:00.25Z"
    assert stamp(1_800_000_000.000001) == b"2027-01-15T08:00:00.000001Z"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "CrashLoopBackOff"),
        ({"terminated": {"reason": "OOMKilled", "exitCode": 137}}, "OOMKilled"),
        ({"terminated": {"exitCode": 3}}, "ExitCode:3"),
        ({"running": {}}, "Running"),
    ],
)
def test_pod_states_read_like_kubectl(state: dict[str, Any], text: str) -> None:
    pod = {"metadata": {}, "status": {"phase": "Running", "containerStatuses": [{"state": state, "ready": True}]}}
    assert pod_status(pod, 0) == text
    assert pod_status({**pod, "metadata": {"deletionTimestamp": "x"}}, 0) == "Terminating"


def test_representations() -> None:
    table = "application/json;as=Table;v={};g=meta.k8s.io"
    old = ",".join((table.format("v1"), table.format("v1beta1"), "application/json"))
    assert representation(old).as_ == "Table"
    assert representation("application/vnd.kubernetes.protobuf,application/json").as_ == ""
    assert representation("*/*").as_ == ""
    with pytest.raises(Rejected) as caught:
        representation("application/xml")
    assert caught.value.code == 406


def message(*fields: tuple[int, bytes | int]) -> bytes:
    """A protobuf message of small fields."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += bytes([number << 3, value])
        else:
            assert len(value) < 128
            out += bytes([number << 3 | 2, len(value)]) + value
    return out


def envelope(kind: str, api_version: str, body: bytes) -> bytes:
    return b"k8s\x00" + message((1, message((1, api_version.encode()), (2, kind.encode()))), (2, body))


def test_protobuf_bodies() -> None:
    labels = message((1, b"app"), (2, b"web"))
    metadata = message((1, b"web"), (2, b""), (3, b"shop"), (8, b""), (11, labels))
    container = message((1, b"app"), (2, b"web:1"), (5, b""))
    spec = message((1, 0), (3, message((2, message((2, container))))), (5, 0), (7, 0))
    body = envelope("Deployment", "apps/v1", message((1, metadata), (2, spec), (3, message((1, 0)))))
    assert protobuf.decode(body) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        # replicas is a pointer: its zero was meant; minReadySeconds and paused are not said
        "spec": {"replicas": 0, "template": {"spec": {"containers": [{"name": "app", "image": "web:1"}]}}},
    }


def test_protobuf_that_is_not_understood_is_refused_by_name() -> None:
    volumes = envelope("Pod", "v1", message((2, message((1, b"x")))))
    with pytest.raises(Rejected, match="field 1 of PodSpec"):
        protobuf.decode(volumes)
    with pytest.raises(Rejected) as caught:
        protobuf.decode(envelope("Lease", "coordination.k8s.io/v1", b""))
    assert caught.value.code == 415
    for junk in (b"", b"k8s", b"{}", volumes[:-3]):
        with pytest.raises(Rejected) as caught:
            protobuf.decode(junk)
        assert caught.value.code == 400


def test_shapes() -> None:
    shapes = Shapes(KINDS)
    deployment = {"metadata": {"name": "x"}, "spec": {"replicas": "three"}}
    with pytest.raises(Rejected, match=r"cannot unmarshal string into Go struct field \.spec\.replicas of type int32"):
        shapes.check(KINDS["deployments"], deployment, strict=False)
    with pytest.raises(Rejected, match=r"labels\.a of type string"):
        shapes.check(KINDS["pods"], {"metadata": {"labels": {"a": 1}}}, strict=False)
    typo = {"metadata": {}, "spec": {"replica": 3}}
    shapes.check(KINDS["deployments"], typo, strict=False)
    with pytest.raises(Rejected, match=r'strict decoding error: unknown field "spec\.replica"'):
        shapes.check(KINDS["deployments"], typo, strict=True)
    with pytest.raises(Rejected) as caught:
        shapes.check(KINDS["rollouts"], {"metadata": {"name": "r"}, "spec": {"paused": "yes"}}, strict=False)
    assert caught.value.code == 422
    assert caught.value.details["causes"][0]["field"] == "spec.paused"
