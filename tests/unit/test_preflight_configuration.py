"""Configuration that a version needs, and its pull secrets: there, unchanged since it served, and never read."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight import configuration, pulling
from cockpit.actions.preflight.contract import Context
from cockpit.base.clock import rfc3339
from cockpit.model.artifact import Retention
from cockpit.model.preflight import Finding
from cockpit.model.revision import Served
from tests.harness import preflight, seat
from tests.harness.preflight import NOW, Reads, context, never_improves, ran, revision, template, workload

PRESENT, CHANGED = configuration.CHECKS
(PULL,) = pulling.CHECKS
LATER, EARLIER = rfc3339(NOW - 600), rfc3339(NOW - 90_000)
SERVED = revision(served=(Served(NOW - 80_000, NOW - 7200, "promoted-over"),))


def held(
    kind: str, name: str, *keys: str, made: str = EARLIER, wrote: str | None = EARLIER, **metadata: Any
) -> dict[str, Any]:
    """A ConfigMap or Secret with these keys; ``wrote`` None: the server kept no record of writes."""
    data = {f"f:{key}": {} for key in keys or ("a",)}
    entry = {"manager": "kubectl", "time": wrote, "fieldsV1": {"f:data": data}}
    fields = {"managedFields": [entry]} if wrote is not None else {}
    return {"kind": kind, "metadata": {"name": name, "creationTimestamp": made, **fields, **metadata}}


def written(*entries: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"manager": manager, "time": at, "fieldsV1": fields} for manager, at, fields in entries]


def needing(*names: str, **spec: Any) -> dict[str, Any]:
    """A template whose container takes its environment from these ConfigMaps."""
    sources = [{"configMapRef": {"name": name}} for name in names]
    return template(containers=[{"name": "app", "image": preflight.IMAGE, "envFrom": sources}], **spec)


def serving(made: float) -> Any:
    """The target is the baseline; its one pod is ready since."""
    return seat.rollout(baseline=seat.arm("baseline", seat.pod("p", created_at=made), hash="h"))


def seen(finding: Finding) -> tuple[str, str]:
    return finding.state, finding.severity


# -- present -----------------------------------------------------------------------------------------------------------


async def test_a_missing_configmap_blocks_and_an_optional_one_does_not() -> None:
    target = needing("here", "gone")
    reads = Reads(workload(), held("ConfigMap", "here"))
    finding = await ran(PRESENT, context(reads, target=target))
    assert (seen(finding), "ConfigMap gone is missing" in finding.text) == (("finding", "block"), True)
    target["spec"]["containers"][0]["envFrom"][1]["configMapRef"]["optional"] = True
    assert (await ran(PRESENT, context(reads, target=target))).state == "ok"


async def test_what_is_optional_at_one_place_and_needed_at_another_is_needed() -> None:
    sources = [{"configMapRef": {"name": "gone", "optional": True}}, {"configMapRef": {"name": "gone"}}]
    target = template(containers=[{"name": "app", "envFrom": sources}])
    assert (await ran(PRESENT, context(target=target))).state == "finding"


@pytest.mark.parametrize(
    "spec",
    [
        {"volumes": [{"name": "v", "secret": {"secretName": "x"}}]},
        {"volumes": [{"name": "v", "configMap": {"name": "x"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "x"}}]}}]},
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}]},
        {"volumes": [{"name": "v", "csi": {"nodePublishSecretRef": {"name": "x"}}}]},
        {"serviceAccountName": "x"},
        {"priorityClassName": "x"},
        {"runtimeClassName": "x"},
        {"initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}]},
        {"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "x", "key": "k"}}}]}]},
    ],
    ids=str,
)
async def test_every_way_to_refer_to_something_is_followed(spec: dict[str, Any]) -> None:
    finding = await ran(PRESENT, context(target=template(**spec)))
    assert (seen(finding), " x is missing" in finding.text) == (("finding", "block"), True)


@pytest.mark.parametrize(
    ("keys", "wrote", "expected"),
    [
        (("url",), EARLIER, ("ok", "info")),
        (("host",), EARLIER, ("finding", "confirm")),  # a record of writers is no proof of what is there
        (("host",), None, ("ok", "info")),
    ],
    ids=["has it", "has another", "no record"],
)
async def test_a_key_that_the_target_needs(keys: tuple[str, ...], wrote: str | None, expected: tuple[str, str]) -> None:
    variable = {"name": "U", "valueFrom": {"secretKeyRef": {"name": "conf", "key": "url"}}}
    asked = context(
        Reads(workload(), held("Secret", "conf", *keys, wrote=wrote)),
        target=template(containers=[{"name": "app", "env": [variable]}]),
    )
    finding = await ran(PRESENT, asked)
    assert seen(finding) == expected
    assert ("Secret conf without url" in finding.text) is (expected[0] == "finding")
    variable["valueFrom"]["secretKeyRef"]["optional"] = True  # type: ignore[index]
    assert (await ran(PRESENT, asked)).state == "ok"


async def test_what_is_missing_is_said_when_another_request_fails() -> None:
    target = needing("gone")
    target["spec"]["volumes"] = [{"name": "v", "secret": {"secretName": "there"}}]

    def make() -> Context:
        return context(Reads(workload(), held("Secret", "there")), target=target)

    asked = make()
    asked.reads.fails["metadata secrets"] = preflight.FAILURES["403"]  # type: ignore[attr-defined]
    assert seen(await ran(PRESENT, asked)) == ("finding", "block")
    assert await never_improves(PRESENT, make) == {"metadata configmaps", "metadata secrets"}


# -- changed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        (held("ConfigMap", "conf"), ("ok", "info")),
        (held("ConfigMap", "conf", wrote=LATER), ("finding", "warn")),
        (held("ConfigMap", "conf", made=LATER), ("finding", "warn")),
        (held("ConfigMap", "db-conf", wrote=LATER), ("finding", "confirm")),
        (held("ConfigMap", "cart-postgresql", wrote=LATER), ("finding", "confirm")),
        (held("ConfigMap", "dbt", wrote=LATER), ("finding", "warn")),
        (held("Secret", "conf", wrote=LATER), ("finding", "confirm")),
        (held("ConfigMap", "conf-bk2g75k85c", wrote=LATER), ("ok", "info")),
        (held("ConfigMap", "conf-aaaaaaaaaa", wrote=LATER), ("finding", "warn")),
    ],
    ids=["same", "written", "made anew", "database", "postgresql", "no database", "secret", "hash", "no hash"],
)
async def test_configuration_written_since_the_target_served(
    object_: dict[str, Any], expected: tuple[str, str]
) -> None:
    name, ref = object_["metadata"]["name"], "secretRef" if object_["kind"] == "Secret" else "configMapRef"
    target = template(containers=[{"name": "app", "envFrom": [{ref: {"name": name}}]}])
    reads = Reads(workload(), object_)
    finding = await ran(CHANGED, context(reads, target=target, versions=[SERVED]))
    assert seen(finding) == expected
    assert set(reads.asked) <= {"get rollouts", "metadata secrets", "metadata configmaps"}


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        # Another manager's labels and a status are no change of what pods read.
        ([("helm", EARLIER, {"f:data": {}}), ("argocd", LATER, {"f:metadata": {"f:labels": {}}})], "ok"),
        ([("helm", EARLIER, {"f:data": {}}), ("kubectl-edit", LATER, {"f:binaryData": {}})], "finding"),
        # Sealed at its making: data cannot have changed. Sealed later: it could until then.
        ([("helm", EARLIER, {"f:data": {}, "f:immutable": {}})], "ok"),
        ([("helm", EARLIER, {"f:data": {}}), ("kubectl", LATER, {"f:immutable": {}})], "finding"),
        ([("helm", "", {"f:data": {}})], "unknown"),
        ([("argocd", LATER, {"f:metadata": {}})], "unknown"),
    ],
    ids=["labels", "second writer", "immutable", "sealed later", "no time", "nobody wrote data"],
)
async def test_the_servers_record_of_writes_is_read_by_what_was_written(
    entries: list[tuple[str, str, dict[str, Any]]], state: str
) -> None:
    object_ = held("ConfigMap", "conf", managedFields=written(*entries)) if entries else {}
    asked = context(Reads(workload(), object_), target=needing("conf"), versions=[SERVED])
    assert (await ran(CHANGED, asked)).state == state


async def test_the_newest_write_is_named() -> None:
    entries = written(("helm", rfc3339(NOW - 900), {"f:data": {}}), ("kubectl-edit", LATER, {"f:data": {}}))
    reads = Reads(workload(), held("ConfigMap", "conf", managedFields=entries))
    finding = await ran(CHANGED, context(reads, target=needing("conf"), versions=[SERVED]))
    assert finding.evidence == (f"ConfigMap conf was written by kubectl-edit at {LATER}",)


async def test_what_the_server_kept_no_record_of_is_unknown() -> None:
    reads = Reads(workload(), held("ConfigMap", "conf", wrote=None))
    kept = await ran(CHANGED, context(reads, target=needing("conf"), versions=[SERVED]))
    assert (kept.state, "ConfigMap conf: the server keeps no record" in kept.text) == ("unknown", True)
    never = context(Reads(workload()), target=needing("conf"), versions=[revision("other")])
    assert (await ran(CHANGED, never)).state == "unknown"


async def test_without_a_record_of_when_it_served_its_making_counts() -> None:
    early = rfc3339(NOW - 86_000)  # after it was made, before it left: without a journal nobody knows
    asked = context(Reads(workload(), held("ConfigMap", "conf", wrote=early)), target=needing("conf"))
    assert (await ran(CHANGED, asked)).state == "finding"
    known = context(
        Reads(workload(), held("ConfigMap", "conf", wrote=early)), target=needing("conf"), versions=[SERVED]
    )
    assert (await ran(CHANGED, known)).state == "ok"


async def test_a_version_that_serves_has_met_what_was_written_before_its_pods_started() -> None:
    reads = Reads(workload(), held("Secret", "conf", wrote=LATER))
    target = template(containers=[{"name": "app", "envFrom": [{"secretRef": {"name": "conf"}}]}])
    fresh = context(reads, target=target, rollout=serving(NOW - 300))
    assert (await ran(CHANGED, fresh)).state == "ok"
    old = await ran(CHANGED, context(reads, target=target, rollout=serving(NOW - 7200)))
    assert (seen(old), "Secret conf was written since its pods started: new pods take today's" in old.text) == (
        ("finding", "warn"),
        True,
    )


async def test_pods_that_are_not_ready_prove_nothing() -> None:
    reads = Reads(workload(), held("ConfigMap", "conf", wrote=LATER))
    crashing = seat.arm("baseline", seat.pod("p", ready=False, created_at=NOW - 300), hash="h")
    asked = context(reads, target=needing("conf"), rollout=seat.rollout(baseline=crashing))
    assert (await ran(CHANGED, asked)).state == "finding"


async def test_what_was_promoted_over_served_until_its_successor_was_made() -> None:
    middle = rfc3339(NOW - 5000)
    reads = Reads(workload(), held("ConfigMap", "conf", wrote=middle))
    before = seat.arm("baseline", seat.pod("p", created_at=NOW - 80_000), hash="h")
    done = seat.rollout(canary=None, baseline=seat.arm("baseline", created_at=NOW - 4000), before=before)
    assert (await ran(CHANGED, context(reads, target=needing("conf"), rollout=done))).state == "ok"
    earlier = replace(done, baseline=seat.arm("baseline", created_at=NOW - 6000))
    assert (await ran(CHANGED, context(reads, target=needing("conf"), rollout=earlier))).state == "finding"


async def test_a_charts_checksum_tells_that_other_configuration_belongs_to_the_target() -> None:
    raw = workload()
    raw["spec"]["template"]["metadata"]["annotations"] = {"checksum/config": "b"}
    target = template()
    target["metadata"]["annotations"] = {"checksum/config": "a"}
    finding = await ran(CHANGED, context(Reads(raw), target=target, versions=[SERVED]))
    assert (seen(finding), "checksum/config" in finding.text) == (("finding", "warn"), True)


@pytest.mark.parametrize("wrote", [EARLIER, LATER], ids=["same", "written"])
async def test_no_failing_request_makes_configuration_look_unchanged(wrote: str) -> None:
    def make() -> Context:
        target = needing("conf", volumes=[{"name": "v", "secret": {"secretName": "keys"}}])
        reads = Reads(workload(), held("ConfigMap", "conf", wrote=wrote), held("Secret", "keys", wrote=wrote))
        return context(reads, target=target, versions=[SERVED])

    assert await never_improves(CHANGED, make) == {"get rollouts", "metadata configmaps", "metadata secrets"}
    assert await never_improves(PRESENT, make) == {"metadata configmaps", "metadata secrets"}


# -- pull secrets ------------------------------------------------------------------------------------------------------


class Registry(preflight.Registry):
    def __init__(self, asked_as: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked_as = asked_as

    async def retention(self, image: str, digest: str, *_: Any, **__: Any) -> Retention:
        return Retention(image, digest, self.held, "", 0.0, asked_as=self.asked_as)


def account(*secrets: str, name: str = "default") -> dict[str, Any]:
    return {
        "kind": "ServiceAccount",
        "metadata": {"name": name},
        "imagePullSecrets": [{"name": secret} for secret in secrets],
    }


async def test_pull_secrets_of_the_account_are_looked_for_where_the_template_names_none() -> None:
    reads = Reads(workload(), account("regcred"))
    finding = await ran(PULL, context(reads))
    assert (finding.state, "regcred is missing" in finding.text) == ("finding", True)
    reads.put(held("Secret", "regcred"))
    assert (await ran(PULL, context(reads))).state == "ok"
    own = replace(context(Reads(workload(), account("regcred"), held("Secret", "own"))), secrets=("own",))
    assert (await ran(PULL, own)).state == "ok"  # admission adds the account's only to pods that name none
    assert (await ran(PULL, context(Reads(workload(), account())))).text.startswith("no pull secret is named")


async def test_the_account_of_the_template_is_the_one_asked() -> None:
    reads = Reads(workload(), account(), account("regcred", name="runner"))
    finding = await ran(PULL, context(reads, target=template(serviceAccountName="runner")))
    assert finding.state == "finding"


@pytest.mark.parametrize(
    ("registry", "there", "expected"),
    [
        (Registry(), (), ("finding", "warn")),
        (Registry("docker config"), (), ("finding", "block")),
        (Registry(held="unknown"), (), ("finding", "block")),
        (Registry("docker config"), ("b",), ("finding", "warn")),
        (Registry("docker config"), ("a", "b"), ("ok", "info")),
    ],
    ids=["public", "private", "nobody knows", "one of two", "both"],
)
async def test_a_missing_pull_secret_blocks_where_nodes_could_not_pull_without(
    registry: Registry, there: tuple[str, ...], expected: tuple[str, str]
) -> None:
    asked = context(Reads(workload(), *(held("Secret", name) for name in there)), artifacts=registry)
    assert seen(await ran(PULL, replace(asked, secrets=("a", "b")))) == expected


@pytest.mark.parametrize("there", [True, False])
async def test_no_failing_request_makes_pulling_look_better(there: bool) -> None:
    def make() -> Context:
        secrets = [held("Secret", "regcred")] if there else []
        return context(Reads(workload(), account("regcred"), *secrets))

    assert await never_improves(PULL, make) == {"get serviceaccounts", "metadata secrets"}
