"""The world as a whole: clock, store, API and the parts that live in it; building it and serving it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from cockpit.world import files, gitcontrol
from cockpit.world.api.server import SERVER_VERSION, ApiServer
from cockpit.world.api.users import MASTERS
from cockpit.world.bootstrap import bootstrap
from cockpit.world.clock import WorldClock
from cockpit.world.contract import Objects, Profiles, Telemetry
from cockpit.world.control import Control
from cockpit.world.controllers import Controllers
from cockpit.world.profiles import ProfileBook
from cockpit.world.prometheus import SD_PATH
from cockpit.world.registry import control as registry_control
from cockpit.world.registry.server import Registry
from cockpit.world.store import Store
from cockpit.world.tls import Authority

HOST = "127.0.0.1"
_PATIENCE = 0.2  # seconds that open streams get when the world ends
_RBAC = "rbac.authorization.k8s.io"


class Ready(msgspec.Struct, frozen=True):
    """The ready line: where everything is. None: not served."""

    kubeconfig: str
    config: str
    control: str
    kubernetes: str
    prometheus: str | None = None
    scrape: str | None = None
    registry: str | None = None
    alertmanager: str | None = None


class World:
    """Implements ``contract.World``. ``build`` makes one with its parts; ``serving`` opens its ports."""

    def __init__(self, seed: int, speed: float, epoch: float, version: str = SERVER_VERSION) -> None:
        self.seed = seed
        self.epoch = epoch
        self.scenario = "empty"
        self.config = ""  # what a scenario adds to the cockpit's settings
        self.clock = WorldClock(epoch, speed)
        self.store = Store(self.clock, seed)
        self.book = ProfileBook()
        self.objects: Objects = self.store
        self.profiles: Profiles = self.book
        self.telemetry: Telemetry | None = None
        self.api = ApiServer(self.store, self.clock, lambda: self.telemetry, version)
        self.control = Control(self)
        self.authority = Authority()
        self.admin_token = self.api.users.add("admin", (MASTERS,))
        self.controllers: Controllers | None = None
        self._prometheus: web.Application | None = None
        self.registry = Registry(self, seed)
        registry_control.add_routes(self.control, self.registry)
        gitcontrol.add_routes(self)

    @classmethod
    def build(
        cls,
        scenario: str | None = None,
        seed: int = 1,
        speed: float = 1.0,
        rollouts: int | None = None,
        epoch: float | None = None,
        version: str = SERVER_VERSION,
    ) -> World:
        """A world at its epoch (unix seconds; None: now), with its parts and the scenario's history behind it.

        ``version`` is what its API server says of itself. Raises ``UsageError`` for a scenario that does not exist.
        """
        from cockpit.world import controllers, prometheus, traffic
        from cockpit.world import scenario as scenarios

        world = cls(seed, 0.0, float(int(time.time())) if epoch is None else epoch, version)
        traffic.install(world)
        world.controllers = controllers.install(world)
        bootstrap(world.store)
        world.scenario = scenario or (f"fleet-{rollouts}" if rollouts else scenarios.DEFAULT)
        world.config = scenarios.load(world, scenario, rollouts).config
        world._prometheus = prometheus.install(world)
        world.clock.speed = speed
        return world

    def rng(self, *name: object) -> random.Random:
        return random.Random("/".join(map(str, (self.seed, *name))))

    def grant(self, user: str, rules: list[dict[str, Any]], namespace: str | None = None) -> None:
        """Give ``user`` RBAC rules of its own, in one namespace or in the whole cluster, instead of earlier ones."""
        scope = "" if namespace else "Cluster"
        name = "world:" + user.replace("/", ":")
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        for plural in (f"{scope}RoleBinding", f"{scope}Role"):
            self.objects.delete(f"{plural.lower()}s", namespace, name)
        if not rules:
            return
        role = {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}Role", "metadata": metadata, "rules": rules}
        reference = {"apiGroup": _RBAC, "kind": f"{scope}Role", "name": name}
        subject = {"apiGroup": _RBAC, "kind": "User", "name": user}
        binding = {"apiVersion": f"{_RBAC}/v1", "kind": f"{scope}RoleBinding", "metadata": metadata}
        self.objects.create(role, manager="control")
        self.objects.create({**binding, "roleRef": reference, "subjects": [subject]}, manager="control")

    @contextlib.asynccontextmanager
    async def serving(self, directory: Path) -> AsyncIterator[Ready]:
        """Serve on loopback ports while the context is open; all files lie in ``directory``, which exists."""
        async with contextlib.AsyncExitStack() as stack:
            server = web.Server(self.api.handle, handler_cancellation=True, access_log=None)
            context = self.authority.context(directory)
            api = web.ServerRunner(server, shutdown_timeout=_PATIENCE)
            kubernetes = f"https://{await _listen(stack, api, context)}"
            control = await _listen(stack, _runner(self.control.app))
            prometheus: str | None = None
            if self._prometheus is not None:
                prometheus = f"http://{await _listen(stack, _runner(self._prometheus))}"
            door = self.registry.opened(HOST, _PATIENCE)
            stack.push_async_callback(door.aclose)
            await door.open()
            registry = f"http://{HOST}:{door.port}"
            driver = asyncio.create_task(self.clock.drive())
            stack.push_async_callback(_cancel, driver)
            self.clock.restart_wall()
            where = f"http://{control}/?token={self.control.token}"
            yield self._write_files(directory, kubernetes, where, prometheus, registry)

    def _write_files(
        self, directory: Path, kubernetes: str, control: str, prometheus: str | None, registry: str
    ) -> Ready:
        context = "demo"  # the scenario has a name of its own, in the config
        kubeconfig, config = directory / "kubeconfig", directory / "config.toml"
        text = files.kubeconfig(context, kubernetes, self.authority.pem, self.admin_token)
        files.write_private(kubeconfig, text)
        key = directory.resolve() / "cosign.pub"
        key.write_text(self.registry.holdings.signer.public_pem)
        settings = files.settings(
            kubeconfig=kubeconfig.resolve(),
            context=context,
            prometheus=prometheus,
            scenario=self.scenario,
            time_scale=self.clock.speed,
            journal=directory.resolve() / "journal.sqlite3",
            extra=files.registry(registry, key) + self.config,
        )
        files.write_private(config, settings)
        return Ready(
            kubeconfig=str(kubeconfig.resolve()),
            config=str(config.resolve()),
            control=control,
            kubernetes=kubernetes,
            prometheus=prometheus,
            registry=registry,
            scrape=f"{prometheus}{SD_PATH}" if prometheus else None,
        )


def _runner(application: web.Application) -> web.AppRunner:
    return web.AppRunner(application, access_log=None, shutdown_timeout=_PATIENCE, handler_cancellation=True)


async def _listen(
    stack: contextlib.AsyncExitStack, runner: web.ServerRunner | web.AppRunner, context: ssl.SSLContext | None = None
) -> str:
    """host:port of a free loopback port that now serves ``runner``."""
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, HOST, 0, ssl_context=context, backlog=512)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"{host}:{port}"


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
