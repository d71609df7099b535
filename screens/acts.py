"""Acts: from a capital key to the outcome on screen: plan, dialog, gateway, and the line that says how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.resource import Key
from cockpit.model.rollout import Rollout
from cockpit.model.verdict import Assessment
from screens.choice import ChoiceScreen
from screens.confirm import ConfirmScreen
from screens.draw import glyphs
from screens.draw.format import clock
from screens.draw.line import Line
from screens.parts.beside import beside, failed
from screens.parts.events import result_role
from screens.parts.requests import request_text
from screens.parts.seats import news
from screens.trouble import said

if TYPE_CHECKING:
    from screens.app import CockpitApp

_VERBS: dict[str, Verb] = {
    "act.advance": "advance",
    "act.pause": "pause",
    "act.abort": "abort",
    "act.rollback": "rollback",
    "act.retry": "retry",
    "act.full": "full",
    "act.skip": "skip",
}


OPENING = 1.0
"""Seconds for which keys wait for a dialog that was asked for."""


class ActLine(NamedTuple):
    """The newest word about an act on one rollout."""

    text: str
    role: str
    at: float
    open: bool


def paused_by_hand(rollout: Rollout) -> bool:
    return rollout.paused_by == "human" or rollout.seen.get("/spec/paused") is True


class Acts:
    """One flow per rollout at a time. Nothing is sent but through ``Seat.execute``, and only with a given consent."""

    def __init__(self, app: CockpitApp) -> None:
        self._app = app
        self._lines: dict[Key, ActLine] = {}
        self._busy: set[Key] = set()
        self._sending: set[Key] = set()
        self._newest: Key | None = None
        self._opening_until = 0.0

    @property
    def sending(self) -> tuple[Key, ...]:
        """Rollouts whose act was sent and is still watched."""
        return tuple(self._sending)

    @property
    def opening(self) -> bool:
        """Whether a dialog is about to open; for a second at most, so that a slow cluster does not take the keys."""
        return self._app.wall() < self._opening_until

    # -- keys --------------------------------------------------------------------------------------

    def press(self, verb: str, drawn: tuple[Rollout, Assessment | None] | None) -> None:
        """A verb's key: says why it is not possible, or opens what it needs."""
        if drawn is None:
            self._app.say("no rollout is selected", "warn")
            return
        rollout, assessment = drawn
        wanted: Verb = "resume" if verb == "pause" and paused_by_hand(rollout) else verb  # type: ignore[assignment]
        why = self.refused(wanted, rollout.key)
        if why:
            self.note(rollout.key, why, "warn")
            return
        if wanted == "rollback":
            self._app.open_view("revisions", rollout.key)
            return
        self.begin(Intent(wanted, rollout, assessment.verdict if assessment else None))

    def refused(self, verb: Verb, key: Key) -> str:
        """Why a verb cannot be tried at all; empty when it can."""
        seat = self._app.seat
        if seat is None:
            return "not connected yet"
        if seat.identity.read_only:
            extra = "; :revisions only looks" if verb == "rollback" else ""
            return f"read-only: {verb} is not sent; start without --read-only to act{extra}"
        answer, reason = seat.can(verb, key)
        if answer == "denied":
            return f"{verb} is denied: {reason}"
        if key in self._sending:
            return f"an act on {key} was sent and is still being watched"
        return ""

    def dead_keys(self, drawn: tuple[Rollout, Assessment | None] | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """(binding id -> why it is dim, binding id -> another word for it) for the key bar."""
        seat = self._app.seat
        if seat is None or drawn is None:
            return {}, {}
        key, words = drawn[0].key, {}
        if paused_by_hand(drawn[0]):
            words["act.pause"] = "resume"
        if seat.identity.read_only:
            return dict.fromkeys(_VERBS, "read-only: nothing is sent"), words
        dead = {}
        for name, verb in _VERBS.items():
            answer, reason = seat.can("resume" if name in words else verb, key)
            if answer == "denied":
                dead[name] = reason
        return dead, words

    def begin(self, intent: Intent, planned: Plan | Refusal | None = None) -> None:
        """Plan, ask, send, watch; in a worker of its own group so that no refresh can cancel it.

        ``planned``: what was just drawn up for this very intent.
        """
        key = intent.key
        if key in self._busy:
            self._app.say(f"another verb on {key} is open; finish it first", "warn")
            return
        self._opening_until = self._app.wall() + OPENING
        self._app.run_worker(self._run(intent, planned), group="act", exit_on_error=False, name=f"act:{key}")

    # -- the flow ----------------------------------------------------------------------------------

    async def _run(self, intent: Intent, planned: Plan | Refusal | None) -> None:
        key = intent.key
        self._busy.add(key)
        try:
            await self._flow(intent, planned)
        except Exception as error:
            if key in self._sending:
                text = f"{intent.verb} unknown, settled at the next start: {said(error)}"
                self.note(key, text, "unknown")
            else:
                self.note(key, f"{intent.verb}: nothing was sent: {said(error)}", "bad")
        finally:
            self._opening_until = 0.0
            self._busy.discard(key)
            self._sending.discard(key)

    async def _flow(self, intent: Intent, planned: Plan | Refusal | None) -> None:
        seat = self._app.seat
        if seat is None:
            return
        key = intent.key
        while True:
            if planned is None:
                self.note(key, f"{intent.verb} {key}: drawing up the plan…", "info", running=True)
                intent = msgspec.structs.replace(intent, at=seat.now())
                planned = await seat.plan(intent)
            if isinstance(planned, Refusal):
                self.note(key, f"{planned.result}: {planned.reason}", result_role(planned.result))
                if not planned.choices:
                    return
                self._opening_until = 0.0
                choice = await self._app.push_screen_wait(ChoiceScreen(intent, planned))
                if choice is None:
                    self.note(key, f"{intent.verb}: nothing was sent", "dim")
                    return
                intent, planned = with_choice(intent, choice), None
                continue
            self.note(key, "", "dim")
            self._opening_until = 0.0
            answer = await self._app.push_screen_wait(ConfirmScreen(intent, planned))
            if answer is None:
                self.note(key, f"{planned.title.lower()}: nothing was sent", "dim")
                return
            if isinstance(answer, Consent):
                await self._send(intent, planned, answer)
                return
            fresh = self._app.seat.snapshot() if self._app.seat else None  # REOPEN: on the picture as it is now
            rollout = fresh.rollouts.get(key) if fresh else None
            if fresh is None or rollout is None:
                self.note(key, f"{key} is gone: nothing was sent", "warn")
                return
            assessment, planned = fresh.assessments.get(key), None
            intent = msgspec.structs.replace(
                intent, rollout=rollout, verdict=assessment.verdict if assessment else None, choice=None, accept=False
            )

    async def _send(self, intent: Intent, plan: Plan, consent: Consent) -> None:
        seat = self._app.seat
        if seat is None:
            return
        key = intent.key
        self._sending.add(key)
        sends = "; ".join(request_text(patch) for patch in plan.patches[:1])
        more = f" (1 of {len(plan.sequence)})" if len(plan.sequence) > 1 else ""

        def progress(text: str) -> None:
            self.note(key, f"$ {sends}{more} · {text}", "info", running=True)

        progress("sending")
        outcome = await seat.execute(intent, plan, consent, progress)
        self.note(key, outcome_text(outcome), result_role(outcome.result))

    # -- what is said ------------------------------------------------------------------------------

    def note(self, key: Key, text: str, role: str, *, running: bool = False) -> None:
        """The newest word about ``key``; drawn at once."""
        now = self._app.seat.now() if self._app.seat else 0.0
        self._lines[key] = ActLine(text, role, now, running)
        self._newest = key
        self._app.message = None
        if view := self._app.view:
            with contextlib.suppress(LookupError):
                view.draw_foot()

    def dismiss(self) -> bool:
        """Forget what has ended; whether there was something to forget."""
        ended = [key for key, line in self._lines.items() if line.text and not line.open]
        for key in ended:
            del self._lines[key]
        return bool(ended)

    def status_line(self, key: Key | None, width: int) -> Line:
        """The message of the moment, the act on ``key`` (or the newest anywhere), or a plain rule."""
        message = self._app.message
        if message is not None:
            return Line(" ").add(message[0], message[1]).cut(width)
        line = self._lines.get(key) if key is not None else None
        prefix = ""
        if (line is None or not line.text) and self._newest is not None:
            other = self._lines.get(self._newest)
            if other is not None and other.text and (other.open or key is None):
                line, prefix = other, f"{self._newest.name}: "
        told = self._told(key, line, width)
        if told is not None:
            return told
        if line is None or not line.text:
            return Line("─" * width, "faint")
        return Line(f" {clock(line.at)} ", "dim").add(prefix, "strong").add(line.text, line.role).cut(width)

    def _told(self, key: Key | None, line: ActLine | None, width: int) -> Line | None:
        """What the picture tells of ``key`` where nothing of ours is newer; a rollback that did not last, above all."""
        picture = self._app.picture
        if picture is None or key is None:
            return None
        pending = picture.pending.get(key)
        now = self._app.seat.now() if self._app.seat else 0.0
        undone = pending is not None and failed(pending) and (line is None or line.at <= pending.at)
        act = news(picture.acts.get(key), now)
        later = act is not None and line is not None and not line.open and line.at < act.at
        if line is not None and line.text and not undone and not later:
            return None
        found = beside(picture, key, now, width)
        return found if found.width else None


def with_choice(intent: Intent, choice: str) -> Intent:
    """``intent`` with a Refusal's choice made."""
    return msgspec.structs.replace(intent, choice=choice, accept=intent.accept or choice == "accept")


def outcome_text(outcome: Outcome) -> str:
    """``✔ abort done: canary serves nothing``; the words of the result are the JSON's."""
    mark = {"done": glyphs.OK, "failed": glyphs.BAD, "unknown": glyphs.UNKNOWN}.get(outcome.result, "$")
    said = ": ".join(part for part in (outcome.observed, outcome.reason) if part)
    return f"{mark} {outcome.verb} {outcome.result}{f': {said}' if said else ''}"
