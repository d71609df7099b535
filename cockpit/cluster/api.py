"""The Kubernetes API as this program uses it: what it reads, and guarded writes, never a retried one."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.base.errors import AnswerLost, ApiError, CredentialsError, Denied
from cockpit.base.text import clean
from cockpit.cluster.reading import Reading, named, object_of
from cockpit.cluster.transport import Query
from cockpit.model.plan import Patch
from cockpit.model.resource import Resource

FIELD_MANAGER = "rollout-cockpit"

_MOST_WARNINGS = 10


class WriteAnswer(msgspec.Struct, frozen=True):
    """What the server said to a write it carried out (or would, in a dry run)."""

    status: int
    body: dict[str, Any]
    audit_id: str | None = None
    warnings: tuple[str, ...] = ()


def is_test_failed(error: ApiError) -> bool:
    """Whether a JSON patch was refused because a ``test`` operation (or a path) did not hold: nothing was changed.

    The server answers 422 with a fixed sentence for that; a 422 that names the object "is invalid" is validation.
    """
    return error.status == 422 and " is invalid: " not in str(error)


class Api(Reading):
    """Reads and writes on one transport. Errors as ``Reading`` says."""

    async def patch(self, patch: Patch, dry_run: bool = False) -> WriteAnswer:
        """Send one guarded JSON patch, once. Never repeated: a lost answer is read back by the caller.

        Raises NotSent, AnswerLost (also for 5xx), Denied, NotFound, or ApiError; ``is_test_failed`` tells the
        ApiError of a guard that did not hold.
        """
        path = patch.resource.path(patch.namespace, patch.name, patch.subresource)
        return await self._write("PATCH", path, list(patch.ops), "application/json-patch+json", dry_run)

    async def create(
        self, resource: Resource, namespace: str, body: dict[str, Any], dry_run: bool = False
    ) -> WriteAnswer:
        """POST one object, once; never repeated. Raises what ``patch`` does."""
        return await self._write("POST", resource.path(namespace), body, "application/json", dry_run)

    async def _write(self, method: str, path: str, body: Any, content_type: str, dry_run: bool) -> WriteAnswer:
        query: Query = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            "dryRun": "All" if dry_run else None,
        }
        headers = {"Content-Type": content_type}
        try:
            response = await self._transport.request(
                "writes", method, path, query=query, content=msgspec.json.encode(body), headers=headers
            )
        except ApiError as error:
            if error.status >= 500:
                raise AnswerLost(f"{error} (HTTP {error.status}); whether it was carried out is not known") from None
            raise named(error) from None
        except CredentialsError as error:  # before anything left
            raise Denied(str(error)) from None
        written = object_of(response.content)
        if not isinstance(written.get("metadata"), dict):
            # A page of a proxy, or half an object: no proof that anything was carried out.
            raise AnswerLost(f"API server {self.server} answered a write with something that is not the object")
        warnings = tuple(_warning(value) for value in response.headers.get_list("warning")[:_MOST_WARNINGS])
        audit_id = response.headers.get("audit-id")
        return WriteAnswer(response.status_code, written, clean(audit_id, 80) if audit_id else None, warnings)


def _warning(header: str) -> str:
    # 299 - "text" (RFC 7234 5.5)
    _, _, text = header.partition('"')
    return clean(text.rstrip('"') or header, 300)
