"""TypeAhead: keys that were meant for the screen before a dialog do not reach the dialog."""

from __future__ import annotations

from textual import events

TYPE_AHEAD = 0.25
"""Seconds after the first paint in which keys are ignored: over a slow link they were pressed without seeing it."""


class TypeAhead:
    """Told of the first paint, then asked of each key."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._stamp = 0.0

    def painted(self, wall: float) -> None:
        """The dialog is on screen; only the first call counts."""
        if self._at is None:
            self._at, self._stamp = wall, events.Idle().time

    def early(self, event: events.Event, wall: float) -> bool:
        """Whether a key came too soon, or was pressed before the paint and only handled now."""
        return self._at is None or wall - self._at < TYPE_AHEAD or event.time < self._stamp
