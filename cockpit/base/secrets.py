"""Secrets inside objects: values that sit under a telling name, and passwords in URLs, are hidden before anyone looks."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "<hidden>"
_NAME = re.compile(r"passw|passphrase|_pass|pwd|secret|token|credential|private|api_?key|access_?key|auth|dsn", re.I)
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)")


def secret_name(name: str) -> bool:
    """Whether a variable called ``name`` probably holds a secret."""
    return _NAME.search(name) is not None


def hide(value: Any) -> Any:
    """A copy of a JSON value with the values of secret-looking variables hidden, and passwords in URLs."""
    if isinstance(value, list):
        return [hide(item) for item in value]
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{HIDDEN}", value)
    if not isinstance(value, dict):
        return value
    name = value.get("name")
    if "value" in value and isinstance(name, str) and secret_name(name):
        return {**value, "value": HIDDEN}
    return {key: hide(item) for key, item in value.items()}
