"""A seat on hand-built pictures: it records what it is asked, and answers at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cockpit.base.errors import CockpitError
from cockpit.model.artifact import Signatures
from cockpit.model.log import LogLine
from cockpit.model.plan import Consent, Intent, Outcome, Patch, Plan, Refusal, Tier, Verb
from cockpit.model.preflight import Preflight
from cockpit.model.resource import ROLLOUTS, Key
from cockpit.model.revision import Coverage, Revision
from cockpit.model.right import Answer
from cockpit.model.rollout import Role
from cockpit.model.snapshot import Snapshot
from cockpit.ports import Entry, Identity, PastAct, Progress
from tests.ui import pictures
from tests.ui.pictures import NOW


class FakeFeed:
    """A log feed over a list."""

    def __init__(self, lines: list[LogLine], *, status: str = "") -> None:
        self.lines = lines
        self.dropped = 0
        self.rate: float | None = 412.0
        self.errors_per_minute: float | None = 118.0
        self.status = status

    @property
    def newest(self) -> int:
        return self.lines[-1].seq if self.lines else 0

    def after(self, seq: int, limit: int = 1000) -> Sequence[LogLine]:
        return [line for line in self.lines if line.seq > seq][-limit:]

    def add(self, *texts: str, level: Any = "info") -> None:
        for text in texts:
            seq = self.newest + 1
            self.lines.append(LogLine(seq, NOW + seq * 0.01, "checkout-api-7f9c8d-zl4vn", "web", level, text))


class FakeSeries:
    """A rise for the canary, a flat line for the baseline, and a gap."""

    version = 1

    def __init__(
        self, names: Sequence[str] = ("errors", "p50", "p95", "p99", "rate", "rate_per_pod", "cpu", "memory")
    ) -> None:
        self._names = names

    def names(self) -> Sequence[str]:
        return self._names

    def points(self, sli: str, role: Role) -> Sequence[tuple[float, float | None]]:
        if sli not in self._names:
            return ()
        size = {"errors": 0.04, "p99": 0.9, "p95": 0.3, "p50": 0.07, "rate": 300, "memory": 18e7}.get(sli, 1.0)
        result: list[tuple[float, float | None]] = []
        for i in range(60):
            at = NOW - 11 - (59 - i) * 15
            level = 0.1 + 0.9 * (i / 59) ** 2 if role == "canary" else 0.12 + 0.02 * math.sin(i)
            result.append((at, None if role == "canary" and 20 <= i < 24 else size * level))
        return result


class FakeSeat:
    """``tiers`` sets what a verb's plan asks for; ``refusals`` what is refused; ``denied`` what rights forbid."""

    def __init__(
        self,
        picture: Snapshot | None = None,
        *,
        read_only: bool = False,
        context: str = "prod-eu-1",
        demo: str | None = None,
    ) -> None:
        self.identity = Identity(context, context, "sre1@oncall", None, read_only, demo)
        self.picture = picture if picture is not None else pictures.picture()
        self.time = NOW
        self.tiers: dict[str, Tier] = {}
        self.refusals: dict[str, Refusal] = {}
        self.denied: dict[str, str] = {}
        self.notices: tuple[str, ...] = ()
        self.feeds: dict[Role, FakeFeed] = {
            "canary": FakeFeed(pictures.log_lines("canary")),
            "baseline": FakeFeed(pictures.log_lines("baseline")),
        }
        self.the_revisions = pictures.revisions()
        self.pieces: dict[str, bytes] = {"logs/canary.log": b"psp timeout\n\x1b]52;c;ZXZpbA==\x07\x1b[2J[bold]owned\n"}
        self.preflight: Preflight | None = None
        self.drafts: tuple[Preflight, ...] = ()  # told of a rollback's plan, one after the other, before it is whole
        self.answered: asyncio.Event | None = None  # what a rollback's last checks wait for
        self.cancelled: list[Intent] = []
        self.outcome: Outcome | None = None
        self.hold: asyncio.Event | None = None
        self.failing: CockpitError | None = None
        self.focused: list[Key | None] = []
        self.windows: list[float | None] = []
        self.planned: list[Intent] = []
        self.executed: list[tuple[Intent, Plan, Consent]] = []
        self.refetched = 0
        self.resets: list[tuple[Key, str]] = []
        self.snapshots = 0
        self.closed = False

    def now(self) -> float:
        return self.time

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return self.picture

    async def changed(self, version: int) -> Snapshot:
        return self.picture

    def focus(self, key: Key | None) -> None:
        self.focused.append(key)

    async def reset_evidence(self, key: Key, reason: str) -> str:
        self.resets.append((key, reason))
        return f"the evidence on {key} begins anew"

    def logs(self, key: Key, role: Role) -> FakeFeed:
        return self.feeds[role]

    def set_log_window(self, key: Key, since: float | None) -> None:
        self.windows.append(since)

    def series(self, key: Key) -> FakeSeries:
        return FakeSeries()

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        if self.failing:
            raise self.failing
        return self.the_revisions

    async def revisions_checked(
        self, key: Key, on_revision: Callable[[Revision], None] | None = None
    ) -> tuple[Revision, ...]:
        for each in self.the_revisions:
            if on_revision is not None:
                on_revision(each)
        return self.the_revisions

    async def coverage(self, key: Key) -> Coverage:
        return Coverage(5, 3, 4, ("rev 37",), "3/5 retained · 1 lost: rev 37 · 1 unknown (registry answers 429)")

    async def provenance(self, key: Key, version: str) -> tuple[Signatures, ...]:
        return pictures.signatures(version)

    async def entry(self, op_id: str) -> Entry | None:
        return pictures.entry((await self.journal())[0]) if op_id == "01JB" else None

    async def evidence_of(self, op_id: str, name: str) -> bytes | None:
        return self.pieces.get(name)

    async def diff(self, key: Key, from_hash: str, to_hash: str) -> tuple[str, ...]:
        if from_hash == to_hash:
            return ()
        return (
            "image web: checkout@9f3c…a1 -> checkout@71bd…04",
            "env PSP_TIMEOUT_MS: 800 -> 1500",
            "env PSP_POOL: 4 -> removed",
        )

    def can(self, verb: Verb, key: Key) -> tuple[Answer, str]:
        return ("denied", self.denied[verb]) if verb in self.denied else ("allowed", "")

    async def plan(self, intent: Intent, on_draft: Callable[[Plan], None] | None = None) -> Plan | Refusal:
        self.planned.append(intent)
        if intent.verb in self.refusals and intent.choice is None:
            return self.refusals[intent.verb]
        plan = plan_of(intent, self.tiers.get(intent.verb, Tier.YES))
        if intent.verb != "rollback":
            return plan
        for draft in self.drafts if on_draft is not None else ():
            on_draft(msgspec.structs.replace(plan, preflight=draft))
        if self.answered is not None:
            try:
                await self.answered.wait()
            except asyncio.CancelledError:
                self.cancelled.append(intent)
                raise
        return msgspec.structs.replace(plan, preflight=self.preflight)

    async def execute(self, intent: Intent, plan: Plan, consent: Consent, progress: Progress | None = None) -> Outcome:
        self.executed.append((intent, plan, consent))
        if progress:
            progress("accepted; waiting for the canary to serve nothing")
        if self.hold is not None:
            await self.hold.wait()
        return self.outcome or Outcome(
            intent.verb, intent.key.namespace, intent.key.name, "done", (), "the canary serves nothing", "01J", ""
        )

    async def journal(self, limit: int = 100) -> tuple[PastAct, ...]:
        return (
            PastAct(2, "01JB", NOW - 900, "sre1", "pause", "shop", "catalog", reason="wait for db", result="done"),
            PastAct(
                1, "01JA", NOW - 9000, "sre1", "abort", "payments", "checkout-api", "rev 40", "rev 39", result="unknown"
            ),
        )

    async def raw(self, key: Key) -> str:
        if self.failing:
            raise self.failing
        return f"apiVersion: argoproj.io/v1alpha1\nkind: {key.kind}\nmetadata:\n  name: {key.name}\n" + "\n".join(
            f"line: {i}" for i in range(80)
        )

    def refetch(self) -> None:
        self.refetched += 1

    async def close(self) -> None:
        self.closed = True

    # -- for tests ---------------------------------------------------------------------------------------

    def change(self, name: str, **changes: Any) -> None:
        """A new picture in which one rollout is another object."""
        rollouts = dict(self.picture.rollouts)
        key = next(key for key in rollouts if key.name == name)
        rollouts[key] = msgspec.structs.replace(rollouts[key], **changes)
        self.picture = msgspec.structs.replace(self.picture, version=self.picture.version + 1, rollouts=rollouts)


_TITLES = {"advance": "ADVANCE", "abort": "ABORT", "full": "FULL PROMOTE", "skip": "SKIP STEP", "rollback": "ROLL BACK"}


_LINES = (
    ("traffic", "25 % rev 42 → 0 %, rev 41 → 100 %"),
    ("effect", "canary pods scale down after 30 s"),
    ("takes", "about 5 s (istio weights), no pod restarts"),
    ("stable", "9 of 9 pods available: healthy, and enough for 100 %"),
)
_BACK = (
    ("from", "rev 42 (checkout@9f3c…a1)"),
    ("to", "rev 41 (checkout@71bd…04)"),
    ("traffic", "25 % rev 42 → 0 %: the stable version is up, no step runs"),
    ("stable", "9 of 9 pods available: healthy, and enough for 100 %"),
    ("verdict", "errors 4.10 % vs 0.30 % (13.7x): rollback agrees"),
)


def plan_of(intent: Intent, tier: Tier) -> Plan:
    """A plan with the texts of the drawings."""
    away = intent.verb in {"abort", "rollback", "pause"}
    tests = tuple({"op": "test", "path": path, "value": value} for path, value in intent.rollout.seen.items())
    change = {"op": "add", "path": f"/status/{intent.verb}", "value": True}
    patch = Patch(
        ROLLOUTS, intent.key.namespace, intent.key.name, "status", (*tests, change), f"asks for {intent.verb}"
    )
    against = tier == Tier.NAME and not away
    warnings = ("AGAINST THE VERDICT: error 13.7× baseline, burn 15.1×",) if against else ()
    if tier == Tier.YES_WARNED:
        warnings = ("Argo CD app checkout owns this: self-heal may revert it",)
    asks = {Tier.NAME: "the evidence is against it" if against else "the pre-flight asks for it"}
    asks[Tier.YES_WARNED] = "there is not enough evidence yet"
    return Plan(
        intent.verb,
        intent.key,
        intent.rollout.uid,
        _TITLES.get(intent.verb, intent.verb.upper()),
        "away" if away else "toward",
        (patch,),
        _BACK if intent.verb == "rollback" else _LINES,
        {},
        warnings=warnings,
        tier=tier,
        tier_reason=asks.get(tier, ""),
    )
