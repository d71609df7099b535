"""The append-only record of what was done, by whom and how it ended, in one SQLite file."""

from cockpit.journal.archive import Archive, Memory
from cockpit.journal.fallback import Fallback
from cockpit.journal.journal import Journal
from cockpit.journal.observed import KnownVersion, Observation, Piece, SeenJob, Transition, Workload
from cockpit.journal.records import History, IntentRecord, JournalError, OpenIntent, OutcomeRecord, Verification, Who
from cockpit.journal.resets import ResetRecord
from cockpit.journal.suspensions import Owner, Suspension

__all__ = [
    "Archive",
    "Fallback",
    "History",
    "IntentRecord",
    "Journal",
    "JournalError",
    "KnownVersion",
    "Memory",
    "Observation",
    "OpenIntent",
    "OutcomeRecord",
    "Owner",
    "Piece",
    "ResetRecord",
    "SeenJob",
    "Suspension",
    "Transition",
    "Verification",
    "Who",
    "Workload",
]
