"""All checks of a rollback, in the order in which they are shown: what would run, whose it is, what it would meet."""

from __future__ import annotations

from cockpit.actions.preflight import (
    admission,
    artifact,
    built,
    capacity,
    configuration,
    history,
    migrations,
    owners,
    promises,
    pulling,
    standing,
    traffic,
)
from cockpit.actions.preflight.contract import Check

CHECKS: tuple[Check, ...] = (
    *artifact.CHECKS,
    *built.CHECKS,
    *pulling.CHECKS,
    *standing.CHECKS,
    *owners.CHECKS,
    *configuration.CHECKS,
    *migrations.CHECKS,
    *promises.CHECKS,
    *admission.CHECKS,
    *capacity.CHECKS,
    *history.CHECKS,
    *traffic.CHECKS,
)
