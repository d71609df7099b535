"""Runs all checks at once; whatever cannot be found out is unknown, and unknown is never passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from cockpit.actions.preflight.catalogue import CHECKS
from cockpit.actions.preflight.contract import Check, Context
from cockpit.base.errors import CockpitError, Denied
from cockpit.base.text import clean
from cockpit.model.plan import Consent, Plan, Tier
from cockpit.model.preflight import Finding, Preflight, Severity
from cockpit.model.rollout import Owner

OnProgress = Callable[[Preflight], None]
"""Told at once with every check running, and again whenever one of them has answered."""
_RANK: tuple[Severity, ...] = ("info", "warn", "confirm", "block")
_OWNERS = ("argocd", "flux", "helm")


async def run(
    context: Context,
    policy: Mapping[str, Severity],
    now: float,
    on_progress: OnProgress | None = None,
    checks: Sequence[Check] = CHECKS,
) -> Preflight:
    """All findings in the fixed order of ``checks``. Never raises. ``policy``: severities in place of the built-in."""
    findings = {check.name: Finding(check.name, check.title, "running") for check in checks}
    to = context.plan.to_hash

    def so_far() -> Preflight:
        complete = all(each.state != "running" for each in findings.values())
        return Preflight(to or "", to, tuple(findings.values()), complete=complete, at=now)

    async def one(check: Check) -> None:
        found = await _tried(check, context)
        asked = policy.get(check.name, max(check.severity, found.severity, key=_RANK.index))
        # An unknown asks for the typed name at least, whatever a finding of this check would ask for.
        severity = max(asked, "confirm", key=_RANK.index) if found.state == "unknown" else asked
        if found.state == "unknown" and severity == "block" and check.name not in policy:
            severity = "confirm"
        findings[check.name] = replace(
            found,
            check=check.name,
            title=check.title,
            severity=severity if found.state in ("finding", "unknown") else "info",
            text=clean(found.text, 500),
            evidence=tuple(clean(line, 500) for line in found.evidence),
            remedy=clean(found.remedy) if found.remedy else None,  # never cut: half a command is another one
            at=now,
        )
        if on_progress is not None:
            on_progress(so_far())

    if on_progress is not None:
        on_progress(so_far())
    await asyncio.gather(*(one(check) for check in checks))
    return so_far()


async def _tried(check: Check, context: Context) -> Finding:
    remedy = None
    try:
        async with asyncio.timeout(check.deadline):
            return await check.run(context)
    except TimeoutError:
        text = f"no answer in {check.deadline:g} s"
    except Denied as error:
        text, remedy = str(error), "cockpit rbac --operator prints the rights that the checks need"
    except (CockpitError, ValueError) as error:
        text = str(error)
    except Exception as error:  # a defect in a check must not look like a passed one
        text = f"a defect in the cockpit itself ({type(error).__name__}: {error}); please report it"
    return Finding(check.name, check.title, "unknown", text=text or "could not be checked", remedy=remedy)


def lacking(preflight: Preflight, consent: Consent, plan: Plan) -> str | None:
    """One sentence on what the pre-flight asks for beyond what was given; None when it asks for nothing more."""
    blocked = [name for name in preflight.blocking if name not in consent.overrides]
    if blocked:
        said = "; ".join(_said(preflight, name) for name in blocked)
        flags = " ".join(f"--override {name}" for name in blocked)
        return f"the pre-flight blocks: {said}; to override: {flags} --confirm {plan.key.name}; nothing was sent"
    if preflight.typed and consent.name != plan.key.name:
        said = "; ".join(_said(preflight, name) for name in preflight.typed)
        return f"the pre-flight needs the name typed: {said}; --confirm {plan.key.name}; nothing was sent"
    return None


def _said(preflight: Preflight, name: str) -> str:
    found = next(each for each in preflight.findings if each.check == name)
    return f"{name}: {found.text}"


def examined(plan: Plan, preflight: Preflight, owner: Owner | None = None) -> Plan:
    """A plan with its pre-flight in the dialog: one line when all is well, a warning per finding, the tier raised.

    ``owner``: of the rollout, by its marks; what they warn of is dropped where a check has asked the owner itself.
    """
    told = any(each.check in _OWNERS and each.state == "finding" for each in preflight.findings)
    own = tuple(each for each in plan.warnings if not (told and owner is not None and each == owner.warning))
    warnings = tuple(_warning(each) for each in preflight.findings if each.state in ("finding", "unknown"))
    well = [each.title for each in preflight.findings if each.state == "ok"]
    line = f"{', '.join(well)}: ok" if well else "nothing is proven"
    plan = replace(plan, preflight=preflight, lines=(*plan.lines, ("pre-flight", line)), warnings=(*warnings, *own))
    if not preflight.typed:
        return plan
    why = f"the pre-flight found: {', '.join(preflight.typed)}"
    return replace(plan, tier=Tier.NAME, tier_reason=why if plan.tier is not Tier.NAME else plan.tier_reason)


def _warning(found: Finding) -> str:
    marks = {"block": "BLOCKED, ", "confirm": "", "warn": "", "info": ""}
    unknown = "unknown: " if found.state == "unknown" else ""
    remedy = f"; {found.remedy}" if found.remedy else ""
    return f"{marks[found.severity]}{found.title}: {unknown}{found.text}{remedy}"
