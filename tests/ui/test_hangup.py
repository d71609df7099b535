"""A terminal that goes away ends the cockpit, also one that no signal reaches."""

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

DEAF = """
import sys
from tests.ui.drive import app_on
from tests.ui.fake_seat import FakeSeat
sys.exit(app_on(FakeSeat()).start())
"""


def test_a_cockpit_that_hears_no_hangup_ends_with_its_terminal(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm-256color", "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], cwd=root, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    too_late = threading.Timer(60, process.kill)
    too_late.start()
    seen = b""
    while b"checkout-api" not in seen:
        seen += os.read(ours, 65536)
    os.close(ours)
    assert process.wait(timeout=60) == 0
    too_late.cancel()
