"""Checks that need no network: the settings, the journal's folder, the terminal."""

from __future__ import annotations

import locale
import os
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from cockpit.base.text import clean
from cockpit.config import Settings, default_config_path
from cockpit.doctor.finding import Finding

SMALLEST = (60, 20)
_NO_SCREEN = ("", "dumb", "unknown")


def check_settings(settings: Settings) -> list[Finding]:
    """Which file is in force, and what of it is not because it cannot be used."""
    where = str(settings.source) if settings.source else f"defaults ({default_config_path()} does not exist)"
    mode = "read-only" if settings.read_only else "read-write"
    hint = "rollouts that it is for stay blind until it is mended"
    return [
        Finding("settings", "ok", f"{where}, {mode}"),
        *(Finding("settings", "bad", said, hint) for said in unusable(settings)),
    ]


def unusable(settings: Settings) -> list[str]:
    """What the settings ask for and cannot be had, one sentence each; the rest of them is in force."""
    from cockpit.metrics.own import own_slis

    own = own_slis(settings.sli, settings.judge, str(settings.source or "settings"))
    found = [slo.fault for slo in settings.slo] + [sli.fault for sli in own.values()]
    return [clean(said, 400) for said in found if said]


def check_journal(path: Path) -> Finding:
    """Whether a record can be written where the journal lies. Writes nothing into an existing journal."""
    hint = "set [journal] path to a folder you can write; without a journal nothing but abort and pause is sent"
    folder = path.parent
    if path.exists():
        if not os.access(path, os.W_OK) or not os.access(folder, os.W_OK):
            return Finding("journal", "bad", f"{path} cannot be written", hint)
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            finally:
                connection.close()
        except sqlite3.Error as error:
            return Finding("journal", "bad", f"{path}: {error}", "move the file away and keep it; a new one is begun")
        return Finding("journal", "ok", f"{path}, {path.stat().st_size // 1024} KiB")
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding("journal", "bad", f"{path} cannot be created: {existing} is not writable", hint)
    free = shutil.disk_usage(existing).free
    if free < 16 * 2**20:
        return Finding("journal", "bad", f"only {free // 2**20} MiB are free in {existing}", "free some space")
    return Finding("journal", "ok", f"{path} will be created")


def check_terminal(
    environment: Mapping[str, str], *, is_tty: bool, size: tuple[int, int], encoding: str | None
) -> list[Finding]:
    """Whether the screens can be drawn here: TERM, colours, size, locale, multiplexer."""
    term = environment.get("TERM", "")
    findings = []
    if not is_tty:
        findings.append(Finding("terminal", "off", "output is not a terminal: commands work, screens do not"))
    elif term in _NO_SCREEN:
        findings.append(
            Finding(
                "terminal", "bad", f"TERM={term or '(unset)'} cannot place a cursor", "set TERM, e.g. xterm-256color"
            )
        )
    elif size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        hint = f"enlarge it to at least {SMALLEST[0]}x{SMALLEST[1]}; 120x36 shows everything"
        findings.append(Finding("terminal", "warn", f"{size[0]}x{size[1]} is small", hint))
    else:
        findings.append(Finding("terminal", "ok", f"TERM={term}, {size[0]}x{size[1]}{_inside(environment)}"))
    findings.append(Finding("colours", "ok", colours(environment)))
    if encoding is None or encoding.lower().replace("-", "") != "utf8":
        hint = "set LC_ALL=C.UTF-8, or [screen] ascii = true"
        findings.append(Finding("locale", "warn", f"the encoding is {encoding or 'unknown'}, not UTF-8", hint))
    else:
        findings.append(Finding("locale", "ok", "UTF-8"))
    return findings


def colours(environment: Mapping[str, str]) -> str:
    """How many colours will be used, by what the environment says."""
    if environment.get("NO_COLOR"):
        return "none (NO_COLOR is set); state is told by glyph and word"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "16 million (COLORTERM)"
    return "256" if "256color" in environment.get("TERM", "") else "16; the theme for few colours is chosen"


def _inside(environment: Mapping[str, str]) -> str:
    parts = [name for name, variable in (("tmux", "TMUX"), ("screen", "STY")) if environment.get(variable)]
    if environment.get("SSH_CONNECTION"):
        parts.append("ssh")
    return f", inside {' over '.join(parts)}" if parts else ""


def encoding_here() -> str | None:
    return locale.getpreferredencoding(do_setlocale=False) or None
