"""What hides secrets in objects: wherever people put them, and nothing else."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from cockpit.base.secrets import HIDDEN, hide
from cockpit.cli.app import _unexpected, main
from cockpit.net.redact import redact
from cockpit.strategies.difference import difference


@pytest.mark.parametrize(
    "value",
    [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"headers": [{"key": "Authorization", "value": "Bearer hunter2"}]},
        {"name": "CONNECTION", "value": "Server=db;User=app;Password=hunter2;Timeout=5"},
        {"name": "URL", "value": "postgres://app:p@ss:hunter2@db:5432/x"},
        {"name": "GIT", "value": "https://ghp_hunter2hunter2hunter2@git.test/x"},
        {"args": ["--port", "80", "--db-password", "hunter2"]},
        {"args": ["--token=hunter2", "--api-key=hunter2"]},
        {"command": ["sh", "-c", "export SECRET_KEY='hunter2 hunter2' && run"]},
        {"annotations": {"vault.test/token": "hunter2"}},
        {"args": ["--header", "Authorization: Bearer abc.def-hunter2"]},
        {"name": "HEADERS", "value": "x: y\nAuthorization: Basic YTpiaHVudGVyMg==hunter2"},
        {"name": "LICENSE", "value": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0hunter2.c2ln"},
        {"data": {"tls.key": "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n"}},
        {"name": "CERT", "value": "-----BEGIN PRIVATE KEY-----\nhunter2"},
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(value: Any) -> None:
    assert "hunter2" in json.dumps(value)
    shown = json.dumps(hide({"spec": [value]}))
    assert "hunter2" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "value",
    [
        {"name": "TIMEOUT", "value": "800"},
        {"image": "registry.test:5000/web@sha256:" + "9f" * 32},
        {"args": ["--port", "80", "--password-file", "--verbose"], "url": "http://web:80/a@b"},
        {"automountServiceAccountToken": False, "secretName": "web-tls", "message": "password: rotated"},
        {"args": ["--mode", "bearer tokens-are-accepted", "Basic authentication-needed", "eyJ is how one begins"]},
        {"name": "CA", "value": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
        {"annotations": {"team": "payments"}, "data": ["a", 5, None]},
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert hide(value) == value


def test_the_difference_of_arguments_shows_no_secret() -> None:
    old, new = ({"spec": {"containers": [{"name": "w", "args": [f"--token={t}", "-v"]}]}} for t in ("one1", "two2"))
    (line,) = difference(old, new, "hash")
    assert "one1" not in line
    assert "two2" not in line


def test_a_password_in_an_error_text_is_redacted_whole() -> None:
    assert redact("cannot ask https://u:p@ss@h/x and https://ghp_0123456789abcdef@h") == (
        "cannot ask https://[redacted]@h/x and https://[redacted]@h"
    )


def test_the_details_of_an_unexpected_error_hold_no_secret(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    try:
        raise ValueError("Illegal header value b'Bearer hunter2hunter2'; https://u:hunter2@h/")
    except ValueError as error:
        _unexpected(error)
    (file,) = tmp_path.rglob("cockpit-error-*.log")
    assert "Illegal header value" in file.read_text()
    assert "hunter2" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_what_libraries_log_does_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.Logger("root")
    monkeypatch.setattr(logging, "getLogger", lambda name=None: root)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert root.handlers, "without one Python writes warnings and tracebacks of asyncio to standard error"
