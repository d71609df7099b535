"""ReviewView: the plan of one version is drawn up while it is looked at; its dialog opens when every check answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from cockpit.model.plan import Intent, Plan
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.ports import Seat
from screens.candidates import Candidates, Offer, Wanted
from screens.view import View

FRESH_SECONDS = 20.0
"""A plan drawn up longer ago is drawn up again before its dialog opens: its checks are to be seconds old."""


class ReviewView(View):
    """What the picker does without being seen. One plan is drawn up at a time: that of the version looked at."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self.known = Candidates(key, self._wall, self._changed)
        self.way: bool | None = None
        self._drafting: Wanted | None = None  # whose plan is being drawn up
        self._opening: Wanted | None = None  # whose dialog opens when its checks have answered

    @property
    def selected(self) -> Revision | None:
        """The version looked at."""
        raise NotImplementedError

    async def load(self) -> None:
        """Read the versions."""
        raise NotImplementedError

    @property
    def wanted(self) -> Wanted | None:
        chosen = self.selected
        return (chosen.hash, self.way) if chosen is not None else None

    def start(self, work: Callable[[], Awaitable[None]], group: str) -> None:
        """In place of what runs in ``group``."""
        self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    def _wall(self) -> float:
        return self.cockpit.wall()  # there is no app yet while this is made

    def _changed(self) -> None:
        """Something more is known: also for the list of checks that may lie over this."""
        if self.is_attached:
            self.cockpit.frame_now()

    # -- the plan ----------------------------------------------------------------------------------

    def intent(self, revision: Revision) -> Intent | None:
        """The rollback to ``revision`` on the picture that is drawn; None: the rollout is gone.

        By its hash: a number may be another version's by now, and two versions may have one digest.
        """
        found = self.drawn()
        if found is None:
            return None
        verdict = found[1].verdict if found[1] else None
        return Intent("rollback", found[0], verdict, to=revision.hash, now=self.way)

    def ask(self, seen: dict[str, Any]) -> None:
        """Have the plan of the version under the cursor drawn up, once per picture; no other one goes on."""
        wanted, chosen, seat = self.wanted, self.selected, self.cockpit.seat
        if self.known.on(seen):  # another version may be current or stable now: numbers and marks are read again
            self.stop()
            self.start(self.load, "revisions")
        if wanted is None or chosen is None or seat is None or wanted == self._drafting:
            return
        self.stop()
        offer = self.known.offer(wanted)
        intent = self.intent(chosen)
        if intent is not None and (offer is None or not offer.final):
            self._drafting = wanted
            self.start(partial(self._preview, seat, intent, wanted), "preview")

    async def _preview(self, seat: Seat, intent: Intent, wanted: Wanted) -> None:
        await self.known.preview(seat, intent, wanted)
        if self._drafting == wanted:
            self._drafting = None
        if self._opening == wanted:
            self._open(wanted)

    def stop(self) -> None:
        """What is being drawn up is for a version that nobody looks at any more."""
        if self._drafting is not None:
            self._drafting = None
            self.workers.cancel_group(self, "preview")

    # -- its dialog --------------------------------------------------------------------------------

    def action_open(self) -> None:
        """The dialog of the version under the cursor: at once when its plan is whole and fresh, else when it is."""
        chosen, wanted = self.selected, self.wanted
        if chosen is None or wanted is None:
            return
        if why := self.cockpit.acts.refused("rollback", self.key):
            self.cockpit.acts.note(self.key, why, "warn")
            return
        if self.intent(chosen) is None:
            self.cockpit.say(f"{self.key} is gone: there is nothing to roll back", "warn")
            return
        offer = self.known.offer(wanted)
        if offer is not None and offer.final and self._fresh(offer):
            self._open(wanted)
            return
        if offer is not None and offer.final:
            self.known.drop(wanted)
        self.wait_for(wanted)
        self.redraw()

    def _fresh(self, offer: Offer) -> bool:
        """Whether a plan may still be shown: a little later, on the same picture, by the same verdict."""
        found = self.drawn()
        state = found[1].verdict.state if found and found[1] else None
        was = offer.intent.verdict.state if offer.intent.verdict else None
        return isinstance(offer.plan, Plan) and self.cockpit.wall() - offer.at <= FRESH_SECONDS and state == was

    @property
    def waiting(self) -> bool:
        """Whether a dialog is to open as soon as its checks have answered."""
        return self._opening is not None

    def wait_for(self, wanted: Wanted | None) -> None:
        if wanted is None and self._opening is None:
            return
        self._opening = wanted
        if wanted is None:
            self.cockpit.message = None
        else:
            self.say_waiting()

    def say_waiting(self) -> None:
        self.cockpit.say("the dialog opens when every check has answered; Esc or another version leaves it", "info")

    def _open(self, wanted: Wanted) -> None:
        self.wait_for(None)
        offer = self.known.offer(wanted)
        if offer is None:
            return
        if isinstance(offer.plan, str):
            self.cockpit.acts.note(self.key, f"rollback: nothing was sent: {offer.plan}", "bad")
        else:
            self.cockpit.acts.begin(offer.intent, offer.plan)

    def action_back(self) -> None:
        if self.waiting:
            self.wait_for(None)
            self.cockpit.acts.note(self.key, "rollback: nothing was sent", "dim")
        else:
            super().action_back()
