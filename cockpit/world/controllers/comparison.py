"""What Argo CD compares: every manifest of a commit beside what lives, its health, and the status this makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cockpit.world.contract import Object, World
from cockpit.world.controllers import manifests
from cockpit.world.controllers.kit import status_of
from cockpit.world.git import Commit
from cockpit.world.kinds import Kind

_WORSE = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
_PHASES = {"Healthy": "Healthy", "Paused": "Suspended", "Progressing": "Progressing", "Degraded": "Degraded"}


class Comparison:
    """One Application against one commit. ``rows``: its ``status.resources``, in the order of ``wanted``."""

    def __init__(self, world: World, app: Object, commit: Commit, wanted: Sequence[Object]) -> None:
        self.commit = commit
        self.wanted = wanted
        self.rows: list[dict[str, Any]] = []
        self._spec: dict[str, Any] = app["spec"]
        self._images: set[str] = set()
        for manifest in wanted:
            where = manifests.place(manifest)
            live = world.objects.get(*where.key)
            ignored = _ignored(self._spec, where)
            self.rows.append(
                {
                    **({"group": where.kind.group} if where.kind.group else {}),
                    "version": where.kind.versions[0],
                    "kind": where.kind.kind,
                    **({"namespace": where.namespace} if where.namespace else {}),
                    "name": where.name,
                    "status": "OutOfSync" if manifests.drifted(live, manifest, ignored) else "Synced",
                    **_health(where.kind, live),
                }
            )
            pod = (((live or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
            self._images.update(str(each.get("image", "")) for each in pod.get("containers") or ())

    @property
    def differing(self) -> list[int]:
        """Which rows are out of sync."""
        return [number for number, row in enumerate(self.rows) if row["status"] != "Synced"]

    def status(self) -> dict[str, Any]:
        """The members of an Application's status that a comparison decides."""
        states = [row["health"]["status"] for row in self.rows if "health" in row]
        return {
            "sync": {
                "status": "OutOfSync" if self.differing else "Synced",
                "revision": self.commit.sha,
                "comparedTo": compared_to(self._spec),
            },
            "health": {"status": max(states, key=_WORSE.index, default="Healthy")},
            "resources": self.rows,
            "summary": {"images": sorted(self._images)} if self._images else {},
            "sourceType": "Directory",
        }


def compared_to(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec[key] for key in ("source", "destination") if key in spec}


def incomparable(spec: dict[str, Any], now: str) -> dict[str, Any]:
    """The same members for an Application whose source Git does not have."""
    source = spec.get("source") or {}
    path, repository = source.get("path", ""), source.get("repoURL", "")
    message = f"Failed to load target state: {path}: app path does not exist in {repository}"
    return {
        "sync": {"status": "Unknown", "comparedTo": compared_to(spec)},
        "health": {"status": "Healthy"},
        "conditions": [{"type": "ComparisonError", "message": message, "lastTransitionTime": now}],
    }


def _ignored(spec: dict[str, Any], where: manifests.Place) -> Iterator[Sequence[str]]:
    """Paths of ``spec.ignoreDifferences`` that concern an object."""
    for rule in spec.get("ignoreDifferences") or ():
        given = {"group": where.kind.group, "kind": where.kind.kind, "name": where.name, "namespace": where.namespace}
        if any(rule.get(key) not in (None, "", "*", value) for key, value in given.items()):
            continue
        for text in rule.get("jsonPointers") or ():
            yield manifests.pointer(str(text))
        for text in rule.get("jqPathExpressions") or ():
            path = manifests.jq_path(str(text))
            if path is not None:
                yield path


def _health(kind: Kind, live: Object | None) -> dict[str, Any]:
    """``{"health": …}`` for what has one: workloads."""
    if kind.plural not in ("rollouts", "deployments"):
        return {} if live is not None else {"health": {"status": "Missing"}}
    if live is None:
        return {"health": {"status": "Missing"}}
    status = status_of(live)
    if kind.plural == "rollouts":
        found = {"status": _PHASES.get(str(status.get("phase")), "Progressing")}
        if status.get("message"):
            found["message"] = str(status["message"])
        return {"health": found}
    if live["spec"].get("paused"):
        return {"health": {"status": "Suspended", "message": "Deployment is paused"}}
    late = any(c.get("reason") == "ProgressDeadlineExceeded" for c in status.get("conditions") or ())
    wanted = live["spec"].get("replicas", 1)
    there = status.get("updatedReplicas", 0) >= wanted and status.get("availableReplicas", 0) >= wanted
    return {"health": {"status": "Degraded" if late else "Healthy" if there else "Progressing"}}
