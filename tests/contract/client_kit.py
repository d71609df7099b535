"""The cockpit's own API client on a world that runs as a process, and kubeconfigs for other users of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cockpit.base.clock import Clock
from cockpit.cluster.api import Api
from cockpit.cluster.credentials import Credentials, load
from cockpit.cluster.transport import Transport
from cockpit.config import ClusterSettings
from tests.harness.world import WorldProcess

DEADLINE = 20.0
"""Seconds a state may take to be reached; never a measure."""


async def called(act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A synchronous call of the harness, off the loop."""
    return await asyncio.to_thread(act, *args, **kwargs)


@asynccontextmanager
async def client(
    kubeconfig: Path, *, context: str | None = None, exec_timeout: float = 10.0
) -> AsyncIterator[tuple[Api, Clock, Credentials]]:
    clock = Clock()
    settings = ClusterSettings(kubeconfig=str(kubeconfig), context=context, exec_timeout=exec_timeout)
    credentials = await load(settings, clock)
    api = Api(Transport(credentials, clock))
    try:
        yield api, clock, credentials
    finally:
        await api.aclose()


def with_user(world: WorldProcess, folder: Path, user: str) -> Path:
    """The world's kubeconfig with another ``user:`` mapping (YAML flow style)."""
    text = re.sub(
        r"(- name: admin\n  user:)\n    token: .*", lambda found: f"{found[1]} {user}", world.kubeconfig.read_text()
    )
    path = folder / "kubeconfig-user"
    path.write_text(text)
    return path


def limited(
    world: WorldProcess, folder: Path, name: str, rules: list[dict[str, Any]], namespace: str | None = None
) -> Path:
    """A kubeconfig of a new user with these RBAC rules, in one namespace or everywhere."""
    body = {"name": name, "groups": [], "token": f"token-of-{name}-0123456789", "rules": rules, "namespace": namespace}
    world.control.call("POST", "/users", body)
    return with_user(world, folder, f"{{token: token-of-{name}-0123456789}}")


async def reached(probe: Callable[[], Any], waiting: Callable[[], Any] | None = None) -> Any:
    """Wait until ``probe`` gives something true; AssertionError at the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not (found := probe()):
            await (waiting() if waiting is not None else asyncio.sleep(0.02))
    return found
