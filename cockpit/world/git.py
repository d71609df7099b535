"""Git as the owners of a world see it: repositories of manifests, commit by commit, and who is told of a push."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from cockpit.world.contract import Object, Objects, World

Tree = Mapping[str, tuple[Object, ...]]
"""Path -> the manifests below it, in the order in which they are applied."""

_canonical = msgspec.json.Encoder(order="sorted").encode


class Commit(NamedTuple):
    """One commit: the whole tree as it is from then on. ``at``: virtual unix seconds."""

    sha: str
    at: float
    author: str
    subject: str
    tree: Tree


class Git:
    """Every repository by its URL; the newest commit is the branch that everybody follows."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._commits: dict[str, list[Commit]] = {}
        self._followers: list[Callable[[str], None]] = []

    def follow(self, told: Callable[[str], None]) -> None:
        """``told(repository)`` after each push, as a webhook does; it must only enqueue."""
        self._followers.append(told)

    def repositories(self) -> list[str]:
        return sorted(self._commits)

    def log(self, repository: str) -> Sequence[Commit]:
        """Oldest first; empty for a repository that nobody pushed to."""
        return self._commits.get(repository, ())

    def head(self, repository: str) -> Commit | None:
        log = self._commits.get(repository)
        return log[-1] if log else None

    def push(self, repository: str, path: str, objects: Sequence[Object], subject: str, author: str) -> Commit:
        """Commit ``objects`` as all that lies below ``path``."""
        before = self.head(repository)
        tree = {**(before.tree if before else {}), path: tuple(copy.deepcopy(list(objects)))}
        return self._commit(repository, tree, subject, author)

    def revert(self, repository: str, path: str, author: str) -> Commit | None:
        """Commit what lay below ``path`` before its last change; None when it never was anything else."""
        changes: list[Commit] = []
        for commit in self.log(repository):
            held = commit.tree.get(path)
            if held is not None and (not changes or changes[-1].tree[path] != held):
                changes.append(commit)
        if len(changes) < 2:
            return None
        last, before = changes[-1], changes[-2]
        tree = {**self.log(repository)[-1].tree, path: before.tree[path]}
        return self._commit(repository, tree, f'Revert "{last.subject}"', author)

    def _commit(self, repository: str, tree: Tree, subject: str, author: str) -> Commit:
        before = self.head(repository)
        parent = before.sha if before else ""
        body = _canonical([repository, parent, self._now(), author, subject, tree])
        commit = Commit(hashlib.sha1(body, usedforsecurity=False).hexdigest(), self._now(), author, subject, tree)
        self._commits.setdefault(repository, []).append(commit)
        for told in self._followers:
            told(repository)
        return commit


_OF: WeakKeyDictionary[Objects, Git] = WeakKeyDictionary()


def git_of(world: World) -> Git:
    """The one Git of ``world``."""
    found = _OF.get(world.objects)
    if found is None:
        found = _OF[world.objects] = Git(world.clock.now)
    return found
