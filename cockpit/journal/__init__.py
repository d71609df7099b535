"""The append-only record of what was done, by whom and how it ended, in one SQLite file."""

from cockpit.journal.fallback import Fallback
from cockpit.journal.journal import Journal
from cockpit.journal.records import History, IntentRecord, JournalError, OpenIntent, OutcomeRecord, Verification, Who
from cockpit.journal.resets import ResetRecord

__all__ = [
    "Fallback",
    "History",
    "IntentRecord",
    "Journal",
    "JournalError",
    "OpenIntent",
    "OutcomeRecord",
    "ResetRecord",
    "Verification",
    "Who",
]
