"""Getting in: which challenge a repository poses, which login answers it, and whom an answer was given to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import Denied
from cockpit.config import Settings
from cockpit.registry.answers import Reply
from cockpit.registry.auth import Authorizer
from cockpit.registry.challenge import Challenge, challenge
from cockpit.registry.credentials import Credential, PullSecret, in_turn, of_secrets
from cockpit.registry.endpoint import Endpoint, own_credentials
from cockpit.registry.logins import Logins
from cockpit.registry.reference import Reference
from cockpit.registry.wire import ERROR_BODY, MakeTransport, Wire

STRANGER = Credential("anonymous")
Send = Callable[[str | None], Awaitable[Reply]]


class Asking(msgspec.Struct, frozen=True):
    """On whose behalf. ``urgent``: someone stands before a dialog, so our own politeness after failures gives way."""

    secrets: tuple[PullSecret, ...] = ()
    urgent: bool = False


class Access:
    """Remembers challenges and which login was let in, per endpoint and repository."""

    def __init__(
        self, settings: Settings, clock: Clock, environ: Mapping[str, str], transport: MakeTransport | None
    ) -> None:
        options = settings.registry
        self._docker_config = options.docker_config
        self.logins = Logins(clock, options.helper_timeout, environ)
        self._wire = Wire(clock, options.timeout, options.concurrency, transport)
        self._auth = Authorizer(clock, self._fetch_token)
        self._challenges: dict[tuple[str, str], Challenge] = {}
        self._open: set[str] = set()  # endpoints whose API root asked for no login
        self._winners: dict[tuple[str, str], Credential] = {}

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def reply(
        self,
        method: str,
        place: Reference,
        endpoint: Endpoint,
        path: str,
        asking: Asking,
        headers: dict[str, str],
        limit: int | None,
        *,
        follow: bool = True,
    ) -> tuple[Reply, Credential | None]:
        """One answer with the first login that is let in; None where no login was asked for. Raises CockpitError."""
        url = f"{endpoint.url}{path}"
        key = (endpoint.url, place.repository)

        async def send(authorization: str | None) -> Reply:
            extra = {"Authorization": authorization} if authorization else {}
            return await self._wire.exchange(
                endpoint, method, url, headers | extra, limit=limit, follow=follow, urgent=asking.urgent
            )

        asked = self._challenges.get(key)
        if asked is None:
            reply = await send(None)
            if reply.status == 404 and endpoint.url not in self._open:
                # It may hide from strangers what it has; then its API root asks who we are.
                root = await self._wire.exchange(endpoint, "GET", f"{endpoint.url}/v2/", {}, urgent=asking.urgent)
                if root.status == 200:
                    self._open.add(endpoint.url)
                elif root.status != 401:
                    return reply, STRANGER
                else:
                    reply = root
            if reply.status != 401:
                return reply, None
            if reply.moved:
                # Its challenge would say where this registry's passwords go.
                raise Denied(f"{endpoint.server} redirects to a server that asks for a login, and none is sent there")
            asked = challenge([reply.headers.get("www-authenticate", "")])
            if asked is None:
                return reply, None
            if f"repository:{place.repository}:" not in asked.scope:
                asked = msgspec.structs.replace(asked, scope="")  # of the API root, or of nothing
            self._challenges[key] = asked
        return await self._log_in(place, endpoint, key, asked, asking, send)

    async def _log_in(
        self,
        place: Reference,
        endpoint: Endpoint,
        key: tuple[str, str],
        asked: Challenge,
        asking: Asking,
        send: Send,
    ) -> tuple[Reply, Credential | None]:
        scope = f"repository:{place.repository}:pull"
        refused: tuple[Reply, Credential | None] | Denied | None = None
        for login in (*await self._candidates(place, endpoint, key, asking), None):
            try:
                shown = await self._auth.header(endpoint, asked, scope, login, urgent=asking.urgent)
                reply = await send(shown)
                if reply.status == 401 and asked.scheme == "bearer":  # the token may have run out
                    again = await self._auth.header(endpoint, asked, scope, login, refused=shown, urgent=asking.urgent)
                    reply = await send(again) if again != shown else reply
            except Denied as error:
                refused = refused or error
                continue
            if reply.status not in (401, 403):
                if login is not None:
                    self._winners[key] = login
                return reply, login or STRANGER
            refused = refused if isinstance(refused, tuple) else (reply, login or STRANGER)
        if isinstance(refused, tuple):
            return refused
        self._challenges.pop(key, None)  # perhaps it asks for another kind of login by now
        raise refused or Denied(f"{endpoint.server} asks for a login")

    async def _candidates(
        self, place: Reference, endpoint: Endpoint, key: tuple[str, str], asking: Asking
    ) -> list[Credential]:
        own = await asyncio.to_thread(own_credentials, endpoint)
        if endpoint.mirror:
            return own  # what opens the origin is not shown to a mirror
        held = await self.logins.matching(place) if self._docker_config else []
        ordered = in_turn(own, of_secrets(asking.secrets, place), held)
        winner = self._winners.get(key)
        return sorted(ordered, key=lambda login: login != winner)

    async def _fetch_token(
        self, endpoint: Endpoint, method: str, url: str, headers: dict[str, str], body: bytes | None, urgent: bool
    ) -> Reply:
        return await self._wire.exchange(
            endpoint, method, url, headers, content=body, limit=ERROR_BODY, follow=method == "GET", urgent=urgent
        )
