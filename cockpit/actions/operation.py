"""One operation under way: intent on disk, request, effect, further stages, outcome on disk (Safety rules 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable

from cockpit.actions.announce import Announcement
from cockpit.actions.evidence import Evidence, Witness
from cockpit.actions.gateway import Gateway, Sent
from cockpit.actions.ledger import Ledger, outcome_record
from cockpit.actions.ports import Picture
from cockpit.actions.proof import Compare, by_digest, prove
from cockpit.actions.watching import Deadline, watch
from cockpit.actions.wire import shown
from cockpit.base.clock import Clock
from cockpit.journal import IntentRecord, JournalError
from cockpit.model.plan import Consent, Intent, Outcome, Patch, Pending, Plan, Refusal, Result
from cockpit.model.right import Right
from cockpit.model.rollout import Rollout
from cockpit.strategies.contract import Observation, Reader, Strategy
from cockpit.strategies.values import spell

_UNCLEAR_SECONDS = 20.0
"""How long the effect of a request of unknown fate is looked for (wall)."""
Ending = tuple[Result, str] | tuple[Result, str, str]
"""How an operation ends: result, reason, and what was observed where something was."""
_RESULTS: dict[str, Result] = {"moved": "moved", "denied": "denied", "refused": "refused", "failed": "failed"}


class Operation:
    """Runs a consented plan once. ``sending`` is true while it may still send a request of its sequence."""

    def __init__(
        self,
        *,
        op_id: str,
        intent: Intent,
        plan: Plan,
        consent: Consent,
        strategy: Strategy,
        gateway: Gateway,
        ledger: Ledger,
        picture: Picture,
        clock: Clock,
        progress: Callable[[str], None] | None,
        reader: Reader,
        compare: Compare = by_digest,
        witness: Witness | None = None,
        flipped: Callable[[], str] = lambda: "",
    ) -> None:
        self.op_id = op_id
        self.plan = plan
        self.sending = True
        self.verified_at: float | None = None
        self._intent = intent
        self._consent = consent
        self._strategy = strategy
        self._gateway = gateway
        self._ledger = ledger
        self._picture = picture
        self._clock = clock
        self._progress = progress
        self._reader = reader
        self._compare = compare
        self._flipped = flipped
        self._evidence = Evidence(witness, plan)
        self._announcement = Announcement(gateway, ledger)
        self._stages = max(len(plan.sequence), len(plan.patches), 1)
        self._sent: list[Patch] = []
        self._records: list[IntentRecord] = []
        self._audit: list[str] = []
        self._notes: list[str] = []
        self._yielded = ""
        self._began = clock.cluster()

    def give_way(self, why: str) -> None:
        """Send nothing more: something that outranks this was asked for."""
        self._yielded = why
        self.sending = False

    def _overtaken(self) -> str:
        """By what, empty when nothing outranked this."""
        return self._yielded

    async def run(self) -> Outcome:
        try:
            return await self._run()
        finally:
            self._evidence.drop()
            await self._announcement.end()

    async def _run(self) -> Outcome:
        stopped = await self._stage(self.plan.patches[0], 0)
        if stopped is not None:
            return await self._end(*stopped)
        deadline = Deadline(self._clock, self.plan.deadline)
        # An abort outranks what it was drawn from: paused by hand meanwhile, it needs a resume that was not planned.
        for stage in range(1, self._stages + (self.plan.verb == "abort")):
            following = await self._following(stage, deadline)
            if isinstance(following, Patch):
                stopped = await self._stage(following, stage)
                if stopped is not None:
                    return await self._end(*stopped)
                continue
            if isinstance(following, Refusal):
                return await self._end(following.result, self._partly(stage, following.reason))
            break  # the effect is there already, or time is up
        self.sending = False
        observation, rollout = await watch(
            self._picture, self._strategy, self.plan, deadline, lambda _o, _r: bool(self._flipped())
        )
        if self._flipped():
            return await self._end("moved", f"sent, but {self._flipped()}")
        if self.plan.verb == "rollback" and observation.state == "done" and rollout is not None:
            return await self._end(*await self._proven(observation, rollout, deadline))
        return await self._concluded(observation)

    async def _proven(self, observation: Observation, rollout: Rollout, deadline: Deadline) -> Ending:
        """A rollback in force is done only when each of its pods is known to run the target."""
        proof = await prove(self.plan, rollout, self._reader, self._picture, self._compare, deadline)
        if proof.state == "proven":
            return "done", f"{self._took()}, {proof.text}", observation.text
        return "accepted", f"accepted, but not verified: {proof.text}"

    async def _following(self, stage: int, deadline: Deadline) -> Patch | Refusal | None:
        """The request of a later stage as soon as the picture allows it; None when none is needed or time is up."""
        found: list[Patch | Refusal] = []

        def ready(_: Observation, rollout: Rollout | None) -> bool:
            if self._overtaken():
                found.append(Refusal(self.plan.verb, self.plan.key, self._overtaken(), "accepted"))
            elif self._flipped():  # what is in force now is not what the later requests are meant for
                found.append(Refusal(self.plan.verb, self.plan.key, self._flipped(), "moved"))
            elif rollout is not None:
                following = self._strategy.next_patch(self.plan, stage, rollout)
                if following is not None:
                    found.append(following)
            return bool(found)

        await watch(self._picture, self._strategy, self.plan, deadline, ready)
        return found[0] if found else None

    async def _stage(self, patch: Patch, stage: int) -> Ending | None:
        """Journals and sends one request; None when it was carried out, otherwise how the operation ends."""
        later = tuple(Right("patch", each.resource, each.subresource) for each in self.plan.patches[stage:])
        needs = (*later, *self.plan.needs) if stage == 0 else ()
        blocked = await self._gateway.precheck(self.plan.verb, patch, needs)
        if blocked is None and stage == 0 and self.plan.verb == "rollback":
            tried = await self._gateway.dry_run(patch)
            blocked = tried if tried.fate not in ("sent", "unclear") else None
        if blocked is not None:
            return self._result(blocked, stage), self._partly(stage, blocked.text)
        if self._overtaken():
            return "accepted", self._partly(stage, self._overtaken())
        record = self._ledger.record(self.op_id, self._intent, self.plan, self._consent, stage, patch)
        try:
            note = await self._ledger.begin(record)
        except JournalError as error:
            return "refused", self._partly(stage, f"nothing was sent, as it could not be recorded: {error}")
        if note is not None:
            self._notes.append(note)
        self._records.append(record)
        if self._overtaken():  # while the row was written
            return "accepted", self._partly(stage, self._overtaken())
        self._sent.append(patch)
        self._tell("sending", patch.why)
        sent = await self._gateway.send(patch)
        if sent.audit_id is not None:
            self._audit.append(sent.audit_id)
        if stage == 0 and sent.fate in ("sent", "unclear"):
            self._announcement.begin(self.op_id, self.plan, self._clock.cluster(), self._consent.reason)
        if sent.fate == "sent":
            self._tell("sent", f"{patch.why}: {sent.text}")
            return None
        if sent.fate == "unclear":
            return await self._unclear(sent)
        return self._result(sent, stage), self._partly(stage, sent.text)

    def _result(self, sent: Sent, stage: int) -> Result:
        """``failed`` says that nothing was applied, which is not true once an earlier request was carried out."""
        return "accepted" if sent.fate == "failed" and stage > 0 else _RESULTS[sent.fate]

    async def _unclear(self, sent: Sent) -> Ending:
        """The answer is lost: the asked state, once observed, is ``done`` whoever made it; otherwise nobody knows."""
        self._tell("sent", sent.text)
        deadline = Deadline(self._clock, _UNCLEAR_SECONDS * max(self._clock.time_scale, 1.0))
        observation, rollout = await watch(self._picture, self._strategy, self.plan, deadline, lambda _o, _r: False)
        if observation.state == "done" and self._stages == 1:
            if self.plan.verb == "rollback" and rollout is not None:
                return await self._proven(observation, rollout, deadline)
            return "done", self._took(), observation.text
        return "unknown", f"{sent.text}; now: {observation.text}"

    async def _concluded(self, observation: Observation) -> Outcome:
        if observation.state == "done":
            return await self._end("done", self._took(), observation.text)
        if observation.state == "superseded":
            return await self._end("moved", f"sent, but {observation.text}")
        if self._overtaken():
            return await self._end("accepted", self._partly(len(self._sent), self._overtaken()))
        return await self._end("accepted", f"accepted, but the controller is not acting: {observation.text}")

    def _took(self) -> str:
        return f"seen after {spell(self._clock.cluster() - self._began)}"

    async def _end(self, result: Result, reason: str, seen: str | None = None) -> Outcome:
        """Journals the outcome of what was sent; an operation that sent nothing leaves no row."""
        self.sending = False
        outcome = self._outcome(result, reason, seen)
        now = self._clock.local()  # when its effect was seen, not when its evidence was packed
        stage = {"done": "done", "accepted": "accepted", "unknown": "accepted"}.get(result, "failed")
        self._tell(stage, f"{result}: {seen or reason}")
        if self._records:
            kept = await self._kept() if self._sent else {}
            self.verified_at = now if result == "done" else None
            record = outcome_record(self.op_id, outcome, now, self.verified_at, tuple(self._audit), kept)
            note = await self._ledger.end(self._records[-1], record)
            if note is not None:
                self._notes.append(note)
        if self._notes:
            outcome = self._outcome(result, "; ".join((reason, *self._notes)), seen)
        return outcome

    @property
    def record(self) -> IntentRecord | None:
        """The newest row of this operation, None while nothing was recorded."""
        return self._records[-1] if self._records else None

    async def _kept(self) -> dict[str, str]:
        """Puts the evidence on disk; name -> sha256, for the outcome's row."""
        pieces, lacking = await self._evidence.pieces()
        kept, trouble = await self._ledger.keep(self.op_id, pieces)
        self._notes += [each for each in (lacking, trouble) if each is not None]
        return kept

    def _outcome(self, result: Result, reason: str, observed: str | None) -> Outcome:
        return Outcome(
            verb=self.plan.verb,
            namespace=self.plan.key.namespace,
            name=self.plan.key.name,
            result=result,
            requests=tuple(shown(patch) for patch in self._sent),
            observed=observed,
            op_id=self.op_id if self._records else None,
            reason=reason,
        )

    def _partly(self, stage: int, text: str) -> str:
        if not self._sent or stage == 0:
            return text
        return f"{len(self._sent)} of {self._stages} requests were carried out ({self._sent[-1].why}); {text}"

    def _tell(self, stage: str, text: str) -> None:
        pending = Pending(self.op_id, self.plan.verb, stage, text, self._clock.cluster())  # type: ignore[arg-type]
        shown_now = self._picture.snapshot().pending.get(self.plan.key)
        if shown_now is None or shown_now.op_id <= self.op_id:  # ULIDs sort by time: a later act keeps its place
            self._picture.set_pending(self.plan.key, pending)
        if self._progress is not None:
            self._progress(text)
