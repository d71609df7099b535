"""Which rollouts need the judge's word anew, and the words themselves: once per change of what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from cockpit.model.case import Case, Observed, Policy
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Source
from cockpit.model.verdict import Assessment

JUDGED_AT_ONCE = 200
"""Per look: at 0.5 ms each a whole fleet would hold a frame back; the rest follows with the next look."""

OFF = Source("off", message="no Prometheus is configured")

Judge = Callable[[Case, Policy], Assessment]


class Observer(Protocol):
    """Who sees SLIs (``metrics.Sampler``). A new ``Observed`` object means that something in it changed."""

    def observed(self, key: Key) -> Observed | None: ...

    def source(self) -> Source: ...

    def on_change(self, callback: Callable[[Iterable[Key]], None]) -> object:
        """Call back with the keys that were observed anew: once per evidence tick."""


def condition(source: Source) -> tuple[str, str | None, float | None]:
    """What of a source matters beyond its growing newer."""
    return source.state, source.message, source.since


class Judging:
    """Holds what is still to be judged. The judge is called once per rollout, observation (by identity) and condition
    of the source."""

    def __init__(self, judge: Judge, policy: Policy) -> None:
        self._judge = judge
        self._policy = policy
        self._waiting: dict[Key, None] = {}  # in order of arrival
        self._basis: dict[Key, tuple[Rollout, Observed | None]] = {}
        self._condition = condition(OFF)
        self.observer: Observer | None = None
        self._focus: Key | None = None

    def focus(self, key: Key | None) -> None:
        """Judge the open rollout with its intervals."""
        for changed in {self._focus, key} - {None} if key != self._focus else ():
            if changed is not None:
                self._basis.pop(changed, None)
                self._waiting[changed] = None
        self._focus = key

    def again(self, keys: Iterable[Key]) -> None:
        """These may have changed."""
        self._waiting.update(dict.fromkeys(keys))

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def source(self) -> Source:
        """How Prometheus fares."""
        return self.observer.source() if self.observer is not None else OFF

    def judged(
        self, rollouts: Mapping[Key, Rollout], old: dict[Key, Assessment], prometheus: Source, now: float
    ) -> dict[Key, Assessment]:
        """``old`` with what changed since, at most 200 of them judged; the same object when nothing did."""
        if self._condition != (now_is := condition(prometheus)):
            self._condition = now_is
            self._basis.clear()
            self.again(rollouts)
        new: dict[Key, Assessment] | None = None
        for key in list(self._waiting)[:JUDGED_AT_ONCE]:
            del self._waiting[key]
            rollout, before = rollouts.get(key), old.get(key)
            if rollout is None:
                self._basis.pop(key, None)
                if before is not None:
                    new = dict(old) if new is None else new
                    del new[key]
                continue
            observed = self.observer.observed(key) if self.observer is not None else None
            known = self._basis.get(key)
            if known is not None and known[0] is rollout and known[1] is observed:
                continue
            self._basis[key] = (rollout, observed)
            case = Case(rollout, observed, prometheus, now, key == self._focus)
            after = _dated(self._judge(case, self._policy), before, now)
            if after != before:
                new = dict(old) if new is None else new
                new[key] = after
        return old if new is None else new


def _dated(new: Assessment, old: Assessment | None, now: float) -> Assessment:
    # The judge is a function of the evidence and does not know when its word began to hold.
    verdict = new.verdict
    if verdict.since is not None:
        return new
    began = old.verdict.since if old is not None and old.verdict.state == verdict.state else now
    return msgspec.structs.replace(new, verdict=msgspec.structs.replace(verdict, since=began))
