"""The composition root: settings -> clock, clients, live, actions, journal. The only place that wires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from cockpit.actions import Actions
from cockpit.actions.announce import seat_of
from cockpit.actions.flipback import GUARD_SECONDS
from cockpit.actions.preflight import policy
from cockpit.actions.preflight.examiner import Examiner
from cockpit.actions.settle import this_process
from cockpit.base.clock import Clock
from cockpit.base.errors import ConfigError, Unreachable
from cockpit.base.text import clean
from cockpit.cluster import credentials as cluster_credentials
from cockpit.cluster.api import Api
from cockpit.cluster.rights import Rights
from cockpit.cluster.serviceproxy import ServiceProxy
from cockpit.cluster.transport import Transport
from cockpit.config import Settings
from cockpit.journal import Journal, JournalError
from cockpit.judge import judge
from cockpit.live.archived import ArchivingReader
from cockpit.live.artifacts import ClusterArtifacts
from cockpit.live.attempts import Attempts
from cockpit.live.driftwatch import DriftWatch
from cockpit.live.jobs import JobRow, Jobs
from cockpit.live.live import Live
from cockpit.live.readiness import standing, whole
from cockpit.live.recording import Recorder
from cockpit.live.resets import Resets
from cockpit.live.versions import Versions
from cockpit.live.witness import Witness
from cockpit.logs.hub import LogHub, LogOptions
from cockpit.metrics.client import Prometheus
from cockpit.metrics.sampler import Sampler
from cockpit.model.artifact import Signatures
from cockpit.model.case import Policy
from cockpit.model.event import Event
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.resource import JOBS, PODS, Key
from cockpit.model.revision import Coverage, Left, Revision
from cockpit.model.right import Answer
from cockpit.model.rollout import Role, Rollout
from cockpit.model.snapshot import Snapshot, Source
from cockpit.ports import Entry, Identity, LogFeed, PastAct, Progress, Series
from cockpit.strategies import REGISTRY

if TYPE_CHECKING:
    from cockpit.doctor.finding import Finding
    from cockpit.registry.registries import Registries

_METRICS_SECONDS = 25.0
_EVENTS_SECONDS = 3.0
_LAST_LOOK_SECONDS = 2.0


async def open_session(settings: Settings, *, screens: bool = False) -> Session:
    """A session that has begun to read. Raises CredentialsError or ConfigError; an unreachable server is no error here.

    With ``screens`` open intents of an earlier run are settled in the background; a command settles them in ``ready``.
    """
    if (fault := policy.fault(settings.preflight.severity)) is not None:
        raise ConfigError(fault)
    clock = Clock(settings.world.time_scale)
    credentials = await cluster_credentials.load(settings.cluster, clock)
    transport = Transport(credentials, clock)
    api = Api(transport)
    service = settings.prometheus.service
    prometheus = Prometheus(settings.prometheus, via=ServiceProxy(transport, service)) if service else None
    sampler = Sampler(settings, clock, client=prometheus)
    # A command ends before anybody could flip its rollback back; a seat that stays watches for it.
    session = Session(settings, clock, api, sampler, credentials, guard=GUARD_SECONDS if screens else 0.0)
    await session.start(background=screens)
    return session


class Session:
    """One operator on one cluster; implements ``ports.Seat``. Everything runs on the event loop that opened it."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        api: Api,
        sampler: Sampler,
        credentials: cluster_credentials.Credentials,
        guard: float = 0.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._api = api
        self._sampler = sampler
        self._rights = Rights(api, clock)
        self._journal = Journal(settings.journal_path)
        judge_ = settings.judge
        limits = Policy(judge_.ratio, judge_.burn, judge_.detect_within, judge_.ceiling)
        self._live = Live(
            api,
            clock,
            REGISTRY,
            judge,
            limits,
            namespaces=settings.cluster.namespaces,
            home=credentials.namespace,
        )
        self._archive = self._journal.archive
        self._reader = ArchivingReader(api, self._live, self._archive, credentials.cluster)
        self._artifacts = ClusterArtifacts(self._open_registries, api, clock)
        self._drift = DriftWatch(
            self._live,
            self._artifacts,
            self._reader,
            clock,
            deployed=lambda uid: self._journal.deployed(uid, credentials.cluster),
        )
        self._versions = Versions(
            self._live, self._reader, self._artifacts, self._held_bad, settings.preflight.coverage
        )
        self._logs = LogHub(api, self._live.stores.of(PODS), clock)
        self._log_options: LogOptions | None = None
        self._actions = Actions(
            writer=api,
            reader=self._reader,
            rights=self._rights,
            journal=self._journal,
            clock=clock,
            picture=self._live,
            who=this_process(credentials.user, credentials.context, credentials.cluster),
            read_only=settings.read_only,
            creator=api,
            reads=api,
            guard=guard,
            compare=self._artifacts.compare,
            witness=Witness(self._live, self._logs.feed, self._sampler.series, api, self._reader, clock),
            examiner=Examiner(
                self._artifacts,
                self._archive,
                api,
                self._rights,
                self._versions.revisions,
                clock,
                settings.preflight,
                credentials.cluster,
            ),
        )
        self._live.acts.seat = seat_of(self._actions.who)
        self._recorder = Recorder(
            self._live, self._archive, self._reader, clock, self._actions.notify, credentials.cluster
        )
        self._jobs = Jobs(self._archive, clock, self._actions.notify, credentials.cluster)
        self._attempts = Attempts()
        self._resets = Resets(self._journal, self._attempts, clock, self._epochs_changed)
        self._user = credentials.user
        self._context, self._cluster = credentials.context, credentials.cluster
        self._focus: Key | None = None
        self._settled = asyncio.Event()
        self._acted = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, *, background: bool) -> None:
        """Begin to read everything; returns at once."""
        self._live.attach(self._sampler)
        self._live.on_rollouts(self._rollouts_changed)
        self._live.on_events(self._events_changed)
        await self._resets.read()
        if background:  # a command is gone before a Job is
            self._live.beside(JOBS, JobRow, self._jobs)
            self._tasks.append(asyncio.create_task(self._jobs.follow()))
        await self._live.start()
        self._tasks.append(asyncio.create_task(self._measure()))
        if background:
            self._tasks.append(asyncio.create_task(self._settle()))
        self._tasks.append(asyncio.create_task(self._identify()))
        self._tasks.append(asyncio.create_task(self._resets.follow()))
        self._tasks.append(asyncio.create_task(self._record()))
        self._tasks.append(asyncio.create_task(self._watch_drift()))

    async def ready(self, seconds: float) -> None:
        """Wait for a first whole picture. Raises Unreachable, Denied or NotSent's kin when there will be none."""
        try:
            async with asyncio.timeout(seconds):
                await whole(self._live, self._api.server)
        except TimeoutError:
            source = self._live.snapshot().sources.get("kubernetes", Source("lost"))
            said = source.message or "it is still listing"
            raise Unreachable(f"no whole picture of {self._api.server} within {seconds:.0f} s: {said}") from None
        with suppress(TimeoutError):
            async with asyncio.timeout(
                _EVENTS_SECONDS
            ):  # they tell of retries; without them evidence may begin earlier
                await self._live.events_read()
        self._events_changed(self._live.snapshot().events)
        await self._sampler.caught_up(_METRICS_SECONDS)
        self._live.snapshot()
        await self._actions.settle()
        self._settled.set()

    async def close(self) -> None:
        """Stop reading and close every connection; an act under way has been told or will be settled next time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._acted:  # a command ends before the recorder looks again: how the version left must not be lost
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_LOOK_SECONDS):
                    await self._recorder.look(self._live.snapshot())
        self._logs.focus(None)
        await self._actions.aclose()
        await self._rights.aclose()
        await self._sampler.stop()
        await self._live.stop()
        await self._logs.aclose()
        await self._artifacts.aclose()
        await self._api.aclose()
        await self._journal.close()

    # -- the picture ---------------------------------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        return Identity(
            context=clean(self._context, 200),
            cluster=clean(self._cluster, 200),
            user=clean(self._user, 200),
            scope=self._live.scope,
            read_only=self._settings.read_only,
            demo=self._settings.world.scenario,
        )

    @property
    def notices(self) -> tuple[str, ...]:
        return self._actions.notices

    def now(self) -> float:
        return self._clock.cluster()

    def snapshot(self) -> Snapshot:
        return self._live.snapshot()

    async def changed(self, version: int) -> Snapshot:
        return await self._live.changed(version)

    def refetch(self) -> None:
        self._live.refetch()
        self._sampler.refetch()
        self._rights.forget()

    # -- the open rollout ----------------------------------------------------------------------------------------------

    def focus(self, key: Key | None) -> None:
        if key != self._focus:
            self._log_options = None
        self._focus = key
        self._sampler.focus(key)
        self._live.focus(key)
        self._drift.focus(key)
        self._rollouts_changed(self._live.snapshot().rollouts)

    def logs(self, key: Key, role: Role) -> LogFeed:
        return self._logs.feed(key, role)

    def set_log_window(self, key: Key, since: float | None) -> None:
        self._logs.set_window(key, since)

    def open_logs(self, key: Key, options: LogOptions) -> None:
        """Open a rollout for its logs alone, read as ``options`` say (``cockpit logs``)."""
        self._focus, self._log_options = key, options
        self._rollouts_changed(self._live.snapshot().rollouts)

    async def logs_drained(self) -> None:
        """Wait until streams that do not follow have ended."""
        await self._logs.drained()

    def series(self, key: Key) -> Series:
        return self._sampler.series(key)

    def examine(self, key: Key) -> Snapshot:
        """The picture with all numbers of one rollout, its intervals included, without opening it."""
        self._live.focus(key)
        return self._live.snapshot()

    def _rollouts_changed(self, rollouts: Mapping[Key, Rollout]) -> None:
        self._attempts.rollouts(rollouts, self._clock.cluster())
        self._sampler.set_epochs(self._attempts.epochs(rollouts))
        self._sampler.set_targets(rollouts)
        self._logs.focus(rollouts.get(self._focus) if self._focus is not None else None, self._log_options)

    def _events_changed(self, events: Sequence[Event]) -> None:
        self._attempts.events(events)
        self._epochs_changed()

    # -- evidence ------------------------------------------------------------------------------------------------------

    async def reset_evidence(self, key: Key, reason: str) -> str:
        """Set the evidence on the version in flight aside, for everybody on this journal; a sentence that says so.

        Raises NotFound, and JournalError when it cannot be recorded: then nothing is reset.
        """
        return await self._resets.reset(key, self._live.snapshot(), reason, self._actions.who)

    def _epochs_changed(self) -> None:
        self._sampler.set_epochs(self._attempts.epochs(self._live.snapshot().rollouts))

    # -- versions ------------------------------------------------------------------------------------------------------

    async def revisions(self, key: Key) -> tuple[Revision, ...]:
        return await self._versions.revisions(key)

    async def revisions_checked(
        self, key: Key, on_revision: Callable[[Revision], None] | None = None
    ) -> tuple[Revision, ...]:
        return await self._versions.checked(key, on_revision)

    async def coverage(self, key: Key) -> Coverage:
        return await self._versions.coverage(key)

    def counted(self, listed: Sequence[Revision]) -> Coverage:
        """Coverage of versions that were asked for already."""
        return self._versions.counted(listed)

    async def provenance(self, key: Key, version: str) -> tuple[Signatures, ...]:
        return await self._versions.provenance(key, version)

    async def diff(self, key: Key, from_hash: str, to_hash: str) -> tuple[str, ...]:
        return await self._versions.diff(key, from_hash, to_hash)

    async def ask_drift(self, key: Key, seconds: float) -> None:
        """Ask registries, owners and the journal about one rollout now, for a picture that is taken once."""
        await self._drift.once(key, seconds)

    async def raw(self, key: Key) -> str:
        return await self._versions.raw(key)

    async def _held_bad(self, uid: str) -> Mapping[str, Left]:
        try:
            return dict((await self._journal.history(uid)).left_by)
        except JournalError:
            return {}  # what cannot be read holds nothing bad; writing it will say what is wrong

    # -- acts ----------------------------------------------------------------------------------------------------------

    def can(self, verb: Verb, key: Key) -> tuple[Answer, str]:
        return self._actions.can(verb, key)

    async def plan(self, intent: Intent, on_draft: Callable[[Plan], None] | None = None) -> Plan | Refusal:
        return await self._actions.plan(intent, on_draft)

    async def dry_run(self, intent: Intent, plan: Plan) -> Outcome:
        """The exact requests and what the server says to them, for ``--dry-run``."""
        return await self._actions.dry_run(intent, plan)

    async def execute(self, intent: Intent, plan: Plan, consent: Consent, progress: Progress | None = None) -> Outcome:
        self._acted = True
        return await self._actions.execute(intent, plan, consent, progress)

    async def journal(self, limit: int = 100) -> tuple[PastAct, ...]:
        return await self._journal.acts(limit)

    async def entry(self, op_id: str) -> Entry | None:
        return await self._journal.entry(op_id)

    async def evidence_of(self, op_id: str, name: str) -> bytes | None:
        return await self._archive.piece(op_id, name)

    async def fitting(self, seconds: float) -> list[Finding]:
        """Which presets fit the workloads seen here (``doctor``). Raises what reading the cluster raises."""
        from cockpit.doctor.fitting import fitting

        async with asyncio.timeout(seconds):
            await whole(self._live, self._api.server)
            return await fitting(self._live.snapshot().rollouts, self._sampler.client, self._settings)

    # -- behind the scenes ---------------------------------------------------------------------------------------------

    async def _measure(self) -> None:
        """First the fleet, then its numbers: what is asked of half a fleet is asked again for the whole of it."""
        await standing(self._live)
        self._live.snapshot()
        await self._sampler.start()

    async def _record(self) -> None:
        """Once the picture stands, write down what can only be seen now."""
        await standing(self._live)
        await self._recorder.follow()

    async def _watch_drift(self) -> None:
        await standing(self._live)
        await self._drift.follow()

    def _open_registries(self) -> Registries:
        """At the first question only: what it imports is not needed to look at a fleet."""
        from cockpit.registry.registries import Registries

        return Registries(self._settings, self._clock, memory=self._archive.memory())

    async def _settle(self) -> None:
        """Once the picture stands, find out what became of acts that an earlier run left open."""
        await standing(self._live)
        await self._actions.settle()

    async def _identify(self) -> None:
        found = await self._rights.identity()
        if found is not None:
            self._user = found[0]
            self._actions.known_as(*found)
