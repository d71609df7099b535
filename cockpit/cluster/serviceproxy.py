"""A Service behind the API server's proxy: reached with the session's own credentials, read only (GET)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from cockpit.base.errors import ApiError
from cockpit.cluster.transport import Transport

_STATUS = re.compile(rb'"kind"\s*:\s*"Status"')


class Proxied(NamedTuple):
    """An answer of the Service itself, or of the API server in its place when ``own`` is False."""

    status: int
    content: bytes
    own: bool
    message: str = ""


class ServiceProxy:
    """``GET /api/v1/namespaces/NS/services/[https:]NAME:PORT/proxy/...``; needs ``get`` on ``services/proxy``."""

    def __init__(self, transport: Transport, service: str) -> None:
        """``service``: ``NAMESPACE/NAME:PORT``, with ``https:`` before the name where it speaks TLS."""
        self._transport = transport
        self._namespace, _, self._service = service.partition("/")
        self.name = f"service {service} (through API server {transport.server})"

    async def get(self, path: str, query: Mapping[str, str]) -> Proxied:
        """Raises Unreachable (NotSent, AnswerLost) and CredentialsError; error answers are returned."""
        whole = f"/api/v1/namespaces/{quote(self._namespace)}/services/{quote(self._service, safe=':')}/proxy{path}"
        try:
            # By GET, since POST would need the right to create: a reader's account must do.
            answer = await self._transport.request("metrics", "GET", whole, query=dict(query))
        except ApiError as error:
            return Proxied(error.status, error.body, own=not _STATUS.search(error.body), message=str(error))
        return Proxied(answer.status_code, answer.content, own=True)
