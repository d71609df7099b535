"""Actions: an intent becomes a plan with a tier, a plan with consent becomes requests, and their effect is observed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from cockpit.actions import tiers
from cockpit.actions.consent import missing
from cockpit.actions.evidence import Witness
from cockpit.actions.flipback import Guards
from cockpit.actions.gateway import Gateway
from cockpit.actions.gitops import GitOps
from cockpit.actions.lasting import look_back
from cockpit.actions.ledger import Ledger
from cockpit.actions.operation import Operation
from cockpit.actions.ports import Creator, Picture, Reads, Rights, Writer
from cockpit.actions.preflight.examiner import Examiner
from cockpit.actions.preflight.runner import examined, lacking
from cockpit.actions.proof import Compare, by_digest
from cockpit.actions.settle import Settlement, settle
from cockpit.actions.wire import shown
from cockpit.actions.words import absent, elsewhere, result_of, verdict_line, warned
from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError
from cockpit.base.ids import ulid
from cockpit.journal import History, Journal, JournalError, Who
from cockpit.model.plan import OWNER_VERBS, Consent, Intent, Outcome, Plan, Refusal, Result, Tier, Verb
from cockpit.model.preflight import Preflight
from cockpit.model.resource import Key
from cockpit.model.right import Answer
from cockpit.strategies import for_kind
from cockpit.strategies.contract import Reader, Strategy

OnDraft = Callable[[Plan], None]
Progress = Callable[[str], None]

_LOOK_SECONDS = 30.0
_PENDING_SECONDS = 60.0  # how long an outcome stays beside the rollout


class Actions:
    """Everything a session can do to a cluster. Its methods never raise for an expected failure.

    ``strategy_of`` raises KeyError for a kind it does not know.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        reader: Reader,
        rights: Rights,
        journal: Journal,
        clock: Clock,
        picture: Picture,
        who: Who,
        read_only: bool = False,
        examiner: Examiner | None = None,
        strategy_of: Callable[[str], Strategy] = for_kind,
        compare: Compare = by_digest,
        witness: Witness | None = None,
        creator: Creator | None = None,
        guard: float = 0.0,
        reads: Reads | None = None,
    ) -> None:
        """``guard``: cluster seconds that a rollback is watched for being flipped back; for a session that stays."""
        self._reader = reader
        self._compare = compare
        self._witness = witness
        self._rights = rights
        self._journal = journal
        self._clock = clock
        self._picture = picture
        self._strategy_of = strategy_of
        self._examiner = examiner
        self._gateway = Gateway(writer, reader, rights, clock, read_only=read_only, creator=creator)
        self._ledger = Ledger(journal, who, clock, self.notify)
        self._gitops = GitOps(self._gateway, self._ledger, journal, reads, clock, self.notify) if reads else None
        self._running: dict[Key, Operation] = {}
        self._guards = Guards(guard, picture, reader, clock, self._ledger, self.notify, strategy_of)
        self._notices: list[str] = []

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should be told once: settled intents, records that went beside the journal."""
        return tuple(self._notices)

    def notify(self, text: str) -> None:
        self._notices.append(text)

    @property
    def who(self) -> Who:
        """The actor that this process journals."""
        return self._ledger.who

    def known_as(self, user: str, groups: tuple[str, ...] = ()) -> None:
        """The server's own name for us, and our groups, once it has been asked; the journal's actor from now on."""
        self._ledger.who = msgspec.structs.replace(self._ledger.who, user=user, groups=groups)

    def can(self, verb: Verb, key: Key) -> tuple[Answer, str]:
        """Whether mode, kind and rights allow a verb, and if not why. Never blocks."""
        if self._gateway.read_only:
            return "denied", "read-only: started with --read-only (or read_only in the config)"
        if verb in OWNER_VERBS:
            return "unknown", "its owner is looked for when it is asked for"
        try:
            needed = self._strategy_of(key.kind).rights().get(verb)
        except KeyError:
            return "denied", f"nothing here handles a {key.kind}"
        if needed is None:
            return "denied", absent(verb, key)
        answers = [self._rights.can(right, key.namespace) for right in needed]
        for wanted in ("denied", "unknown"):
            for answer, reason in answers:
                if answer == wanted:
                    return answer, reason
        return "allowed", ""

    async def plan(self, intent: Intent, on_draft: OnDraft | None = None) -> Plan | Refusal:
        """Drafts what a verb would send, and says what it takes to confirm it. Changes nothing.

        ``on_draft``: told of a rollback's plan while its pre-flight runs, each time that a check has answered.
        """
        try:
            strategy = self._strategy_of(intent.key.kind)
        except KeyError:
            return Refusal(intent.verb, intent.key, f"nothing here handles a {intent.key.kind}")
        if intent.verb in OWNER_VERBS and self._gitops is not None:
            return await self._gitops.plan(intent)
        if intent.verb not in strategy.rights():
            return Refusal(intent.verb, intent.key, absent(intent.verb, intent.key))
        if (moved := elsewhere(intent)) is not None:
            return moved
        history = await self._history(intent)
        intent = msgspec.structs.replace(
            intent,
            at=self._clock.cluster(),
            held_bad=history.held_bad,
            held_by=history.paused_by or self._paused_by(intent.key),
        )
        try:
            drafted = await strategy.plan(intent, self._reader)
        except CockpitError as error:
            return Refusal(intent.verb, intent.key, f"what it needs cannot be read: {error}", result_of(error))
        if isinstance(drafted, Refusal):
            return drafted
        tier, reason = tiers.decide(tiers.case_of(intent, drafted, history.rolled_back_from, history.rolled_back_to))
        plan = msgspec.structs.replace(
            drafted,
            tier=tier,
            tier_reason=reason,
            dialog_as_of=intent.at,
            lines=(*drafted.lines, *verdict_line(intent, drafted)),
        )
        if plan.verb != "rollback":
            return plan
        tried, found = await asyncio.gather(self._with_dry_run(plan), self._examined(intent, plan, on_draft))
        if isinstance(tried, Refusal):  # who may not roll back may still want to know whether it would be safe
            return msgspec.structs.replace(tried, preflight=found)
        return tried if found is None else examined(tried, found, intent.rollout.owner)

    async def dry_run(self, intent: Intent, plan: Plan) -> Outcome:
        """The exact requests, and what the server says to them. Result ``planned``, or why it would not work."""
        sent = await self._gateway.dry_run(plan.patches[0])
        more = f"; then {'; '.join(plan.sequence[1:])}" if len(plan.sequence) > 1 else ""
        if sent.fate == "sent" or self._gateway.read_only:
            return self._outcome(plan, "planned", f"dry run: {sent.text}{warned(sent.warnings)}{more}")
        if sent.fate in ("moved", "denied"):
            return self._outcome(plan, "moved" if sent.fate == "moved" else "denied", f"dry run: {sent.text}")
        return self._outcome(plan, "failed", f"dry run: {sent.text}")

    async def execute(self, intent: Intent, plan: Plan, consent: Consent, progress: Progress | None = None) -> Outcome:
        """Sends a plan and watches for its effect, as far as consent, mode, rights and the present state allow."""
        if self._gateway.read_only:
            return self._outcome(plan, "refused", "read-only: started with --read-only (or read_only in the config)")
        if (wanted := missing(plan, consent)) is not None:
            return self._outcome(plan, "refused", wanted)
        if plan.verb in OWNER_VERBS and self._gitops is not None:
            return await self._gitops.execute(intent, plan, consent, progress)
        if plan.verb == "rollback" and (again := await self._examined(intent, plan, max_age=0.0)) is not None:
            plan = msgspec.structs.replace(plan, preflight=again)
            if (wanted := lacking(again, consent, plan)) is not None:
                return self._outcome(plan, "refused", wanted)
        stale = await self._outdated(intent, plan, consent)
        if stale is not None:
            return self._outcome(plan, "moved", stale)
        busy = self._running.get(plan.key)
        if busy is not None and busy.sending:
            if plan.verb != "abort":
                wait = f"{busy.plan.title} is under way on {plan.key}; wait for it, or X"
                return self._outcome(plan, "refused", wait)
            busy.give_way(f"{plan.title} was asked for")
        op_id = ulid(self._clock.local())
        guard = self._guards.begin(op_id, plan)
        operation = Operation(
            op_id=op_id,
            intent=intent,
            plan=plan,
            consent=consent,
            strategy=self._strategy_of(plan.key.kind),
            gateway=self._gateway,
            ledger=self._ledger,
            picture=self._picture,
            clock=self._clock,
            progress=progress,
            reader=self._reader,
            compare=self._compare,
            witness=self._witness,
            flipped=guard.said,
        )
        self._running[plan.key] = operation
        try:
            outcome = await operation.run()
            guard.go_on(operation.record, outcome, operation.verified_at)
        except BaseException:
            guard.stop()
            raise
        finally:
            if self._running.get(plan.key) is operation:
                del self._running[plan.key]
            self._expire(operation)
        return outcome

    async def aclose(self) -> None:
        await self._guards.aclose()

    async def settle(self) -> tuple[Settlement, ...]:
        """Finds out what became of operations that an earlier run left open. To be called once the picture is there."""
        try:
            if absorbed := await self._journal.absorb():
                self.notify(f"{absorbed} records kept beside the journal were taken into it")
        except JournalError as error:  # what is in the journal itself can still be settled
            self.notify(str(error))
        try:
            opened = await self._journal.open_intents()
        except JournalError as error:
            self.notify(str(error))
            return ()
        tried = await asyncio.gather(
            *(
                settle(each, self._ledger, self._reader, self._picture, self._clock, self._strategy_of, self._compare)
                for each in opened
            )
        )
        found = tuple(each for each in tried if each is not None)
        for settlement in found:
            self.notify(settlement.text)
        for text in await look_back(self._journal, self._ledger, self._picture, self._clock, self._guards):
            self.notify(text)
        if self._gitops is not None:
            await self._gitops.remind()
        return found

    async def _examined(
        self, intent: Intent, plan: Plan, on_draft: OnDraft | None = None, *, max_age: float = _LOOK_SECONDS
    ) -> Preflight | None:
        """The checks of a rollback; None where nothing is there to ask (tests, mostly).

        ``max_age``: how old the sight of its artifacts may be. To act on it, it is none of the dialog's.
        """
        if self._examiner is None:
            return None

        def told(so_far: Preflight) -> None:
            if on_draft is not None and not so_far.complete:
                on_draft(msgspec.structs.replace(plan, preflight=so_far, tier=Tier.NAME))

        return await self._examiner.examine(intent, plan, self._gateway, max_age=max_age, on_progress=told)

    async def _with_dry_run(self, plan: Plan) -> Plan | Refusal:
        """A rollback is shown only once the server has said that it would take it (Safety rule 6)."""
        sent = await self._gateway.dry_run(plan.patches[0])
        if sent.fate == "moved":
            return Refusal(plan.verb, plan.key, sent.text, "moved")
        if sent.fate in ("denied", "failed") and not self._gateway.read_only:
            result: Result = "denied" if sent.fate == "denied" else "failed"
            return Refusal(plan.verb, plan.key, f"the dry run failed: {sent.text}", result)
        plan = msgspec.structs.replace(
            plan, lines=(*plan.lines, ("dry run", sent.text)), warnings=(*plan.warnings, *sent.warnings)
        )
        if sent.fate == "unclear":  # a check that cannot be made is overridden by typing, never passed over
            return msgspec.structs.replace(plan, tier=Tier.NAME, tier_reason="the server cannot be asked beforehand")
        return plan

    async def _outdated(self, intent: Intent, plan: Plan, consent: Consent) -> str | None:
        """A dialog left open while the evidence turned asks for less than is due now: the y of then is no yes today."""
        now = self._picture.snapshot().assessments.get(plan.key)
        seen = intent.verdict
        if now is None or seen is None or now.verdict.state == seen.state:
            return None
        history = await self._history(intent)
        due = msgspec.structs.replace(intent, verdict=now.verdict, held_bad=history.held_bad)
        tier, reason = tiers.decide(tiers.case_of(due, plan, history.rolled_back_from, history.rolled_back_to))
        if tier <= plan.tier or consent.name is not None:
            return None
        turned = f"{seen.state.upper()} -> {now.verdict.state.upper()}, {now.verdict.reason}"
        return f"the verdict moved: {turned} ({reason}); nothing was sent, look again"

    def _paused_by(self, key: Key) -> str | None:
        """Whose Event is the newest word on who paused: the acts of another seat are in no journal of ours."""
        act = self._picture.snapshot().acts.get(key)
        return act.actor if act is not None and act.verb == "pause" else None

    async def _history(self, intent: Intent) -> History:
        try:
            return await self._journal.history(intent.rollout.uid)
        except JournalError:
            return History()  # what cannot be read holds nothing bad; writing it will say what is wrong

    def _outcome(self, plan: Plan, result: Result, reason: str, observed: str | None = None) -> Outcome:
        return Outcome(
            verb=plan.verb,
            namespace=plan.key.namespace,
            name=plan.key.name,
            result=result,
            requests=tuple(shown(patch) for patch in plan.patches),
            observed=observed,
            op_id=None,
            reason=reason,
        )

    def _expire(self, operation: Operation) -> None:
        """Takes the outcome off the screen after a while, unless another operation has put its own there."""

        left = self._picture.snapshot().pending.get(operation.plan.key)

        def forget() -> None:
            now = self._picture.snapshot().pending.get(operation.plan.key)
            if now is not None and now.op_id == operation.op_id and now is left:  # not what was seen of it since
                self._picture.set_pending(operation.plan.key, None)

        asyncio.get_running_loop().call_later(_PENDING_SECONDS, forget)
