"""Provenance: a step down from a proven build to an unproven one is a line; a claim is never called proof."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight.built import CHECKS, provenance
from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.runner import run
from cockpit.model.artifact import Provenance, Signatures
from cockpit.model.revision import Signed
from cockpit.model.rollout import Image
from tests.harness.preflight import DIGEST, IMAGE, Registry, context

NOW = "sha256:" + "c" * 64
REPOSITORY = "registry.example/shop/cart"


class Built(Registry):
    """Labels by digest."""

    def __init__(self, target: Signed, running: Signed = "none", *, keys: bool = True) -> None:
        super().__init__()
        self.labels: dict[str, Signed] = {DIGEST: target, NOW: running}
        self.keys = keys
        self.asked: list[str] = []

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        self.asked.append(digest)
        label = self.labels[digest]
        claim = Provenance("claimed", "p", builder="ci", commit="abcdef0123456789") if label != "none" else None
        return Signatures(
            image, digest, "verified", "", label, "none", 0.0, key="k", provenance=claim, keys_configured=self.keys
        )


def going(registry: Built, running: bool = True) -> Context:
    return context(artifacts=registry, running={REPOSITORY: NOW, "other.example/x": DIGEST} if running else {})


@pytest.mark.parametrize(
    ("target", "running", "state", "says"),
    [
        ("verified", "verified", "ok", "provenance verified (commit abcdef012345, built by ci)"),
        ("present-unverified", "none", "ok", "provenance claimed"),
        ("present-unverified", "verified", "finding", "which runs now, is verified"),
        ("none", "verified", "finding", "provenance none"),
        ("none", "present-unverified", "ok", "provenance none, SBOM none"),
        ("none", "none", "ok", "provenance none"),
        ("invalid", "none", "finding", "does not verify"),
        ("unknown", "none", "unknown", "did not say"),
    ],
)
async def test_provenance(target: Signed, running: Signed, state: str, says: str) -> None:
    found = await provenance(going(Built(target, running)))
    assert found.state == state
    assert says in found.text


async def test_what_runs_is_asked_only_when_it_matters() -> None:
    proven = Built("verified", "verified")
    await provenance(going(proven))
    assert proven.asked == [DIGEST]
    await provenance(going(nothing := Built("none", "verified"), running=False))
    assert nothing.asked == [DIGEST]


@pytest.mark.parametrize("target", ["none", "present-unverified"])
async def test_not_knowing_what_runs_is_unknown(target: Signed) -> None:
    (found,) = (await run(going(Built(target, "unknown")), {}, 0.0, checks=CHECKS)).findings
    assert (found.state, found.severity) == ("unknown", "confirm")


@pytest.mark.parametrize("target", ["none", "present-unverified", "unknown"])
async def test_without_keys_nothing_is_proven_and_nothing_is_asked(target: Signed) -> None:
    found = await provenance(going(Built(target, "unknown", keys=False)))
    assert found.state == "skipped"
    assert "a claim at most" in found.text


async def test_no_digest_no_provenance() -> None:
    ctx = replace(context(), images=(Image("app", "registry.example/shop/cart:v1", None),))
    assert (await provenance(ctx)).state == "skipped"  # ``retained`` says it, and asks for the typed name


async def test_it_is_a_line_at_most() -> None:
    (found,) = (await run(going(Built("none", "verified")), {}, 0.0, checks=CHECKS)).findings
    assert (found.severity, found.typed) == ("warn", False)
    assert IMAGE.partition("@")[0].rpartition("/")[2] in found.text
