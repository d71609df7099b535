"""Evidence set aside by hand: recorded for every seat on the journal, and read back from what others recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from cockpit.base.clock import Clock
from cockpit.base.errors import NotFound
from cockpit.base.ids import ulid
from cockpit.base.text import clean
from cockpit.journal import Journal, JournalError, ResetRecord, Who
from cockpit.live.attempts import Attempts, Reset
from cockpit.model.resource import Key
from cockpit.model.snapshot import Snapshot

_EVERY_SECONDS = 5.0


class Resets:
    """Keeps ``attempts`` told of all resets; ``changed`` is called when they were read anew."""

    def __init__(self, journal: Journal, attempts: Attempts, clock: Clock, changed: Callable[[], None]) -> None:
        self._journal = journal
        self._attempts = attempts
        self._clock = clock
        self._changed = changed

    async def reset(self, key: Key, snapshot: Snapshot, reason: str, who: Who) -> str:
        """Set the evidence on the version in flight aside, for everybody on this journal; a sentence that says so.

        Raises NotFound, and JournalError when it cannot be recorded: then nothing is reset.
        """
        rollout, assessment = snapshot.rollouts.get(key), snapshot.assessments.get(key)
        arm = (rollout.canary or rollout.baseline) if rollout is not None else None
        if rollout is None or arm is None:
            raise NotFound(f"{key} is gone" if rollout is None else f"{key} has no version to judge")
        now, newest = self._clock.local(), assessment.as_of if assessment is not None else None
        record = ResetRecord(
            op_id=ulid(now),
            at=now,
            from_time=max(self._clock.cluster(), newest or 0.0),  # whatever was counted so far is set aside
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
            uid=rollout.uid,
            hash=arm.hash,
            reason=clean(reason, 1000),
            verdict=assessment.verdict if assessment is not None else None,
        )
        await self._journal.reset_evidence(record, who)
        await self.read()
        return f"the evidence on {key} ({arm.hash}) begins anew"

    async def read(self) -> None:
        """Take over what the journal holds."""
        with suppress(JournalError):  # what cannot be read now says nothing; writing it will say why
            found = await self._journal.evidence_resets()
            self._attempts.resets(Reset(each.uid, each.hash, each.from_time) for each in found)
            self._changed()

    async def follow(self) -> None:
        """Other seats write to the same journal."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await self.read()
