"""Argo CD's application controller: compares what lives with Git, syncs what it may, puts back what it must."""

from __future__ import annotations

from typing import Any

from cockpit.base.clock import parse_time, rfc3339
from cockpit.world.contract import Change, Object, World
from cockpit.world.controllers import manifests
from cockpit.world.controllers.comparison import Comparison, compared_to, incomparable
from cockpit.world.controllers.events import Recorder
from cockpit.world.controllers.kit import Key, Queue, annotation, key_of, status_of
from cockpit.world.git import Commit, git_of

MANAGER = "argocd-controller"

HEAL_AFTER = 5.0
"""Seconds from a difference, or from the sync before, to the sync that puts the live object back."""

_SKIP = "argocd.argoproj.io/skip-reconcile"
_REFRESH = "argocd.argoproj.io/refresh"
_HISTORY = 10  # spec.revisionHistoryLimit where it is not given

Operation = dict[str, Any]


class Applications:
    """Reconciles Applications whose source is a directory of plain manifests, at its newest commit."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._queue = Queue(world.clock, self._reconcile, 0.3)
        self.failures = self._queue.failures
        self._drift: dict[Key, float] = {}
        self._managed: dict[tuple[str, str, str], set[Key]] = {}
        self._sources: dict[str, set[Key]] = {}
        git_of(world).follow(self._pushed)

    def notice(self, change: Change) -> None:
        """Hear of an Application, or of anything that one of them may manage."""
        key = key_of(change.object)
        if change.plural == "applications":
            if change.type != "DELETED":
                self._queue.add(key)
            return
        for app in sorted(self._managed.get((change.plural, *key), ())):
            self._queue.add(app)

    def _pushed(self, repository: str) -> None:
        for app in sorted(self._sources.get(repository, ())):
            self._queue.add(app)

    def _reconcile(self, key: Key) -> None:
        app = self._world.objects.get("applications", *key)
        if app is None or "deletionTimestamp" in app["metadata"] or annotation(app, _SKIP) == "true":
            return
        source = app["spec"].get("source") or {}
        repository, path = str(source.get("repoURL", "")), str(source.get("path", ""))
        self._sources.setdefault(repository, set()).add(key)
        commit = git_of(self._world).head(repository)
        if commit is None or path not in commit.tree:
            self._write(app, incomparable(app["spec"], self._stamp()))
            return
        for manifest in commit.tree[path]:
            self._managed.setdefault(manifests.place(manifest).key, set()).add(key)
        found = self._compare(app, commit, path)
        operation = self._due(key, app, found)
        if operation is None:
            self._write(app, found.status())
            return
        said = self._sync(app, found, operation)
        self._drift.pop(key, None)
        self._write(app, {**self._compare(app, commit, path).status(), **said})

    def _compare(self, app: Object, commit: Commit, path: str) -> Comparison:
        return Comparison(self._world, app, commit, commit.tree[path])

    def _due(self, key: Key, app: Object, found: Comparison) -> Operation | None:
        """The sync to carry out now: one that was asked for, or an automatic one."""
        if app.get("operation"):
            return dict(app["operation"])
        if not found.differing:
            self._drift.pop(key, None)
            return None
        since = self._drift.setdefault(key, self._world.clock.now())
        automated = (app["spec"].get("syncPolicy") or {}).get("automated")
        if automated is None or automated.get("enabled") is False:
            return None
        state = status_of(app).get("operationState") or {}
        sync: dict[str, Any] = {"revision": found.commit.sha}
        if automated.get("prune"):
            sync["prune"] = True
        if (state.get("syncResult") or {}).get("revision") == found.commit.sha:
            # synced before, so what differs was changed in the cluster: only self-heal may touch it
            if not automated.get("selfHeal"):
                return None
            due = max(since, parse_time(state.get("finishedAt")) or 0.0) + HEAL_AFTER
            if self._world.clock.now() < due:
                self._queue.wake(key, due)
                return None
            rows = [found.rows[number] for number in found.differing]
            sync["resources"] = [{k: row[k] for k in ("group", "kind", "name") if k in row} for row in rows]
            sync["selfHealAttemptsCount"] = 1
        return {"sync": sync, "initiatedBy": {"automated": True}, "retry": {"limit": 5}}

    def _sync(self, app: Object, found: Comparison, operation: Operation) -> dict[str, Any]:
        """Apply what the operation is about; the members of the status that it decides."""
        sha, now = found.commit.sha, self._stamp()
        partial = bool((operation.get("sync") or {}).get("resources"))
        automated = bool((operation.get("initiatedBy") or {}).get("automated"))
        self._tell(app, "OperationStarted", f"Initiated {'automated ' if automated else ''}sync to '{sha}'")
        results: list[dict[str, Any]] = []
        for number in found.differing if partial else range(len(found.rows)):
            row = found.rows[number]
            did = manifests.apply(self._world, found.wanted[number], MANAGER)
            title = f"{row['kind'].lower()}.{row['group']}" if "group" in row else row["kind"].lower()
            about: dict[str, Any] = {k: row[k] for k in ("group", "version", "kind", "namespace", "name") if k in row}
            message = f"{title}/{row['name']} {did}"
            results.append(
                {**about, "status": "Synced", "message": message, "hookPhase": "Running", "syncPhase": "Sync"}
            )
        self._tell(app, "OperationCompleted", f"{'Partial sync' if partial else 'Sync'} operation to {sha} succeeded")
        state = {
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "operation": operation,
            "startedAt": now,
            "finishedAt": now,
            "syncResult": {"revision": sha, "source": app["spec"]["source"], "resources": results},
        }
        said: dict[str, Any] = {"operationState": state}
        if not partial:  # a self-heal deploys nothing new
            said["history"] = _history(app, sha, operation, now)
        return said

    def _write(self, app: Object, said: dict[str, Any]) -> None:
        old = status_of(app)
        for name in ("sync", "health"):
            was, becomes = (old.get(name) or {}).get("status", ""), said[name]["status"]
            if was != becomes:
                self._tell(app, "ResourceUpdated", f"Updated {name} status: {was} -> {becomes}")
        # the conditions last as long as their cause
        status = {key: value for key, value in old.items() if key != "conditions"} | said
        status["sourceType"] = "Directory"
        if status != old:
            status["reconciledAt"] = self._stamp()

        def write(found: Object) -> None:
            if "operationState" in said:
                found.pop("operation", None)
            (found["metadata"].get("annotations") or {}).pop(_REFRESH, None)
            found["status"] = status

        self._world.objects.mutate("applications", *key_of(app), write, manager=MANAGER)

    def _tell(self, app: Object, reason: str, message: str) -> None:
        self._recorder.event(app, reason, message, component="argocd-application-controller")

    def _stamp(self) -> str:
        return rfc3339(self._world.clock.now())


def _history(app: Object, sha: str, operation: Operation, now: str) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = list(status_of(app).get("history") or ())
    entry = {
        "id": history[-1]["id"] + 1 if history else 0,
        "revision": sha,
        "source": compared_to(app["spec"]).get("source", {}),
        "deployStartedAt": now,
        "deployedAt": now,
        "initiatedBy": operation.get("initiatedBy") or {},
    }
    return [*history, entry][-int(app["spec"].get("revisionHistoryLimit") or _HISTORY) :]
