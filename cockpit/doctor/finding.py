"""What a check found: a state, the evidence in words, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

State = Literal["ok", "warn", "bad", "unreachable", "unknown", "off"]


class Finding(msgspec.Struct, frozen=True):
    """One line of ``doctor``. ``detail`` is the evidence, ``hint`` what to do (empty when nothing is to be done).

    ``unreachable``: no answer; ``unknown``: could not be looked at because something before it failed; ``off``: not
    configured.
    """

    name: str
    state: State
    detail: str
    hint: str = ""


def worst(findings: Sequence[Finding]) -> State:
    """The state that decides the exit code: bad before unreachable before unknown; the rest is ok."""
    states = {finding.state for finding in findings}
    for state in ("bad", "unreachable", "unknown"):
        if state in states:
            return state
    return "ok"
