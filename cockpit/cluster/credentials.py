"""Who we are to the API server: tokens that are re-read, plugins that are re-run, one refresh at a time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from cockpit.base.clock import Clock
from cockpit.base.errors import ConfigError, CredentialsError
from cockpit.cluster.execplugin import PluginAnswer
from cockpit.cluster.kubeconfig import Loaded
from cockpit.cluster.kubeconfig import load as read_kubeconfig
from cockpit.net.tls import present

_TOKEN_FILE_SECONDS = 60.0  # as client-go re-reads projected tokens
_EXPIRY_MARGIN = 60.0
_REFRESH_PAUSE = 10.0


class ClusterChoice(Protocol):
    """What of the settings picks a cluster (``config.ClusterSettings``)."""

    @property
    def kubeconfig(self) -> str | None: ...
    @property
    def context(self) -> str | None: ...
    @property
    def exec_timeout(self) -> float: ...


class Credentials:
    """The identity of a session in one context. Made by ``load``; safe to share between all clients."""

    def __init__(self, loaded: Loaded, settings: ClusterChoice, clock: Clock) -> None:
        self._loaded = loaded
        self._settings = settings
        self._clock = clock
        self._authorization = loaded.authorization
        self._fresh_until: float | None = None  # wall seconds; None: until a 401 says otherwise
        self._lock = asyncio.Lock()
        self._refused: tuple[float, CredentialsError] | None = None
        self.certificate_generation = 0
        """Grows when the client certificate changed: clients made before still show the old one."""

    @property
    def context(self) -> str:
        return self._loaded.context

    @property
    def cluster(self) -> str:
        return self._loaded.cluster

    @property
    def server(self) -> str:
        return self._loaded.server

    @property
    def namespace(self) -> str:
        return self._loaded.namespace

    @property
    def user(self) -> str:
        """The kubeconfig's name for the user; the server's own is asked by ``rights.Rights.who``."""
        return self._loaded.user

    @property
    def loaded(self) -> Loaded:
        """TLS context, proxy and server name, for whoever builds a client."""
        return self._loaded

    async def authorization(self) -> str | None:
        """The Authorization header to send now; refreshes it when its time is over. Raises CredentialsError."""
        if self._stale():
            async with self._lock:
                if self._stale():
                    await self._attempt(self._renew)
        return self._authorization

    async def refresh(self, used: str | None) -> bool:
        """The server answered 401 to ``used``. True when there is something else to try now.

        Single flight: whoever comes second finds the header changed. Raises CredentialsError when the refresh failed.
        """
        async with self._lock:
            if self._authorization == used:
                await self._attempt(self._reload)
            return True

    async def _attempt(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do it, unless it was refused seconds ago: every stream that met the same 401 asks for it."""
        if self._refused is not None and self._clock.wall() - self._refused[0] < _REFRESH_PAUSE:
            raise self._refused[1]
        before = self._authorization
        try:
            await act()
        except CredentialsError as error:
            self._authorization = before
            self._refused = (self._clock.wall(), error)
            raise
        self._refused = None

    async def _reload(self) -> None:
        """Read everything again; the person may have logged in anew elsewhere, and the file counts."""
        used, generation = self._authorization, self.certificate_generation
        reloaded = await asyncio.to_thread(read_kubeconfig, self._settings.kubeconfig, self._loaded.context)
        if reloaded.server == self._loaded.server:
            self.certificate_generation += reloaded.certificate != self._loaded.certificate
            self._loaded, self._authorization = reloaded, reloaded.authorization
        await self._renew()
        if self._authorization == used and self.certificate_generation == generation:
            raise CredentialsError(f"the server does not accept the credentials of {self._loaded.source}; log in again")

    def _stale(self) -> bool:
        if self._loaded.plugin is None and self._loaded.token_file is None:
            return False
        if self._fresh_until is not None:
            return self._clock.wall() >= self._fresh_until
        return self._loaded.token_file is not None or (self._authorization is None and self.certificate_generation == 0)

    async def _renew(self) -> None:
        if self._loaded.token_file is not None:
            self._authorization = f"Bearer {await asyncio.to_thread(_read_token, self._loaded.token_file)}"
            self._fresh_until = self._clock.wall() + _TOKEN_FILE_SECONDS
        elif self._loaded.plugin is not None:
            answer = await self._loaded.plugin.run(self._settings.exec_timeout)
            if answer.certificate and answer.key and self._loaded.ssl_context is not None:
                await asyncio.to_thread(self._show, answer)
                self.certificate_generation += 1
            self._authorization = f"Bearer {answer.token}" if answer.token else None
            self._fresh_until = None
            if answer.expires is not None:
                lives = answer.expires - self._clock.local()
                # A plugin that hands out a token about to expire must not be run before every request.
                self._fresh_until = self._clock.wall() + max(lives - _EXPIRY_MARGIN, min(lives / 2, 30.0), 5.0)

    def _show(self, answer: PluginAnswer) -> None:
        assert self._loaded.ssl_context is not None
        assert answer.certificate is not None
        assert answer.key is not None
        with tempfile.TemporaryDirectory(prefix="rollout-cockpit-") as scratch:
            cert, key = Path(scratch) / "cert.pem", Path(scratch) / "key.pem"
            cert.write_text(answer.certificate, encoding="utf-8")
            key.write_text(answer.key, encoding="utf-8")  # the folder is 0700
            try:
                present(self._loaded.ssl_context, cert, key)
            except ConfigError:
                raise CredentialsError("the credential plugin's client certificate or key cannot be used") from None


def _read_token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise CredentialsError(f"token file {path} cannot be read: {reason}") from None
    if not token:
        raise CredentialsError(f"token file {path} is empty; log in again")
    return token


async def load(settings: ClusterChoice, clock: Clock) -> Credentials:
    """Read the settings' context in a thread and get a first credential. Raises CredentialsError."""
    loaded = await asyncio.to_thread(read_kubeconfig, settings.kubeconfig, settings.context)
    credentials = Credentials(loaded, settings, clock)
    await credentials.authorization()
    return credentials
