"""The gateway: the one place that sends a write, and all that must be true before it does (Safety rules 1-4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from cockpit.actions.conditions import moved, standing
from cockpit.actions.ports import Creator, Rights, WriteAnswer, Writer
from cockpit.base.clock import Clock
from cockpit.base.errors import AnswerLost, ApiError, CockpitError, Denied, NotFound, NotSent
from cockpit.model.plan import Patch, Verb
from cockpit.model.resource import Resource
from cockpit.model.right import Right
from cockpit.strategies.contract import Reader

READ_BACK_SECONDS = 4.0
"""How long a write whose answer was lost is looked for here; its effect is watched for after that."""
_READ_BACK_PAUSE = 0.4

Fate = Literal["sent", "moved", "denied", "refused", "failed", "unclear"]


class Sent(msgspec.Struct, frozen=True):
    """What became of one request. *unclear*: it may have been carried out; only its effect can tell."""

    fate: Fate
    text: str
    audit_id: str | None = None
    warnings: tuple[str, ...] = ()
    body: Mapping[str, Any] = msgspec.field(default_factory=dict)  # of a dry run: the object as it would be


class Gateway:
    """Owns the writer. Nothing else in the program has one."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        rights: Rights,
        clock: Clock,
        *,
        read_only: bool,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        creator: Creator | None = None,
    ) -> None:
        self._creator = creator
        self._writer = writer
        self._reader = reader
        self._rights = rights
        self._clock = clock
        self._sleep = sleep
        self.read_only = read_only

    async def precheck(self, verb: Verb, patch: Patch, needs: Sequence[Right] = ()) -> Sent | None:
        """Read-only mode, rights, then a fresh read that may only refuse. None: nothing stands in the way.

        ``needs``: rights of later requests of the sequence; without them the first one would leave it half done.
        An abort is sent even when it cannot be known beforehand whether it is allowed or still true: the server says.
        """
        if self.read_only:
            return Sent("refused", "read-only: started with --read-only (or read_only in the config); nothing was sent")
        rights = dict.fromkeys((Right("patch", patch.resource, patch.subresource), *needs))
        fresh: dict[str, Any] | CockpitError
        ruling: Sent | None
        fresh, ruling = await asyncio.gather(self._fresh(patch), self._ruling(verb, rights, patch.namespace))
        if ruling is not None:
            return ruling
        if isinstance(fresh, NotFound):
            return Sent("moved", f"{patch.resource.kind} {patch.namespace}/{patch.name} is gone; nothing was sent")
        if isinstance(fresh, CockpitError):
            if verb == "abort":
                return None
            return Sent("failed", f"its present state cannot be read, so nothing was sent: {fresh}")
        changes = moved(patch.ops, fresh)
        if changes:
            return Sent("moved", "; ".join(changes) + "; nothing was changed")
        return None

    async def send(self, patch: Patch) -> Sent:
        """Sends one request, once, and reads back when its answer is lost. The caller has journaled the intent."""
        if self.read_only:
            return Sent("refused", "read-only: nothing was sent")
        try:
            answer = await self._writer.patch(patch)
        except NotSent as error:
            return Sent("failed", f"not sent: {error}")
        except AnswerLost as error:
            return await self._read_back(patch, error)
        except Denied as error:
            self._rights.forget()
            return Sent("denied", str(error))
        except NotFound:
            return Sent("moved", f"{patch.resource.kind} {patch.namespace}/{patch.name} is gone; nothing was changed")
        except ApiError as error:
            return await self._refused_by_server(patch, error)
        except CockpitError as error:
            return Sent("failed", str(error))
        return Sent("sent", f"accepted by the server ({answer.status})", answer.audit_id, tuple(answer.warnings))

    async def dry_run(self, patch: Patch) -> Sent:
        """Asks the server whether it would take a request; stores nothing. *unclear*: it cannot be asked."""
        if self.read_only:
            return Sent("refused", "not run: read-only")
        try:
            answer: WriteAnswer = await self._writer.patch(patch, dry_run=True)
        except Denied as error:
            return Sent("denied", str(error))
        except NotFound:
            return Sent("moved", f"{patch.resource.kind} {patch.namespace}/{patch.name} is gone")
        except ApiError as error:
            if error.status == 400 and "dry run" in str(error).lower():  # a webhook with side effects (k8s 66936)
                return Sent("unclear", f"not possible: {error}")
            return await self._refused_by_server(patch, error)
        except CockpitError as error:
            return Sent("failed", str(error))
        return Sent("sent", "the server would accept it", answer.audit_id, tuple(answer.warnings), answer.body)

    async def admit(self, resource: Resource, namespace: str, body: dict[str, Any]) -> Sent:
        """Asks the server whether it would create an object; stores nothing. *refused*: not asked."""
        if self.read_only or self._creator is None:
            return Sent("refused", "not run: read-only")
        try:
            answer = await self._creator.create(resource, namespace, body, dry_run=True)
        except Denied as error:
            return Sent("denied", str(error))
        except ApiError as error:
            unsure = error.status == 400 and "dry run" in str(error).lower()
            return Sent("unclear" if unsure else "failed", f"the server refused it: {error}")
        except CockpitError as error:  # nobody said no
            return Sent("unclear", str(error))
        return Sent("sent", "the server would admit it", answer.audit_id, tuple(answer.warnings), answer.body)

    async def announce(self, resource: Resource, namespace: str, body: dict[str, Any]) -> str | None:
        """Creates an Event, once; None, or one sentence on why there is none. Nothing depends on it."""
        if self.read_only or self._creator is None:
            return None
        try:
            await self._creator.create(resource, namespace, body)
        except CockpitError as error:
            return str(error)
        return None

    async def _ruling(self, verb: Verb, rights: Iterable[Right], namespace: str) -> Sent | None:
        for right in rights:
            if verb == "abort" and self._rights.can(right, namespace)[0] != "denied":
                continue
            answer, reason = await self._rights.check(right, namespace)
            if answer == "denied":
                return Sent("denied", f"{reason or f'you may not {right}'}; nothing was sent")
        return None

    async def _fresh(self, patch: Patch) -> dict[str, Any] | CockpitError:
        try:
            return await self._reader.get(patch.resource, patch.namespace, patch.name)
        except CockpitError as error:
            return error

    async def _refused_by_server(self, patch: Patch, error: ApiError) -> Sent:
        """An error answer changes nothing; a failed guard is told by what moved."""
        if error.status == 422:
            fresh = await self._fresh(patch)
            if isinstance(fresh, NotFound):
                return Sent("moved", f"{patch.resource.kind} {patch.namespace}/{patch.name} is gone")
            changes = moved(patch.ops, fresh) if not isinstance(fresh, CockpitError) else ()
            if changes:
                return Sent("moved", "; ".join(changes) + "; nothing was changed")
            if " is invalid: " not in str(error):
                return Sent("moved", "the rollout moved on just now; nothing was changed, look again")
        return Sent("failed", f"the server refused it: {error}")

    async def _read_back(self, patch: Patch, lost: AnswerLost) -> Sent:
        """Looks for the effect of a request that may or may not have arrived. It is never sent again."""
        deadline = self._clock.wall() + READ_BACK_SECONDS
        while True:
            fresh = await self._fresh(patch)
            if isinstance(fresh, NotFound):
                return Sent("unclear", f"the answer was lost and the object is gone since ({lost})")
            stands = standing(patch.ops, fresh) if not isinstance(fresh, CockpitError) else None
            if stands == "applied":
                return Sent("sent", "the answer was lost; read back: the change is there")
            if stands == "unclear":  # a guard moved, so nothing can be carried out any more that was not already
                return Sent("unclear", f"the answer was lost and the rollout moved on meanwhile ({lost})")
            if self._clock.wall() >= deadline:
                break
            await self._sleep(_READ_BACK_PAUSE)
        if isinstance(fresh, CockpitError):
            return Sent("unclear", f"the answer was lost and the state cannot be read back: {fresh}")
        # Not there is no proof: what was sent may still lie in a proxy or a queue, and be carried out after this look.
        return Sent("unclear", f"the answer was lost; read back after {READ_BACK_SECONDS:.0f} s: not there ({lost})")
