"""What is kept of Deployments. Members are untyped JSON: odd objects must degrade, not fail to decode."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.cluster.rows import Meta, Row


class DeploymentSpec(Row, frozen=True, gc=False, rename="camel"):
    """Without the template: that is fetched when a plan needs it."""

    replicas: Any = None
    paused: Any = None


class DeploymentStatus(Row, frozen=True, gc=False, rename="camel"):
    replicas: Any = None
    updated_replicas: Any = None
    ready_replicas: Any = None
    available_replicas: Any = None
    observed_generation: Any = None
    conditions: Any = None


class DeploymentRow(Row, frozen=True, gc=False, rename="camel"):
    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    spec: DeploymentSpec | None = None
    status: DeploymentStatus | None = None
