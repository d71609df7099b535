"""The level of a log line, from the shapes that loggers write: JSON, logfmt, klog, and a word near the start."""

from __future__ import annotations

import re

from cockpit.model.log import Level

_NAMES: dict[Level, str] = {
    "error": "error err fatal panic critical crit emerg emergency alert severe",
    "warn": "warn warning",
    "info": "info notice information",
    "debug": "debug trace verbose",
}
_NAMED: dict[str, Level] = {name: level for level, names in _NAMES.items() for name in names.split()}
_KLOG: dict[str, Level] = {"E": "error", "F": "error", "W": "warn", "I": "info", "D": "debug"}
# Bunyan and pino write numbers.
_NUMBERED: dict[str, Level] = {"60": "error", "50": "error", "40": "warn", "30": "info", "20": "debug", "10": "debug"}

_KEYED = re.compile(
    r"""["']?\b(?:level|lvl|severity|log\.level|loglevel|levelname)["']?\s*[:=]\s*["']?(\w+)""", re.IGNORECASE
)
_KLOG_HEAD = re.compile(r"([EFWID])\d{4} \d\d:\d\d")
_WORD = re.compile(
    r"\b(ERROR|ERR|FATAL|PANIC|CRITICAL|CRIT|EMERG|ALERT|SEVERE|WARN|WARNING|INFO|NOTICE|DEBUG|TRACE|VERBOSE)\b"
    r"|[\[<(](error|err|fatal|panic|critical|crit|emerg|alert|severe|warn|warning|info|notice|debug|trace)[\]>)]"
    r"|(?:^|\s)(error|fatal|panic|warning|warn|info|debug): ",
)
_TRACE = re.compile(r"Traceback \(most recent call last\)|^panic: |^Exception in thread|\bUnhandled exception\b")

_KEYED_WITHIN = 512
_WORD_WITHIN = 120


def level_of(text: str) -> Level:
    """``""`` when nothing says. A level's name in the middle of a sentence is not one: only what leads counts."""
    if (found := _KLOG_HEAD.match(text)) is not None:
        return _KLOG[found[1]]
    if (found := _KEYED.search(text, 0, _KEYED_WITHIN)) is not None:
        named = _NAMED.get(found[1].lower()) or _NUMBERED.get(found[1])
        if named is not None:
            return named
    if (found := _WORD.search(text, 0, _WORD_WITHIN)) is not None:
        return _NAMED[(found[1] or found[2] or found[3]).lower()]
    return "error" if _TRACE.search(text, 0, _WORD_WITHIN) is not None else ""
