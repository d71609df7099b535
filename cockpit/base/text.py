"""Text safety: nothing from a cluster reaches a terminal before it went through here."""

from __future__ import annotations

import re

# ESC sequences whole (CSI, OSC, DCS/SOS/PM/APC, two-byte), so that their payload does not stay behind as noise. A
# payload ends where the next one could begin: otherwise many beginnings without an end would take quadratic time.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d\x9e\x9f][^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c|$)"
)
# C0, DEL, C1, separators, zero width, bidi controls, BOM, surrogates, tags: invisible or able to reorder.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"[\t\n\r\x0b\x0c]+")
_CLEAN = re.compile(r"[\x20-\x7e]*")


def clean(text: str, limit: int | None = None) -> str:
    """One safe line: escapes and controls dropped, white space of any kind one blank, cut at ``limit`` characters.

    A cut says how much it hides: ``…(+1024)``.
    """
    hidden = 0
    if limit is not None and len(text) > limit:
        hidden, text = len(text) - limit, text[:limit]
    if _CLEAN.fullmatch(text) is None:
        text = _CONTROLS.sub("", _SPACES.sub(" ", _ESCAPES.sub("", text)))
    return f"{text}…(+{hidden})" if hidden else text
