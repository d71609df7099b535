"""A guarded request in one line, as the dialog and the status line show it."""

from __future__ import annotations

import json
from typing import Any

from cockpit.model.plan import Patch


def request_text(patch: Patch) -> str:
    """``PATCH rollouts/checkout-api/status``."""
    sub = f"/{patch.subresource}" if patch.subresource else ""
    return f"PATCH {patch.resource.plural}/{patch.name}{sub}"


def changes(patch: Patch) -> list[str]:
    """What a patch writes, one text per operation: ``/status/abort: true``; the tests are counted, not listed."""
    texts = []
    for op in patch.ops:
        kind, path = op.get("op"), str(op.get("path", "?"))
        if kind == "test":
            continue
        if kind == "remove":
            texts.append(f"removes {path}")
        else:
            texts.append(f"{path}: {_short(op.get('value'))}")
    return texts


def guards(patch: Patch) -> int:
    """How many ``test`` operations stand before the change."""
    return sum(op.get("op") == "test" for op in patch.ops)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
