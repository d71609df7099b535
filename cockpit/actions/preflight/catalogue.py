"""All checks of a rollback, in the order in which they are shown: what would run, whose it is, what it would meet."""

from __future__ import annotations

from cockpit.actions.preflight import artifact, configuration, history, migrations, standing
from cockpit.actions.preflight.contract import Check

CHECKS: tuple[Check, ...] = (
    *artifact.CHECKS,
    *standing.CHECKS,
    *configuration.CHECKS,
    *migrations.CHECKS,
    *history.CHECKS,
)
