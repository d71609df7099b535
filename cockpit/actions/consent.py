"""Whether what a person gave is what the tier asks for."""

from __future__ import annotations

from cockpit.model.plan import Consent, Plan, Tier


def missing(plan: Plan, consent: Consent) -> str | None:
    """None when the consent suffices, otherwise one sentence on what to give. A typed name includes the y."""
    if consent.name is not None:
        if consent.name == plan.key.name:
            return None
        return f"the typed name is not {plan.key.name}; nothing was sent"
    if plan.tier is Tier.NAME:
        return (
            f"{plan.title.lower()} needs the name typed, as {plan.tier_reason}: "
            f"--confirm {plan.key.name} (in the dialog: type it); nothing was sent"
        )
    if consent.yes:
        return None
    return f"{plan.title.lower()} needs a yes: --yes (in the dialog: y); nothing was sent"
