"""The file that takes records when the journal cannot: JSON lines in the runtime directory, absorbed later."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cockpit.journal.records import JournalError, canonical


def runtime_directory() -> Path:
    """Private, on local disk, gone at log-out: the place that is writable when nothing else is.

    Without a session's XDG_RUNTIME_DIR (a bastion host, a container) a folder of our own among the temporary ones.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) / "rollout-cockpit" if given else Path(tempfile.gettempdir()) / f"rollout-cockpit-{os.getuid()}"


def _private(directory: Path) -> None:
    """Makes the folder; one that somebody else laid out among the temporary files is not trusted."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = directory.lstat()
    if directory.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise JournalError(f"fallback folder {directory} belongs to somebody else or is open to others; remove it")


class Fallback:
    """Append-only JSON lines, each a row of ``ops`` without its place in the chain. Synchronous.

    One file per journal, so that the records of a demo never end up in the journal of a production cluster.
    """

    def __init__(self, journal: Path, directory: Path | None = None) -> None:
        self._directory = directory
        self._name = f"journal-fallback-{hashlib.sha256(bytes(journal.absolute())).hexdigest()[:12]}.jsonl"

    @property
    def path(self) -> Path:
        return (self._directory or runtime_directory()) / self._name

    def append(self, values: dict[str, Any]) -> None:
        """Writes one line and waits for the disk. Raises JournalError."""
        line = (canonical(values) + "\n").encode("utf-8", "backslashreplace")
        try:
            _private(self.path.parent)
            descriptor = _open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line  # a crash cut the last one: it must not take this one with it
                if os.write(descriptor, line) != len(line):  # a full disk takes a part and calls it success
                    os.ftruncate(descriptor, size)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError(f"fallback file {self.path} cannot be written: {error.strerror}") from None

    def read(self) -> list[dict[str, Any]]:
        """The lines that can be read; a line cut by a crash is left out. Raises JournalError as ``absorb`` does."""
        descriptor = self._existing()
        if descriptor is None:
            return []
        with os.fdopen(descriptor, encoding="utf-8", errors="replace", newline="\n") as file:
            return _parsed(file.read())

    def absorb(self, take: Callable[[dict[str, Any]], None]) -> int:
        """Gives every line to ``take`` and empties the file, under a lock. A line is gone only once it was taken.

        Raises JournalError when folder or file are not ours: what somebody else laid there is neither believed nor
        changed.
        """
        descriptor = self._existing()
        if descriptor is None:
            return 0
        with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace", newline="\n") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            rows = _parsed(file.read())
            taken = 0
            try:
                for row in rows:
                    take(row)
                    taken += 1
            finally:
                if taken or not rows:  # with nothing taken it stays as it is, whatever ends us now
                    rest = "".join(canonical(row) + "\n" for row in rows[taken:])
                    file.seek(0)
                    file.truncate()
                    file.write(rest)
                    file.flush()
                    os.fsync(file.fileno())
        return taken

    def _existing(self) -> int | None:
        """A descriptor of the file, None when there is none."""
        try:
            self.path.parent.lstat()
            _private(self.path.parent)
            return _open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise JournalError(f"fallback file {self.path} cannot be read: {error.strerror}") from None


def _open(path: Path, flags: int) -> int:
    """Opens a regular file of our own; a link, a pipe or a file of somebody else is refused."""
    # Without O_NONBLOCK a pipe laid there would hold us for ever.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
        os.close(descriptor)
        raise JournalError(f"fallback file {path} is not a file of ours; remove it")
    return descriptor


def _parsed(text: str) -> list[dict[str, Any]]:
    rows = []
    for line in text.split("\n"):  # JSON may hold what splitlines() takes for the end of a line
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows
