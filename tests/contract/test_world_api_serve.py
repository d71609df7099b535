"""The world as a process: its ready line, its files, how it ends; and the official client's strict models on it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cockpit.config import load_settings
from tests.harness.world import WorldProcess

KEYS = ["kubeconfig", "config", "control", "kubernetes", "prometheus", "scrape", "registry", "alertmanager"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldProcess]:
    started = WorldProcess(tmp_path_factory.mktemp("world"), seed=5, speed=0.0, epoch=1_800_000_000.0)
    yield started
    assert started.stop() == 0


def test_the_ready_line_names_everything(world: WorldProcess) -> None:
    assert list(world.ready) == KEYS
    assert world.ready["alertmanager"] is None
    for key in ("control", "kubernetes", "prometheus", "scrape", "registry"):
        parts = urlsplit(world.ready[key])
        assert parts.hostname == "127.0.0.1"
        socket.create_connection((parts.hostname, parts.port or 0), timeout=10).close()
    assert world.control.now() == 1_800_000_000.0


def test_its_files_are_private_and_complete(world: WorldProcess) -> None:
    for path in (world.kubeconfig, world.config):
        assert path.stat().st_mode & 0o077 == 0
    settings = load_settings(world.config)
    assert settings.cluster.kubeconfig == str(world.kubeconfig)
    assert settings.prometheus.url == world.ready["prometheus"]
    assert settings.world.time_scale == 0.0 and settings.world.scenario == "default"
    assert settings.journal_path.parent == world.config.parent
    assert settings.cluster.context == "demo"


def test_the_official_clients_models_take_every_object(world: WorldProcess) -> None:
    from kubernetes import client, config

    api = config.new_client_from_config(str(world.kubeconfig))
    with api:
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        assert client.VersionApi(api).get_code().git_version == "v1.32.4"
        pods = core.list_pod_for_all_namespaces(limit=50)
        assert len(pods.items) == 50 and pods.metadata._continue
        for listed in (
            core.list_pod_for_all_namespaces(),
            core.list_service_for_all_namespaces(),
            core.list_event_for_all_namespaces(),
            core.list_namespace(),
            core.list_node(),
            apps.list_deployment_for_all_namespaces(),
            apps.list_replica_set_for_all_namespaces(),
            client.RbacAuthorizationV1Api(api).list_cluster_role(),
            client.ApiextensionsV1Api(api).list_custom_resource_definition(),
        ):
            assert listed.items
        rollouts = client.CustomObjectsApi(api).list_cluster_custom_object("argoproj.io", "v1alpha1", "rollouts")
        assert len(rollouts["items"]) >= 12
        review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
        assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed


def test_a_signal_ends_it_with_streams_open(tmp_path: Path) -> None:
    started = WorldProcess(tmp_path, scenario="empty")
    try:
        parts = urlsplit(started.ready["kubernetes"])
        context = ssl.create_default_context(cafile=None)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        token = json.loads(re.findall(r'token: (".*")', started.kubeconfig.read_text())[0])
        watch = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=30)
        watch.request("GET", "/api/v1/pods?watch=1", headers={"Authorization": f"Bearer {token}"})
        assert watch.getresponse().status == 200
        began = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(timeout=30) == 0
        assert time.monotonic() - began < 8  # far below the patience of whoever waits for it
        assert started.errors() == ""
        watch.close()
    finally:
        started.stop()


def test_without_a_folder_it_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cockpit.world", "--scenario", "empty", "--until-stdin-closes"]
    done = subprocess.run(
        command, check=False, input=b"", capture_output=True, timeout=60, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert done.returncode == 0 and done.stderr == b""
    assert Path(json.loads(done.stdout)["kubeconfig"]).is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "nothing"], 'There is no scenario "nothing"'),
        (["--dir", "/dev/null/x"], "the world cannot be served from /dev/null/x"),
        (["--speed", "-1"], "-1 is out of range; use 0 to 10000"),
        (["--server-version", "new"], "new is no version; write it like 1.32.4"),
        (["--seed", "many"], "invalid int value: 'many'"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "cockpit.world", "--until-stdin-closes", *arguments]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


def test_the_same_seed_gives_the_same_world(world: WorldProcess, tmp_path: Path) -> None:
    with WorldProcess(tmp_path, seed=5, speed=0.0, epoch=1_800_000_000.0) as twin:
        for plural in ("rollouts", "replicasets", "pods"):
            assert twin.control.call("GET", f"/truth/{plural}") == world.control.call("GET", f"/truth/{plural}")
