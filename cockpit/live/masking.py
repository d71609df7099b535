"""Secrets in what others print and say, hidden before it is kept as evidence: log lines, events, messages."""

from __future__ import annotations

import re
from typing import Any

from cockpit.base.secrets import HIDDEN, hide
from cockpit.net.redact import redact


class Mask:
    """Hides what applications print that is secret. A private key is printed line by line: one container, one mask."""

    def __init__(self) -> None:
        self._key = 0  # lines of a private key that are still expected

    def line(self, text: str) -> str:
        begins, ends = _KEY_BEGINS.search(text) is not None, _KEY_ENDS.search(text) is not None
        inside = self._key > 0
        self._key = _KEY_LINES if begins and not ends else 0 if ends else max(self._key - 1, 0)
        return HIDDEN if begins or inside else str(hide(redact(text)))


_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY-----")
_KEY_LINES = 120  # the longest in use; one whose end was never printed hides no more than this


def quiet(value: Any) -> Any:
    """What others said of a rollout, without secrets: texts of controllers repeat what they were refused."""
    return hide(_redacted(value))


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list | tuple) else value
