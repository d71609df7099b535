"""Which rollout a command means: ``[KIND/]NAMESPACE/NAME``, and what to say when there is none such."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from cockpit.base.errors import NotFound, Unreachable, UsageError
from cockpit.base.text import clean
from cockpit.model.rollout import Rollout
from cockpit.model.snapshot import Snapshot

_KINDS = {
    "rollout": "Rollout",
    "rollouts": "Rollout",
    "ro": "Rollout",
    "deployment": "Deployment",
    "deployments": "Deployment",
    "deploy": "Deployment",
}


class Target(NamedTuple):
    """``kind`` None: a Rollout where there is one, otherwise a Deployment."""

    kind: str | None
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def parse_target(text: str, namespace: str | None = None) -> Target:
    """Read ``NS/NAME``, ``KIND/NS/NAME``, or ``NAME`` when ``namespace`` is given. Raises UsageError."""
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise UsageError(f"{clean(text, 200)!r} names no rollout; write NAMESPACE/NAME")
    if len(parts) == 1:
        if namespace is None:
            raise UsageError(f"{clean(text, 200)!r} lacks a namespace; write NAMESPACE/NAME or add --namespace")
        return Target(None, namespace, parts[0])
    if len(parts) == 2:
        return Target(None, *parts)
    kind = _KINDS.get(parts[0].lower())
    if kind is None:
        raise UsageError(f"{clean(parts[0], 80)!r} is no kind of rollout; use rollout/ or deployment/")
    return Target(kind, parts[1], parts[2])


def find(snapshot: Snapshot, target: Target) -> Rollout:
    """The rollout that ``target`` means.

    Raises NotFound with near names; Unreachable when the cluster's state is not known, because then nothing can be
    said about what exists.
    """
    kinds = (target.kind,) if target.kind else ("Rollout", "Deployment")
    for kind in kinds:
        for key, rollout in snapshot.rollouts.items():
            if (key.kind, key.namespace, key.name) == (kind, target.namespace, target.name):
                return rollout
    source = snapshot.sources.get("kubernetes")
    if source is not None and source.state != "ok":
        raise Unreachable(f"cannot say whether {target} exists: {source.message or 'the cluster is ' + source.state}")
    wanted = f"{target.kind} {target}" if target.kind else f"rollout {target}"
    sentence = f"no {wanted}"
    if near := _near(snapshot, target):
        sentence += f"; did you mean {' or '.join(near)}?"
    elif snapshot.rollouts:
        sentence += "; `cockpit list -A` shows what there is"
    else:
        sentence += f"; none can be seen in namespace {target.namespace}"
    if snapshot.gaps:
        sentence += f" ({snapshot.gaps[0]})"
    raise NotFound(sentence)


def _near(snapshot: Snapshot, target: Target) -> list[str]:
    """Up to three existing rollouts whose names are alike; the same name elsewhere comes first."""
    keys = list(snapshot.rollouts)
    same = [key for key in keys if key.name == target.name]
    alike = difflib.get_close_matches(target.name, {key.name for key in keys}, n=3, cutoff=0.6)
    close = [key for name in alike for key in keys if key.name == name]
    names: dict[str, None] = {}
    for key in [*same, *close]:
        prefix = "deployment/" if key.kind == "Deployment" and target.kind == "Rollout" else ""
        names[f"{prefix}{key}"] = None
    return list(names)[:3]
