"""What we may do and who we are, asked of the API server itself; answers are cached, and asking never blocks a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError, NotFound
from cockpit.base.text import clean
from cockpit.model.right import Answer, Right

CACHE_SECONDS = 60.0

_ACCESS_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_MOST_GROUPS = 100
_SELF_REVIEW_VERSIONS = ("v1", "v1beta1", "v1alpha1")


class Poster(Protocol):
    """Sends a review (``api.Api``)."""

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...


class Ruling(msgspec.Struct, frozen=True):
    """The server's answer about one right in one namespace. ``at``: wall seconds."""

    answer: Answer
    reason: str
    at: float


class Rights:
    """SelfSubjectAccessReview per right and namespace, kept 60 s (https://kubernetes.io/docs/reference/access-authn-authz).

    ``on_change`` is called when an answer differs from the one before.
    """

    def __init__(self, api: Poster, clock: Clock, on_change: Callable[[], None] | None = None) -> None:
        self._api = api
        self._clock = clock
        self._on_change = on_change
        self._rulings: dict[tuple[Right, str], Ruling] = {}
        self._asking: dict[tuple[Right, str], asyncio.Task[Ruling]] = {}

    def can(self, right: Right, namespace: str) -> tuple[Answer, str]:
        """What is known now: the last answer, "unknown" before the first. Asks in the background when it is old."""
        ruling = self._rulings.get((right, namespace))
        if ruling is None or self._clock.wall() - ruling.at > CACHE_SECONDS:
            self._ask(right, namespace)
        if ruling is None:
            return "unknown", f"not known yet whether you may {right}"
        return ruling.answer, ruling.reason

    async def check(self, right: Right, namespace: str) -> tuple[Answer, str]:
        """As ``can``, but waits for an answer no older than 60 s. A review that fails is "unknown", never an error."""
        ruling = self._rulings.get((right, namespace))
        if ruling is None or self._clock.wall() - ruling.at > CACHE_SECONDS:
            ruling = await asyncio.shield(self._ask(right, namespace))
        return ruling.answer, ruling.reason

    def forget(self) -> None:
        """After a 403, or when asked to look again: everything is asked anew, the old answers stand until then."""
        for key, ruling in self._rulings.items():
            self._rulings[key] = msgspec.structs.replace(ruling, at=float("-inf"))

    async def who(self) -> str | None:
        """Our name as the server knows it, None where the server has no such review or refuses."""
        found = await self.identity()
        return found[0] if found is not None else None

    async def identity(self) -> tuple[str, tuple[str, ...]] | None:
        """Our name and groups as the server knows them (SelfSubjectReview), None where it does not say."""
        for version in _SELF_REVIEW_VERSIONS:
            body = {"apiVersion": f"authentication.k8s.io/{version}", "kind": "SelfSubjectReview"}
            try:
                answer = await self._api.post(f"/apis/authentication.k8s.io/{version}/selfsubjectreviews", body)
            except NotFound:
                continue
            except CockpitError:
                return None
            info = (answer.get("status") or {}).get("userInfo") or {}
            name, groups = info.get("username"), info.get("groups")
            if not isinstance(name, str) or not name:
                return None
            named = groups if isinstance(groups, list) else ()
            return clean(name, 200), tuple(clean(each, 200) for each in named[:_MOST_GROUPS] if isinstance(each, str))
        return None

    async def aclose(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, right: Right, namespace: str) -> asyncio.Task[Ruling]:
        key = (right, namespace)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._review(right, namespace))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return task

    async def _review(self, right: Right, namespace: str) -> Ruling:
        attributes = {
            "verb": right.verb,
            "group": right.resource.group,
            "version": right.resource.version,
            "resource": right.resource.plural,
        }
        if right.resource.namespaced:
            attributes["namespace"] = namespace
        if right.subresource:
            attributes["subresource"] = right.subresource
        if right.name:
            attributes["name"] = right.name
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        try:
            status = (await self._api.post(_ACCESS_REVIEW, body)).get("status")
        except CockpitError as error:
            ruling = Ruling("unknown", f"not known whether you may {right}: {error}", self._clock.wall())
        else:
            ruling = self._rule(right, namespace, status)
        old = self._rulings.get((right, namespace))
        self._rulings[right, namespace] = ruling
        if self._on_change is not None and (old is None or (old.answer, old.reason) != (ruling.answer, ruling.reason)):
            self._on_change()
        return ruling

    def _rule(self, right: Right, namespace: str, status: Any) -> Ruling:
        now = self._clock.wall()
        if not isinstance(status, dict) or not isinstance(status.get("allowed"), bool):
            # The server always says one of both: something else answered, and nobody said no.
            return Ruling("unknown", f"not known whether you may {right}: the answer is no access review", now)
        if status.get("allowed") is True:
            return Ruling("allowed", "", now)
        said = clean(str(status.get("reason") or ""), 200)
        if status.get("evaluationError") and not status.get("denied"):
            # The authorizer could not finish: this "no" is no answer.
            return Ruling("unknown", clean(f"the server could not tell: {status['evaluationError']}", 300), now)
        where = f" in {namespace}" if right.resource.namespaced else ""
        return Ruling("denied", f"you may not {right}{where}" + (f": {said}" if said else ""), now)
