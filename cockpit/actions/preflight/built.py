"""Check of how the artifacts of a rollback were built: provenance and SBOM, proven or merely claimed (C05)."""

from __future__ import annotations

import asyncio

from cockpit.actions.preflight.contract import NO_DIGEST, Check, Context, found
from cockpit.model.artifact import Signatures
from cockpit.model.preflight import Finding
from cockpit.model.revision import Signed
from cockpit.strategies.image import pinned, repository, short

_WORST: tuple[Signed, ...] = ("invalid", "unknown", "none", "present-unverified", "verified")
_WORDS: dict[Signed, str] = {
    "verified": "verified",
    "present-unverified": "claimed",
    "none": "none",
    "invalid": "does not verify",
    "unknown": "not known",
}


async def provenance(ctx: Context) -> Finding:
    """C05: going from a version whose build is proven to one whose build is not is worth a line."""
    images = [(image.image, image.digest) for image in ctx.images if image.digest is not None]
    if not images:
        return found("skipped", NO_DIGEST)
    built = await asyncio.gather(*(_ask(ctx, image, digest, ctx.max_age) for image, digest in images))
    worst = min(built, key=lambda each: _WORST.index(each.provenance_label))
    evidence = tuple(_said(each) for each in built)
    if not worst.keys_configured:
        return found("skipped", f"without public keys it is a claim at most; {_said(worst)}", evidence=evidence)
    match worst.provenance_label:
        case "verified":
            return found("ok", _said(worst), evidence=evidence)
        case "unknown":
            return found("unknown", worst.reason or "the registry did not say", evidence=evidence)
        case "invalid":
            return found("finding", f"the provenance of {short(worst.image)} does not verify", evidence=evidence)
    proven = await _proven_now(ctx, [repository(image) for image, _ in images])
    if proven is not None:
        text = f"{_said(worst)}, and that of {short(proven.image)}, which runs now, is verified"
        return found("finding", text, evidence=(*evidence, _said(proven)))
    return found("ok", _said(worst), evidence=evidence)


async def _proven_now(ctx: Context, repositories: list[str]) -> Signatures | None:
    """What runs now from one of these repositories and has verified provenance."""
    asked = [
        _ask(ctx, pinned(each, digest), digest, max(ctx.max_age, 600.0))
        for each, digest in ctx.running.items()
        if each in repositories
    ]
    running = await asyncio.gather(*asked)
    if lost := next((each for each in running if each.provenance_label == "unknown"), None):
        raise ValueError(f"the provenance of {short(lost.image)}, which runs now: {lost.reason or 'not known'}")
    return next((each for each in running if each.provenance_label == "verified"), None)


async def _ask(ctx: Context, image: str, digest: str, max_age: float) -> Signatures:
    return await ctx.artifacts.signatures(image, digest, ctx.namespace, ctx.secrets, max_age=max_age, urgent=True)


def _said(found: Signatures) -> str:
    """``cart@sha256:9f3c…: provenance verified (commit 1a2b, built by …), SBOM none``."""
    claim = found.provenance
    facts = []
    if claim is not None and claim.commit:
        facts.append(f"commit {claim.commit[:12]}")
    if claim is not None and claim.builder:
        facts.append(f"built by {claim.builder}")
    more = f" ({', '.join(facts)})" if facts else ""
    return f"{short(found.image)}: provenance {_WORDS[found.provenance_label]}{more}, SBOM {_WORDS[found.sbom_label]}"


CHECKS: tuple[Check, ...] = (Check("provenance", "provenance", "warn", provenance),)
