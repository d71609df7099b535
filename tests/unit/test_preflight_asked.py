"""What is asked about an artifact before a rollback: now, in depth, with what runs as a control; and by its digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cockpit.actions.preflight.artifact import CHECKS
from cockpit.actions.preflight.contract import Context
from cockpit.model.artifact import Retention, Signatures
from cockpit.model.preflight import Finding
from cockpit.model.revision import Revision
from cockpit.model.rollout import Image
from tests.harness import preflight
from tests.harness.preflight import DIGEST, IMAGE, NAMESPACE

RUNNING = "sha256:" + "c" * 64
RETAINED, SIGNATURE, RAN_HERE = CHECKS


class Asked(preflight.Registry):
    """A registry that keeps what it was asked with."""

    def __init__(self) -> None:
        super().__init__()
        self.retentions: list[tuple[str, str, str, dict[str, Any]]] = []
        self.signed_as: list[dict[str, Any]] = []

    async def retention(self, image: str, digest: str, *more: Any, **options: Any) -> Retention:
        self.retentions.append((image, digest, more[0], options))
        return await super().retention(image, digest)

    async def signatures(self, image: str, digest: str, *more: Any, **options: Any) -> Signatures:
        self.signed_as.append(options)
        return await super().signatures(image, digest)


class Nowhere:
    """A journal that has seen none of these digests run here."""

    async def ran(self, cluster: str, namespace: str, digests: Sequence[str]) -> Mapping[str, float]:
        return {}

    async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[Mapping[str, Any]]:
        return ()


def going(registry: Asked, **changes: Any) -> Context:
    made = preflight.context(artifacts=registry, running={"registry.example/shop/cart": RUNNING})
    return replace(made, **changes)


async def test_the_manifest_its_layers_and_what_runs_are_asked_for_now() -> None:
    registry = Asked()
    await preflight.ran(RETAINED, going(registry, seen_within=4.0, max_age=12.0, secrets=("pull",)))
    await preflight.ran(SIGNATURE, going(registry, max_age=12.0))
    ((image, digest, namespace, options),) = registry.retentions
    assert (image, digest, namespace) == (IMAGE, DIGEST, NAMESPACE)
    assert options == {"control": RUNNING, "deep": True, "max_age": 4.0, "urgent": True}
    assert registry.signed_as == [{"max_age": 12.0, "urgent": True}]


async def test_a_container_whose_digest_nobody_knows_is_not_passed_over() -> None:
    registry = Asked()
    of_both = going(registry, images=(Image("app", IMAGE, DIGEST), Image("proxy", "registry.example/proxy:1", None)))
    found = await preflight.ran(RETAINED, of_both)
    assert found.state == "unknown"
    assert "proxy" in found.text
    assert len(registry.retentions) == 1


async def test_what_is_lost_is_said_before_what_is_not_known() -> None:
    registry = Asked()
    registry.held = "missing"
    unpinned = Image("proxy", "registry.example/proxy:1", None)
    found = await preflight.ran(RETAINED, going(registry, images=(Image("app", IMAGE, DIGEST), unpinned)))
    assert (found.state, found.severity) == ("finding", "block")


async def ran_here(*versions: Revision, **changes: Any) -> Finding:
    known = versions or (preflight.revision("another"),)
    return await preflight.ran(RAN_HERE, replace(preflight.context(past=Nowhere(), versions=known), **changes))


async def test_a_digest_that_never_ran_here_takes_the_name_unless_it_runs_now() -> None:
    found = await ran_here()
    assert (found.state, found.severity) == ("finding", "confirm")
    assert DIGEST[:19] in found.text
    assert (await ran_here(running={"registry.example/shop/cart": DIGEST})).state == "ok"


async def test_a_replicaset_that_names_the_digest_is_some_proof_and_one_that_was_given_up_is_none() -> None:
    """A journal that is new has seen no older version run; their ReplicaSets tell that they were deployed."""
    deployed = await ran_here(preflight.revision())
    assert (deployed.state, deployed.severity) == ("finding", "warn")
    assert "since this journal began" in deployed.text
    for given_up in (
        preflight.revision(aborted=True),
        preflight.revision(left="rolled-back"),
        preflight.revision(source="journal"),
        preflight.revision(images=(Image("app", "registry.example/shop/cart:4", DIGEST),)),
    ):
        assert (await ran_here(given_up)).severity == "confirm"
