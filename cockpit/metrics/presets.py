"""Presets: which series carry requests, errors, latency, CPU and memory, per instrumentation, as TOML data.

A selector or query is PromQL with the placeholders ``{{namespaces}}``, ``{{pods}}``, ``{{services}}`` and ``{{names}}``
(alternations for ``=~``, escaped for the regular expression and for the string) and, in queries, ``{{window}}``. A new
preset is one file: here, or in a ``presets`` folder beside the config file.
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from cockpit.base.errors import ConfigError
from cockpit.metrics.answers import Labels
from cockpit.metrics.promql import fill

HOLES = ("namespaces", "pods", "services", "names", "namespace_words")
"""Placeholders of a selector: alternations of namespaces, pods, Services, names of rollouts; ``promql.word``s."""

_ROUTE_HOLES = ("namespace", "name", "stable", "canary", "namespace_word", "name_word", "stable_word", "canary_word")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"(?:[A-Za-z_:][A-Za-z0-9_:]*)?\{[^{}()\[\]]*\}")


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    namespace: str = "namespace"
    """Label that holds the pod's namespace (``exported_namespace`` where honorLabels is off)."""
    pod: str = "pod"

    def where(self, labels: Labels) -> tuple[str, str]:
        """(namespace, pod) of a series; empty where the label is missing."""
        return labels.get(self.namespace, ""), labels.get(self.pod, "")


class RoutedSource(_Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A source whose series may belong to a Service instead of a pod: an ingress's, a gateway's.

    ``canary`` and ``baseline`` map labels to patterns that match in full, with ``{{namespace}}``, ``{{name}}`` (of the
    rollout), ``{{stable}}`` and ``{{canary}}`` (its Services) filled in; both or neither. ``pod`` then is the router's.
    """

    canary: dict[str, str] | None = None
    baseline: dict[str, str] | None = None

    @property
    def routed(self) -> bool:
        return self.canary is not None

    @property
    def route_labels(self) -> tuple[str, ...]:
        """Labels that tell whose traffic a series counts."""
        return tuple(sorted({*(self.canary or {}), *(self.baseline or {})}))


class Requests(RoutedSource, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Raw counters of requests. A series counts errors when one of ``errors`` matches: every label, in full."""

    selector: str
    errors: tuple[dict[str, str], ...]

    def matcher(self) -> ErrorMatcher:
        return ErrorMatcher(self.errors)


class Latency(RoutedSource, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Histogram buckets. ``scale`` turns the unit of ``le`` into seconds (0.001 for milliseconds).

    ``native``: the series are native histograms, without ``_bucket`` and ``le``.
    """

    selector: str
    scale: float = 1.0
    native: bool = False

    def query(self, values: dict[str, str], where: str) -> str:
        # Buckets are summed per pod: series by route x bucket would be most of every answer.
        apart = {self.namespace, self.pod, *self.route_labels}
        by = ", ".join(sorted(apart if self.native else apart | {"le"}))
        return f"sum by ({by}) ({fill(self.selector, values, where)})"


class Gauge(_Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One value per pod."""

    query: str


class Target(_Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The scrape's own ``up`` series, which tell a missing target from one that is down or silent."""

    selector: str


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way of instrumenting. Only requests are required; what is missing is unknown on screen."""

    name: str
    summary: str
    requests: Requests
    latency: Latency | None = None
    cpu: Gauge | None = None
    memory: Gauge | None = None
    cpu_limit: Gauge | None = None
    memory_limit: Gauge | None = None
    target: Target | None = None


class ErrorMatcher:
    """Tells error series from others by their labels; answers are remembered per distinct label value."""

    def __init__(self, rules: tuple[dict[str, str], ...]) -> None:
        self._rules = [{name: re.compile(pattern) for name, pattern in rule.items()} for rule in rules]
        self.labels = tuple(sorted({name for rule in rules for name in rule}))
        self._known: dict[tuple[str, ...], bool] = {}

    def __call__(self, labels: Labels) -> bool:
        key = tuple(labels.get(name, "") for name in self.labels)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = any(
                all(pattern.fullmatch(labels.get(name, "")) for name, pattern in rule.items()) for rule in self._rules
            )
        return found


def plain_selector(selector: str, where: str) -> None:
    """Raises ConfigError unless ``selector`` is one plain selector with known placeholders: counters are subtracted."""
    filled = fill(selector, dict.fromkeys(HOLES, "x"), where)
    if not _SELECTOR.fullmatch(_QUOTED.sub('""', filled).strip()):
        raise ConfigError(f"{where} must be one plain selector, name{{...}}")


def load_preset(name: str, folder: Path | None = None) -> Preset:
    """The preset ``name`` of ``folder`` (``presets`` beside the config file), else the one shipped.

    Raises ConfigError naming the file and the key, or the presets there are.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"prometheus.preset {name!r} is not the name of a preset; there are {', '.join(known())}")
    if folder is not None and (own := folder / f"{name}.toml").is_file():
        try:
            return read_preset(own.read_text(encoding="utf-8"), str(own))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"preset {own} cannot be read: {error}") from None
    shipped = resources.files("cockpit.metrics") / "presets" / f"{name}.toml"
    if not shipped.is_file():
        raise ConfigError(f"prometheus.preset {name!r} does not exist; there are {', '.join(known(folder))}")
    return read_preset(shipped.read_text(encoding="utf-8"), f"presets/{name}.toml")


def known(folder: Path | None = None) -> tuple[str, ...]:
    """Names of all presets that can be chosen."""
    shipped = resources.files("cockpit.metrics") / "presets"
    names = {item.name.removesuffix(".toml") for item in shipped.iterdir() if item.name.endswith(".toml")}
    if folder is not None and folder.is_dir():
        names |= {item.stem for item in folder.glob("*.toml")}
    return tuple(sorted(names))


def read_preset(text: str, where: str) -> Preset:
    """Parse and check one preset file. Raises ConfigError naming ``where`` and the key."""
    try:
        preset = msgspec.convert(tomllib.loads(text), Preset)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"preset {where} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"preset {where}: {error}") from None
    sample = {**dict.fromkeys(HOLES, "x"), "window": "5m"}
    for section in ("requests", "latency", "target"):
        source = getattr(preset, section)
        if source is not None:
            plain_selector(source.selector, f"preset {where}: {section}.selector")
    for section in ("cpu", "memory", "cpu_limit", "memory_limit"):
        source = getattr(preset, section)
        if source is not None:
            fill(source.query, sample, f"preset {where}: {section}.query")
    for section in ("requests", "latency"):
        source = getattr(preset, section)
        if source is not None:
            _check_routes(source, f"preset {where}: {section}")
    if not preset.requests.errors or not all(preset.requests.errors):
        raise ConfigError(f"preset {where}: requests.errors must name at least one label pattern")
    for rule in preset.requests.errors:
        for label, pattern in rule.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigError(f"preset {where}: requests.errors.{label} {pattern!r}: {error}") from None
    return preset


def _check_routes(source: RoutedSource, where: str) -> None:
    if (source.canary is None) != (source.baseline is None):
        raise ConfigError(f"{where}: canary and baseline go together")
    for side in ("canary", "baseline"):
        for label, pattern in (getattr(source, side) or {}).items():
            filled = fill(pattern, dict.fromkeys(_ROUTE_HOLES, "x"), f"{where}.{side}.{label}")
            try:
                re.compile(filled)
            except re.error as error:
                raise ConfigError(f"{where}.{side}.{label} {pattern!r}: {error}") from None
