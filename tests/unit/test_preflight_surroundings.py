"""Checks of the workload and its surroundings: every outcome, what they ask for, and that no data is read."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.actions.preflight import configuration, history, migrations, standing
from cockpit.actions.preflight.contract import Context
from cockpit.base.clock import rfc3339
from cockpit.model.preflight import Finding
from cockpit.model.revision import Served
from cockpit.strategies.migration import like_migration
from tests.harness import preflight
from tests.harness.preflight import NOW, Past, Reads, Rights, context, revision, template, workload

LATER, EARLIER = rfc3339(NOW - 600), rfc3339(NOW - 90_000)
SERVED = revision(served=(Served(NOW - 80_000, NOW - 7200, "promoted-over"),))


def held(kind: str, name: str, *, made: str = EARLIER, wrote: str | None = EARLIER, **metadata: Any) -> dict[str, Any]:
    entry = {"manager": "kubectl", "time": wrote, "fieldsV1": {"f:data": {}}}
    fields = {"managedFields": [entry]} if wrote is not None else {}
    return {"kind": kind, "metadata": {"name": name, "creationTimestamp": made, **fields, **metadata}}


def job(name: str, image: str = "r.test/x", made: str = LATER, **annotations: str) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "run", "image": image}]}}}
    metadata = {"name": name, "creationTimestamp": made, "annotations": annotations}
    return {"kind": "Job", "metadata": metadata, "spec": spec}


def needing(*names: str, **spec: Any) -> dict[str, Any]:
    """A template whose container takes its environment from these ConfigMaps."""
    sources = [{"configMapRef": {"name": name}} for name in names]
    return template(containers=[{"name": "app", "image": preflight.IMAGE, "envFrom": sources}], **spec)


def seen(finding: Finding) -> tuple[str, str]:
    return finding.state, finding.severity


# -- standing ----------------------------------------------------------------------------------------------------------


async def test_rights_block_when_the_server_says_no_and_are_unknown_when_it_does_not_say() -> None:
    assert (await standing.rights(context())).state == "ok"
    denied = await standing.rights(context(rights=Rights("denied")))
    assert (denied.state, denied.text) == ("finding", "you may not patch rollouts.argoproj.io")
    assert (await standing.rights(context(rights=Rights("unknown")))).state == "unknown"


@pytest.mark.parametrize(
    ("changes", "expected", "words"),
    [
        ({}, ("ok", "info"), ""),
        ({"metadata": {"deletionTimestamp": LATER}}, ("finding", "block"), "being deleted"),
        ({"metadata": {"generation": 7}, "status": {"observedGeneration": "6"}}, ("finding", "info"), "6 of 7"),
        ({"metadata": {"generation": 7}, "status": {"observedGeneration": "5b9c"}}, ("ok", "info"), ""),
        (
            {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}},
            ("finding", "info"),
            "exceeded quota",
        ),
        ({"spec": {"paused": True}}, ("ok", "info"), ""),
    ],
    ids=["well", "deleted", "behind", "old Argo", "quota", "paused by hand"],
)
async def test_the_state_of_the_workload(changes: dict[str, Any], expected: tuple[str, str], words: str) -> None:
    raw = workload()
    for member, values in changes.items():
        raw[member].update(values)
    finding = await standing.state(context(Reads(raw)))
    assert seen(finding) == expected
    assert words in finding.text


async def test_what_another_object_makes_is_to_be_rolled_back_there() -> None:
    raw = workload()
    assert (await standing.controller(context(Reads(raw)))).state == "ok"
    raw["metadata"]["ownerReferences"] = [{"kind": "Canary", "name": "cart", "controller": True}]
    finding = await standing.controller(context(Reads(raw)))
    assert (finding.state, finding.remedy) == ("finding", "roll back Canary cart instead")


# -- configuration -----------------------------------------------------------------------------------------------------


async def test_a_missing_configmap_blocks_and_an_optional_one_does_not() -> None:
    target = needing("here", "gone")
    reads = Reads(workload(), held("ConfigMap", "here"))
    finding = await configuration.config_present(context(reads, target=target))
    assert (finding.state, "ConfigMap gone is missing" in finding.text) == ("finding", True)
    target["spec"]["containers"][0]["envFrom"][1]["configMapRef"]["optional"] = True
    assert (await configuration.config_present(context(reads, target=target))).state == "ok"


@pytest.mark.parametrize(
    "spec",
    [
        {"volumes": [{"name": "v", "secret": {"secretName": "x"}}]},
        {"volumes": [{"name": "v", "configMap": {"name": "x"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "x"}}]}}]},
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}]},
        {"serviceAccountName": "x"},
        {"priorityClassName": "x"},
        {"runtimeClassName": "x"},
        {"initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}]},
        {"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "x", "key": "k"}}}]}]},
    ],
    ids=str,
)
async def test_every_way_to_refer_to_something_is_followed(spec: dict[str, Any]) -> None:
    finding = await configuration.config_present(context(target=template(**spec)))
    assert (finding.state, " x is missing" in finding.text) == ("finding", True)


@pytest.mark.parametrize(
    ("object_", "expected"),
    [
        (held("ConfigMap", "conf"), ("ok", "info")),
        (held("ConfigMap", "conf", wrote=LATER), ("finding", "warn")),
        (held("ConfigMap", "conf", made=LATER), ("finding", "warn")),
        (held("ConfigMap", "db-conf", wrote=LATER), ("finding", "confirm")),
        (held("Secret", "conf", wrote=LATER), ("finding", "confirm")),
        (held("ConfigMap", "conf-bk2g75k85c", wrote=LATER), ("ok", "info")),
    ],
    ids=["same", "written", "made anew", "database", "secret", "hashed name"],
)
async def test_configuration_written_since_the_target_served(
    object_: dict[str, Any], expected: tuple[str, str]
) -> None:
    name, ref = object_["metadata"]["name"], "secretRef" if object_["kind"] == "Secret" else "configMapRef"
    target = template(containers=[{"name": "app", "envFrom": [{ref: {"name": name}}]}])
    reads = Reads(workload(), object_)
    finding = await configuration.config_changed(context(reads, target=target, versions=[SERVED]))
    assert seen(finding) == expected
    assert not [each for each in reads.asked if each in ("get secrets", "get configmaps", "list secrets")]


async def test_what_the_server_kept_no_record_of_is_unknown() -> None:
    reads = Reads(workload(), held("ConfigMap", "conf", wrote=None))
    asked = context(reads, target=needing("conf"), versions=[SERVED])
    with pytest.raises(ValueError, match="keeps no record"):
        await configuration.config_changed(asked)
    never = context(Reads(workload()), target=needing("conf"), versions=[revision("other")])
    assert (await configuration.config_changed(never)).state == "unknown"


async def test_a_version_that_serves_now_has_todays_configuration() -> None:
    reads = Reads(workload(), held("ConfigMap", "conf", wrote=LATER))
    serving = context(reads, target=needing("conf"), versions=[revision(replicas=3)])
    assert (await configuration.config_changed(serving)).state == "ok"


async def test_a_charts_checksum_tells_that_other_configuration_belongs_to_the_target() -> None:
    raw = workload()
    raw["spec"]["template"]["metadata"]["annotations"] = {"checksum/config": "b"}
    target = template()
    target["metadata"]["annotations"] = {"checksum/config": "a"}
    finding = await configuration.config_changed(context(Reads(raw), target=target, versions=[SERVED]))
    assert (finding.state, "checksum/config" in finding.text) == ("finding", True)


async def test_pull_secrets_of_the_template_and_of_its_account_are_looked_for() -> None:
    account = {"kind": "ServiceAccount", "metadata": {"name": "default"}, "imagePullSecrets": [{"name": "regcred"}]}
    reads = Reads(workload(), account)
    finding = await configuration.pull_secret(context(reads))
    assert (finding.state, "regcred is missing" in finding.text) == ("finding", True)
    reads.put(held("Secret", "regcred"))
    assert (await configuration.pull_secret(context(reads))).state == "ok"
    assert (await configuration.pull_secret(context())).text.startswith("no pull secret is named")


# -- migrations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (job("pay-flyway-7"), "flyway"),
        (job("x", "ghcr.example/ariga/atlas:1"), "atlas"),
        (job("x", "migrate/migrate:4"), "golang-migrate"),
        (job("cart-db-migrate-12"), "migration"),
        (job("nightly-report"), ""),
        (job("immigration-office"), ""),
        (job("atlas-maps-export", "r.test/atlas-maps"), ""),
        (job("seed", **{"helm.sh/hook": "pre-upgrade"}), "helm.sh/hook pre-upgrade"),
        (job("smoke", **{"helm.sh/hook": "test"}), ""),
        (job("seed", **{"argocd.argoproj.io/hook": "PreSync"}), "argocd.argoproj.io/hook PreSync"),
    ],
    ids=str,
)
def test_what_looks_like_a_migration(raw: dict[str, Any], why: str) -> None:
    assert like_migration(raw) == why


def test_commands_tell_a_migration_too() -> None:
    raw = job("x")
    raw["spec"]["template"]["spec"]["containers"][0]["args"] = ["bundle", "exec", "rails", "db:migrate"]
    assert like_migration(raw) == "rails"


async def look(*jobs: dict[str, Any], past: Any = None, **more: Any) -> Finding:
    asked: Context = context(Reads(workload(), *jobs), versions=more.pop("versions", [SERVED]), past=past, **more)
    return await migrations.migration(asked)


async def test_a_migration_since_the_target_served_is_found_and_an_older_one_is_not() -> None:
    found = await look(job("flyway-2"))
    assert (found.state, "Job flyway-2: flyway" in found.text) == ("finding", True)
    older = await look(job("flyway-1", made=rfc3339(NOW - 79_000)))
    assert (older.state, "absence proves nothing" in older.text) == ("ok", True)
    gone = await look(past=Past([{"name": "alembic-3", "why": "alembic"}]))
    assert (gone.state, "alembic-3" in gone.text) == ("finding", True)
    assert (await look(job("flyway-2"), versions=[revision(replicas=3)])).state == "ok"
    assert (await look(job("flyway-2"), versions=[revision("other")])).state == "unknown"


async def test_an_init_container_of_the_version_in_force_is_a_migration_too() -> None:
    raw = workload()
    raw["spec"]["template"]["spec"]["initContainers"] = [{"name": "schema", "image": "r.test/flyway:9"}]
    finding = await migrations.migration(context(Reads(raw), versions=[SERVED]))
    assert (finding.state, "init container schema (flyway)" in finding.text) == ("finding", True)


@pytest.mark.parametrize(
    ("leaving", "target", "expected"),
    [
        ({}, {}, ("skipped", "info")),
        ({"rollback": "safe"}, {}, ("ok", "info")),
        ({}, {"rollback": "safe"}, ("skipped", "info")),
        ({"rollback": "unsafe"}, {}, ("finding", "info")),
        ({"rollback": "safe"}, {"rollback": "unsafe"}, ("finding", "info")),
        ({"rollback": "manual"}, {}, ("finding", "confirm")),
        ({"rollback": "perhaps"}, {}, ("unknown", "info")),
        ({"schema-version": "14"}, {"schema-compat": "12-15"}, ("skipped", "info")),
        ({"schema-version": "16"}, {"schema-compat": "12-15"}, ("finding", "info")),
        ({"schema-version": "new"}, {"schema-compat": "12-15"}, ("unknown", "info")),
        ({"schema-version": "16", "rollback": "safe"}, {"schema-compat": "12-15"}, ("finding", "info")),
    ],
    ids=str,
)
async def test_what_versions_say_of_their_own_rollback(
    leaving: dict[str, str], target: dict[str, str], expected: tuple[str, str]
) -> None:
    def said(words: dict[str, str]) -> dict[str, Any]:
        return {**template(), "metadata": {"annotations": {f"rollout-cockpit.dev/{k}": v for k, v in words.items()}}}

    raw = workload(template=said(leaving))
    finding = await migrations.contract(context(Reads(raw), target=said(target)))
    assert seen(finding) == expected


# -- history -----------------------------------------------------------------------------------------------------------


async def test_age_warns_of_old_versions_and_of_many_passed_over() -> None:
    assert (await history.age(context())).state == "ok"
    old = await history.age(context(versions=[revision(created_at=NOW - 41 * 86_400)]))
    assert (old.state, old.text) == ("finding", "made 41d ago, 0 versions passed over")
    newer = [revision(f"n{each}", created_at=NOW - each) for each in range(1, 6)]
    assert (await history.age(context(versions=[*newer, revision()]))).state == "finding"


async def test_neighbours_released_since_are_named() -> None:
    def released(name: str, made: str, owner: str) -> dict[str, Any]:
        owners = [{"controller": True, "name": owner, "kind": "Rollout"}]
        labels = {"app.kubernetes.io/part-of": "shop"}
        metadata = {"name": name, "creationTimestamp": made, "labels": labels, "ownerReferences": owners}
        return {"kind": "ReplicaSet", "metadata": metadata}

    sets = [released("pay-2", LATER, "pay"), released("old-1", EARLIER, "old"), released("cart-9", LATER, "cart")]
    reads = Reads(workload({"app.kubernetes.io/part-of": "shop"}), *sets)
    finding = await history.neighbours(context(reads, versions=[SERVED]))
    assert (finding.state, finding.text) == ("finding", "released since, of shop: pay")
    assert (await history.neighbours(context(Reads(workload(), *sets), versions=[SERVED]))).state == "skipped"
