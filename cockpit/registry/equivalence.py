"""Which digests are one artifact: an index, its platform manifests, their configs. Learned from hashed bytes alone.

Source: facts/registry-and-rollback.md 1.6. The relation looks up and down from one digest and is not transitive: two
indexes that share a platform are two artifacts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from cockpit.model.artifact import Contents, Sameness
from cockpit.strategies.image import read_image_id


class Memory(Protocol):
    """Where contents are kept between runs (the journal)."""

    def load(self) -> Iterable[Contents]: ...

    def remember(self, contents: Contents) -> None: ...


class Equivalence:
    """Contents by digest. Only what was read and hashed may be learned; it never changes afterwards."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._memory = memory
        self._known: dict[str, Contents] = {}
        self._parents: dict[str, set[str]] = {}
        for contents in memory.load() if memory is not None else ():
            self._add(contents)

    def learn(self, contents: Contents) -> None:
        """Take what a digest holds; what is known already is left alone."""
        if contents.digest not in self._known:
            self._add(contents)
            if self._memory is not None:
                self._memory.remember(contents)

    def _add(self, contents: Contents) -> None:
        self._known[contents.digest] = contents
        for child in contents.children:
            self._parents.setdefault(child, set()).add(contents.digest)

    def of(self, digest: str) -> Contents | None:
        return self._known.get(digest)

    def indexes_of(self, digest: str) -> tuple[str, ...]:
        """The indexes known to list a platform manifest."""
        parents = (self._known[each] for each in self._parents.get(digest, ()))
        return tuple(sorted(each.digest for each in parents if each.kind == "index"))

    def equal_to(self, digest: str) -> frozenset[str]:
        """Every digest known to name the same artifact, itself included."""
        return frozenset({digest} | self._down(digest) | self._up(digest))

    def _down(self, digest: str) -> set[str]:
        contents = self._known.get(digest)
        found: set[str] = set()
        for child in contents.children if contents else ():
            found |= {child} | self._down(child)
        return found

    def _up(self, digest: str) -> set[str]:
        found: set[str] = set()
        for parent in self._parents.get(digest, ()):
            found |= {parent} | self._up(parent)
        return found

    def same(self, one: str, other: str) -> bool | None:
        """Whether two manifest digests name one artifact; None while too little was read to deny it."""
        if one == other or other in self.equal_to(one):
            return True
        known = [self._known.get(each) for each in (one, other)]
        if None not in known or any(each is not None and each.kind == "index" for each in known):
            return False
        return None  # the unread one may be an index that lists the other

    def compare(self, declared: str, image_id: str) -> Sameness:
        """What a pod runs (its ``imageID``) against a declared manifest digest."""
        running = read_image_id(image_id)
        if running.kind == "pending":
            return "pending"
        if running.kind == "unreadable" or running.digest is None:
            return "unresolved"
        if running.digest in self.equal_to(declared):
            return "match-config" if running.kind == "config" else "match"
        if running.kind == "local":
            return "unresolved"  # a digest made on the node says nothing about the registry's
        if running.kind == "config":
            return "mismatch" if self._complete(declared) else "unresolved"
        held = self._known.get(declared)
        if held is None:
            return "unresolved"
        if held.kind == "manifest" and running.digest not in self._known:
            return "unresolved"  # it may be an index that lists the declared one
        return "mismatch"

    def _complete(self, digest: str) -> bool:
        """Whether everything below a manifest digest was read, down to the configs."""
        contents = self._known.get(digest)
        if contents is None:
            return False
        return contents.kind == "manifest" or all(self._complete(child) for child in contents.children)
