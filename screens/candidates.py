"""Candidates: the versions a rollout can return to, what registries say of them, and the plan of the one looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from cockpit.model.plan import Intent, Plan, Refusal
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.ports import Seat
from screens.trouble import said

Wanted = tuple[str, bool | None]
"""A version by its hash, and the way there: None lets the plan choose, True is at once, False through the steps."""


class Offer(NamedTuple):
    """A plan with the intent it was drawn up for. ``at``: wall seconds; ``final`` False: its checks still run."""

    intent: Intent
    plan: Plan | Refusal | str  # str: an error, in words
    at: float
    final: bool


class Candidates:
    """Knows nothing of screens; ``changed`` is told whenever there is something new to draw."""

    def __init__(self, key: Key, wall: Callable[[], float], changed: Callable[[], None]) -> None:
        self._key = key
        self._wall = wall
        self._changed = changed
        self.revisions: tuple[Revision, ...] | None = None  # None: being read
        self.failure = ""
        self.coverage = ""
        self._answered: set[str] = set()  # versions whose registries have answered
        self._diffs: dict[str, tuple[str, ...] | str] = {}
        self._offers: dict[Wanted, Offer] = {}
        self._drawn_on: dict[str, Any] | None = None

    def forget(self) -> None:
        """Everything is to be asked anew."""
        self.revisions, self.failure, self.coverage = None, "", ""
        self._answered.clear()
        self._diffs.clear()
        self._offers.clear()

    # -- versions ----------------------------------------------------------------------------------

    def best(self) -> int:
        """The row a rollback most likely goes to: stable, else the newest that is not the current version."""
        found = self.revisions or ()
        stable = (index for index, item in enumerate(found) if item.stable and not item.current)
        other = (index for index, item in enumerate(found) if not item.current)
        return next(stable, next(other, 0))

    def asked(self, hash_: str) -> bool:
        """Whether the registries have answered for a version."""
        return hash_ in self._answered

    @property
    def current(self) -> Revision | None:
        return next((item for item in self.revisions or () if item.current), None)

    async def load(self, seat: Seat) -> None:
        before = self.current
        try:
            self.revisions = await seat.revisions(self._key)
        except Exception as error:
            self.failure, self.revisions = said(error), ()
        now = self.current
        if before is not None and now is not None and before.hash != now.hash:
            self._diffs.clear()

    async def check(self, seat: Seat) -> None:
        """Have the registries asked; each version is told as soon as its answers are there."""
        try:
            await seat.revisions_checked(self._key, self._checked)
            self.coverage = (await seat.coverage(self._key)).text
        except Exception as error:
            self.coverage = said(error)
        self._answered.update(each.hash for each in self.revisions or ())
        self._changed()

    def _checked(self, found: Revision) -> None:
        self._answered.add(found.hash)
        self.revisions = tuple(found if each.hash == found.hash else each for each in self.revisions or ())
        self._changed()

    # -- one version -------------------------------------------------------------------------------

    def diff(self, hash_: str) -> tuple[str, ...] | str | None:
        return self._diffs.get(hash_)

    def offer(self, wanted: Wanted) -> Offer | None:
        return self._offers.get(wanted)

    def drop(self, wanted: Wanted) -> None:
        """An offer that is too old to be taken."""
        self._offers.pop(wanted, None)

    def on(self, seen: dict[str, Any]) -> bool:
        """Plans are drawn up on what was seen; when that moved they are worth nothing. Whether it did.

        Differences are to the version in force, which may be another one now.
        """
        moved = self._drawn_on is not None and seen != self._drawn_on
        if moved:
            self._offers.clear()
            self._diffs.clear()
        self._drawn_on = seen
        return moved

    async def preview(self, seat: Seat, intent: Intent, wanted: Wanted) -> None:
        """The difference, then the plan; its checks are told while they answer. Cancelled without a trace."""
        hash_, _ = wanted
        current = self.current
        if hash_ not in self._diffs and current is not None:
            try:
                self._diffs[hash_] = await seat.diff(self._key, current.hash, hash_)
            except Exception as error:
                self._diffs[hash_] = said(error)
            self._changed()
        if (there := self._offers.get(wanted)) is not None and there.final:
            return
        intent = msgspec.structs.replace(intent, at=seat.now())

        def drafted(draft: Plan) -> None:
            there = self._offers.get(wanted)
            if there is None or not there.final:  # a word that was late says less than the whole
                self._offers[wanted] = Offer(intent, draft, self._wall(), final=False)
                self._changed()

        try:
            plan: Plan | Refusal | str = await seat.plan(intent, drafted)
        except Exception as error:
            plan = said(error)
        self._offers[wanted] = Offer(intent, plan, self._wall(), final=True)
        self._changed()
