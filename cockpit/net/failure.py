"""From a transport's exception to one of our errors: was it sent, is the answer lost, and what to say."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TypeVar

import httpx

from cockpit.base.errors import AnswerLost, NotSent, Unreachable
from cockpit.base.text import clean
from cockpit.net.redact import redact

_E = TypeVar("_E", bound=BaseException)

# Raised by httpx only before the first byte of the request was written (a pool slot, TCP, TLS, the proxy's CONNECT).
_BEFORE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


def failure(error: Exception, server: str) -> Unreachable:
    """NotSent when the request provably never left, AnswerLost otherwise. ``server`` names who was asked."""
    text = f"{server} {_why(error)}"
    return NotSent(text) if isinstance(error, _BEFORE) else AnswerLost(text)


def _why(error: Exception) -> str:
    tls = _cause(error, ssl.SSLError)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted: {clean(tls.verify_message or 'verification failed', 200)}"
    if tls is not None:
        return f"cannot be spoken to by TLS: {clean(str(tls.reason or tls), 200).replace('_', ' ').lower()}"
    match error:
        case httpx.ConnectTimeout():
            return "does not answer: no connection in time"
        case httpx.PoolTimeout():
            return "was not asked: all connections are busy"
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return "does not answer: timed out after the request was sent"
        case httpx.LocalProtocolError():  # its text repeats the header, and a header may be a credential
            return "cannot be asked: the request holds what HTTP cannot carry; look at its credentials"
        case httpx.ProxyError():
            return f"cannot be reached through the proxy: {_plain(error)}"
        case httpx.RemoteProtocolError():
            return "closed the connection in the middle of an answer"
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return "broke the connection"
        case httpx.ConnectError():
            return f"cannot be reached: {_os_text(error) or _plain(error)}"
    return f"cannot be asked: {_plain(error) or type(error).__name__}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from; of a group (one attempt per address) the first."""
    for _ in range(12):
        if error is None:
            return
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__


def _cause(error: BaseException, kind: type[_E]) -> _E | None:
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)


def _os_text(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, OSError) and cause.strerror:
            return clean(cause.strerror[:1].lower() + cause.strerror[1:], 200)
    return ""


def _plain(error: Exception) -> str:
    return clean(redact(str(error)), 200)
