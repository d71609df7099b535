"""The screens' tests: no developer's settings; the snapshot plugin keeps its own variable."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like the fixture of that name for all folders, but TEXTUAL_SNAPSHOT_* is the plugin's and stays."""
    for name in list(os.environ):
        if name.startswith(("COCKPIT_", "TEXTUAL")) and not name.startswith("TEXTUAL_SNAPSHOT"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX", "COLORFGBG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
