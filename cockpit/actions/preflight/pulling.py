"""Whether nodes can pull what a version runs: the pull secrets that it names (facts 4.2, C07)."""

from __future__ import annotations

import asyncio
from typing import Any

from cockpit.actions.preflight.asking import answered, each
from cockpit.actions.preflight.contract import Check, Context, Garbled, found, whole
from cockpit.actions.preflight.references import ACCOUNTS
from cockpit.base.errors import NotFound
from cockpit.model.preflight import Finding
from cockpit.model.resource import SECRETS
from cockpit.strategies.values import mapping, text


async def pull_secret(ctx: Context) -> Finding:
    """The pull secrets of the template, or else of its account. Whether what they hold is right is not looked at."""
    named = list(dict.fromkeys(ctx.secrets or await _of_account(ctx)))
    if not named:
        return found("ok", "no pull secret is named: the nodes pull with what they have")
    there = answered(await each(_there(ctx, name) for name in named))
    evidence = [
        f"Secret {name}: {'there' if is_there else 'not found'}" for name, is_there in zip(named, there, strict=True)
    ]
    missing = [name for name, is_there in zip(named, there, strict=True) if not is_there]
    if not missing:
        return found("ok", f"pull secret {', '.join(named)} is there", evidence=evidence)
    what, remedy = f"pull secret {', '.join(missing)} is missing", f"put {', '.join(missing)} back first"
    if len(missing) < len(named):
        return found(
            "finding", f"{what}, {', '.join(set(named) - set(missing))} is there", evidence=evidence, remedy=remedy
        )
    if await _public(ctx):
        return found("finding", f"{what}; the registry answers without a login", evidence=evidence, remedy=remedy)
    return found(
        "finding",
        f"{what}, and the registry is not known to answer without a login: nodes could not pull",
        evidence=evidence,
        remedy=remedy,
        severity="block",
    )


async def _public(ctx: Context) -> bool:
    """Whether the registries gave every image to us without a login. What cannot be asked is not called public."""
    asked = (
        ctx.artifacts.retention(
            image.image, image.digest, ctx.namespace, ctx.secrets, deep=True, max_age=ctx.max_age, urgent=True
        )
        for image in ctx.images
        if image.digest is not None
    )
    held = await asyncio.gather(*asked)
    return len(held) == len(ctx.images) > 0 and all(one.state == "retained" and one.asked_as == "" for one in held)


async def _of_account(ctx: Context) -> list[str]:
    """Admission takes the account's pull secrets only for pods that name none."""
    name = text(mapping(ctx.template.get("spec")).get("serviceAccountName"), 253) or "default"
    try:
        account: dict[str, Any] = await ctx.reads.get(ACCOUNTS, ctx.namespace, name)
    except NotFound:
        return []  # that it is missing is said by ``config-present``
    if whole(account).get("name") != name:
        raise Garbled(f"the answer about ServiceAccount {name} is not about it")
    named = account.get("imagePullSecrets")
    if named is None:
        return []
    if not isinstance(named, list) or not all(isinstance(one, dict) for one in named):
        raise Garbled(f"the pull secrets of ServiceAccount {name} cannot be read")
    return [str(one["name"]) for one in named if one.get("name")]


async def _there(ctx: Context, name: str) -> bool:
    try:
        metadata = await ctx.reads.metadata(SECRETS, ctx.namespace, name)
    except NotFound:
        return False
    if not isinstance(metadata, dict) or metadata.get("name") != name:
        raise Garbled(f"the answer about Secret {name} is not about it")
    return True


CHECKS: tuple[Check, ...] = (Check("pull-secret", "pull secret", "warn", pull_secret),)
