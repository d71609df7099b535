"""key-quiet, key-busy, event-to-cell, idle-cpu, tty-bytes: what the terminal and the processor feel."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator

import yaml

from tests.bench.process import cpu_seconds
from tests.bench.row import Row, percentile, row
from tests.bench.stagehand import drain, press, press_for, quiet, screens, world
from tests.e2e.stage import send
from tests.faults.proxy import ca_of, server_of
from tests.harness.recorder import Recorder
from tests.harness.world import WorldProcess

_KEYS = (b"j", b"k")
EVENTS, LINES = 200.0, 4000.0
"""Watch events and log lines a second of a busy cluster."""
PAUSED = "‖ paused"
"""What a log pane says that does not follow."""


def keys_quiet(quick: bool) -> Iterator[Row]:
    """Cursor keys on a fleet where nothing moves."""
    with world(rollouts=50, speed=0.0) as still, screens(still) as recorder:
        recorder.wait_for(r"rollouts")
        quiet(recorder)
        samples = []
        for number in range(40 if quick else 200):
            took = press(recorder, _KEYS[number % 2])
            if took is not None:
                samples.append(took * 1000)
    yield row("key-quiet", samples, "ms", 16.0, "p95, write() to the last byte of the frame", percentile(0.95))


class Churn:
    """Annotates rollouts over one kept connection, so that watch events come at a rate."""

    def __init__(self, on: WorldProcess, per_second: float) -> None:
        self._on, self._gap = on, 1.0 / per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.sent = 0
        self._begun = threading.Event()

    def wait(self) -> None:
        """Until the first change was made."""
        assert self._begun.wait(60), "nothing was changed"

    def _work(self) -> None:
        token = yaml.safe_load(self._on.kubeconfig.read_text())["users"][0]["user"]["token"]
        where = urllib.parse.urlsplit(server_of(self._on.kubeconfig))
        context = ssl.create_default_context(cadata=ca_of(self._on.kubeconfig).decode())
        names = [
            (each["metadata"]["namespace"], each["metadata"]["name"])
            for each in self._on.control.call("GET", "/truth/rollouts")
        ]
        connection = http.client.HTTPSConnection(where.hostname or "", where.port, context=context, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
        due = time.monotonic()
        while not self._stop.is_set():
            space, name = names[self.sent % len(names)]
            path = f"/apis/argoproj.io/v1alpha1/namespaces/{space}/rollouts/{name}"
            body = f'{{"metadata": {{"annotations": {{"bench": "{self.sent}"}}}}}}'
            connection.request("PATCH", path, body, headers)
            connection.getresponse().read()
            self.sent += 1
            self._begun.set()
            due += self._gap
            self._stop.wait(max(0.0, due - time.monotonic()))
        connection.close()

    def __enter__(self) -> Churn:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)


def keys_busy(quick: bool) -> Iterator[Row]:
    """Keys under 200 watch events a second, the world on the same machine: on a large fleet, and beside its logs."""
    rollouts, count = (200, 40) if quick else (1000, 200)
    with world(rollouts=rollouts, speed=1.0) as busy, Churn(busy, EVENTS) as churn:
        with screens(busy) as recorder:
            recorder.wait_for(r"rollouts")
            churn.wait()
            drain(recorder, 5.0)
            samples, load = [], Load(busy, churn)
            for number in range(count):
                drain(recorder, 0.05)
                took = press(recorder, _KEYS[number % 2])
                if took is not None:
                    samples.append(took * 1000)
        how = f"p95, cursor keys on a fleet of {rollouts}, {load}"
        yield row("key-busy-fleet", samples, "ms", 50.0, how, percentile(0.95))
        space, name, pods = _moving(busy)
        wanted = {"namespace": space, "name": name, "value": LINES / pods}
        busy.control.call("POST", "/traffic/log-lines", wanted)
        with screens(busy, f"{space}/{name}") as recorder:
            recorder.wait_for(r"\d/s · err")
            drain(recorder, 8.0)
            assert _in_a_log(recorder), "no log pane took the focus"
            samples, load = [], Load(busy, churn)
            for _ in range(count):
                took = press_for(
                    recorder, b"s", PAUSED.encode()
                )  # the pane that has the focus stops following, and says so
                if took is not None:
                    samples.append(took * 1000)
                drain(recorder, 0.15)
                recorder.send(b"s")
                drain(recorder, 0.1)
                recorder.wait(lambda screen: PAUSED not in screen, "a log that is followed again")
            rates = [int(rate) for rate in re.findall(r"(\d+)/s · err", recorder.screen)]
        how = f"p95, s in a log pane, {rollouts} rollouts, {load}, {sum(rates)} log lines/s"
        yield row("key-busy-logs", samples, "ms", 50.0, how, percentile(0.95))


def _in_a_log(recorder: Recorder) -> bool:
    """Moves the focus on until it is a log pane's, which knows s; leaves that pane following."""
    for _ in range(8):
        recorder.send(b"\t")
        drain(recorder, 0.5)
        if press_for(recorder, b"s", PAUSED.encode(), most=1.5) is not None:
            recorder.send(b"s")
            drain(recorder, 0.5)
            return True
    return False


def _moving(on: WorldProcess) -> tuple[str, str, int]:
    """Namespace, name and pods of the largest rollout in flight."""
    found = [
        each
        for each in on.control.call("GET", "/truth/rollouts")
        if each["status"].get("currentPodHash") != each["status"].get("stableRS")
    ]
    largest = max(found, key=lambda each: int(each["spec"]["replicas"]))
    return largest["metadata"]["namespace"], largest["metadata"]["name"], int(largest["spec"]["replicas"])


class Load:
    """What was really done to the cockpit since this was made, in words."""

    def __init__(self, on: WorldProcess, churn: Churn) -> None:
        self._on, self._churn = on, churn
        self._sent, self._began, self._used = churn.sent, time.monotonic(), cpu_seconds(on.process.pid)

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        events = (self._churn.sent - self._sent) / seconds
        share = (cpu_seconds(self._on.process.pid) - self._used) / seconds
        return f"{events:.0f} events/s, the world at {share:.0%} of a core"


def idle(quick: bool) -> Iterator[Row]:
    """CPU of the cockpit on 200 rollouts of which none moves."""
    seconds = 10.0 if quick else 60.0
    with world(rollouts=200, speed=0.0) as still, screens(still) as recorder:
        recorder.wait_for(r"rollouts")
        drain(recorder, 10.0)
        before = cpu_seconds(recorder.process.pid)
        drain(recorder, seconds)
        used = cpu_seconds(recorder.process.pid) - before
    yield row(
        "idle-cpu", [used / seconds * 100], "%", 2.0, f"of a core over {seconds:g} s, 200 rollouts, world at rest"
    )


def bytes_out(quick: bool) -> Iterator[Row]:
    """Bytes to the terminal: the fleet with a dozen moving, and a cockpit with its logs."""
    seconds = 10.0 if quick else 60.0
    with world(speed=1.0) as moving:
        with screens(moving) as recorder:
            recorder.wait_for(r"checkout-api")
            drain(recorder, 5.0)
            samples = [drain(recorder, seconds) / seconds / 1024]
        yield row("tty-bytes-fleet", samples, "KiB/s", 4.0, f"default scenario over {seconds:g} s")
        with screens(moving, "payments/checkout-api") as recorder:
            recorder.wait_for(r"checkout-api")
            drain(recorder, 5.0)
            samples = [drain(recorder, seconds) / seconds / 1024]
        yield row("tty-bytes-cockpit", samples, "KiB/s", 20.0, f"payments/checkout-api over {seconds:g} s")


def event_to_cell(quick: bool) -> Iterator[Row]:
    """A status written through the API to the bytes that draw it; the world stands still otherwise."""
    samples = []
    with world(scenario="single", speed=0.0) as small, screens(small) as recorder:
        found = small.control.call("GET", "/truth/rollouts")[0]["metadata"]
        recorder.wait_for(found["name"])
        quiet(recorder)
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{found['namespace']}/rollouts/{found['name']}/status"
        for number in range(5 if quick else 20):
            status = {"status": {"phase": "Progressing" if number % 2 else "Degraded", "message": f"bench {number}"}}
            began = time.perf_counter()
            send(small.kubeconfig, "PATCH", path, "application/merge-patch+json", status)
            if recorder.pump(5.0):
                samples.append((time.perf_counter() - began) * 1000)
            quiet(recorder, 0.6)
    yield row("event-to-cell", samples, "ms", 350.0, "p99, request of the change to the bytes of it", percentile(0.99))
