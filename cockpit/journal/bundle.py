"""One operation as one file to hand on: its rows, every piece of evidence, and a manifest with the hashes to check."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cockpit.ports import EvidencePiece

_ODD = re.compile(r"[^A-Za-z0-9._@+=-]")
HOW_TO_CHECK = (
    "Each row's hash is the sha256 of prev followed by the canonical JSON (keys sorted, no white space, UTF-8) of the "
    "row without prev and hash. The body of an outcome names the sha256 of each piece of evidence."
)


def bundle(
    op_id: str,
    rows: Sequence[Mapping[str, Any]],
    pieces: Sequence[tuple[EvidencePiece, bytes | None]],
    head: str | None,
) -> bytes:
    """A tar.gz: ``rows.json`` as stored, ``evidence/…``, ``manifest.json``. The same bytes for the same operation.

    A piece whose bytes are None was altered: it is left out and named in the manifest.
    """
    at = int(rows[0]["at"] // 1000) if rows and isinstance(rows[0]["at"], int) else 0
    files: dict[str, bytes] = {"rows.json": _json(list(rows))}
    listed: list[dict[str, Any]] = [_file("rows.json", files["rows.json"])]
    altered = []
    for piece, content in pieces:
        if content is None:
            altered.append({"name": piece.name, "sha256": piece.sha256})
            continue
        path = _unique(f"evidence/{_safe(piece.name)}", files)
        files[path] = content
        listed.append({**_file(path, content), "name": piece.name, "kind": piece.kind})
    manifest = {"op_id": op_id, "journal_head": head, "files": listed, "altered": altered, "check": HOW_TO_CHECK}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in {"manifest.json": _json(manifest), **files}.items():
            member = tarfile.TarInfo(f"{op_id}/{path}")
            member.size, member.mtime, member.mode = len(content), at, 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), 6, mtime=at)


def _safe(name: str) -> str:
    """A relative path that stays below the folder it is unpacked to, whatever the piece is called."""
    parts = [_ODD.sub("_", part)[:120] for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "unnamed"


def _unique(path: str, taken: Mapping[str, Any]) -> str:
    number = 1
    found = path
    while found in taken:
        number += 1
        found = f"{path}.{number}"
    return found


def _file(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _json(value: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=True, indent=1, allow_nan=False).encode() + b"\n"
