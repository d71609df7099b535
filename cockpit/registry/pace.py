"""How fast a registry is asked: what it asked us to wait, and a growing rest after failures. One state per host."""

from __future__ import annotations

from cockpit.base.clock import Clock

_FIRST_REST = 1.0
_LONGEST_REST = 60.0
_IN_A_ROW = 3  # one address that always fails (referrers on some registries) must not silence the others
_UNTOLD = 30.0  # after a 429 that names no time


class Pace:
    """``told`` is the registry's own wish and always kept; ``rest`` is our politeness and gives way to an operator."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_until: dict[str, float] = {}
        self._rest_until: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._why: dict[str, str] = {}

    def wait(self, host: str, *, urgent: bool) -> float:
        """Seconds until the host may be asked again; 0 now. ``urgent``: someone stands before a dialog."""
        now = self._clock.wall()
        until = self._told_until.get(host, 0.0)
        if not urgent:
            until = max(until, self._rest_until.get(host, 0.0))
        return max(0.0, until - now)

    def why(self, host: str) -> str:
        """What was last said or seen of a host that is not asked now; the sentence for whoever asks meanwhile."""
        return self._why.get(host, "")

    def begin(self, host: str) -> int:
        """To be handed to ``failed`` with what became of a request that begins now."""
        return self._failures.get(host, 0)

    def told(self, host: str, seconds: float | None, why: str) -> float:
        """The host asked to slow down; returns the seconds that will be kept."""
        self._why[host] = why
        seconds = _UNTOLD if seconds is None else seconds
        self._told_until[host] = max(self._told_until.get(host, 0.0), self._clock.wall() + seconds)
        return seconds

    def failed(self, host: str, begun: int, why: str) -> None:
        """No answer, or one of the server's own errors. Requests under way together fail together, and count once."""
        self._why[host] = why
        if self._failures.get(host, 0) != begun:
            return
        count = self._failures[host] = begun + 1
        if count >= _IN_A_ROW:
            rest = min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(count - _IN_A_ROW, 10))
            self._rest_until[host] = self._clock.wall() + rest

    def answered(self, host: str) -> None:
        self._failures.pop(host, None)
        self._rest_until.pop(host, None)
