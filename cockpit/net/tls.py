"""TLS contexts: what is trusted, who we are, and which checks real clusters cannot pass."""

from __future__ import annotations

import ssl
from pathlib import Path

from cockpit.base.errors import ConfigError


def tls_context(
    *,
    ca_file: str | Path | None = None,
    cert_file: str | Path | None = None,
    key_file: str | Path | None = None,
    verify: bool = True,
    strict: bool = True,
) -> ssl.SSLContext:
    """A client context. ``ca_file`` None: the system's authorities. Blocking (file reads): call it in a thread.

    ``strict=False`` clears VERIFY_X509_STRICT, which Python 3.13 switched on and which refuses authorities without key
    identifiers; API servers still use those. Raises ConfigError naming the file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file is not None:
        _trust(context, Path(ca_file))
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if not strict:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cert_file is not None:
        present(context, cert_file, key_file)
    return context


def present(context: ssl.SSLContext, cert_file: str | Path, key_file: str | Path | None) -> None:
    """Show this client certificate in every later handshake of ``context``; earlier connections keep theirs."""
    try:
        context.load_cert_chain(cert_file, key_file, password=_no_password)
    except FileNotFoundError as error:
        raise ConfigError(f"client certificate {error.filename or cert_file} does not exist") from None
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError; its text names the OpenSSL routine, which helps nobody.
        raise ConfigError(f"client certificate {cert_file} or its key cannot be used: {_brief(error)}") from None


def _no_password() -> str:
    # Without a callback OpenSSL would ask on the terminal that the screens own.
    raise ValueError("the key is encrypted; give a key without a passphrase")


def _trust(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=str(ca_file))
    except FileNotFoundError:
        raise ConfigError(f"CA file {ca_file} does not exist") from None
    except OSError as error:
        raise ConfigError(f"CA file {ca_file} holds no usable PEM certificate: {_brief(error)}") from None


def _brief(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "unreadable").replace("_", " ").lower()
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
