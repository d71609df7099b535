"""Waiting for a picture: until it stands at all, or, for a command, until it is whole or known never to be."""

from __future__ import annotations

from cockpit.base.errors import Denied, Unreachable
from cockpit.live.live import Live


async def standing(live: Live) -> None:
    """Until the picture stands for the first time, however long the API server takes."""
    version = -1
    while not live.synced:
        version = (await live.changed(version)).version


async def whole(live: Live, server: str) -> None:
    """Until everything is read. Raises Unreachable or Denied when ``server`` (its name in messages) gives no answer."""
    version = -1
    while True:
        snapshot = await live.changed(version)
        version = snapshot.version
        source = snapshot.sources["kubernetes"]
        if source.state == "lost":
            raise Unreachable(source.message or f"API server {server} does not answer")
        if source.state == "denied":
            raise Denied(source.message or f"API server {server} denies reading rollouts")
        if live.synced and source.state != "syncing":
            return
