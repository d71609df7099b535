"""A defect of a screen ends the cockpit with one sentence: what Textual would print holds locals, and so what not."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

BROKEN = """
import sys
from cockpit.cli import app as cli
from screens.fleet import FleetView
from tests.ui.drive import app_on
from tests.ui.fake_seat import FakeSeat

def compose(self):
    token = "hunter2"
    raise RuntimeError("no such widget")

def on_key(self, event):
    token = "hunter2"
    raise RuntimeError("no such key")

class Commands:
    def __call__(self, **_):
        return app_on(FakeSeat()).start()

if sys.argv[1] == "compose":
    FleetView.compose = compose
else:
    FleetView.on_mount = lambda self: on_key(self, None)
cli.build = Commands
cli.main([])
"""


@pytest.mark.parametrize("where", ["compose", "handler"])
def test_a_defect_prints_no_traceback(tmp_path: Path, where: str) -> None:
    root = Path(__file__).parents[2]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm-256color", "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", BROKEN, where], cwd=root, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    too_late = threading.Timer(60, process.kill)
    too_late.start()
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    too_late.cancel()
    assert process.wait(timeout=60) == 3
    assert b"an unexpected error (RuntimeError); the details are in " in seen
    assert b"hunter2" not in seen
    assert b"Traceback" not in seen
