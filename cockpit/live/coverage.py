"""How much of one resource is read: all namespaces where rights allow, else those named, and what that hides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from cockpit.base.clock import Clock
from cockpit.base.text import clean
from cockpit.cluster.reflector import ListWatch, Reflector, Status
from cockpit.cluster.store import Sink
from cockpit.model.resource import Resource

MOST_NAMESPACES = 25
"""Each is a connection per kind; beyond this the truth is said instead."""

_RESTART_SECONDS = 5.0


class Coverage:
    """The reflectors of one resource. Falls back from all namespaces to ``home`` when listing all is forbidden."""

    def __init__(
        self,
        source: ListWatch,
        resource: Resource,
        row: type[Any],
        sink: Sink,
        clock: Clock,
        *,
        declared: tuple[str, ...] = (),
        home: str = "default",
        optional: bool = False,
        rng: random.Random | None = None,
        gate: asyncio.Semaphore | None = None,
        on_status: Callable[[Coverage], None] | None = None,
    ) -> None:
        self.resource = resource
        self.optional = optional
        self._declared = declared
        self._home = home
        self._on_status = on_status
        self._again = asyncio.Event()
        self._narrow = False
        self._faults: dict[str, str] = {}

        def make(namespace: str | None) -> Reflector:
            return Reflector(
                source, resource, row, sink, clock, namespace=namespace, rng=rng, gate=gate, on_status=self._heard
            )

        self._make = make
        self.reflectors: tuple[Reflector, ...] = self._reflectors()

    @property
    def scope(self) -> tuple[str, ...] | None:
        """The namespaces read, None for all."""
        if self._declared:
            return self._declared[:MOST_NAMESPACES]
        return (self._home,) if self._narrow else None

    @property
    def narrowed(self) -> bool:
        """Whether listing all namespaces was refused."""
        return self._narrow and not self._declared

    @property
    def statuses(self) -> tuple[Status, ...]:
        return tuple(reflector.status for reflector in self.reflectors)

    @property
    def synced(self) -> bool:
        """A complete list is held of every scope that may be read, and of one at least."""
        readable = [status for status in self.statuses if status.state not in ("DENIED", "ABSENT") or status.listed]
        return bool(readable) and all(status.listed and status.state != "ABSENT" for status in readable)

    async def run(self) -> None:
        """Reflect until cancelled."""
        while True:
            self._again.clear()
            self.reflectors = self._reflectors()
            tasks = [asyncio.create_task(self._keep(reflector)) for reflector in self.reflectors]
            self._tell()
            try:
                await self._again.wait()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def refetch(self) -> None:
        """List again now, and try for all namespaces again."""
        if self._narrow:
            self._narrow = False
            self._again.set()
        else:
            self.kick(relist=True)

    def kick(self, *, rewatch: bool = False, relist: bool = False) -> None:
        """Try again now what has failed; see ``Reflector.kick``."""
        for reflector in self.reflectors:
            reflector.kick(rewatch=rewatch, relist=relist)

    def gaps(self) -> tuple[str, ...]:
        """What is hidden, one sentence each; narrowing to one namespace is said by ``scope``."""
        plural = self.resource.plural
        said = [
            f"{plural}{_in(reflector.namespace)} cannot be read: {reflector.status.message}"
            for reflector in self.reflectors
            if reflector.status.state == "DENIED"
        ]
        if not self.optional and any(status.state == "ABSENT" for status in self.statuses):
            said.append(f"this cluster serves no {plural}")
        if len(self._declared) > MOST_NAMESPACES:
            said.append(f"only the first {MOST_NAMESPACES} of {len(self._declared)} namespaces are read for {plural}")
        if odd := sum(reflector.counters.odd for reflector in self.reflectors):
            said.append(f"{odd} times {plural} had an unexpected shape; what could be read of them is shown")
        said.extend(f"{plural}{where} stopped on an internal error: {text}" for where, text in self._faults.items())
        return tuple(said)

    async def _keep(self, reflector: Reflector) -> None:
        # A fault of ours in one object's handling must not take the other kinds with it, nor be silent.
        while True:
            try:
                await reflector.run()
            except Exception as error:
                self._faults[_in(reflector.namespace)] = clean(f"{type(error).__name__}: {error}", 200)
                self._tell()
                await asyncio.sleep(_RESTART_SECONDS)
                reflector.kick(relist=True)

    def _reflectors(self) -> tuple[Reflector, ...]:
        scope = self.scope
        return (self._make(None),) if scope is None else tuple(self._make(namespace) for namespace in scope)

    def _heard(self, reflector: Reflector) -> None:
        status = reflector.status
        if status.state == "DENIED" and status.code == 403 and reflector.namespace is None and not status.listed:
            self._narrow = True
            self._again.set()
        if status.state == "SYNCED":
            self._faults.pop(_in(reflector.namespace), None)
        self._tell()

    def _tell(self) -> None:
        if self._on_status is not None:
            self._on_status(self)


def _in(namespace: str | None) -> str:
    return f" in {namespace}" if namespace else ""
