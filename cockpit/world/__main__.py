"""``python -m cockpit.world``: build a world, serve it, say where it is, end on a signal or a closed standard input."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cockpit.base.errors import CockpitError
from cockpit.world.api.server import SERVER_VERSION
from cockpit.world.serve import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the exit status."""
    options = _parser().parse_args(arguments)
    with contextlib.ExitStack() as stack:
        directory: Path | None = options.dir
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cockpit-world-")))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            world = World.build(
                options.scenario, options.seed, options.speed, options.rollouts, options.epoch, options.server_version
            )
            asyncio.run(serve(world, directory, until_stdin_closes=options.until_stdin_closes))
        except CockpitError as error:
            sys.stderr.write(f"{error}\n")
            return int(error.exit_code)
        except OSError as error:
            sys.stderr.write(f"the world cannot be served from {directory}: {error.strerror or error}\n")
            return 2
        except KeyboardInterrupt:
            return 0
    return 0


async def serve(world: World, directory: Path, *, until_stdin_closes: bool = False) -> None:
    """Open the ports, print the ready line, and stay until told to end."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, over.set)
    async with world.serving(directory) as ready:
        gc.collect()
        gc.freeze()  # the history behind a world is not looked at again
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        if until_stdin_closes:
            # A thread, because standard input may be anything: a pipe, a file, a terminal.
            waiter = threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True)
            waiter.start()
        await over.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 65536):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed already
        loop.call_soon_threadsafe(over.set)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cockpit world", description="Serve the embedded world on loopback ports.")
    parser.add_argument("--scenario", metavar="S", help="scenario by name, or a .toml file")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same world")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="cluster seconds per second; 0: by hand")
    parser.add_argument("--rollouts", type=int, default=None, metavar="N", help="a fleet of N rollouts")
    parser.add_argument("--epoch", type=float, default=None, metavar="T", help="unix time at which it starts")
    parser.add_argument("--dir", type=Path, default=None, metavar="D", help="folder for kubeconfig, config and journal")
    parser.add_argument(
        "--server-version", type=_version, default=SERVER_VERSION, metavar="V", help="what its API server says it is"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input closes")
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} is out of range; use 0 to 10000")
    return speed


def _version(text: str) -> str:
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text} is no version; write it like {SERVER_VERSION}")
    return text


if __name__ == "__main__":
    sys.exit(main())
