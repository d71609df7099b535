"""Attempts: a retry of the same version begins a new epoch of evidence, and so does a reset by hand.

The controller tells of a retry by an event, which every process sees with the same time. Where events cannot be read,
the moment at which a rollout was seen to leave its abort stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cockpit.model.event import Event
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout

RETRIED = "RolloutRetry"
_SAME = 120.0
"""Seconds within which an event and what was seen are the same retry."""


class Reset(NamedTuple):
    """Evidence set aside by an operator (from the journal). ``at`` is cluster time."""

    uid: str
    hash: str
    at: float


class Attempts:
    """When the attempt in flight began, for rollouts where that is later than the start of the update."""

    def __init__(self) -> None:
        self._aborted: dict[Key, tuple[str, str]] = {}  # -> (uid, hash) of the canary that was aborted
        self._seen: dict[Key, tuple[str, float]] = {}  # -> (uid, when it was seen to be retried)
        self._told: dict[Key, float] = {}
        self._resets: dict[tuple[str, str], float] = {}

    def rollouts(self, rollouts: Mapping[Key, Rollout], now: float) -> None:
        """Take a new picture: an abort that is gone from the same version is a retry."""
        for key, rollout in rollouts.items():
            version = (rollout.uid, rollout.canary.hash if rollout.canary is not None else "")
            if rollout.aborted:
                self._aborted[key] = version
            elif (left := self._aborted.pop(key, None)) is not None and left == version:
                self._seen[key] = (rollout.uid, now)
        for key in self._aborted.keys() - rollouts.keys():
            del self._aborted[key]

    def events(self, events: Iterable[Event]) -> None:
        """Take the newest events; what was told stays known when its event has expired."""
        for event in events:
            if event.reason == RETRIED and event.rollout is not None and event.kind == event.rollout.kind:
                self._told[event.rollout] = max(event.at, self._told.get(event.rollout, 0.0))

    def resets(self, resets: Iterable[Reset]) -> None:
        """All resets that the journal holds."""
        self._resets = {}
        for reset in resets:
            at = (reset.uid, reset.hash)
            self._resets[at] = max(reset.at, self._resets.get(at, 0.0))

    def epochs(self, rollouts: Mapping[Key, Rollout]) -> dict[Key, float]:
        """Key -> cluster time at which its attempt began; only where there is one."""
        found: dict[Key, float] = {}
        for key in {*self._seen, *self._told} & rollouts.keys():
            told = self._told.get(key)
            uid, seen = self._seen.get(key, ("", 0.0))
            if uid == rollouts[key].uid and (told is None or seen > told + _SAME):
                found[key] = seen
            elif told is not None:
                found[key] = told
        if self._resets:
            for key, rollout in rollouts.items():
                arm = rollout.canary or rollout.baseline
                reset = self._resets.get((rollout.uid, arm.hash)) if arm is not None else None
                if reset is not None and reset > found.get(key, 0.0):
                    found[key] = reset
        return found
