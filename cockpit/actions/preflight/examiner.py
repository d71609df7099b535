"""Builds what the checks need from a plan: its template, images and digests, and what runs now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from cockpit.actions.ports import Reads, Rights, Trial
from cockpit.actions.preflight.contract import Artifacts, Context, Past
from cockpit.actions.preflight.runner import OnProgress, run
from cockpit.actions.preflight.subject import Subject
from cockpit.actions.preflight.trial import Trials
from cockpit.base.clock import Clock
from cockpit.config import PreflightSettings
from cockpit.model.plan import Intent, Plan
from cockpit.model.preflight import Preflight
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.rollout import Image
from cockpit.strategies import templates
from cockpit.strategies.image import declared_digest, repository
from cockpit.strategies.values import mapping, objects

_SIGNED_SECONDS = 30.0


class Examiner:
    """One per session. ``examine`` never raises. ``versions`` lists a workload's versions; it raises CockpitErrors."""

    def __init__(
        self,
        artifacts: Artifacts,
        past: Past,
        reads: Reads,
        rights: Rights,
        versions: Callable[[Key], Coroutine[Any, Any, Sequence[Revision]]],
        clock: Clock,
        policy: PreflightSettings,
        cluster: str,
    ) -> None:
        self._artifacts = artifacts
        self._past = past
        self._reads = reads
        self._rights = rights
        self._versions = versions
        self._clock = clock
        self._policy = policy
        self._cluster = cluster

    async def examine(
        self,
        intent: Intent,
        plan: Plan,
        trial: Trial,
        *,
        max_age: float = 30.0,
        on_progress: OnProgress | None = None,
    ) -> Preflight:
        """Run the checks of a rollback on its plan.

        ``max_age``: seconds that the sight of its artifacts may be old. What was signed stays signed: that is asked
        again only after a while.
        """
        template = template_of(plan)
        digests = mapping(plan.goal.get("digests"))
        images = _named(templates.images(template), digests)
        rollout = intent.rollout
        running = {
            repository(image.image): image.digest
            for arm in (rollout.canary, rollout.baseline)
            if arm is not None
            for image in arm.images
            if image.digest is not None and arm.pods
        }
        spec = mapping(template.get("spec"))
        secrets = tuple(str(each["name"]) for each in objects(spec.get("imagePullSecrets")) if each.get("name"))
        context = Context(
            intent=intent,
            plan=plan,
            template=template,
            images=images,
            running=running,
            secrets=secrets,
            artifacts=self._artifacts,
            past=self._past,
            reads=self._reads,
            trial=Trials(trial),
            rights=self._rights,
            subject=Subject(plan, self._reads, lambda: self._versions(plan.key)),
            cluster=self._cluster,
            now=self._clock.cluster(),
            max_age=max(max_age, _SIGNED_SECONDS),
            seen_within=max_age,
            pod_dry_run=self._policy.pod_dry_run,
            inits=_named(templates.inits(template), digests),
        )
        return await run(context, self._policy.severity, self._clock.local(), on_progress)


def _named(images: Mapping[str, str], digests: Mapping[str, Any]) -> tuple[Image, ...]:
    """Container -> image, each with its digest: pinned, or as its pods proved it."""
    return tuple(
        Image(name, image, declared_digest(image) or _text(digests.get(name))) for name, image in images.items()
    )


def template_of(plan: Plan) -> dict[str, Any]:
    """The pod template that a rollback's first request would write."""
    for op in plan.patches[0].ops:
        if op.get("op") != "test" and str(op.get("path", "")).endswith("/template"):
            return mapping(op.get("value"))
    return {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
