"""Answering challenges: tokens fetched, shared and renewed; credentials that never travel where they could be read.

Source: the token and OAuth2 authentication specifications of the distribution project.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urlsplit

from cockpit.base.clock import Clock
from cockpit.base.errors import Denied, Unreachable
from cockpit.base.text import clean
from cockpit.net.client import USER_AGENT
from cockpit.net.redact import redact
from cockpit.registry.answers import Reply
from cockpit.registry.challenge import Challenge, Token, token
from cockpit.registry.credentials import Credential
from cockpit.registry.endpoint import Endpoint

Fetch = Callable[[Endpoint, str, str, dict[str, str], bytes | None, bool], Awaitable[Reply]]
"""(endpoint, method, url, headers, body, urgent) -> the answer; raises Unreachable."""
_EARLY = 5.0  # seconds before its end a token is no longer sent
_ANONYMOUS = Credential("anonymous")


class Authorizer:
    """Makes Authorization headers for challenges. Tokens are kept per realm, scope and login, so logins never mix."""

    def __init__(self, clock: Clock, fetch: Fetch) -> None:
        self._clock = clock
        self._fetch = fetch
        self._tokens: dict[tuple[str, ...], tuple[float, Token]] = {}
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}

    async def header(
        self,
        endpoint: Endpoint,
        asked: Challenge,
        scope: str,
        login: Credential | None,
        *,
        refused: str | None = None,
        urgent: bool = False,
    ) -> str:
        """The Authorization value. ``refused``: one given before that was not let in; it is not given again.

        Raises Denied when this login leads to none, Unreachable when the token server did not answer.
        """
        if login is not None and login.bearer:
            if not login.bearer.isascii() or not login.bearer.isprintable():
                raise Denied(f"the token of {login.source} for {endpoint.server} holds what no request can carry")
            return f"Bearer {login.bearer}"
        if asked.scheme == "basic":
            if login is None or not login.password:
                raise Denied(f"{endpoint.server} asks for a login")
            return f"Basic {_basic(login)}"
        who = login or _ANONYMOUS
        key = (asked.realm, asked.service, asked.scope or scope, who.username, *who.secrets)
        async with self._locks.setdefault(key, asyncio.Lock()):
            until, kept = self._tokens.get(key, (0.0, None))
            if kept is None or refused == f"Bearer {kept.value}" or self._clock.wall() >= until:
                kept = await self._get(endpoint, asked, asked.scope or scope, who, urgent)
                self._tokens[key] = (self._clock.wall() + kept.lifetime - _EARLY, kept)
        return f"Bearer {kept.value}"

    async def _get(self, endpoint: Endpoint, asked: Challenge, scope: str, who: Credential, urgent: bool) -> Token:
        if not endpoint.may_go(asked.realm):
            shown = clean(redact(asked.realm), 100)
            raise Unreachable(f"{endpoint.server} names a token server that credentials are not sent to: {shown}")
        server = f"token server {clean(urlsplit(asked.realm).hostname or '', 100)} of {endpoint.server}"
        if who.identity:
            form = {"grant_type": "refresh_token", "service": asked.service, "client_id": USER_AGENT, "scope": scope}
            body = urlencode({**form, "refresh_token": who.identity}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = await self._fetch(endpoint, "POST", asked.realm, headers, body, urgent)
        else:
            query = urlencode([("service", asked.service)] * bool(asked.service) + [("scope", scope)])
            url = f"{asked.realm}{'&' if '?' in asked.realm else '?'}{query}"
            headers = {"Authorization": f"Basic {_basic(who)}"} if who.password else {}
            reply = await self._fetch(endpoint, "GET", url, headers, None, urgent)
        if reply.status in (400, 401, 403):
            raise Denied(f"{server} refuses the login of {who.source} ({reply.status})")
        if reply.status != 200:
            raise Unreachable(f"{server} answered {reply.status}")
        given = token(reply.body or b"")
        if given is None:
            raise Unreachable(f"{server} answered without a token")
        return given


def _basic(login: Credential) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
