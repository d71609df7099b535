"""Evidence of an act: begun at its confirmation, taken while the patch is on its way, kept before the outcome's row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from cockpit.journal.observed import Piece
from cockpit.model.plan import Plan, Verb

WITNESSED: frozenset[Verb] = frozenset({"abort", "rollback"})
"""X and R: the canary's pods are gone seconds later, and with them what they said."""
CAPTURE_SECONDS = 10.0
"""Wall seconds from the confirmation within which everything is had, or said to be missing."""


class Witness(Protocol):
    """Takes down what can be seen of a rollout now (``live.witness.Witness``)."""

    def begin(self, plan: Plan) -> Capture:
        """Holds on to what this process has already; costs no request and next to no time."""


class Capture(Protocol):
    """One capture under way."""

    async def finish(self, seconds: float) -> Sequence[Piece]:
        """Reads what must be asked for, at most so long (wall). Never raises for an expected failure: what could not
        be had is a sentence in a piece of its own.
        """


class Evidence:
    """The capture of one operation."""

    def __init__(self, witness: Witness | None, plan: Plan) -> None:
        self._task: asyncio.Task[Sequence[Piece]] | None = None
        self._fault: str | None = None
        if witness is None or plan.verb not in WITNESSED:
            return
        try:
            capture = witness.begin(plan)
        except Exception as error:  # an act goes out whatever its evidence does
            self._fault = _none_kept(error)
        else:
            self._task = asyncio.create_task(capture.finish(CAPTURE_SECONDS))

    async def pieces(self) -> tuple[Sequence[Piece], str | None]:
        """What was captured, and one sentence when nothing could be. Waits for the capture to end."""
        if self._task is None:
            return (), self._fault
        try:
            return await self._task, None
        except Exception as error:  # and it ends whatever its evidence does
            return (), _none_kept(error)

    def drop(self) -> None:
        """Stop reading: nothing was sent, or all of it is kept already."""
        if self._task is not None:
            self._task.cancel()


def _none_kept(error: Exception) -> str:
    return f"no evidence was kept, on an internal error: {type(error).__name__}"
