"""Hangup: a cockpit whose terminal is gone leaves, also where no signal says so (nohup, no controlling terminal)."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
import time
from collections.abc import Callable

from cockpit.base.errors import ExitCode

_GRACE = 2.0
"""Seconds in which a signal may end it."""
_DEAF = 10.0
"""A loop that does not answer for so long is blocked in a write to what is gone: nothing goes on in it any more."""
_LONGEST = 900.0
"""Seconds for an act that was under way to be seen through."""


def leave_with_terminal(loop: asyncio.AbstractEventLoop, leave: Callable[[], object]) -> None:
    """Watch standard input from a thread; ``leave`` is called in ``loop``, as for a signal: an act is seen through.

    Where the loop is blocked the process ends at once: what was sent stands in the journal, settled at the next start.
    """
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        threading.Thread(target=_watch, args=(sys.__stdin__.fileno(), loop, leave), name="hangup", daemon=True).start()


def _watch(terminal: int, loop: asyncio.AbstractEventLoop, leave: Callable[[], object]) -> None:
    poll = select.poll()
    poll.register(terminal, 0)  # a hangup is told unasked
    poll.poll()
    time.sleep(_GRACE)
    heard = threading.Event()

    def told() -> None:
        heard.set()
        leave()

    try:
        loop.call_soon_threadsafe(told)
    except RuntimeError:  # it has ended by itself
        return
    if heard.wait(_DEAF):
        time.sleep(_LONGEST)
    os._exit(int(ExitCode.UNKNOWN))
