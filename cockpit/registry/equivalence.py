"""Which digests are one artifact: an index, its platform manifests, their configs. Learned from hashed bytes alone.

Source: facts/registry-and-rollback.md 1.6. The relation looks up and down from one digest and is not transitive: two
indexes that share a platform are two artifacts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from cockpit.model.artifact import Contents, Sameness
from cockpit.strategies.image import read_image_id

MOST = 256
"""Manifests that an index may list to be learned: no image has as many, and its writer would fill our memory."""


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
        """Take what a digest holds; what is known already, or lists more than any image does, is left alone."""
        if contents.digest not in self._known and len(contents.children) <= MOST:
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
        return frozenset(_reached(digest, self._children) | _reached(digest, self._above))

    def _children(self, digest: str) -> Iterable[str]:
        contents = self._known.get(digest)
        return contents.children if contents is not None else ()

    def _above(self, digest: str) -> Iterable[str]:
        return self._parents.get(digest, ())

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
        return all(each in self._known for each in _reached(digest, self._listed))

    def _listed(self, digest: str) -> Iterable[str]:
        """What an index lists; the config of a manifest is known by its digest alone."""
        contents = self._known.get(digest)
        return contents.children if contents is not None and contents.kind == "index" else ()


def _reached(start: str, following: Callable[[str], Iterable[str]]) -> set[str]:
    """All that can be reached, itself included: each once, however many ways somebody laid through the same digests."""
    found, ahead = {start}, [start]
    while ahead:
        for each in following(ahead.pop()):
            if each not in found:
                found.add(each)
                ahead.append(each)
    return found
