"""What is kept of Rollouts and AnalysisRuns. Members are untyped JSON: odd objects must degrade, not fail to decode."""

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.cluster.rows import Meta, Row


class RolloutSpec(Row, frozen=True, gc=False, rename="camel"):
    """Without the template: that is fetched when a plan needs it."""

    replicas: Any = None
    paused: Any = None
    strategy: Any = None
    workload_ref: Any = None
    restart_at: Any = None
    rollback_window: Any = None


class RolloutStatus(Row, frozen=True, gc=False, rename="camel"):
    abort: Any = None
    aborted_at: Any = None
    pause_conditions: Any = None
    controller_pause: Any = None
    current_pod_hash: Any = None
    current_step_index: Any = None
    stable_rs: Any = msgspec.field(default=None, name="stableRS")
    promote_full: Any = None
    replicas: Any = None
    updated_replicas: Any = None
    ready_replicas: Any = None
    available_replicas: Any = None
    observed_generation: Any = None
    workload_observed_generation: Any = None
    conditions: Any = None
    restarted_at: Any = None
    phase: Any = None
    message: Any = None
    canary: Any = None
    blue_green: Any = None
    duration: Any = None


class RolloutRow(Row, frozen=True, gc=False, rename="camel"):
    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    spec: RolloutSpec | None = None
    status: RolloutStatus | None = None


class AnalysisRunSpec(Row, frozen=True, gc=False, rename="camel"):
    metrics: Any = None


class AnalysisRunStatus(Row, frozen=True, gc=False, rename="camel"):
    phase: Any = None
    message: Any = None
    started_at: Any = None
    metric_results: Any = None


class AnalysisRunRow(Row, frozen=True, gc=False, rename="camel"):
    meta: Meta = msgspec.field(default_factory=Meta, name="metadata")
    spec: AnalysisRunSpec | None = None
    status: AnalysisRunStatus | None = None
