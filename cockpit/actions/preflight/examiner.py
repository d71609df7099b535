"""Builds what the checks need from a plan: its template, images and digests, and what runs now."""

from __future__ import annotations

from typing import Any

from cockpit.actions.preflight.contract import Artifacts, Context, Past
from cockpit.actions.preflight.runner import OnFinding, run
from cockpit.base.clock import Clock
from cockpit.config import PreflightSettings
from cockpit.model.plan import Intent, Plan
from cockpit.model.preflight import Preflight
from cockpit.model.rollout import Image
from cockpit.strategies import templates
from cockpit.strategies.image import declared_digest, repository
from cockpit.strategies.values import mapping, objects


class Examiner:
    """One per session. ``examine`` never raises."""

    def __init__(self, artifacts: Artifacts, past: Past, clock: Clock, policy: PreflightSettings, cluster: str) -> None:
        self._artifacts = artifacts
        self._past = past
        self._clock = clock
        self._policy = policy
        self._cluster = cluster

    async def examine(
        self, intent: Intent, plan: Plan, *, max_age: float = 30.0, on_finding: OnFinding | None = None
    ) -> Preflight:
        """Run the checks of a rollback on its plan. ``max_age``: seconds a registry's answer may be old."""
        template = template_of(plan)
        digests = mapping(plan.goal.get("digests"))
        images = tuple(
            Image(name, image, declared_digest(image) or _text(digests.get(name)))
            for name, image in templates.images(template).items()
        )
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
            cluster=self._cluster,
            max_age=max_age,
        )
        return await run(context, self._policy.severity, self._clock.local(), on_finding)


def template_of(plan: Plan) -> dict[str, Any]:
    """The pod template that a rollback's first request would write."""
    for op in plan.patches[0].ops:
        if op.get("op") != "test" and str(op.get("path", "")).endswith("/template"):
            return mapping(op.get("value"))
    return {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
