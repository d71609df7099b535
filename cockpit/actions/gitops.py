"""The verbs on a rollout's GitOps owner, suspend and unsuspend: one guarded patch, journaled, seen in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from cockpit.actions import suspension, tiers
from cockpit.actions.announce import Announcement
from cockpit.actions.conditions import resolve
from cockpit.actions.gateway import Gateway, Sent
from cockpit.actions.ledger import Ledger, outcome_record
from cockpit.actions.ports import Reads
from cockpit.actions.reconcilers import Managed, Reconciler, applications, flux, managed
from cockpit.actions.watching import Deadline
from cockpit.actions.wire import shown
from cockpit.actions.words import result_of
from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError, NotFound
from cockpit.base.ids import ulid
from cockpit.journal import IntentRecord, Journal, JournalError, Owner, Suspension
from cockpit.model.guards import SUSPEND, UID
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Result
from cockpit.model.resource import Key
from cockpit.strategies import for_kind
from cockpit.strategies.values import spell

_SEEN_SECONDS = 10.0
"""Wall seconds until what was sent must show; a lost answer is looked for as long."""
_LOOK_AGAIN = 0.5
_REMIND_SECONDS = 5.0
_RESULTS: dict[str, Result] = {"moved": "moved", "denied": "denied", "refused": "refused", "failed": "failed"}


class GitOps:
    """Suspends and resumes owners, on the gateway, ledger and journal of ``Actions``. Expected failures never raise.

    ``notify``: told of each owner that still stands suspended, once, by ``remind``.
    """

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        journal: Journal,
        reads: Reads,
        clock: Clock,
        notify: Callable[[str], None],
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._journal = journal
        self._reads = reads
        self._clock = clock
        self._notify = notify

    async def plan(self, intent: Intent) -> Plan | Refusal:
        """Drafts the patch of the owner. Changes nothing.

        ``intent.choice``: the id of the owner where there are several; ``intent.to``: a sync policy to resume with.
        """
        try:
            owner, unsure = await self._owner(intent)
            if isinstance(owner, Refusal):
                return owner
            drafted = await self._drafted(intent, owner)
        except CockpitError as error:
            return Refusal(intent.verb, intent.key, f"its owner cannot be told: {error}", result_of(error))
        if isinstance(drafted, Refusal):
            return drafted
        tier, reason = tiers.decide(tiers.case_of(intent, drafted))
        warnings = (*drafted.warnings, *(f"whether another owner acts on it is not known: {each}" for each in unsure))
        return msgspec.structs.replace(
            drafted, tier=tier, tier_reason=reason, warnings=warnings, dialog_as_of=intent.at
        )

    async def _owner(self, intent: Intent) -> tuple[Reconciler | Refusal, tuple[str, ...]]:
        """The owner, or the choice between several, and what could not be asked. Raises what reading raises."""
        subjects = await self._subjects(intent)
        asked = await asyncio.gather(
            applications.owning(self._reads, subjects), flux.owning(self._reads, subjects), return_exceptions=True
        )
        errors = [each for each in asked if isinstance(each, BaseException)]
        unexpected = [each for each in errors if not isinstance(each, CockpitError)]
        if unexpected:
            raise CockpitError(f"the server's answer is not readable ({type(unexpected[0]).__name__})")
        owners = [owner for each in asked if not isinstance(each, BaseException) for owner in each]
        if not owners:
            if errors:
                raise errors[0]
            reason = "no Application lists it and no label of Flux is on it: nothing puts Git into force by itself"
            return Refusal(intent.verb, intent.key, reason, "nothing-to-do"), ()
        if intent.choice is not None:
            owners = [each for each in owners if each.id == intent.choice] or owners
        if len(owners) == 1 and intent.choice in (None, owners[0].id):
            marks = [flux.left_alone(each) for each in subjects]
            if intent.verb == "suspend" and owners[0].resource.kind == "Kustomization" and all(marks):
                reason = f"{owners[0]} leaves it alone already ({marks[0]}); suspending it would hold up all it applies"
                return Refusal(intent.verb, intent.key, reason, "nothing-to-do"), ()
            return owners[0], tuple(str(each) for each in errors)
        choices = tuple((each.id, str(each)) for each in owners)
        which = "several own it; say which one" if len(owners) > 1 else "that is not its owner"
        return Refusal(intent.verb, intent.key, which, "refused", choices), ()

    async def _subjects(self, intent: Intent) -> tuple[Managed, ...]:
        """The rollout, and the workload that it takes its template from."""
        keys = [intent.key] + ([intent.rollout.workload] if intent.rollout.workload is not None else [])
        return tuple([await self._managed(key) for key in keys])

    async def _managed(self, key: Key) -> Managed:
        resource = for_kind(key.kind).resource
        return managed(await self._reads.get(resource, key.namespace, key.name), resource)

    async def _drafted(self, intent: Intent, owner: Reconciler) -> Plan | Refusal:
        if intent.verb == "suspend":
            drafted = suspension.draft_suspend(intent, owner)
            if isinstance(drafted, Plan) and owner.tool == "argocd" and not await self._takes(drafted):
                return suspension.draft_suspend(intent, owner, remove=True)
            return drafted
        known, unread = await self._known(owner.uid)
        return suspension.draft_resume(msgspec.structs.replace(intent, at=self._clock.local()), owner, known, unread)

    async def _takes(self, plan: Plan) -> bool:
        """Whether the server knows ``enabled``: an older CRD refuses the member, or drops it without a word."""
        tried = await self._gateway.dry_run(plan.patches[0])
        if tried.fate == "failed":
            return "unknown field" not in tried.text
        return tried.fate != "sent" or suspension.standing(suspension.owner_in(plan), tried.body) == "applied"

    async def _known(self, uid: str) -> tuple[Suspension | None, str]:
        try:
            found = await self._journal.suspensions()
        except JournalError as error:
            return None, f"the journal cannot be read: {error}"
        return next((each for each in found if each.owner.uid == uid), None), ""

    async def execute(
        self, intent: Intent, plan: Plan, consent: Consent, progress: Callable[[str], None] | None = None
    ) -> Outcome:
        """Sends a consented plan once, and looks at the owner until it shows."""
        patch, owner = plan.patches[0], suspension.owner_in(plan)
        blocked = await self._gateway.precheck(plan.verb, patch)
        if blocked is not None:
            return self._outcome(plan, _RESULTS[blocked.fate], blocked.text)
        record = self._record(intent, plan, consent, owner)
        try:
            await self._ledger.begin(record)
        except JournalError as error:
            return self._outcome(plan, "refused", f"nothing was sent, as it could not be recorded: {error}")
        if progress is not None:
            progress(patch.why)
        announcement = Announcement(self._gateway, self._ledger)
        try:
            sent = await self._gateway.send(patch)
            if sent.fate in ("sent", "unclear"):
                reason = f"{owner}: {consent.reason}" if consent.reason else str(owner)
                announcement.begin(record.op_id, plan, self._clock.cluster(), reason)
            result, why, seen = await self._ending(sent, plan, owner)
            outcome = self._outcome(plan, result, why, seen, record.op_id, sent=True)
            now = self._clock.local()
            audit = (sent.audit_id,) if sent.audit_id is not None else ()
            ended = outcome_record(record.op_id, outcome, now, now if result == "done" else None, audit, {})
            note = await self._ledger.end(record, ended)
            return msgspec.structs.replace(outcome, reason=f"{why}; {note}") if note else outcome
        finally:
            await announcement.end()

    def _record(self, intent: Intent, plan: Plan, consent: Consent, owner: Owner) -> IntentRecord:
        record = self._ledger.record(ulid(self._clock.local()), intent, plan, consent, 0, plan.patches[0])
        return msgspec.structs.replace(
            record,
            from_=f"{owner}: {suspension.said(owner, owner.before)}",
            to=f"{owner}: {suspension.said(owner, owner.after)}",
        )

    async def _ending(self, sent: Sent, plan: Plan, owner: Owner) -> tuple[Result, str, str | None]:
        if sent.fate not in ("sent", "unclear"):
            return _RESULTS[sent.fate], sent.text, None
        stands, now = await self._look(plan, owner)
        if stands == "applied":
            return "done", "" if sent.fate == "sent" else sent.text, now
        if sent.fate == "unclear":
            return "unknown", f"{sent.text}; now {now}", None
        return "moved", f"sent, but somebody has changed it again: {now}", None

    async def _look(self, plan: Plan, owner: Owner) -> tuple[suspension.Standing, str]:
        """The owner as it is, as soon as it shows what was asked or the time is up."""
        patch = plan.patches[0]
        deadline = Deadline(self._clock, _SEEN_SECONDS * max(self._clock.time_scale, 1.0))
        while True:
            try:
                fresh = await self._reads.get(patch.resource, patch.namespace, patch.name)
                stands = suspension.standing(owner, fresh)
                now = f"{owner}: {suspension.said(owner, resolve(fresh, owner.member))}"
            except CockpitError as error:
                stands, now = "other", f"{owner} cannot be read: {error}"
            if stands == "applied" or deadline.left <= 0:
                return stands, now
            await asyncio.sleep(min(_LOOK_AGAIN, max(deadline.left, 0.0)))

    async def remind(self) -> None:
        """Says of each owner that this journal suspended in this cluster that it still is."""
        try:
            found = await self._journal.suspensions()
        except JournalError:
            return  # whoever needs it will be told
        here = [each for each in found if each.cluster == self._ledger.who.cluster]
        for reminder in await asyncio.gather(*(self._reminder(each) for each in here)):
            if reminder:
                self._notify(reminder)

    async def _reminder(self, each: Suspension) -> str:
        owner, unsure = each.owner, ""
        try:
            async with asyncio.timeout(_REMIND_SECONDS):
                fresh = await self._reads.get(suspension.resource_of(owner), owner.namespace, owner.name)
            if resolve(fresh, UID) != owner.uid or not _stands(owner, fresh):
                return ""  # another one of that name, or resumed elsewhere
        except NotFound:
            return ""
        except (CockpitError, TimeoutError):
            unsure = " (whether it still is cannot be read now)"
        ago = spell(max(self._clock.local() - each.at, 0.0))
        key = Key(each.kind, each.namespace, each.name)
        resume = suspension.command("unsuspend", key)
        return f"auto-sync of {owner} suspended {ago} ago by {each.actor}{unsure}; resume: {resume}"

    def _outcome(
        self,
        plan: Plan,
        result: Result,
        reason: str,
        observed: str | None = None,
        op_id: str | None = None,
        *,
        sent: bool = False,
    ) -> Outcome:
        requests = tuple(shown(patch) for patch in plan.patches) if sent else ()
        return Outcome(plan.verb, plan.key.namespace, plan.key.name, result, requests, observed, op_id, reason)


def _stands(owner: Owner, fresh: object) -> bool:
    """Whether it is suspended still, by whatever value: somebody may have edited the rest of the policy."""
    value = resolve(fresh, owner.member)
    if owner.member == SUSPEND:
        return value is True
    return value is None or (isinstance(value, dict) and value.get("enabled") is False)
