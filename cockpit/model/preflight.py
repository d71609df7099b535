"""What is checked before a rollback: one finding per check, with its evidence, severity and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["block", "confirm", "warn", "info"]
"""What a finding asks: block (an override naming the check), confirm (typing the name), warn (a line), info."""

FindingState = Literal["running", "ok", "finding", "unknown", "skipped"]
"""``unknown``: the check could not be made; it asks for at least the typed name. ``skipped``: does not apply here."""


class Finding(msgspec.Struct, frozen=True):
    """Result of one check. ``evidence``: what was asked and answered, one line each, never a secret."""

    check: str  # stable name, for policy and overrides: "retained", "argocd", ...
    title: str
    state: FindingState
    severity: Severity = "info"
    text: str = ""
    evidence: tuple[str, ...] = ()
    remedy: str | None = None  # the exact command or commit that helps
    at: float | None = None  # unix seconds of the seat

    @property
    def blocks(self) -> bool:
        """Whether an override naming this check is needed."""
        return self.state in ("finding", "unknown") and self.severity == "block"

    @property
    def typed(self) -> bool:
        """Whether the rollout's name has to be typed because of it."""
        return self.blocks or self.state == "unknown" or (self.state == "finding" and self.severity == "confirm")


class Preflight(msgspec.Struct, frozen=True):
    """All checks of one rollback, in their fixed order. ``complete``: none is running any more."""

    target: str
    to_hash: str | None
    findings: tuple[Finding, ...]
    complete: bool
    at: float | None = None

    @property
    def blocking(self) -> tuple[str, ...]:
        """Names of the checks that need an override, in order."""
        return tuple(each.check for each in self.findings if each.blocks)

    @property
    def typed(self) -> tuple[str, ...]:
        """Names of the checks that need the typed name (the blocking ones among them)."""
        return tuple(each.check for each in self.findings if each.typed)
