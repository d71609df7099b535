"""The policy of a config file about checks: names that no check has are said, never passed over."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from cockpit.actions.preflight.catalogue import CHECKS
from cockpit.model.preflight import Severity


def fault(severity: Mapping[str, Severity]) -> str | None:
    """One sentence on a name under ``[preflight] severity`` that no check has; None when all are known."""
    known = [check.name for check in CHECKS]
    for name in severity:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            return f"[preflight] severity: there is no check {name!r}; {meant}"
    return None
