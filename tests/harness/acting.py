"""Actions on the in-process world, for tests: one seat, its journal in a scratch folder, and short words for verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cockpit.actions import Actions, this_process
from cockpit.journal import Journal
from cockpit.model.plan import Consent, Intent, Outcome, Plan, Refusal, Verb
from cockpit.model.resource import Key
from cockpit.model.verdict import State, Verdict
from tests.harness.inprocess import Cluster

WEB = Key("Rollout", "default", "web")
DEPLOYED = Key("Deployment", "default", "web")


class Seat:
    """One operator at one cluster. ``judged`` is the verdict that dialogs were drawn with."""

    def __init__(self, cluster: Cluster, folder: Path, *, user: str = "sre1", read_only: bool = False) -> None:
        self.cluster = cluster
        self.judged: State | None = "unjudged"
        self.journal = Journal(folder / "journal.sqlite3", folder / "runtime")
        self.actions = Actions(
            writer=cluster,
            reader=cluster,
            rights=cluster,
            journal=self.journal,
            clock=cluster.clock(),
            picture=cluster,
            who=this_process(user, "demo", "demo"),
            read_only=read_only,
        )

    def intent(self, verb: Verb, key: Key = WEB, **more: Any) -> Intent:
        verdict = Verdict(self.judged, "as the test says") if self.judged is not None else None
        return Intent(verb, self.cluster.rollout(key), verdict, **more)

    async def plan(self, verb: Verb, key: Key = WEB, **more: Any) -> Plan:
        planned = await self.actions.plan(self.intent(verb, key, **more))
        assert isinstance(planned, Plan), planned
        return planned

    async def refused(self, verb: Verb, key: Key = WEB, **more: Any) -> Refusal:
        planned = await self.actions.plan(self.intent(verb, key, **more))
        assert isinstance(planned, Refusal), planned
        return planned

    async def act(self, verb: Verb, key: Key = WEB, **more: Any) -> Outcome:
        """Plan and execute with the name typed."""
        intent = self.intent(verb, key, **more)
        planned = await self.actions.plan(intent)
        assert isinstance(planned, Plan), planned
        return await self.actions.execute(intent, planned, Consent(name=key.name, reason="a test"))

    async def rows(self) -> list[tuple[str, int, str | None]]:
        """(row, stage, result) of everything journaled, oldest first."""
        found = []
        for act in reversed(await self.journal.acts(1000)):
            found += [(row["row"], row["stage"], row["result"]) for row in await self.journal.show(act.op_id)]
        return found
