"""Exec credential plugins, run by us: no terminal, bounded output, a time-out, one sentence when they fail.

Protocol: client.authentication.k8s.io/v1 and v1beta1 ExecCredential
(https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cockpit.base.clock import parse_time
from cockpit.base.errors import CredentialsError
from cockpit.base.text import clean
from cockpit.net.redact import redact

_STDOUT_LIMIT = 1 << 20
_STDERR_KEPT = 1 << 14


class PluginAnswer(msgspec.Struct, frozen=True):
    """What a plugin gave: a token, a client certificate, or both. ``expires``: unix seconds, None for never said."""

    token: str | None = None
    certificate: str | None = None  # PEM
    key: str | None = None  # PEM
    expires: float | None = None


class ExecPlugin(msgspec.Struct, frozen=True):
    """The ``exec`` section of a kubeconfig user, with what the plugin may be told about the cluster."""

    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    api_version: str = "client.authentication.k8s.io/v1"
    install_hint: str = ""
    interactive_mode: str = "IfAvailable"
    cluster: dict[str, Any] | None = None  # spec.cluster, when provideClusterInfo asks for it
    folder: Path = Path()  # of the kubeconfig: relative commands start there

    @classmethod
    def of(cls, section: Mapping[str, Any], folder: Path, cluster: dict[str, Any]) -> ExecPlugin:
        """Read the section. Raises CredentialsError when it names no command."""
        command = section.get("command")
        if not isinstance(command, str) or not command:
            raise CredentialsError("the kubeconfig's exec plugin names no command; complete users[].user.exec.command")
        env = section.get("env") or []
        return cls(
            command=command,
            args=tuple(str(arg) for arg in section.get("args") or []),
            env=tuple((str(item["name"]), str(item.get("value", ""))) for item in env if "name" in item),
            api_version=str(section.get("apiVersion") or cls.api_version),
            install_hint=str(section.get("installHint") or ""),
            interactive_mode=str(section.get("interactiveMode") or "IfAvailable"),
            cluster=cluster if section.get("provideClusterInfo") else None,
            folder=folder,
        )

    async def run(self, timeout: float) -> PluginAnswer:  # noqa: ASYNC109  the setting is a plain number of seconds
        """Run it once. Raises CredentialsError: missing, failed, timed out, or its output is no ExecCredential."""
        name = clean(Path(self.command).name, 80)
        if self.interactive_mode == "Always":
            raise CredentialsError(f"credential plugin {name} needs a terminal; log in with it first, in a shell")
        try:
            process = await asyncio.create_subprocess_exec(
                self._program(name),
                *self.args,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **dict(self.env), "KUBERNETES_EXEC_INFO": self._info()},
                start_new_session=True,  # no controlling terminal to prompt on, and one group to kill
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise CredentialsError(f"credential plugin {name} cannot be started: {reason}") from None
        try:
            async with asyncio.timeout(timeout):
                out, err = await asyncio.gather(
                    _read(process.stdout, _STDOUT_LIMIT), _read(process.stderr, _STDERR_KEPT)
                )
                code = await process.wait()
        except TimeoutError:
            raise CredentialsError(
                f"credential plugin {name} did not answer within {timeout:g} s; log in with it in a shell, "
                "or raise cluster.exec_timeout"
            ) from None
        finally:
            await _end(process)
        if code != 0:
            said = _first_line(err)
            raise CredentialsError(
                f"credential plugin {name} failed with exit code {code}" + (f": {said}" if said else "")
            )
        return self._parse(name, out)

    def _program(self, name: str) -> str:
        command = self.command
        if os.sep in command:
            path = Path(command) if Path(command).is_absolute() else self.folder / command
            found = str(path) if path.exists() else None
        else:
            found = shutil.which(command)
        if found is None:
            hint = f"; {clean(self.install_hint, 300)}" if self.install_hint else "; install it or put it on PATH"
            raise CredentialsError(f"credential plugin {name} is not installed{hint}")
        return found

    def _info(self) -> str:
        spec: dict[str, Any] = {"interactive": False}
        if self.cluster is not None:
            spec["cluster"] = self.cluster
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}
        return msgspec.json.encode(info).decode()

    def _parse(self, name: str, out: bytes) -> PluginAnswer:
        try:
            answer = msgspec.json.decode(out)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise CredentialsError(f"credential plugin {name} answered something that is not JSON") from None
        status = answer.get("status") if isinstance(answer, dict) else None
        if not isinstance(status, dict):
            raise CredentialsError(f"credential plugin {name} answered without a status; log in with it in a shell")
        if answer.get("apiVersion") != self.api_version:
            raise CredentialsError(
                f"credential plugin {name} answered in {clean(str(answer.get('apiVersion')), 80)}, the kubeconfig asks "
                f"for {self.api_version}"
            )
        given = (status.get(member) for member in ("token", "clientCertificateData", "clientKeyData"))
        token, certificate, key = (value if isinstance(value, str) and value else None for value in given)
        if token is None and (certificate is None or key is None):
            raise CredentialsError(f"credential plugin {name} answered with neither a token nor a certificate and key")
        return PluginAnswer(token, certificate, key, parse_time(status.get("expirationTimestamp")))


async def _read(stream: asyncio.StreamReader | None, kept: int) -> bytes:
    """All of a pipe, so that the plugin never blocks on it; only the first ``kept`` bytes are held."""
    parts: list[bytes] = []
    size = 0
    while stream is not None and (chunk := await stream.read(1 << 16)):
        if size < kept:
            parts.append(chunk[: kept - size])
        size += len(chunk)
    return b"".join(parts)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the plugin's process group and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _first_line(err: bytes) -> str:
    for line in err.decode("utf-8", "replace").splitlines():
        if text := clean(redact(line), 200).strip():
            return text
    return ""
