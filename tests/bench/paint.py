"""key-quiet, key-busy, event-to-cell, idle-cpu, tty-bytes: what the terminal and the processor feel."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator

import yaml

from tests.bench.process import cpu_seconds
from tests.bench.row import Row, percentile, row
from tests.bench.stagehand import drain, press, quiet, screens, world
from tests.e2e.stage import send
from tests.faults.proxy import ca_of, server_of
from tests.harness.world import WorldProcess

_KEYS = (b"j", b"k")


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
    """Cursor keys on a large fleet under 200 watch events a second, the world on the same machine."""
    rollouts = 200 if quick else 1000
    with world(rollouts=rollouts, speed=1.0) as busy, screens(busy) as recorder, Churn(busy, 200.0) as churn:
        recorder.wait_for(r"rollouts")
        drain(recorder, 5.0)
        samples = []
        before, began = churn.sent, time.monotonic()
        for number in range(40 if quick else 200):
            drain(recorder, 0.05)
            took = press(recorder, _KEYS[number % 2])
            if took is not None:
                samples.append(took * 1000)
        rate = (churn.sent - before) / (time.monotonic() - began)
    how = f"p95, {rollouts} rollouts, {rate:.0f} events/s, without log streams"
    yield row("key-busy", samples, "ms", 50.0, how, percentile(0.95))


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
