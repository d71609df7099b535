"""How much may go to the clipboard: terminals drop or truncate longer OSC 52 sequences."""

from __future__ import annotations

OSC52_LIMIT = 74_994
"""Bytes of the sequence; base64 takes four for three."""


def copy_limited(text: str) -> tuple[str, bool]:
    """The end of ``text`` that fits, and whether something was cut."""
    room = OSC52_LIMIT * 3 // 4 - 16
    data = text.encode("utf-8", "replace")
    if len(data) <= room:
        return text, False
    return data[-room:].decode("utf-8", "ignore"), True
