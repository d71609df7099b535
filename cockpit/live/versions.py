"""Versions of one workload: what it can return to, how two templates differ, and the object as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec

from cockpit.base.errors import NotFound
from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.live.live import Live
from cockpit.model.resource import REPLICASETS, Key
from cockpit.model.revision import Revision
from cockpit.strategies.contract import Reader
from cockpit.strategies.difference import difference
from cockpit.strategies.revisions import revisions
from cockpit.strategies.values import mapping

_YAML_CHARACTERS = 400_000
_LINE_CHARACTERS = 4096
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

HeldBad = Callable[[str], Awaitable[Collection[str]]]
"""uid -> hashes that an operator left before by an abort or a rollback."""


class Versions:
    """Answers from the reflected rows; pod templates are fetched when they are asked for, never held."""

    def __init__(self, live: Live, reader: Reader, held_bad: HeldBad) -> None:
        self._live = live
        self._reader = reader
        self._held_bad = held_bad

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        """Newest first. Raises NotFound."""
        rollout, row, strategy = self._live.current(key), self._live.row(key), self._live.strategy(key)
        if rollout is None or row is None or strategy is None:
            raise NotFound(f"{key} is gone")
        return revisions(
            strategy.candidates(row, self._live.stores),
            rollout,
            self._live.stores,
            label=strategy.hash_label,
            revision_key=strategy.revision_key,
            bad=await self._held_bad(rollout.uid),
        )

    async def diff(self, key: Key, from_hash: str, to_hash: str) -> tuple[str, ...]:
        """One line per difference of two templates. Raises NotFound, Denied or Unreachable."""
        strategy = self._live.strategy(key)
        if strategy is None or from_hash == to_hash:
            return ()
        known = {each.hash: each.replicaset for each in await self.revisions(key)}
        old, new = await asyncio.gather(
            self._template(key, known.get(from_hash)), self._template(key, known.get(to_hash))
        )
        return difference(old, new, strategy.hash_label)

    async def _template(self, key: Key, replicaset: str | None) -> dict[str, Any]:
        if replicaset is None:
            raise NotFound(f"a version of {key} is no longer retained")
        whole = await self._reader.get(REPLICASETS, key.namespace, replicaset)
        return mapping(mapping(whole.get("spec")).get("template"))

    async def raw(self, key: Key) -> str:
        """The object as YAML, cleaned and without secrets. Raises NotFound, Denied or Unreachable."""
        strategy = self._live.strategy(key)
        if strategy is None:
            raise NotFound(f"{key} is gone")
        whole = await self._reader.get(strategy.resource, key.namespace, key.name)
        metadata = mapping(whole.get("metadata"))
        metadata.pop("managedFields", None)
        mapping(metadata.get("annotations")).pop(_LAST_APPLIED, None)
        text = msgspec.yaml.encode(hide(whole)).decode("utf-8", "replace")
        return "\n".join(_indented(line) for line in text[:_YAML_CHARACTERS].splitlines())


def _indented(line: str) -> str:
    """Cleaned, with the indentation that gives YAML its meaning."""
    stripped = line.lstrip(" ")
    return " " * (len(line) - len(stripped)) + clean(stripped, _LINE_CHARACTERS)
