"""One line of a log, safe to draw."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["error", "warn", "info", "debug", ""]


class LogLine(msgspec.Struct, frozen=True):
    """``seq`` grows by one within a feed. ``note`` lines are ours (stream re-opened, pod gone, lines dropped)."""

    seq: int
    at: float | None  # the node's stamp, unix seconds
    pod: str
    container: str
    level: Level
    text: str  # cleaned, at most 4 KiB
    note: bool = False
    previous: bool = False  # from the container instance before
