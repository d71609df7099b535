"""A Kubernetes Event per act, for everybody who looks at the workload: best effort, never the record of truth."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from cockpit.actions.gateway import Gateway
from cockpit.actions.ledger import Ledger
from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.journal import Who
from cockpit.model.act import ACTOR, CONTROLLER, OP_ID, REASON, SEAT, VERB
from cockpit.model.plan import Plan
from cockpit.model.resource import Resource
from cockpit.strategies import for_kind
from cockpit.strategies.image import short

EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
_NOTE_BYTES = 1024
_LONGEST_NAME = 253
_LONGEST_INSTANCE = 128
_REASON = 300
_END_SECONDS = 2.0


class Announcement:
    """The Event of one operation: on its way while the operation goes on, which waits for it only at its very end."""

    def __init__(self, gateway: Gateway, ledger: Ledger) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._task: asyncio.Task[None] | None = None

    def begin(self, op_id: str, plan: Plan, at: float, reason: str | None) -> None:
        self._task = asyncio.create_task(self._send(op_id, plan, at, reason))

    async def end(self) -> None:
        """A command ends with its operation: without these moments its Event would never leave."""
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_END_SECONDS)
            self._task.cancel()

    async def _send(self, op_id: str, plan: Plan, at: float, reason: str | None) -> None:
        try:
            body = event_of(op_id, plan, self._ledger.who, at, reason)
            trouble = await self._gateway.announce(EVENTS, plan.key.namespace, body)
        except Exception as error:  # nothing of an act hangs on its Event
            trouble = f"an internal error: {type(error).__name__}"
        if trouble is not None:
            self._ledger.unannounced(trouble)


def seat_of(who: Who) -> str:
    """Tells one cockpit process from every other, for as long as an Event lives."""
    return clean(f"{who.host}/{who.pid}/{who.process}")[:_LONGEST_INSTANCE]


def event_of(op_id: str, plan: Plan, who: Who, at: float, reason: str | None) -> dict[str, Any]:
    """The Event of one act, as events.k8s.io/v1 validates it (facts/registry-and-rollback.md 5). ``at``: cluster time.

    It is written when the first request was taken: all its fields are immutable, so that it can tell no outcome.
    """
    key, about = plan.key, for_kind(plan.key.kind).resource
    why = clean(str(hide(reason)), _REASON) if reason else ""
    user = clean(who.user, 200)
    # The workload's name may take up the whole length of a name; the operation's must not be lost.
    name = f"{key.name[: _LONGEST_NAME - len(op_id) - 1].rstrip('.-')}.{op_id.lower()}"
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": name,
            "namespace": key.namespace,
            "annotations": {
                OP_ID: op_id,
                VERB: plan.verb,
                ACTOR: user,
                SEAT: seat_of(who),
                **({REASON: why} if why else {}),
            },
        },
        "eventTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": seat_of(who),
        "action": plan.verb,
        "reason": f"Cockpit{plan.verb.capitalize()}",
        "type": "Normal",
        "regarding": {
            "apiVersion": f"{about.group}/{about.version}" if about.group else about.version,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": plan.uid,
        },
        "note": _note(op_id, plan, user, why),
    }


def _note(op_id: str, plan: Plan, user: str, why: str) -> str:
    """``rollback by sre1: ticket INC-7; web@sha256:9b1c… → web@sha256:77ab…; op=01J…``, within the limit in bytes."""
    end = f"; op={op_id}"
    text = f"{plan.verb} by {user}" + (f": {why}" if why else "")
    if plan.to_images or plan.from_images:
        source, target = (", ".join(short(image) for image in each) for each in (plan.from_images, plan.to_images))
        text += f"; {source or '?'} → {target or '?'}"
    room = _NOTE_BYTES - len(end.encode())
    return clean(text, _NOTE_BYTES).encode()[:room].decode("utf-8", "ignore") + end
