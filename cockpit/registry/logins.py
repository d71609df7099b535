"""Logins that this machine has: files of docker and podman, and the credential helpers they name.

Helper protocol: github.com/docker/docker-credential-helpers (``get``, the host on standard input, JSON back).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from cockpit.base.clock import Clock
from cockpit.base.text import clean
from cockpit.net.redact import redact
from cockpit.registry.credentials import Credential, DockerConfig, docker_config, helper_answer
from cockpit.registry.reference import Reference

_OUTPUT_LIMIT = 1 << 16
_KEPT_SECONDS = 300.0  # helpers hand out short-lived tokens
_FAILED_SECONDS = 60.0


class Logins:
    """Reads the files anew for each pass (they are small and change by ``docker login``), asks helpers rarely."""

    def __init__(self, clock: Clock, helper_timeout: float, environ: Mapping[str, str]) -> None:
        self._clock = clock
        self._timeout = helper_timeout
        self._environ = environ
        self._kept: dict[tuple[str, str], tuple[float, Credential | None]] = {}
        self._asking: dict[tuple[str, str], asyncio.Lock] = {}
        self.warnings: dict[str, str] = {}
        """Helper or file -> why it gave nothing, one sentence."""

    async def matching(self, place: Reference) -> list[Credential]:
        """The logins for a repository. A broken file or helper is skipped and named in ``warnings``."""
        found: list[Credential] = []
        for config in await asyncio.to_thread(self._configs):
            found += config.matching(place)
            helper = config.helper(place)
            if helper is not None and (login := await self._ask(*helper)) is not None:
                found.append(login)
        return found

    def _configs(self) -> list[DockerConfig]:
        environ = self._environ
        home = environ.get("HOME", "")
        docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
        runtime = environ.get("XDG_RUNTIME_DIR", "")
        files = [(f"{docker}/config.json", "docker config")] if docker else []
        podman = environ.get("REGISTRY_AUTH_FILE") or (f"{runtime}/containers/auth.json" if runtime else "")
        if podman:
            files.append((podman, "containers auth file"))
        configs = []
        for name, source in files:
            try:
                config = docker_config(Path(name).read_bytes(), source)
            except FileNotFoundError:
                self.warnings.pop(name, None)
                continue
            except OSError as error:
                self.warnings[name] = f"{source} {clean(name, 200)} cannot be read: {error.strerror}"
                continue
            if config is None:
                self.warnings[name] = f"{source} {clean(name, 200)} is not JSON; log in again to write it anew"
                continue
            self.warnings.pop(name, None)
            configs.append(config)
        return configs

    async def _ask(self, name: str, host: str) -> Credential | None:
        key = (name, host)
        async with self._asking.setdefault(key, asyncio.Lock()):  # one helper at a time per host, whoever asks
            until, login = self._kept.get(key, (0.0, None))
            if key not in self._kept or self._clock.wall() >= until:
                login = await self._run(name, host)
                lives = _KEPT_SECONDS if login is not None else _FAILED_SECONDS
                self._kept[key] = (self._clock.wall() + lives, login)
            return login

    async def _run(self, name: str, host: str) -> Credential | None:
        program = f"docker-credential-{name}"
        path = shutil.which(program, path=self._environ.get("PATH"))
        if path is None:
            self._warn(program, "is not installed; put it on PATH")
            return None
        try:
            process = await asyncio.create_subprocess_exec(
                path,
                "get",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # helpers print on it what nobody reads, secrets included
                env=dict(self._environ),
                start_new_session=True,  # no terminal to prompt on, and one group to kill
            )
        except OSError as error:
            self._warn(program, f"cannot be started: {error.strerror}")
            return None
        try:
            async with asyncio.timeout(self._timeout):
                out = await _exchange(process, host.encode())
                code = await process.wait()
        except TimeoutError:
            self._warn(program, f"did not answer within {self._timeout:g} s; run it in a shell")
            return None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode is None:
                await process.wait()
        if code != 0:
            said = clean(redact(out.decode("utf-8", "replace")), 120).strip()
            self._warn(program, f"has no login for {clean(host, 120)}" + (f": {said}" if said else ""))
            return None
        login = helper_answer(out, f"credential helper {name}")
        if login is None:
            self._warn(program, "answered something that is no login")
            return None
        self.warnings.pop(program, None)
        return login

    def _warn(self, program: str, why: str) -> None:
        self.warnings[program] = f"credential helper {program} {why}"


async def _exchange(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        return b""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(text)
        await process.stdin.drain()
        process.stdin.close()
    out = b""
    while chunk := await process.stdout.read(1 << 12):
        if len(out) < _OUTPUT_LIMIT:
            out += chunk
    return out
