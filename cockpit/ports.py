"""What a session offers to the screens and the command line: protocols over model values, nothing of how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec

from cockpit.model.artifact import Signatures
from cockpit.model.log import LogLine
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.resource import Key
from cockpit.model.revision import Coverage, Revision
from cockpit.model.right import Answer
from cockpit.model.rollout import Role
from cockpit.model.snapshot import Snapshot


class Identity(msgspec.Struct, frozen=True):
    """Who and where: for the header and the journal. ``scope`` is the namespaces read, None for all."""

    context: str
    cluster: str
    user: str
    scope: tuple[str, ...] | None = None
    read_only: bool = False
    demo: str | None = None  # name of the embedded world's scenario


class LogFeed(Protocol):
    """A bounded, merged feed of one arm's logs. Reading costs what is new."""

    @property
    def newest(self) -> int:
        """``seq`` of the newest line, 0 when empty."""

    @property
    def dropped(self) -> int:
        """Lines lost to the bound since the feed was opened."""

    @property
    def rate(self) -> float | None:
        """Lines per second of late, None when not known."""

    @property
    def errors_per_minute(self) -> float | None: ...

    @property
    def status(self) -> str:
        """Empty when all streams flow; otherwise one sentence (denied, waiting, reconnecting)."""

    def after(self, seq: int, limit: int = 1000) -> Sequence[LogLine]:
        """Lines with a greater ``seq``, oldest first; the newest ``limit`` of them."""


class Series(Protocol):
    """History of the SLIs of one rollout for charts."""

    @property
    def version(self) -> int:
        """Changes when a point was added."""

    def names(self) -> Sequence[str]: ...

    def points(self, sli: str, role: Role) -> Sequence[tuple[float, float | None]]:
        """(evidence time, value or None where there was no data), oldest first, on a regular grid."""


class PastAct(msgspec.Struct, frozen=True):
    """One journaled operation, for lists; the JSON of ``journal list``. Times are unix seconds of the seat."""

    seq: int
    op_id: str
    at: float
    actor: str
    verb: str
    namespace: str
    name: str
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    reason: str | None = None
    result: str | None = None
    verified_at: float | None = None
    afterwards: str | None = None  # what became of it later: a rollback that did not last


class EvidencePiece(msgspec.Struct, frozen=True):
    """One thing kept at a confirmation: log, events, pods, series, verdict, template. ``sha256`` of its bytes."""

    name: str  # "logs/canary.log", "verdict.json", ...
    kind: str
    size: int
    sha256: str


class Entry(msgspec.Struct, frozen=True):
    """One operation of the journal in full, for the journal view. Rows are as stored, bodies as objects."""

    act: PastAct
    rows: tuple[dict[str, Any], ...]
    evidence: tuple[EvidencePiece, ...] = ()


Progress = Callable[[str], None]
LogWindow = Literal["tail", "head", "1m", "5m", "15m", "30m", "1h"]


class Seat(Protocol):
    """One operator's session on one cluster."""

    @property
    def identity(self) -> Identity: ...

    def now(self) -> float:
        """Cluster time."""

    def snapshot(self) -> Snapshot:
        """The newest picture; cost is what changed since the last call. Same object when nothing changed."""

    async def changed(self, version: int) -> Snapshot:
        """Wait until the picture is newer than ``version``."""

    def focus(self, key: Key | None) -> None:
        """Say which rollout is open: its logs are streamed and its SLI history is kept. None closes it."""

    def logs(self, key: Key, role: Role) -> LogFeed:
        """The feed of one arm of the open rollout."""

    def set_log_window(self, key: Key, since: float | None) -> None:
        """Re-open the open rollout's feeds to show the last ``since`` seconds (None: the tail)."""

    def series(self, key: Key) -> Series: ...

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        """Versions this rollout can return to, newest first."""

    async def revisions_checked(
        self, key: Key, on_revision: Callable[[Revision], None] | None = None
    ) -> tuple[Revision, ...]:
        """The same with what registries say of them: retained, signed, built from; each told as soon as it is known."""

    async def diff(self, key: Key, from_hash: str, to_hash: str) -> tuple[str, ...]:
        """The difference of two pod templates, one line each: ``image web: a -> b``."""

    def can(self, verb: Verb, key: Key) -> tuple[Answer, str]:
        """Whether rights allow a verb, with the reason when they do not. Never blocks."""

    async def plan(self, intent: Intent, on_draft: Callable[[Plan], None] | None = None) -> Plan | Refusal:
        """Draft what a verb would send. Changes nothing.

        A rollback's plan is told to ``on_draft`` while its pre-flight still runs (``plan.preflight.complete`` false),
        each time that a check has answered; such a draft is to be shown, not to be executed.
        """

    async def provenance(self, key: Key, version: str) -> tuple[Signatures, ...]:
        """Signatures and build statements of the images of one version (by hash), one per image with a known digest."""

    async def coverage(self, key: Key) -> Coverage:
        """Retention of the recent versions; asks the registries."""

    async def entry(self, op_id: str) -> Entry | None:
        """One operation of the journal with what was kept beside it."""

    async def evidence_of(self, op_id: str, name: str) -> bytes | None:
        """The bytes of one kept piece; None: not there, or altered since."""

    async def execute(self, intent: Intent, plan: Plan, consent: Consent, progress: Progress | None = None) -> Outcome:
        """Send a plan through the gateway and watch for its effect. Never raises for an expected failure."""

    async def reset_evidence(self, key: Key, reason: str) -> str:
        """Set the evidence on the version in flight aside, journaled; the sentence that says so.

        Raises CockpitError when it cannot be recorded: then nothing is reset.
        """

    async def journal(self, limit: int = 100) -> tuple[PastAct, ...]: ...

    async def raw(self, key: Key) -> str:
        """The object as YAML-ish text, cleaned, for ``y``."""

    def refetch(self) -> None:
        """Ask every source again now."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Things to tell the person once: settled intents of an earlier run, fallbacks in force."""


Opener = Callable[[], Awaitable[Seat]]
