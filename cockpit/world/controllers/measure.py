"""What an analysis metric measures: values that a scenario scripted, else read off the fault profiles of the pods."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

from cockpit.world.contract import Object, Profile, World
from cockpit.world.controllers.kit import label
from cockpit.world.controllers.replicasets import ready_since
from cockpit.world.controllers.templates import ROLLOUT_HASH
from cockpit.world.profiles import ProfileBook, rps_of

_QUANTILE = re.compile(r"histogram_quantile\(\s*(0?\.\d+|\d+)")
_NO_ANSWER = 'Post "http://prometheus:9090/api/v1/query": context deadline exceeded'
_HEALTHY_ERRORS = Profile().error_rate


class Measured(NamedTuple):
    """One result. ``result``: what conditions see; ``error``: why there is none."""

    value: str = ""
    result: Any = None
    error: str = ""
    metadata: Mapping[str, str] = {}


def substitute(text: str, run: Object) -> str:
    """``{{args.x}}`` replaced by the run's arguments."""
    for item in run["spec"].get("args") or ():
        value = str(item.get("value", "")).replace("\\", r"\\")
        text = re.sub(r"\{\{\s*args\." + re.escape(item["name"]) + r"\s*\}\}", value, text)
    return text


def measure(world: World, run: Object, metric: Mapping[str, Any], index: int) -> Measured:
    """Take measurement number ``index`` (from 0) of ``metric``."""
    namespace, name = run["metadata"]["namespace"], str(metric["name"])
    provider = metric.get("provider") or {}
    query = substitute(str((provider.get("prometheus") or {}).get("query", "")), run).strip()
    metadata = {"ResolvedPrometheusQuery": query} if query else {}
    references = run["metadata"].get("ownerReferences") or ()
    owner = str(references[0]["name"]) if references else ""
    book = world.profiles
    scripted = book.scripted(namespace, owner, name, index) if isinstance(book, ProfileBook) else None
    if scripted is not None:
        if math.isinf(scripted):
            return Measured(error=_NO_ANSWER, metadata=metadata)
        return _vector(scripted, metadata)
    if "job" in provider or "plugin" in provider:
        return Measured(value="", result=True)
    if "prometheus" not in provider:
        kind = next(iter(provider), "unknown")
        return Measured(error=f"the provider {kind} of metric {name} cannot be reached")
    value = _from_profiles(world, run, f"{name} {query}".lower(), owner)
    if value is None:
        return Measured(error=f"no data for metric {name}", metadata=metadata)
    noise = world.rng("measure", namespace, run["metadata"]["name"], name, index).gauss(1.0, 0.04)
    return _vector(value * noise if value < 0.5 or value > 1 else 1 - (1 - value) * noise, metadata)


def _vector(value: float, metadata: Mapping[str, str]) -> Measured:
    shown = round(value, 6)
    return Measured(f"[{shown:g}]", [shown], "", metadata)


def _from_profiles(world: World, run: Object, text: str, owner: str) -> float | None:
    """The quantity that ``text`` (metric name and query) asks about, averaged over the ready pods it means."""
    namespace = run["metadata"]["namespace"]
    hashes = {str(item.get("value")) for item in run["spec"].get("args") or ()}
    found = label(run, ROLLOUT_HASH)
    named = [value for value in hashes if world.objects.select("pods", namespace, {ROLLOUT_HASH: value})]
    pods = world.objects.select("pods", namespace, {ROLLOUT_HASH: named[0] if named else found})
    now = world.clock.now()
    alive: list[tuple[Profile, bool]] = []
    for pod in pods:
        since = ready_since(pod)
        profile = world.profiles.of(pod["spec"]["containers"][0]["image"])
        if since is not None and profile.seen:
            alive.append((profile, now - since >= profile.onset))
    if not alive:
        return math.nan if pods else None
    quantile = _QUANTILE.search(text)
    if quantile or "latency" in text or "duration" in text:
        spread = NormalDist().inv_cdf(min(float(quantile[1]), 0.999)) if quantile else 0.0
        return _mean([p.latency_median * math.exp(p.latency_sigma * spread) for p, _ in alive])
    errors = _mean([p.error_rate if faulty else min(p.error_rate, _HEALTHY_ERRORS) for p, faulty in alive])
    if "success" in text or '!~"5' in text or "availability" in text:
        return 1.0 - errors
    if "error" in text or '=~"5' in text or "fail" in text:
        return errors
    if "memory" in text:
        return _mean([p.memory for p, _ in alive])
    if "cpu" in text:
        return _mean([p.cpu_per_request for p, _ in alive]) * rps_of(world, namespace, owner) / len(alive)
    if "request" in text or "rps" in text or "rate" in text:
        return rps_of(world, namespace, owner)
    return None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
