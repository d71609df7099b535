"""Which preset fits which workload: each is tried on the pods that are there, and what does not fit says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cockpit.base.errors import ConfigError
from cockpit.config import Settings
from cockpit.doctor.finding import Finding
from cockpit.metrics.answers import Labels
from cockpit.metrics.client import Prometheus, PrometheusError
from cockpit.metrics.follow import Follow
from cockpit.metrics.poll import Index, scope
from cockpit.metrics.presets import Preset, known, load_preset
from cockpit.metrics.promql import fill
from cockpit.metrics.routes import Routes
from cockpit.metrics.slis import judged
from cockpit.model.resource import Key
from cockpit.model.rollout import Arm, Role, Rollout

_MOST = 300  # workloads tried
_NAMED = 5  # of a group named in a sentence


class Fit(NamedTuple):
    """How one preset fits one workload. ``why`` is empty when it does."""

    preset: str
    why: str

    @property
    def fits(self) -> bool:
        return not self.why


async def fitting(rollouts: Mapping[Key, Rollout], client: Prometheus, settings: Settings) -> list[Finding]:
    """One finding per group of workloads with the same answer. Never raises for an expected failure."""
    wanted = [rollout for rollout in rollouts.values() if any(_pods(rollout).values())][:_MOST]
    if not wanted:
        return [Finding("presets", "unknown", "no workload with pods is seen, so no preset can be tried")]
    folder = settings.source.parent / "presets" if settings.source is not None else None
    presets, broken = _load(folder)
    try:
        now = await client.now()
        exposed = await _exposed(client, presets, now)
        fits: dict[Key, list[Fit]] = {rollout.key: [] for rollout in wanted}
        for preset in presets:
            metric = _metric(preset)
            if metric not in exposed:
                for found in fits.values():
                    found.append(Fit(preset.name, f"{metric} is not there"))
                continue
            for key, why in (await _tried(client, preset, wanted, settings, now)).items():
                fits[key].append(Fit(preset.name, why))
    except PrometheusError as error:
        return [*broken, Finding("presets", "unreachable", str(error), "see the finding about prometheus")]
    return [*broken, *_told(fits, settings.prometheus.preset)]


async def _exposed(client: Prometheus, presets: Iterable[Preset], now: float) -> set[str]:
    """Which of the presets' counters exist at all: one question for all of them."""
    names = "|".join(sorted({_metric(preset) for preset in presets}))
    answer = await client.query(f'count by (__name__) ({{__name__=~"{names}"}})', now)
    return {row.labels.get("__name__", "") for row in answer.rows}


async def _tried(
    client: Prometheus, preset: Preset, rollouts: Sequence[Rollout], settings: Settings, now: float
) -> dict[Key, str]:
    """Key -> why the preset does not fit it, empty when it does."""
    follows = [Follow(rollout, judged(preset, settings.judge, None), now, now) for rollout in rollouts]
    requests = preset.requests
    labels = sorted({requests.namespace, requests.pod, *requests.matcher().labels, *requests.route_labels})
    selector = fill(requests.selector, scope(follows, gone=False)._asdict(), f"preset {preset.name}")
    answer = await client.query(f"count by ({', '.join(labels)}) ({selector})", now)
    index = Index(follows)
    routes = Routes(follows, requests, f"preset {preset.name}") if requests.routed else None
    seen: dict[int, set[Role]] = {id(follow): set() for follow in follows}
    coded: set[int] = set()
    for row in answer.rows:
        found = routes.find(row.labels) if routes is not None else index.find(requests.where(row.labels))
        if found is None:
            continue
        seen[id(found[0])].add(found[1])
        if _tells_errors(row.labels, preset):
            coded.add(id(found[0]))
    return {follow.key: _why(follow, preset, seen[id(follow)], id(follow) in coded) for follow in follows}


def _why(follow: Follow, preset: Preset, seen: set[Role], coded: bool) -> str:
    there = {role for role, count in _pods(follow.rollout).items() if count}
    if not seen:
        what = "its Services" if preset.requests.routed else "its pods"
        return f"{_metric(preset)} exists, but not for {what}"
    if lacking := sorted(there - seen):
        return f"{_metric(preset)} is there for one arm, not for the {' and '.join(lacking)}"
    if not coded:
        return (
            f"its series have none of the labels {', '.join(preset.requests.matcher().labels)}: no errors can be told"
        )
    return ""


def _tells_errors(labels: Labels, preset: Preset) -> bool:
    return any(labels.get(name) for name in preset.requests.matcher().labels)


def _told(fits: Mapping[Key, list[Fit]], in_force: str) -> list[Finding]:
    groups: dict[tuple[Fit, ...], list[Key]] = {}
    for key, found in fits.items():
        groups.setdefault(tuple(found), []).append(key)
    findings = []
    for group, keys in sorted(groups.items(), key=lambda item: -len(item[1])):
        good = [fit.preset for fit in group if fit.fits]
        who = _named(keys)
        if in_force in good:
            others = f" (so would {', '.join(name for name in good if name != in_force)})" if len(good) > 1 else ""
            findings.append(Finding("preset", "ok", f"{in_force!r} fits {who}{others}"))
            continue
        reason = next((fit.why for fit in group if fit.preset == in_force), "it is not known")
        if good:
            hint = f'to use it: [prometheus] preset = "{good[0]}"'
            detail = f"{in_force!r} does not fit {who}: {reason}; {good[0]!r} does"
            findings.append(Finding("preset", "warn", detail, hint))
            continue
        # Only what exists here at all is worth a word about not fitting.
        near = [f"{fit.preset}: {fit.why}" for fit in group if not fit.why.endswith("is not there")]
        detail = f"no preset fits {who}: " + ("; ".join(near) if near else "none of their counters is there")
        hint = "export one of those counters, or write a preset of your own in presets/ beside the config file"
        findings.append(Finding("preset", "warn", detail, hint))
    return findings


def _named(keys: Sequence[Key]) -> str:
    names = [str(key) for key in keys[:_NAMED]]
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(names) + more


def _load(folder: Path | None) -> tuple[list[Preset], list[Finding]]:
    presets, broken = [], []
    for name in known(folder):
        try:
            presets.append(load_preset(name, folder))
        except ConfigError as error:
            broken.append(Finding("preset", "bad", str(error), "correct the file or remove it"))
    return presets, broken


def _metric(preset: Preset) -> str:
    return preset.requests.selector.split("{", 1)[0]


def _pods(rollout: Rollout) -> dict[Role, int]:
    """Ready pods of each arm."""
    sides: dict[Role, Arm | None] = {"canary": rollout.canary, "baseline": rollout.baseline}
    return {
        role: sum(pod.ready and not pod.terminating for pod in arm.pods) if arm is not None else 0
        for role, arm in sides.items()
    }
