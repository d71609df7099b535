"""Names that Argo Rollouts gives to labels, annotations and reasons (facts/argo-rollouts.md 2.3)."""

from __future__ import annotations

HASH_LABEL = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"
EPHEMERAL = "rollout.argoproj.io/ephemeral-metadata"
RUN_TYPE = "rollout-type"
STEP_INDEX = "step-index"
INCONCLUSIVE = ("InconclusiveAnalysisRun", "InconclusiveExperiment")
UNOBSERVED = "waiting for rollout spec update to be observed"
UNPAUSING = "waiting for rollout to unpause"
