"""Secrets inside objects: values under a telling name, passwords in URLs and arguments, hidden before anyone looks."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "<hidden>"
_NAME = re.compile(r"passw|passphrase|_pass|pwd|secret|token|credential|private|api_?key|access_?key|auth|dsn", re.I)
_URL_PASSWORD = re.compile(r"(?<=://)(?:([^/\s:@]*):[^/\s]+|[^/\s:@]{16,})(?=@)")  # a password, or a token alone
_ASSIGNED = re.compile(r"(?<![\w-])([\w-]{1,200})([\"']?\s{0,20}=\s{0,20})(?:\"[^\"]*\"?|'[^']*'?|[^\s;,&\"']+)")
"""Starts only where a word does and takes no word longer than any name: hostile text must not cost quadratic time."""
_ASSIGNED_NAME = re.compile(r"passw|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key", re.I)
_CREDENTIAL = re.compile(
    r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"  # a JWT
    r"|(?:(?<=\b[Bb]earer )|(?<=\b[Bb]asic ))(?=[A-Za-z.~+/_-]{0,200}[0-9=])[\w.~+/=-]{12,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)",
    re.DOTALL,
)
"""What is a credential by its own shape, whatever it stands under."""
_FLAG = re.compile(r"--?[\w-]+")
_MAPS = frozenset({"annotations", "data", "stringData"})


def secret_name(name: str) -> bool:
    """Whether a variable called ``name`` probably holds a secret."""
    return _NAME.search(name) is not None


def hide(value: Any) -> Any:
    """A copy of a JSON value without the values of secret-looking variables, headers, annotations and arguments.

    Passwords in URLs and connection strings go too.
    """
    if isinstance(value, list):
        return _items(value)
    if isinstance(value, str):
        plain = _ASSIGNED.sub(_assigned, _URL_PASSWORD.sub(_without_password, value))
        return _CREDENTIAL.sub(HIDDEN, plain)
    if not isinstance(value, dict):
        return value
    name = value.get("name", value.get("key"))
    if "value" in value and isinstance(name, str) and secret_name(name):
        return {**value, "value": HIDDEN}
    return {key: _named(item) if key in _MAPS else hide(item) for key, item in value.items()}


def _assigned(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if _ASSIGNED_NAME.search(found[1]) else found[0]


def _without_password(found: re.Match[str]) -> str:
    return HIDDEN if found[1] is None else f"{found[1]}:{HIDDEN}"


def _items(items: list[Any]) -> list[Any]:
    """A list; of arguments the one after ``--password``."""
    hidden = [hide(item) for item in items]
    for before, (index, item) in zip(items, enumerate(items[1:], 1), strict=False):
        flag = isinstance(before, str) and _FLAG.fullmatch(before) is not None and secret_name(before)
        if flag and isinstance(item, str) and not _FLAG.fullmatch(item):
            hidden[index] = HIDDEN
    return hidden


def _named(items: Any) -> Any:
    """A map whose keys are names somebody chose."""
    if not isinstance(items, dict):
        return hide(items)
    return {
        name: HIDDEN if isinstance(item, str) and secret_name(str(name)) else hide(item) for name, item in items.items()
    }
