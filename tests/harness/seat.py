"""A seat on a hand-made picture, for the command line's own tests: no cluster, no threads, nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from cockpit.actions import wire
from cockpit.logs.hub import LogOptions
from cockpit.model.log import LogLine
from cockpit.model.plan import Consent, Intent, Outcome, Patch, Plan, Refusal, Tier, Verb
from cockpit.model.resource import ROLLOUTS, Key
from cockpit.model.revision import Revision
from cockpit.model.right import Answer
from cockpit.model.rollout import Arm, Image, LastExit, Owner, Pod, Replicas, Role, Rollout, Step, Weight
from cockpit.model.snapshot import Snapshot, Source
from cockpit.model.verdict import Assessment, Burn, BurnWindow, PerArm, SliRow, Verdict
from cockpit.ports import Identity, PastAct

NOW = 1_700_000_000.0
DIGEST = "sha256:" + "ab" * 32


def pod(name: str, **changes: Any) -> Pod:
    """A ready pod, changed as given."""
    base = Pod(
        name=name,
        namespace="payments",
        uid=f"uid-{name}",
        hash="6b7f",
        phase="Running",
        ready=True,
        restarts=0,
        digest=DIGEST,
    )
    return msgspec.structs.replace(base, **changes)


def arm(role: Role, *pods: Pod, **changes: Any) -> Arm:
    base = Arm(
        role=role,
        hash="6b7f" if role == "canary" else "5c9d",
        revision=42 if role == "canary" else 41,
        replicaset=f"checkout-api-{role}",
        images=(Image("web", f"registry.example/checkout:{role}", DIGEST),),
        pods=pods,
        desired=len(pods),
        ready=sum(each.ready for each in pods),
        available=sum(each.ready for each in pods),
    )
    return msgspec.structs.replace(base, **changes)


def rollout(name: str = "checkout-api", namespace: str = "payments", kind: str = "Rollout", **changes: Any) -> Rollout:
    """A canary that waits for a human at step 2 of 3, changed as given."""
    base = Rollout(
        key=Key(kind, namespace, name),
        uid=f"uid-{namespace}-{name}",
        resource_version="100",
        generation=3,
        strategy="canary",
        phase="Paused",
        message="CanaryPauseStep",
        replicas=Replicas(4, 1, 4, 4),
        weight=Weight(0.25, 0.25),
        seen={"/metadata/uid": f"uid-{namespace}-{name}", "/status/currentStepIndex": 1},
        paused_by="step",
        steps=(
            Step(0, "setWeight", "25%", weight=0.25),
            Step(1, "pause", "pause ∞", gate=True),
            Step(2, "setWeight", "100%", weight=1.0),
        ),
        step_index=1,
        waits_for_human=True,
        in_flight=True,
        canary=arm("canary", pod("checkout-api-canary-1")),
        baseline=arm("baseline", pod("checkout-api-stable-1"), pod("checkout-api-stable-2")),
    )
    return msgspec.structs.replace(base, **changes)


def assessment(**changes: Any) -> Assessment:
    """Errors known, latency unknown, burn partly covered."""
    base = Assessment(
        verdict=Verdict("unjudged", "errors 4.10 % vs 0.30 % (13.7x); not judged yet"),
        slis=(
            SliRow(
                name="errors",
                unit="ratio",
                canary=0.041,
                baseline=0.003,
                ratio=13.7,
                interval=None,
                requests=PerArm(1000, 3000),
                errors=PerArm(41, 9),
                e_abort=None,
                e_advance=None,
                state="unjudged",
                reason="not judged yet",
            ),
            SliRow(
                name="p99",
                unit="seconds",
                canary=None,
                baseline=0.4,
                ratio=None,
                interval=None,
                requests=PerArm(None, 3000),
                errors=PerArm(None, None),
                e_abort=None,
                e_advance=None,
                state="blind",
                reason="no buckets from the canary",
            ),
        ),
        burn=Burn("availability", 0.999, 2_592_000.0, (BurnWindow(3600.0, 720.0, 15.1, 0.3),)),
        as_of=NOW - 5,
    )
    return msgspec.structs.replace(base, **changes)


def picture(*rollouts: Rollout, **changes: Any) -> Snapshot:
    """A fresh snapshot of these rollouts, each with ``assessment()``."""
    base = Snapshot(
        version=1,
        now=NOW,
        sources={
            "kubernetes": Source("ok", at=NOW, version="100"),
            "prometheus": Source("ok", at=NOW - 5),
        },
        rollouts={each.key: each for each in rollouts},
        assessments={each.key: assessment() for each in rollouts},
    )
    return msgspec.structs.replace(base, **changes)


def hostile(text: str = "x") -> str:
    """Text as a cluster might send it: escape sequences, OSC 52, markup, C1 and bidi controls."""
    return f"\x1b]52;c;aGk=\x07\x1b[2J[red]{text}[/]\x9b31m\u202e\x00\r\n\x7f"


class Feed:
    """A finished log feed."""

    dropped = 0
    rate: float | None = None
    errors_per_minute: float | None = None

    def __init__(self, lines: Sequence[LogLine], status: str = "") -> None:
        self._lines = tuple(lines)
        self.status = status

    @property
    def newest(self) -> int:
        return self._lines[-1].seq if self._lines else 0

    def after(self, seq: int, limit: int = 1000) -> Sequence[LogLine]:
        return [line for line in self._lines if line.seq > seq][-limit:]


class FakeSeat:
    """``ports.Seat`` plus what a session adds. Executions are kept in ``executed``."""

    def __init__(
        self, snapshot: Snapshot, *, later: Sequence[Snapshot] = (), tier: Tier = Tier.YES, still: bool = False
    ) -> None:
        self._still = still
        self._snapshot = snapshot
        self._later = list(later)
        self.tier = tier
        self.refusal: Refusal | None = None
        self.result: Any = "done"
        self.executed: list[tuple[Intent, Plan, Consent]] = []
        self.intents: list[Intent] = []
        self.resets: list[tuple[Key, str]] = []
        self.lines: dict[Role, list[LogLine]] = {"canary": [], "baseline": []}
        self.versions: tuple[Revision, ...] = ()
        self.notices: tuple[str, ...] = ()
        self.closed = False
        self.log_options: LogOptions | None = None
        self.identity = Identity("demo", "demo", "sre1")

    async def ready(self, timeout: float) -> None:
        """It is."""

    async def close(self) -> None:
        self.closed = True

    def now(self) -> float:
        return self._snapshot.now

    def snapshot(self) -> Snapshot:
        return self._snapshot

    async def changed(self, version: int) -> Snapshot:
        """The next prepared picture; after the last one a person presses ctrl+c."""
        if self._still:
            await asyncio.Event().wait()
        if not self._later:
            raise KeyboardInterrupt
        self._snapshot = self._later.pop(0)
        return self._snapshot

    def focus(self, key: Key | None) -> None: ...

    async def ask_drift(self, key: Key, seconds: float) -> None: ...

    def examine(self, key: Key) -> Snapshot:
        return self._snapshot

    async def reset_evidence(self, key: Key, reason: str) -> str:
        self.resets.append((key, reason))
        return f"the evidence on {key} begins anew"

    def set_log_window(self, key: Key, since: float | None) -> None: ...

    def open_logs(self, key: Key, options: LogOptions) -> None:
        self.log_options = options

    async def logs_drained(self) -> None:
        """They never were more."""

    def logs(self, key: Key, role: Role) -> Feed:
        return Feed(self.lines[role])

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        return self.versions

    def can(self, verb: Verb, key: Key) -> tuple[Answer, str]:
        return "allowed", ""

    async def plan(self, intent: Intent, on_draft: Callable[[Plan], None] | None = None) -> Plan | Refusal:
        self.intents.append(intent)
        if self.refusal is not None:
            return self.refusal
        patch = Patch(
            resource=ROLLOUTS,
            namespace=intent.key.namespace,
            name=intent.key.name,
            subresource="status",
            ops=(
                {"op": "test", "path": "/metadata/uid", "value": intent.rollout.uid},
                {"op": "add", "path": "/status/abort", "value": True},
            ),
            why="abort",
        )
        return Plan(
            verb=intent.verb,
            key=intent.key,
            uid=intent.rollout.uid,
            title=intent.verb.upper(),
            direction="away",
            patches=(patch,),
            lines=(("traffic", "25 % to 0 %"),),
            goal={},
            warnings=("Argo CD will undo this",),
            tier=self.tier,
            tier_reason="the verdict is against it" if self.tier is Tier.NAME else "",
        )

    async def dry_run(self, intent: Intent, plan: Plan) -> Outcome:
        shown = tuple(wire.shown(patch) for patch in plan.patches)
        return Outcome(plan.verb, plan.key.namespace, plan.key.name, "planned", shown, None, None, "dry run")

    async def execute(
        self, intent: Intent, plan: Plan, consent: Consent, progress: Callable[[str], None] | None = None
    ) -> Outcome:
        self.executed.append((intent, plan, consent))
        return Outcome(
            verb=intent.verb,
            namespace=intent.key.namespace,
            name=intent.key.name,
            result=self.result,
            requests=({"method": "PATCH"},),
            observed="the canary serves nothing",
            op_id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
            reason="",
        )

    async def journal(self, limit: int = 100) -> tuple[PastAct, ...]:
        return ()


BAD_POD = pod(
    "checkout-api-canary-2",
    ready=False,
    restarts=7,
    digest=None,
    reason="CrashLoopBackOff",
    message="back-off 5m0s restarting failed container",
    last_exit=LastExit("web", "OOMKilled", 137, NOW - 60),
)
OWNER = Owner("argocd", "checkout", "argocd.argoproj.io/instance", "Argo CD will undo a change made here")
