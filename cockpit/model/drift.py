"""What a rollout runs against what it is said to run: drift, made visible."""

from __future__ import annotations

from typing import Literal

import msgspec

DriftKind = Literal[
    "tag-moved", "unpinned", "split", "pod-hotfix", "admission", "running-not-spec", "template-hotfix", "unrecorded"
]


class Drift(msgspec.Struct, frozen=True):
    """One row of drift (facts registry-and-rollback 1.7). ``admission`` is a rewrite at creation: shown, no fault."""

    kind: DriftKind
    severity: Literal["bad", "warn", "info"]
    text: str  # one sentence, naming container, tag and short digests
    container: str | None = None
    pods: tuple[str, ...] = ()
    since: float | None = None  # cluster time it was first seen here
