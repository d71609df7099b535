"""Reading the Kubernetes API: raw paths, slim rows, whole objects, watches and logs. Nothing here changes anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from typing import Any

import httpx
import msgspec

from cockpit.base.clock import rfc3339
from cockpit.base.errors import AnswerLost, ApiError, CockpitError, Denied, NotFound, Unreachable
from cockpit.cluster.decode import UNREADABLE, Page, WatchEvent, decode_event, decode_list
from cockpit.cluster.transport import Query, Transport
from cockpit.model.resource import Resource
from cockpit.net.failure import failure
from cockpit.net.lines import LineSplitter

PAGE = 500

_LARGEST_EVENT = 64 << 20  # etcd holds 1.5 MiB; a line beyond this is no watch event
_AS = "application/json;as={};v=v1;g=meta.k8s.io"
_METADATA_ONLY = {"Accept": _AS.format("PartialObjectMetadata")}
_METADATA_LIST = {"Accept": _AS.format("PartialObjectMetadataList")}
_THREAD_BYTES = 2 << 20  # bodies above this are decoded off the loop


class Reading:
    """Typed reads on one transport. Implements ``strategies.contract.Reader``.

    Unless said otherwise methods raise Unreachable (NotSent, AnswerLost) and, for an answer that is an error,
    Denied (401 after refresh, 403), NotFound (404) or ApiError.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def server(self) -> str:
        """Host and port, for messages."""
        return self._transport.server

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def version(self) -> dict[str, Any]:
        """GET /version: cheap, open to everyone, and it brings the server's Date."""
        return await self._json("GET", "/version")

    async def get(
        self, resource: Resource, namespace: str, name: str, subresource: str | None = None
    ) -> dict[str, Any]:
        """The object as the server has it now."""
        try:
            return await self._json("GET", resource.path(namespace, name, subresource))
        except AnswerLost:  # reading twice changes nothing; often only a kept connection had died
            return await self._json("GET", resource.path(namespace, name, subresource))

    async def owned(self, resource: Resource, namespace: str, uid: str) -> Sequence[dict[str, Any]]:
        """All objects of a namespace controlled by ``uid``, whole."""
        found = []
        async for item in self._items(resource, namespace, {"limit": PAGE}):
            owners = _objects(_members(item.get("metadata")).get("ownerReferences"))
            if any(owner.get("controller") and owner.get("uid") == uid for owner in owners):
                found.append(item)
        return found

    async def objects(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        """Whole objects of a collection, at most ``limit``."""
        return await self._most(resource, namespace, selector, limit, None)

    async def metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """Only the metadata of an object: what it holds (a Secret's data) never leaves the server."""
        body = await self._json("GET", resource.path(namespace, name), headers=_METADATA_ONLY)
        if body.get("kind") != "PartialObjectMetadata":
            raise Unreachable(f"API server {self.server} does not answer with metadata alone")
        return _members(body.get("metadata"))

    async def metadatas(
        self, resource: Resource, namespace: str | None = None, *, selector: str | None = None, limit: int = 500
    ) -> Sequence[dict[str, Any]]:
        """Only the metadata of each object of a collection, at most ``limit``."""
        found = await self._most(resource, namespace, selector, limit, _METADATA_LIST)
        return [_members(each.get("metadata")) for each in found]

    async def serves(self, resource: Resource) -> bool:
        """Whether the server has this resource, by its discovery.

        A list would not tell: who has no right to a resource is refused before it is looked whether there is one.
        """
        path = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
        try:
            body = await self._json("GET", path)
        except NotFound:
            return False
        listed = body.get("resources")
        if body.get("kind") != "APIResourceList" or not isinstance(listed, list):
            raise Unreachable(f"API server {self.server} answered {path} with something that is not discovery")
        return any(each.get("name") == resource.plural for each in _objects(listed))

    async def _most(
        self,
        resource: Resource,
        namespace: str | None,
        selector: str | None,
        limit: int,
        headers: dict[str, str] | None,
    ) -> list[dict[str, Any]]:
        query: dict[str, str | int] = {
            "limit": min(limit, PAGE),
            **({"labelSelector": selector} if selector else {}),
        }
        found: list[dict[str, Any]] = []
        async for item in self._items(resource, namespace, query, headers):
            found.append(item)
            if len(found) >= limit:
                break
        return found

    async def _items(
        self,
        resource: Resource,
        namespace: str | None,
        query: dict[str, str | int],
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        while True:
            page = await self._json("GET", resource.path(namespace), query, headers=headers)
            items = page.get("items", "none")
            items = [] if items is None else items  # an empty list of Go
            whole = isinstance(items, list) and all(isinstance(each, dict) for each in items)
            if not whole or (headers and page.get("kind") != "PartialObjectMetadataList"):
                raise Unreachable(f"API server {self.server} answers a list of {resource.plural} with something else")
            # Items of a list carry neither; whoever prints or patches them wants to know.
            named = {"apiVersion": page.get("apiVersion"), "kind": resource.kind}
            for item in items:
                yield {**named, **item}
            token = _members(page.get("metadata")).get("continue")
            if not token or not isinstance(token, str):
                return
            if token == query.get("continue"):
                raise Unreachable(f"API server {self.server} gives the same page of {resource.plural} again and again")
            query = {**query, "continue": token}

    async def list_page(
        self,
        resource: Resource,
        namespace: str | None,
        row: type[Any],
        *,
        limit: int = PAGE,
        continue_: str = "",
    ) -> Page:
        """One page of rows, from a consistent read (no resourceVersion). Error answers come as ApiError, always."""
        query: Query = {"limit": limit or None, "continue": continue_ or None}
        response = await self._transport.request("lists", "GET", resource.path(namespace), query=query)
        if len(response.content) > _THREAD_BYTES:
            return await asyncio.to_thread(decode_list, response.content, row)
        return decode_list(response.content, row)

    async def list_pages(
        self, resource: Resource, namespace: str | None, row: type[Any], *, limit: int = PAGE
    ) -> AsyncIterator[Page]:
        """All pages in turn. A continue token that expired under way (410) ends it with ApiError."""
        token = ""
        while True:
            page = await self.list_page(resource, namespace, row, limit=limit, continue_=token)
            yield page
            if not page.continue_ or page.continue_ == token:
                return
            token = page.continue_

    async def watch(
        self, resource: Resource, namespace: str | None, row: type[Any], *, resource_version: str, seconds: int
    ) -> AsyncGenerator[list[WatchEvent], None]:
        """Batches of events, one per chunk; the first one is empty and says that the watch is open.

        Ends at a clean EOF; a broken stream raises AnswerLost. Error answers come as ApiError, always.
        """
        query: Query = {
            "watch": 1,
            "allowWatchBookmarks": True,
            "resourceVersion": resource_version,
            "timeoutSeconds": seconds,
        }
        async with self._transport.stream("watches", "GET", resource.path(namespace), query=query) as response:
            yield []
            splitter = LineSplitter(_LARGEST_EVENT)
            async with contextlib.aclosing(self._chunks(response)) as chunks:
                async for chunk in chunks:
                    batch = []
                    for line, hidden in splitter.feed(chunk):
                        if hidden:
                            raise Unreachable(f"API server {self.server} sent a watch event of more than 64 MiB")
                        if line:
                            batch.append(decode_event(line, row))
                    if batch:
                        yield batch

    async def log_stream(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        follow: bool = True,
        since: float | None = None,
        tail_lines: int | None = None,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Raw chunks of a container's log, every line led by its RFC 3339 stamp; the first chunk is empty (open).

        ``since`` is cut to whole seconds, as the server does. Error answers come as ApiError, always.
        """
        query: Query = {
            "container": container,
            "follow": follow or None,
            "timestamps": True,
            "sinceTime": rfc3339(since) if since is not None else None,
            "tailLines": tail_lines,
            "previous": previous or None,
            "limitBytes": limit_bytes,
        }
        path = Resource("", "v1", "pods", "Pod").path(namespace, pod, "log")
        accept = {"Accept": "text/plain, */*"}
        async with self._transport.stream("logs", "GET", path, query=query, headers=accept) as response:
            yield b""
            async with contextlib.aclosing(self._chunks(response)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A review: a POST that stores nothing."""
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        return await self._json("POST", path, content=content, headers=headers)

    async def _json(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        try:
            response = await self._transport.request(
                "lists", method, path, query=query, content=content, headers=headers
            )
        except ApiError as error:
            raise named(error) from None
        body = object_of(response.content)
        if not body:
            raise Unreachable(f"API server {self.server} answered {path} with something that is not a JSON object")
        return body

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        # We asked for no compression; reading the stream itself spares two layers per chunk, of which there are many.
        plain = response.headers.get("content-encoding", "identity") == "identity"
        source = response.stream if plain else response.aiter_bytes()
        assert isinstance(source, AsyncIterable)
        try:
            async for chunk in source:
                yield chunk
        except httpx.HTTPError as error:
            raise failure(error, f"API server {self.server}") from None


def named(error: ApiError) -> CockpitError:
    """An error answer as the kind of failure that it is."""
    if error.status in (401, 403):
        return Denied(str(error))
    if error.status == 404:
        return NotFound(str(error))
    if error.status >= 500:
        return Unreachable(f"{error} (HTTP {error.status})")
    return error


def object_of(content: bytes) -> dict[str, Any]:
    """A body's JSON object; an empty one when it is none."""
    try:
        body = msgspec.json.decode(content)
    except UNREADABLE:
        return {}
    return body if isinstance(body, dict) else {}


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
