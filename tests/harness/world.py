"""The embedded world as a process, and a client of its control endpoint. Synchronous: tests await states, not time."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
START_SECONDS = 90.0
"""A deadline for a hung start, not a measure: building the default scenario takes a second or two."""


class Control:
    """The world's control endpoint: clock, ledger, truth, faults, profiles, users. RuntimeError on an error answer."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._token = urllib.parse.parse_qs(parts.query).get("token", [""])[0]

    def call(self, verb: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request; ``query`` entries that are None are left out. Decoded JSON, None for an empty answer."""
        pairs = {"token": self._token} | {name: str(value) for name, value in query.items() if value is not None}
        request = urllib.request.Request(
            f"{self._base}{path}?{urllib.parse.urlencode(pairs)}",
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"control {verb} {path}: {error.code} {error.read()[:500]!r}") from None
        return json.loads(text) if text else None

    def now(self) -> float:
        """Virtual unix seconds."""
        clock = self.call("GET", "/clock")
        return float(clock["now"])

    def advance(self, seconds: float) -> None:
        self.call("POST", "/clock/advance", {"seconds": seconds})

    def speed(self, speed: float) -> None:
        self.call("POST", "/clock/speed", {"speed": speed})

    def ledger(self, since: int = 0, method: str | None = None) -> list[dict[str, Any]]:
        """Requests served after sequence number ``since``; writes carry their body (cockpit/world/api/ledger.py)."""
        answer = self.call("GET", "/ledger", after=since, method=method)
        found: list[dict[str, Any]] = answer if isinstance(answer, list) else answer["requests"]
        return found

    def writes(self, since: int = 0, agent: str = "") -> list[dict[str, Any]]:
        """Writes asked for, refused ones too; reviews and dry runs are none. ``agent``: of this client only."""
        return [
            entry
            for entry in self.ledger(since, "POST,PUT,PATCH,DELETE")
            if "reviews" not in entry["path"] and not entry.get("dry_run") and entry.get("agent", "").startswith(agent)
        ]

    def truth(self, plural: str, namespace: str, name: str) -> dict[str, Any]:
        """An object exactly as the store holds it."""
        found: dict[str, Any] = self.call("GET", f"/truth/{plural}/{namespace}/{name}")
        return found

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Add fault rules (see cockpit/world/control.py)."""
        for rule in rules:
            self.call("POST", "/faults", dict(rule))

    def no_faults(self) -> None:
        self.call("DELETE", "/faults")

    def profile(self, image: str, **profile: Any) -> None:
        """Give a version a fault profile (fields of cockpit.world.contract.Profile)."""
        self.call("POST", "/profiles", {"image": image, "profile": profile})

    def user(
        self, name: str, token: str, *, groups: tuple[str, ...] = (), rules: list[dict[str, Any]] | None = None
    ) -> None:
        """Add a user known by ``token``, with RBAC rules of its own."""
        self.call("POST", "/users", {"name": name, "groups": list(groups), "token": token, "rules": rules or []})

    def advance_until(self, probe: Callable[[], T | None], *, limit: float = 1800.0, tick: float = 1.0) -> T:
        """Step a still world until ``probe`` gives something true; AssertionError after ``limit`` virtual seconds."""
        moved = 0.0
        while True:
            if found := probe():
                return found
            if moved >= limit:
                raise AssertionError(
                    f"not reached within {limit:g} virtual seconds: {getattr(probe, '__doc__', None) or probe}"
                )
            self.advance(tick)
            moved += tick


class WorldProcess:
    """``cockpit world`` as a child that dies with the test. ``ready`` is the decoded ready line."""

    def __init__(
        self,
        directory: Path,
        *,
        scenario: str | None = None,
        seed: int = 1,
        speed: float = 0.0,
        rollouts: int | None = None,
        epoch: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "cockpit.world", "--until-stdin-closes", "--dir", str(directory)]
        command += ["--seed", str(seed), "--speed", str(speed)]
        for flag, value in (("--scenario", scenario), ("--rollouts", rollouts), ("--epoch", epoch)):
            if value is not None:
                command += [flag, str(value)]
        self._errors = (directory / "world.stderr").open("wb")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
        )
        try:
            self.ready: dict[str, Any] = json.loads(self._ready_line())
        except BaseException:
            self.stop()
            raise
        self.control = Control(self.ready["control"])

    def _ready_line(self) -> bytes:
        assert self.process.stdout is not None
        line, deadline = b"", time.monotonic() + START_SECONDS
        descriptor = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise AssertionError(f"the world printed no ready line in {START_SECONDS:g} s: {self.errors()}")
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise AssertionError(f"the world ended before it was ready: {self.errors()}")
            line += chunk
        return line

    def errors(self) -> str:
        """The tail of what it wrote to standard error."""
        self._errors.flush()
        return (self.directory / "world.stderr").read_text(errors="replace")[-2000:]

    @property
    def kubeconfig(self) -> Path:
        return Path(self.ready["kubeconfig"])

    @property
    def config(self) -> Path:
        return Path(self.ready["config"])

    def stop(self) -> int:
        """Close its standard input, which ends it; kill it when it does not end."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            code = self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()
        return code

    def __enter__(self) -> WorldProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
