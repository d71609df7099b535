"""Errors a person is told about: one sentence, what to do, and the exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status says."""

    DONE = 0
    REFUSED = 1  # refused or negative; gate: abort
    USAGE = 2  # bad usage or bad config
    UNKNOWN = 3  # unreachable, unknown or blind
    NOT_YET = 4  # gate: wait, watch, outage, unjudged at the time-out


class CockpitError(Exception):
    """Base of all errors that are shown. ``str()`` is one clear sentence naming the thing and what to do."""

    exit_code: ExitCode = ExitCode.UNKNOWN


class UsageError(CockpitError):
    """A wrong flag, argument or configuration file."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A config file that cannot be used; names file, key and line where known."""


class CredentialsError(CockpitError):
    """kubeconfig missing or malformed, exec plugin failed, token expired."""


class Unreachable(CockpitError):
    """No answer: connection refused, DNS, TLS, time-out, 5xx after retries."""


class Denied(CockpitError):
    """The server knows us and says no (401 after refresh, 403)."""

    exit_code = ExitCode.REFUSED


class NotFound(CockpitError):
    """The named thing does not exist."""

    exit_code = ExitCode.REFUSED


class Refused(CockpitError):
    """We do not do it: read-only mode, a precondition, a missing confirmation."""

    exit_code = ExitCode.REFUSED


class NotSent(Unreachable):
    """The request provably never reached the server (refused, DNS, TLS, no connection in time)."""


class AnswerLost(Unreachable):
    """The request may have been carried out: the connection broke, timed out or answered 5xx after it was sent."""


class ApiError(CockpitError):
    """An HTTP error answer with its Kubernetes Status, where there was one.

    ``status``: HTTP code; ``reason``: Status.reason ("Conflict", "Invalid", …) or ""; ``retry_after``: seconds;
    ``body``: the beginning of the answer as it came, for what is not a Status.
    """

    def __init__(
        self, message: str, *, status: int, reason: str = "", retry_after: float | None = None, body: bytes = b""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.body = body
