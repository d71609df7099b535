"""Acts of all seats, read back from the Events that cockpits write: the newest on each rollout."""

from __future__ import annotations

from collections.abc import Mapping

from cockpit.base.clock import parse_time
from cockpit.base.text import clean
from cockpit.cluster.rows import EventRow
from cockpit.live.events import event_time
from cockpit.model.act import ACTOR, CONTROLLER, DONE, OP_ID, REASON, SEAT, VERB
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import SeatAct

_MOST = 5_000
_Workload = tuple[Key, str]


class Acts:
    """Kept beside the ring of events, which a busy cluster turns over in minutes. ``seat`` is this process's own mark.

    An Event is what whoever may create one says: it is shown with its name on it, and nothing is decided by it.
    """

    def __init__(self) -> None:
        self.seat = ""
        self._newest: dict[_Workload, tuple[str, SeatAct]] = {}  # (seat, act)

    def see(self, row: EventRow) -> None:
        """Take note of an event, if it tells an act."""
        about = row.involved_object
        act = act_of(row)
        if act is None or not about.uid:
            return
        # The event's own namespace: whoever may write there says nothing of what lies in another.
        workload = (Key(about.kind, row.meta.namespace, about.name), about.uid)
        known = self._newest.get(workload)
        if known is not None and (known[1].at, known[1].op_id) > (act.at, act.op_id):
            return
        self._newest.pop(workload, None)
        self._newest[workload] = (row.meta.annotations.get(SEAT, ""), act)
        if len(self._newest) > _MOST:
            del self._newest[next(iter(self._newest))]

    def of(self, rollouts: Mapping[Key, Rollout], old: dict[Key, SeatAct]) -> dict[Key, SeatAct]:
        """The newest act on each rollout; ``old`` itself when nothing differs."""
        new: dict[Key, SeatAct] = {}
        for key, rollout in rollouts.items():
            if (found := self._newest.get((key, rollout.uid))) is None:
                continue
            seat, act = found
            own = bool(self.seat) and seat == self.seat
            made = SeatAct(act.op_id, act.actor, act.verb, act.text, act.at, own) if own else act
            new[key] = old[key] if old.get(key) == made else made
        return old if new == old else new


def act_of(row: EventRow) -> SeatAct | None:
    """The act that an event tells, None for every other event. All of it is text that anybody may have written."""
    told = row.meta.annotations
    verb = told.get(VERB, "")
    if row.reporting_component != CONTROLLER or verb not in DONE:
        return None
    actor = clean(told.get(ACTOR, ""), 80) or "somebody"
    reason = clean(told.get(REASON, ""), 200)
    text = f"{actor} {DONE[verb]}" + (f": {reason}" if reason else "")
    return SeatAct(clean(told.get(OP_ID, ""), 40), actor, verb, text, _when(row))


def _when(row: EventRow) -> float:
    """Its time as it says, at most that of its creation, which the server wrote (in whole seconds).

    One that says tomorrow would stand before all acts until then.
    """
    created = parse_time(row.meta.creation_timestamp)
    told = event_time(row)
    return told if created is None else min(told, created + 1.0)
