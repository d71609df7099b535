"""Ephemeral metadata: labels and annotations that pods bear only while they are canary, stable, active or preview."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.world.contract import Object
from cockpit.world.controllers.kit import annotation, notes_of
from cockpit.world.controllers.revisions import ROLLOUT
from cockpit.world.controllers.rollouts import spec
from cockpit.world.controllers.rollouts.context import Context
from cockpit.world.controllers.templates import EPHEMERAL

_encode = msgspec.json.Encoder(order="sorted").encode


def reconcile(ctx: Context) -> None:
    """Give each ReplicaSet, its template and its living pods the metadata of its present role."""
    strategy = spec.strategy_of(ctx.rollout)
    canary = spec.canary(ctx.rollout) is not None
    serving = strategy.get("stableMetadata" if canary else "activeMetadata") or {}
    trying = strategy.get("canaryMetadata" if canary else "previewMetadata") or {}
    if ctx.new is not None:
        _apply(ctx, ctx.new, serving if ctx.other_stable is None else trying)
    if ctx.other_stable is not None:
        _apply(ctx, ctx.other_stable, serving)
    for rs in ctx.others:
        _apply(ctx, rs, {})


def _apply(ctx: Context, rs: Object, wanted: dict[str, Any]) -> None:
    text = annotation(rs, EPHEMERAL)
    old: dict[str, Any] = msgspec.json.decode(text) if text else {}
    if old == wanted:
        return

    def swap(metadata: dict[str, Any]) -> None:
        for section in ("labels", "annotations"):
            kept = {k: v for k, v in (metadata.get(section) or {}).items() if k not in (old.get(section) or {})}
            merged = {**kept, **(wanted.get(section) or {})}
            if merged:
                metadata[section] = merged
            else:
                metadata.pop(section, None)

    def write(found: Object) -> None:
        swap(found["spec"]["template"].setdefault("metadata", {}))
        if wanted:
            notes_of(found)[EPHEMERAL] = _encode(wanted).decode()
        else:
            notes_of(found).pop(EPHEMERAL, None)

    changed = ctx.sets.change(rs, write)
    rs["spec"], rs["metadata"] = changed["spec"], changed["metadata"]
    for pod in ctx.world.objects.owned("pods", rs["metadata"]["uid"]):
        ctx.world.objects.mutate(
            "pods", ctx.key[0], pod["metadata"]["name"], lambda found: swap(found["metadata"]), manager=ROLLOUT.manager
        )
