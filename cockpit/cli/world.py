"""``cockpit world`` serves the embedded world; ``cockpit demo`` runs one as a child and opens the screens on it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cockpit.base.errors import CockpitError, Unreachable, UsageError
from cockpit.base.text import clean
from cockpit.cli.options import Options, shared
from cockpit.cli.screen import show
from cockpit.config import load_settings

START_SECONDS = 60.0
_FIRST, _LAST = 1e8, 4e9  # certificates and histories fit between 1973 and 2096

Scenario = Annotated[str | None, typer.Option("--scenario", metavar="S", help="Scenario by name or TOML file.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same world.")]
Speed = Annotated[float, typer.Option("--speed", metavar="X", help="Cluster seconds per second; 0 stands still.")]
Rollouts = Annotated[int | None, typer.Option("--rollouts", metavar="N", help="A fleet of N rollouts instead.")]
Epoch = Annotated[float | None, typer.Option("--epoch", metavar="T", help="Unix time at which it starts; default now.")]
Directory = Annotated[Path | None, typer.Option("--dir", metavar="D", help="Folder for its kubeconfig and journal.")]


class WorldError(CockpitError):
    """The embedded world did not start."""


def arguments(
    scenario: str | None, seed: int, speed: float, rollouts: int | None, epoch: float | None, directory: Path | None
) -> list[str]:
    """The same choice as arguments of ``python -m cockpit.world``."""
    given = ["--seed", str(seed), "--speed", repr(speed)]
    for flag, value in (("--scenario", scenario), ("--rollouts", rollouts), ("--epoch", epoch), ("--dir", directory)):
        if value is not None:
            given += [flag, str(value)]
    return given


def _world(
    options: Options,
    scenario: Scenario = None,
    seed: Seed = 1,
    speed: Speed = 1.0,
    rollouts: Rollouts = None,
    epoch: Epoch = None,
    directory: Directory = None,
) -> int:
    """Serve the embedded world until interrupted. The first line it prints is JSON: where everything is."""
    _check(speed, rollouts)
    if epoch is not None and not _FIRST <= epoch <= _LAST:
        raise UsageError(f"--epoch {epoch:g} is out of range; use unix seconds from {_FIRST:.0f} to {_LAST:.0f}")
    from cockpit.world.__main__ import main

    return int(main(arguments(scenario, seed, speed, rollouts, epoch, directory)) or 0)


def _demo(
    options: Options,
    scenario: Scenario = None,
    seed: Seed = 1,
    speed: Speed = 1.0,
    rollouts: Rollouts = None,
    directory: Directory = None,
) -> int:
    """Run the embedded world and open the screens on it."""
    _check(speed, rollouts)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the demo needs a terminal; `cockpit world` serves the same world without screens")
    with tempfile.TemporaryDirectory(prefix="cockpit-demo-") as scratch:
        home = directory or Path(scratch)
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--dir {home} cannot be made: {error.strerror}") from None
        with child(arguments(scenario, seed, speed, rollouts, None, home), home) as ready:
            overrides = {"read_only": True} if options.read_only else {}
            return show(load_settings(Path(ready["config"]), overrides))


def _check(speed: float, rollouts: int | None) -> None:
    if not 0 <= speed <= 10_000:
        raise UsageError(f"--speed {speed:g} is out of range; use 0 to 10000")
    if rollouts is not None and not 1 <= rollouts <= 5000:
        raise UsageError(f"--rollouts {rollouts} is out of range; use 1 to 5000")


@contextmanager
def child(given: list[str], home: Path) -> Iterator[dict[str, Any]]:
    """A world in a process of its own that ends when its standard input closes; yields the decoded ready line.

    Raises WorldError with the last thing it said when it ends or stays silent before it is ready.
    """
    errors = home / "world.log"
    with errors.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "cockpit.world", "--until-stdin-closes", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # ctrl+c in the terminal is for the screens; the world ends with its standard input
        )
    try:
        yield _ready(process, errors)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ready(process: subprocess.Popen[bytes], errors: Path) -> dict[str, Any]:
    assert process.stdout is not None
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f": {clean(said[-1], 300)}" if said else ""
        if process.poll() == 2:
            raise UsageError(f"the embedded world refused its arguments{last}") from None
        raise WorldError(f"the embedded world did not start{last}") from None
    if not isinstance(ready, dict) or not ready.get("config"):
        raise Unreachable("the embedded world started without naming its config file")
    return ready


def add_to(app: typer.Typer) -> None:
    app.command("world")(shared(_world))
    app.command("demo")(shared(_demo))
