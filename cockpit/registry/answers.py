"""What a registry's answer proves: found, absent, denied or unclear. Pure rules over status, headers and error codes.

Source: facts/registry-and-rollback.md 1.2. Absence needs proof: a 404 alone is what a proxy, a wrong path or a missing
Accept header give for images that exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec

from cockpit.base.text import clean
from cockpit.net.redact import redact
from cockpit.registry import media
from cockpit.registry.manifest import hash_of
from cockpit.strategies.image import is_digest
from cockpit.strategies.values import mapping, objects

Kind = Literal["found", "unchanged", "absent", "denied", "unclear", "altered"]
_ABSENT = {
    "manifest": frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"}),
    "blob": frozenset({"BLOB_UNKNOWN", "NAME_UNKNOWN"}),
}
LONGEST_WAIT = 3600.0
"""Seconds; a registry that asks for more is asked again after this."""


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, as far as the rules need it. Header names are lower case; ``body`` None: not read (HEAD)."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None = None
    cut: bool = False  # the body was longer than the limit and is not whole
    moved: bool = False  # a redirect led to another server, which this answer comes from


class Answer(msgspec.Struct, frozen=True):
    """What is known after asking for one thing. ``reason`` is one sentence naming the registry, "" when found.

    ``altered``: other bytes than the digest names. ``absent`` is a registry's explicit word. ``hidden``: it was asked
    anonymously although it knows logins, so that "absent" may mean "not shown to you".
    """

    kind: Kind
    reason: str = ""
    digest: str | None = None
    media_type: str = ""
    size: int | None = None
    body: bytes | None = None
    status: int | None = None
    retry_after: float | None = None
    hidden: bool = False
    asked_as: str = ""


def judge(reply: Reply, what: Literal["manifest", "blob"], asked: str, server: str) -> Answer:
    """Sort one answer about ``asked`` (a digest, or a tag for manifests). ``server`` names the registry in reasons."""
    status = reply.status
    if status == 304:
        return Answer("unchanged", status=status)
    if status in (200, 206):
        return _held(reply, what, asked, server)
    codes, message = error_codes(reply.body)
    said = f" ({clean(redact(message), 160)})" if message else ""
    if status in (401, 403):
        return Answer("denied", f"{server} refuses access: {status}{said}", status=status)
    if status == 404:
        if codes & _ABSENT[what] and "accept header" not in message:
            return Answer("absent", f"{server} no longer has it", status=status)
        return Answer("unclear", f"{server} answered 404 without saying what is unknown{said}", status=status)
    if status == 429:
        wait = retry_after(reply.headers)
        return Answer("unclear", f"{server} asks to slow down (429)", status=status, retry_after=wait)
    wait = retry_after(reply.headers) if status == 503 else None
    return Answer("unclear", f"{server} answered {status}{said}", status=status, retry_after=wait)


def _held(reply: Reply, what: str, asked: str, server: str) -> Answer:
    header = reply.headers.get("docker-content-digest")
    kind = reply.headers.get("content-type", "")
    wanted = asked if is_digest(asked) else None
    if reply.cut:
        return Answer("unclear", f"{server} answered with more bytes than such a thing has", status=reply.status)
    if reply.body is not None:
        digest = hash_of(reply.body, wanted or "sha256:")
        if wanted is not None and digest != wanted:
            return _altered(server, wanted, digest)
        if wanted is None and header is not None and is_digest(header) and hash_of(reply.body, header) != header:
            return _altered(server, header, digest)
        return Answer("found", digest=digest, media_type=kind, size=len(reply.body), body=reply.body, status=200)
    if wanted is not None and header is not None and header != wanted:
        return _altered(server, wanted, clean(header, 80))
    if what == "manifest" and (
        header is None or not is_digest(header) or media.plain(kind) not in media.INDEXES | media.MANIFESTS
    ):
        # Without a digest to compare, only the bytes prove anything; a login page answers 200 too.
        return Answer("unclear", f"{server} did not say which manifest it has", status=reply.status)
    return Answer("found", digest=header or wanted, media_type=kind, size=_length(reply.headers), status=200)


def _altered(server: str, wanted: str, got: str) -> Answer:
    return Answer("altered", f"{server} answered for {wanted[:19]}… with {got[:19]}…: other bytes than asked for")


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    # A compressed answer's length is not the content's.
    return int(text) if text.isascii() and text.isdigit() and "content-encoding" not in headers else None


def error_codes(body: bytes | None) -> tuple[frozenset[str], str]:
    """The codes of a registry's error answer and its first message; empty for anything else."""
    try:
        raw = msgspec.json.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset(), ""
    errors = objects(mapping(raw).get("errors"))
    codes = frozenset(str(each.get("code")) for each in errors)
    messages = [each["message"] for each in errors if isinstance(each.get("message"), str)]
    return codes, messages[0] if messages else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the server asked: a number, or a date read against the server's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT)
