"""Keeping the record of one operation: the journal, and where safe outranks provable the fallback file (rule 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cockpit.actions.wire import condensed, journaled
from cockpit.base.clock import Clock
from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.journal import IntentRecord, Journal, JournalError, OpenIntent, OutcomeRecord, Who
from cockpit.journal.observed import Piece
from cockpit.model.plan import Consent, Intent, Outcome, Patch, Plan, Verb

OUTRANKS: frozenset[Verb] = frozenset({"abort", "pause", "resume"})
"""X and P: sent even when the journal cannot be written."""


class Ledger:
    """Writes intents and outcomes; ``notify`` is told once of every record that had to go elsewhere."""

    def __init__(self, journal: Journal, who: Who, clock: Clock, notify: Callable[[str], None]) -> None:
        self._journal = journal
        self._clock = clock
        self._notify = notify
        self._silent = False
        self.who = who

    def record(
        self, op_id: str, intent: Intent, plan: Plan, consent: Consent, stage: int, patch: Patch
    ) -> IntentRecord:
        """The row of one stage. The first holds the whole plan, without pod templates and secrets."""
        body: dict[str, Any] = {"request": journaled(patch)}
        if stage == 0:
            body["plan"] = plan_body(plan)
            body["verdict"] = msgspec.to_builtins(intent.verdict)
            body["consent"] = {"tier": plan.tier.name, "why": plan.tier_reason, "typed": consent.name is not None}
            body["overrides"] = list(consent.overrides)
            body["preflight"] = msgspec.to_builtins(plan.preflight)
            body["seen"] = dict(intent.rollout.seen)
            body["generation"] = intent.rollout.generation
        return IntentRecord(
            op_id=op_id,
            at=self._clock.local(),
            verb=plan.verb,
            kind=plan.key.kind,
            namespace=plan.key.namespace,
            name=plan.key.name,
            uid=plan.uid,
            stage=stage,
            reason=clean(str(hide(consent.reason)), 1000) if consent.reason else None,
            from_=", ".join(plan.from_images) or plan.from_hash,
            to=", ".join(plan.to_images) or plan.to_hash,
            from_hash=plan.from_hash,
            to_hash=plan.to_hash,
            body=body,
        )

    async def begin(self, record: IntentRecord) -> str | None:
        """Puts an intent on disk. Returns a sentence when it had to go to the fallback, or nowhere; else None.

        Raises JournalError when it cannot be written and the verb is not one that outranks the record.
        """
        try:
            await self._journal.intent(record, self.who)
            return None
        except JournalError as error:
            if record.verb not in OUTRANKS:
                raise
            return await self._beside(record, error)

    async def _beside(self, record: IntentRecord, error: JournalError) -> str:
        try:
            path = await self._journal.intent_beside(record, self.who)
            note = f"{error}; recorded in {path} instead"
        except JournalError as also:
            note = f"{error}; {also}; this {record.verb} is recorded nowhere"
        self._notify(note)
        return note

    async def end(self, of: IntentRecord | OpenIntent, outcome: OutcomeRecord) -> str | None:
        """Puts an outcome on disk, beside the journal when that fails. Returns a sentence then."""
        try:
            await self._journal.outcome(outcome, of, self.who)
            return None
        except JournalError as error:
            try:
                path = await self._journal.outcome_beside(outcome, of, self.who)
                note = f"the outcome is recorded in {path}: {error}"
            except JournalError as also:
                note = f"the outcome is recorded nowhere: {error}; {also}"
            self._notify(note)
            return note

    def unannounced(self, trouble: str) -> None:
        """Says once that other seats will not see the acts of this one."""
        if not self._silent:
            self._silent = True
            self._notify(f"no Event tells other seats of this act: {trouble}")

    async def keep(self, op_id: str, pieces: Sequence[Piece]) -> tuple[dict[str, str], str | None]:
        """Puts evidence on disk: name -> sha256, and a sentence when it could not be kept. Never raises."""
        if not pieces:
            return {}, None
        try:
            return await self._journal.archive.keep(op_id, pieces), None
        except JournalError as error:
            note = f"its evidence was not kept: {error}"
            self._notify(note)
            return {}, note


def plan_body(plan: Plan) -> dict[str, Any]:
    """A plan as JSON from which ``read_plan`` can judge its effect later; templates are condensed, dialogs left out."""
    slim = msgspec.structs.replace(
        plan,
        patches=tuple(
            msgspec.structs.replace(patch, ops=tuple(condensed(op) for op in patch.ops)) for patch in plan.patches
        ),
        lines=(),
        preflight=None,
    )
    body: dict[str, Any] = msgspec.to_builtins(slim)
    return body


def read_plan(body: dict[str, Any]) -> Plan | None:
    """The plan of a journaled intent, None when the row does not hold one (written by hand, damaged)."""
    try:
        return msgspec.convert(body.get("plan"), Plan)
    except msgspec.ValidationError:
        return None


def outcome_record(
    op_id: str,
    outcome: Outcome,
    at: float,
    verified_at: float | None,
    audit_ids: tuple[str, ...],
    evidence: dict[str, str],
) -> OutcomeRecord:
    return OutcomeRecord(
        op_id=op_id,
        at=at,
        result=outcome.result,
        reason=outcome.reason,
        observed=outcome.observed,
        verified_at=verified_at,
        audit_ids=audit_ids,
        evidence=evidence,
    )
