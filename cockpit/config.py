"""Settings: one TOML file, COCKPIT_* variables and flags become one validated, immutable ``Settings``."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cockpit.base.errors import ConfigError

_TABLE = r"\s*\[\[\s*{name}\s*\]\]"
_SERVICE = re.compile(r"[a-z0-9-]{1,63}/(https?:)?[a-z0-9-]{1,63}:[a-z0-9-]{1,15}")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return text.isprintable() and " " not in text and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an unfinished IPv6 address, a port beyond 65535
        return False


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClusterSettings(_Section):
    """Where the cluster is. Everything defaults to what kubectl would use."""

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    """Empty: all namespaces if rights allow, otherwise the context's."""
    exec_timeout: float = Field(default=15.0, gt=0, le=300)
    """Seconds an exec credential plugin may take."""


class PrometheusSettings(_Section):
    """Where SLIs come from. ``url`` unset: no Prometheus, every SLI cell says so."""

    url: str | None = None
    service: str | None = None
    """``NAMESPACE/NAME:PORT`` of a Service, reached through the Kubernetes API with the kubeconfig's credentials."""
    auth: Literal["none", "basic", "bearer"] = "none"
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    tenant_header: str | None = None
    tenant: str | None = None
    timeout: float = Field(default=5.0, gt=0, le=60)
    period: float = Field(default=15.0, ge=1, le=300)
    """Poll period in seconds of cluster time."""
    preset: str = "http_requests_total"

    @field_validator("url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        if value is not None and not _is_url(value):
            raise ValueError("is no URL with a host")
        return value

    @field_validator("service")
    @classmethod
    def _service(cls, value: str | None) -> str | None:
        if value is not None and _SERVICE.fullmatch(value) is None:
            raise ValueError("must be NAMESPACE/NAME:PORT, as in monitoring/prometheus:9090 (https:NAME for TLS)")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> PrometheusSettings:
        if self.service is not None and (self.url is not None or self.auth != "none"):
            raise ValueError("service goes with neither url nor auth: the kubeconfig's credentials are used")
        return self

    @property
    def configured(self) -> bool:
        return self.url is not None or self.service is not None


class SloSettings(_Section):
    """The objective the burn rates are counted against, for rollouts that match (``*`` matches all)."""

    name: str = "availability"
    match: str = "*/*"
    objective: float = 0.999
    period_days: float = Field(default=30, gt=0)
    latency: float | None = Field(default=None, gt=0)
    """Seconds that P95 should stay below; the bucket edge nearest to it is judged. Default: the baseline's own P95."""
    line: int | None = None
    """Where it stands in the file; filled in by the reader, as is ``fault``."""
    fault: str | None = None
    """Why it cannot be used. Rollouts that match are blind then: any other objective might be laxer than was meant."""

    @field_validator("objective")
    @classmethod
    def _share(cls, value: float) -> float:
        if not 0 < value < 1:
            raise ValueError("must lie between 0 and 1, as 0.999 does for 99.9 %; 100 % leaves no error to spend")
        return value


class SliSettings(_Section):
    """One more SLI: counters of the application, picked by plain selectors with ``{{namespaces}}`` and ``{{pods}}``."""

    name: str
    match: str = "*/*"
    kind: Literal["errors", "volume"] = "errors"
    """``errors``: bad of total. ``volume``: transactions per request, which must not become fewer."""
    total: str | None = None
    errors: str | None = None
    good: str | None = None
    k: float | None = Field(default=None, gt=1)
    """The allowed ratio; ``judge.ratio`` when left out."""
    limit: float | None = Field(default=None, gt=0, lt=1)
    """Share of bad events that is fine whatever the baseline does."""
    namespace: str = "namespace"
    pod: str = "pod"
    line: int | None = None
    """Where it stands in the file; filled in by the reader, as is ``fault``."""
    fault: str | None = None
    """Why it cannot be used. It alone is blind then, and everything else is judged."""

    @model_validator(mode="after")
    def _parts(self) -> SliSettings:
        if self.fault is not None:
            return self
        if self.kind == "volume":
            if (self.total is None) == (self.good is None) or self.errors is not None:
                raise ValueError("a volume needs either total or good, the counter of its transactions")
        elif self.total is None or (self.errors is None) == (self.good is None):
            raise ValueError("errors need total and either errors or good")
        return self


class JudgeSettings(_Section):
    """What is allowed before the evidence says abort."""

    ratio: float = Field(default=2.0, gt=1)
    burn: float = Field(default=10.0, gt=0)
    detect_within: float = Field(default=300.0, gt=0)
    ceiling: float = Field(default=0.01, gt=0, lt=1)
    """Share of errors that no canary needs to beat, for rollouts without an SLO."""


class RegistrySettings(_Section):
    """How registries are asked, all of them."""

    timeout: float = Field(default=10.0, gt=0, le=120)
    """Seconds one request may take."""
    concurrency: int = Field(default=8, ge=1, le=64)
    """Requests under way at a time, for each registry."""
    docker_config: bool = True
    """Use the logins and credential helpers that docker, podman and their kind have written down."""
    helper_timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds a credential helper may take."""


class RegistryOverride(_Section):
    """One registry, or a part of one, that is not simply where its images' names say."""

    match: str
    """``host[:port][/path]`` of image names; ``*`` stands for a part of one host label. The longest match counts."""
    endpoint: str | None = None
    """Where it is asked. Default: https on the host itself, http on loopback."""
    plain_http: bool = False
    """Ask by plain HTTP, readable by everyone on the way, credentials included."""
    ca_file: Path | None = None
    """Trusted besides the system's authorities."""
    mirror: bool = False
    """It is a mirror or a pull-through cache: what it lacks may well exist, so it proves nothing."""
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    keys: tuple[Path, ...] | None = None
    """Public keys for these images, in place of ``signatures.keys``."""

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        if value is not None and (not urlsplit(value).hostname or urlsplit(value).port == 0):
            raise ValueError("names no host")
        return value

    @field_validator("match")
    @classmethod
    def _match(cls, value: str) -> str:
        if not value or "://" in value:
            raise ValueError("must be a host as image names carry it, such as registry.example.com:5000/team")
        return value


class SignatureSettings(_Section):
    """Whose signatures count."""

    keys: tuple[Path, ...] = ()
    """PEM files of public keys, as ``cosign public-key`` writes them."""


class PreflightSettings(_Section):
    """What the checks before a rollback ask for. One that cannot be made asks for the typed name at least."""

    severity: dict[str, Literal["block", "confirm", "warn", "info"]] = Field(default_factory=dict)
    """Check name -> severity of its findings, in place of the built-in one: ``signature = "block"``."""
    pod_dry_run: bool = True
    """Ask the server whether it would admit a pod of the target (needs the right to create pods)."""
    coverage: int = Field(default=10, ge=1, le=100)
    """Recent versions whose retention is counted."""

    @field_validator("severity")
    @classmethod
    def _floor(cls, value: dict[str, str]) -> dict[str, str]:
        if value.get("retained") in ("warn", "info"):
            raise ValueError("retained cannot be less than confirm: a rollback to what is not there is no rollback")
        return value


class JournalSettings(_Section):
    path: Path | None = None
    """Default: ``journal.sqlite3`` in the platform's state directory."""


class ScreenSettings(_Section):
    theme: str = "auto"
    """A theme by name; ``auto`` picks by the terminal's colours."""
    mouse: bool = False
    ascii: bool = False
    frames_per_second: float = Field(default=4.0, gt=0, le=30)


class WorldSettings(_Section):
    """Present only in the config file that the embedded world writes."""

    scenario: str | None = None
    time_scale: float = Field(default=1.0, ge=0)


class Settings(_Section):
    """All settings of a session."""

    read_only: bool = False
    cluster: ClusterSettings = ClusterSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    slo: tuple[SloSettings, ...] = ()
    sli: tuple[SliSettings, ...] = ()
    judge: JudgeSettings = JudgeSettings()
    registry: RegistrySettings = RegistrySettings()
    registries: tuple[RegistryOverride, ...] = ()
    signatures: SignatureSettings = SignatureSettings()
    preflight: PreflightSettings = PreflightSettings()
    journal: JournalSettings = JournalSettings()
    screen: ScreenSettings = ScreenSettings()
    world: WorldSettings = WorldSettings()
    keys: dict[str, str] = Field(default_factory=dict)
    """Binding id -> key, for example ``"act.abort" = "X"``."""
    source: Path | None = None
    """The file these settings came from."""

    @property
    def journal_path(self) -> Path:
        return self.journal.path or Path(platformdirs.user_state_dir("rollout-cockpit")) / "journal.sqlite3"


def default_config_path() -> Path:
    """The file read when neither ``--config`` nor ``COCKPIT_CONFIG`` names one."""
    return Path(platformdirs.user_config_dir("rollout-cockpit")) / "config.toml"


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read and validate. ``overrides`` maps dotted names (``cluster.context``) to values of flags and variables.

    Raises ConfigError naming the file and the key. A missing default file is no error; a missing named one is.
    """
    named = path is not None or "COCKPIT_CONFIG" in os.environ
    file = path or Path(os.environ.get("COCKPIT_CONFIG") or default_config_path())
    data = _read(file, required=named)
    for dotted, value in (overrides or {}).items():
        if value is not None:
            _put(data, dotted.split("."), value)
    data["source"] = file if file.is_file() else None
    _set_aside(data, "sli", SliSettings, file)
    _set_aside(data, "slo", SloSettings, file)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(file, error)) from None


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        return _numbered(tomllib.loads(text), text)
    except FileNotFoundError:
        if required:
            raise ConfigError(f"config file {file} does not exist; check --config or COCKPIT_CONFIG") from None
        return {}
    except OSError as error:
        raise ConfigError(f"config file {file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file {file} is not valid TOML: {error}") from None


def _numbered(data: dict[str, Any], text: str) -> dict[str, Any]:
    """With the line of each ``[[sli]]`` and ``[[slo]]``, so that an error found much later can still name it."""
    for name in ("sli", "slo"):
        table = re.compile(_TABLE.format(name=name))
        lines = [number for number, line in enumerate(text.splitlines(), start=1) if table.match(line)]
        entries = data.get(name)
        if isinstance(entries, list) and len(entries) == len(lines):
            for entry, number in zip(entries, lines, strict=True):
                if isinstance(entry, dict):
                    entry["line"] = number
    return data


def _set_aside(data: dict[str, Any], name: str, model: type[SliSettings] | type[SloSettings], file: Path) -> None:
    """Replace each table that cannot be used by one that says why: one bad SLI must not take the cockpit away."""
    entries = data.get(name)
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, dict):
            continue  # validation names it
        try:
            model.model_validate(entry)
        except ValidationError as error:
            called = str(entry["name"]) if isinstance(entry.get("name"), str) else f"number {at + 1}"
            line = f" line {entry['line']}" if isinstance(entry.get("line"), int) else ""
            match = entry.get("match")
            data[name][at] = {
                "name": called,
                "match": match if isinstance(match, str) else "*/*",
                "line": entry.get("line"),
                "fault": f"{file}{line}: {name} {called!r}: {'; '.join(_faults(error))}",
            }


def _put(section: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, leaf = path
    for parent in parents:
        inner = section.setdefault(parent, {})
        if not isinstance(inner, dict):
            return  # validation names it
        section = inner
    section[leaf] = value


def _explain(file: Path, error: ValidationError) -> str:
    return f"config file {file}: {'; '.join(_faults(error))} (see config.example.toml)"


def _faults(error: ValidationError) -> Iterator[str]:
    """One clause for each of the first faults: the key, and what is wrong with it."""
    for item in error.errors()[:5]:
        where = ".".join(str(piece) for piece in item["loc"])
        said = "no such setting" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        yield f"{where}: {said}" if where else said
