"""What a person is told when something goes wrong: one sentence, whatever it was."""

from __future__ import annotations

from cockpit.base.errors import CockpitError
from cockpit.base.text import clean


def said(error: BaseException) -> str:
    """The sentence of an expected error; an unexpected one is named as ours, without its traceback."""
    if isinstance(error, CockpitError):
        return clean(str(error), 600)
    return clean(f"unexpected error in the cockpit itself ({type(error).__name__}: {error}); please report it", 300)
