"""The registry client: manifests, blobs and referrers of a repository; an answer is a value, never an error."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urljoin, urlsplit

import msgspec

from cockpit.base.clock import Clock
from cockpit.base.errors import CockpitError, Denied
from cockpit.config import Settings
from cockpit.registry import manifest, media
from cockpit.registry.access import Access, Asking
from cockpit.registry.answers import Answer, judge
from cockpit.registry.endpoint import endpoint_of
from cockpit.registry.manifest import Descriptor, Manifest
from cockpit.registry.reference import Reference
from cockpit.registry.wire import MakeTransport, Resting

BLOB_LIMIT = 6 << 20
"""Bytes of a config, payload or envelope; predicates up to 4 MiB fit in base64."""
_KEPT_BYTES = 16 << 20
_ASK_BY_GET = frozenset({200, 400, 401, 403, 404, 405, 501})  # a HEAD carries no error code; some servers lack HEAD
_PAGES = 10
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?')  # no part reaches over another link's beginning


class Referrers(msgspec.Struct, frozen=True):
    """What the referrers API gave. ``unsupported``: there is none here, clients keep a fallback tag instead."""

    kind: Literal["listed", "unsupported", "unclear"]
    entries: tuple[Descriptor, ...] = ()
    reason: str = ""


class RegistryClient:
    """Reads only. ``transport`` replaces the network in tests, ``environ`` the environment."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        environ: Mapping[str, str] | None = None,
        transport: MakeTransport | None = None,
    ) -> None:
        self._overrides = settings.registries
        self._access = Access(settings, clock, os.environ if environ is None else environ, transport)
        self._bodies: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._body_bytes = 0

    async def head(self, place: Reference, ref: str, asking: Asking, *, etag: str | None = None) -> Answer:
        """Whether a manifest is there now, by digest or tag. ``etag``: a digest; the same one answers ``unchanged``."""
        path = f"/v2/{place.repository}/manifests/{ref}"
        headers = {"Accept": media.ACCEPT} | ({"If-None-Match": f'"{etag}"'} if etag else {})
        answer = await self._ask("HEAD", place, path, "manifest", ref, asking, headers, limit=None, presence=True)
        if answer.kind in ("unclear", "denied") and answer.status in _ASK_BY_GET:
            answer = await self._ask(
                "GET", place, path, "manifest", ref, asking, headers, limit=manifest.LIMIT, presence=True
            )
            self._keep(answer)
        return answer

    async def manifest(self, place: Reference, ref: str, asking: Asking) -> Answer:
        """The bytes of a manifest, hashed. By digest they may come from memory: they never change."""
        kept = self._bodies.get(ref)
        if kept is not None:
            self._bodies.move_to_end(ref)
            return Answer("found", digest=ref, media_type=kept[0], size=len(kept[1]), body=kept[1])
        path = f"/v2/{place.repository}/manifests/{ref}"
        headers = {"Accept": media.ACCEPT}
        answer = await self._ask("GET", place, path, "manifest", ref, asking, headers, limit=manifest.LIMIT)
        self._keep(answer)
        return answer

    async def read_manifest(self, place: Reference, digest: str, asking: Asking) -> Manifest | None:
        """A manifest's content by digest, None when it could not be had or read."""
        answer = await self.manifest(place, digest, asking)
        if answer.kind != "found" or answer.body is None:
            return None
        try:
            return manifest.read(answer.body, digest, answer.media_type)
        except manifest.Unreadable:
            return None

    async def has_blob(self, place: Reference, blob: Descriptor, asking: Asking) -> Answer:
        """Whether a config or layer is there now, with the size its manifest gives. Its bytes are not read."""
        path = f"/v2/{place.repository}/blobs/{blob.digest}"
        headers = {"Accept-Encoding": "identity"}
        answer = await self._ask("HEAD", place, path, "blob", blob.digest, asking, headers, limit=None, presence=True)
        if answer.kind in ("unclear", "denied") and answer.status in _ASK_BY_GET:
            answer = await self._ask(
                "GET", place, path, "blob", blob.digest, asking, headers, limit=None, presence=True
            )
        if answer.kind == "found" and None not in (answer.size, blob.size) and answer.size != blob.size:
            reason = f"{place.registry} holds {answer.size} bytes of {blob.digest[:19]}…, {blob.size} are its size"
            return Answer("altered", reason, status=answer.status)
        return answer

    async def blob(self, place: Reference, digest: str, asking: Asking, limit: int = BLOB_LIMIT) -> Answer:
        """The bytes of a small blob, hashed."""
        path = f"/v2/{place.repository}/blobs/{digest}"
        return await self._ask("GET", place, path, "blob", digest, asking, {"Accept-Encoding": "identity"}, limit=limit)

    async def referrers(self, place: Reference, digest: str, asking: Asking) -> Referrers:
        """What the API lists beside a digest; filters of servers are not relied on."""
        path = f"/v2/{place.repository}/referrers/{digest}"
        entries: list[Descriptor] = []
        for _ in range(_PAGES):
            try:
                endpoint = endpoint_of(place, self._overrides)
                reply, _ = await self._access.reply(
                    "GET", place, endpoint, path, asking, {"Accept": media.OCI_INDEX}, manifest.LIMIT, follow=False
                )
            except CockpitError as error:
                return Referrers("unclear", tuple(entries), str(error))
            if reply.status in (401, 403, 408, 429) or (reply.status >= 500 and reply.status != 501):
                return Referrers("unclear", tuple(entries), f"{place.registry} answered {reply.status} for referrers")
            try:
                if reply.status != 200 or reply.cut:
                    raise manifest.Unreadable("is no list")
                page = manifest.read(reply.body or b"", "", reply.headers.get("content-type", ""))
                if not page.is_index:
                    raise manifest.Unreadable("is no index")
            except manifest.Unreadable:
                if entries:
                    return Referrers("unclear", tuple(entries), f"{place.registry} broke off its list of referrers")
                return Referrers("unsupported")
            entries += page.entries
            following = _NEXT.search(reply.headers.get("link", ""))
            if following is None:
                return Referrers("listed", tuple(entries))
            try:
                parts = urlsplit(urljoin(f"{endpoint.url}{path}", following[1]))
                path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            except ValueError:
                path = ""
            if not path.startswith("/v2/"):
                return Referrers("unclear", tuple(entries), f"{place.registry} continues its list somewhere else")
        return Referrers("unclear", tuple(entries), f"{place.registry} lists more referrers than are read")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Login files and credential helpers that gave nothing, one sentence each."""
        return tuple(self._access.logins.warnings.values())

    async def aclose(self) -> None:
        await self._access.aclose()

    async def _ask(
        self,
        method: str,
        place: Reference,
        path: str,
        what: Literal["manifest", "blob"],
        asked: str,
        asking: Asking,
        headers: dict[str, str],
        *,
        limit: int | None,
        presence: bool = False,
    ) -> Answer:
        try:
            endpoint = endpoint_of(place, self._overrides)
            reply, login = await self._access.reply(method, place, endpoint, path, asking, headers, limit)
        except Resting as error:
            return Answer("unclear", str(error), retry_after=error.seconds)
        except Denied as error:
            return Answer("denied", str(error))
        except CockpitError as error:
            return Answer("unclear", str(error))
        answer = judge(reply, what, asked, endpoint.server)
        if answer.kind == "unchanged" and "If-None-Match" not in headers:
            answer = Answer("unclear", f"{endpoint.server} answered 304 to a question without a condition")
        if endpoint.mirror and (answer.kind == "absent" or (presence and answer.kind in ("found", "unchanged"))):
            # Bytes that hash to their digest are genuine wherever they come from; where they are kept is not shown.
            has = "lacks it" if answer.kind == "absent" else "has it"
            return Answer(
                "unclear",
                f"{endpoint.server} is asked through a mirror, which {has}: that proves nothing of its origin",
            )
        return msgspec.structs.replace(
            answer, asked_as=login.source if login else "", hidden=login is not None and not login.secrets
        )

    def _keep(self, answer: Answer) -> None:
        if answer.kind != "found" or answer.body is None or answer.digest is None or answer.digest in self._bodies:
            return
        self._bodies[answer.digest] = (answer.media_type, answer.body)
        self._body_bytes += len(answer.body)
        while self._body_bytes > _KEPT_BYTES:
            _, (_, body) = self._bodies.popitem(last=False)
            self._body_bytes -= len(body)
