"""Migrations since a version served, and what versions say of their rollback: found or not known, never promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.preflight import migrations, promises
from cockpit.actions.preflight.contract import NO_DIGEST, Context
from cockpit.base.clock import rfc3339
from cockpit.base.errors import Unreachable
from cockpit.journal import JournalError
from cockpit.model.artifact import Label, Signatures
from cockpit.model.preflight import Finding
from cockpit.model.revision import Served
from cockpit.model.rollout import Image
from cockpit.strategies.migration import like_migration
from tests.harness import preflight, seat
from tests.harness.preflight import NOW, Past, Reads, context, never_improves, ran, revision, template, workload

(MIGRATION,) = migrations.CHECKS
(CONTRACT,) = promises.CHECKS
LATER, EARLIER = rfc3339(NOW - 600), rfc3339(NOW - 79_000)
SERVED = revision(served=(Served(NOW - 80_000, NOW - 7200, "promoted-over"),))
SERVING = seat.rollout(baseline=seat.arm("baseline", seat.pod("p", created_at=NOW - 7000), hash="h"))
DONE = {"completionTime": LATER, "conditions": [{"type": "Complete", "status": "True"}]}


def job(
    name: str, image: str = "r.test/x", made: str = LATER, status: Mapping[str, Any] | None = None, **annotations: str
) -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "run", "image": image}]}}}
    metadata = {"name": name, "creationTimestamp": made, "annotations": annotations}
    return {"kind": "Job", "metadata": metadata, "spec": spec, "status": dict(status or {})}


def seen(finding: Finding) -> tuple[str, str]:
    return finding.state, finding.severity


# -- what looks like one -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (job("pay-flyway-7"), "flyway"),
        (job("x", "ghcr.example/ariga/atlas:1"), "atlas"),
        (job("x", "migrate/migrate:4"), "golang-migrate"),
        (job("cart-db-migrate-12"), "migration"),
        (job("cart-migrations"), "migration"),
        (job("nightly-report"), ""),
        (job("immigration-office"), ""),
        (job("atlas-maps-export", "r.test/atlas-maps"), ""),
        (job("mongoose-seed"), ""),
        (job("seed", **{"helm.sh/hook": "pre-upgrade"}), "helm.sh/hook pre-upgrade"),
        (
            job("flyway", **{"helm.sh/hook": "post-install,post-upgrade"}),
            "flyway (helm.sh/hook post-install,post-upgrade)",
        ),
        (job("smoke", **{"helm.sh/hook": "test"}), ""),
        (job("seed", **{"argocd.argoproj.io/hook": "PreSync"}), "argocd.argoproj.io/hook PreSync"),
        (job("tidy", **{"argocd.argoproj.io/hook": "SyncFail"}), ""),
    ],
    ids=str,
)
def test_what_looks_like_a_migration(raw: dict[str, Any], why: str) -> None:
    assert like_migration(raw) == why


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["bundle", "exec", "rails", "db:migrate"], "rails"),
        (["python", "manage.py", "migrate", "--noinput"], "django"),
        (["npx", "prisma", "migrate", "deploy"], "prisma"),
        (["npx", "knex", "migrate:latest"], "knex"),
        (["sh", "-c", "alembic upgrade head"], "alembic"),
        (["./efbundle"], "EF bundle"),
        (["python", "manage.py", "runserver"], ""),
    ],
    ids=str,
)
def test_commands_tell_a_migration_too(words: list[str], why: str) -> None:
    raw = job("x")
    raw["spec"]["template"]["spec"]["containers"][0]["args"] = words
    assert like_migration(raw) == why


# -- since it served ---------------------------------------------------------------------------------------------------


async def look(*objects: dict[str, Any], **more: Any) -> Finding:
    return await ran(MIGRATION, context(Reads(workload(), *objects), versions=more.pop("versions", [SERVED]), **more))


@pytest.mark.parametrize(
    ("raw", "evidence"),
    [
        (job("flyway-2", status=DONE), "Job flyway-2: flyway"),
        (
            job("flyway-2", status={"conditions": [{"type": "Failed", "status": "True"}]}),
            "Job flyway-2: flyway, failed",
        ),
        (job("flyway-1", made=EARLIER, status=DONE), "Job flyway-1: flyway"),  # it was at work until later
        (job("flyway-1", made=EARLIER, status={"active": 1}), "Job flyway-1: flyway, not known to have ended"),
        (job("flyway-1", made="?", status={}), "Job flyway-1: flyway, not known to have ended"),
    ],
    ids=["since", "failed", "ended since", "still at work", "no time"],
)
async def test_a_migration_since_the_target_served_asks_for_the_name(raw: dict[str, Any], evidence: str) -> None:
    finding = await look(raw)
    assert (seen(finding), finding.evidence) == (("finding", "confirm"), (evidence,))


async def test_an_older_one_is_none_and_finding_nothing_is_said_to_prove_nothing() -> None:
    older = await look(job("flyway-1", made=EARLIER, status={**DONE, "completionTime": EARLIER}))
    assert (seen(older), "absence proves nothing" in older.text) == (("ok", "info"), True)


async def test_jobs_that_only_the_journal_still_knows_count() -> None:
    gone = await look(past=Past([{"name": "alembic-3", "why": "alembic", "at": NOW - 700}]))
    assert (gone.state, gone.evidence) == (
        "finding",
        (f"Job alembic-3: alembic, no longer there (seen at {rfc3339(NOW - 700)})",),
    )
    both = await look(job("alembic-3", status=DONE), past=Past([{"name": "alembic-3", "why": "alembic"}]))
    assert both.evidence == ("Job alembic-3: alembic",)


async def test_a_version_that_serves_now_works_with_todays_schema() -> None:
    assert (await look(job("flyway-2"), rollout=SERVING)).state == "ok"
    assert (await look(job("flyway-2"), versions=[revision("other")])).state == "unknown"


@pytest.mark.parametrize(
    ("object_", "state"),
    [
        ({"plural": "atlasmigrations", "status": {"lastApplied": int(NOW) - 600}}, "finding"),
        ({"plural": "atlasmigrations", "status": {"lastApplied": int(NOW) - 79_000}}, "ok"),
        ({"plural": "atlasmigrations", "status": {"lastApplied": 0}}, "ok"),
        ({"plural": "atlasschemas", "status": {"last_applied": int(NOW) - 600}}, "finding"),
        ({"plural": "migrations", "status": {"executedAt": int(NOW) - 600}}, "finding"),
        ({"plural": "migrations", "status": {"executedAt": (int(NOW) - 600) * 10**9}}, "finding"),
        ({"plural": "migrations", "status": {"plannedAt": int(NOW) - 600, "phase": "PLANNED"}}, "ok"),
    ],
    ids=str,
)
async def test_schemas_that_operators_keep_by_objects_of_their_own(object_: dict[str, Any], state: str) -> None:
    assert (await look({"kind": "X", "metadata": {"name": "main"}, **object_})).state == state


def migrating(image: str, *args: str) -> dict[str, Any]:
    return template(initContainers=[{"name": "first", "image": image, "args": list(args)}])


@pytest.mark.parametrize(
    ("leaving", "target", "words"),
    [
        (migrating("r.test/flyway:9"), template(), "first (flyway) of the version in force"),
        (template(), migrating("r.test/flyway:8"), "of the target will run"),
        (migrating("r.test/cart:9", "alembic"), migrating("r.test/cart:8", "alembic"), "and 1 more"),
        (migrating("r.test/flyway:9"), migrating("r.test/flyway:9"), ""),
        (migrating("r.test/wait:1"), template(), ""),
    ],
    ids=["left behind", "would run", "other image", "the same", "no migration"],
)
@pytest.mark.parametrize("rollout", [None, SERVING], ids=["served", "serving"])
async def test_init_containers_migrate_too(leaving: Any, target: Any, words: str, rollout: Any) -> None:
    reads = Reads(workload(template=leaving))
    finding = await ran(MIGRATION, context(reads, target=target, versions=[SERVED], rollout=rollout))
    assert (finding.state == "finding", words in finding.text) == (bool(words), True)


async def test_more_jobs_than_are_looked_at_are_not_called_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "_MOST", 2)
    assert (await look(job("a"), job("b"))).state == "unknown"
    assert (await look(job("a"), job("flyway-b"))).state == "finding"


@pytest.mark.parametrize("jobs", [[job("flyway-2")], [job("a")]], ids=["found", "nothing found"])
async def test_no_failing_request_makes_migrations_go_away(jobs: list[dict[str, Any]]) -> None:
    schema = {"kind": "X", "plural": "migrations", "metadata": {"name": "m"}, "status": {"executedAt": int(NOW) - 600}}

    def make() -> Context:
        return context(Reads(workload(), *jobs, schema), versions=[SERVED])

    assert await never_improves(MIGRATION, make) == {
        "get rollouts", "list jobs", "list migrations", "discover migrations", "discover atlasmigrations",
        "discover atlasschemas",
    }  # fmt: skip


@pytest.mark.parametrize("answer", [JournalError("database is locked"), None, "x", ["x"]], ids=str)
async def test_a_journal_that_does_not_answer_is_unknown(answer: Any) -> None:
    class Silent(Past):
        async def jobs_since(self, cluster: str, namespace: str, since: float) -> Sequence[Mapping[str, Any]]:
            if isinstance(answer, Exception):
                raise answer
            return answer

    assert (await look(past=Silent())).state == "unknown"


# -- what versions say -------------------------------------------------------------------------------------------------


UNSAFE = {"rollback": "unsafe"}


def said(words: Mapping[str, str]) -> dict[str, Any]:
    return {**template(), "metadata": {"annotations": {f"rollout-cockpit.dev/{k}": v for k, v in words.items()}}}


class Labelled(preflight.Registry):
    """Images with these labels of the convention, by the first letter of their digest."""

    def __init__(self, read: bool = True, **labels: Mapping[str, str]) -> None:
        super().__init__()
        self.read, self.labels = read, labels
        self.error: Exception | None = None

    async def signatures(self, image: str, digest: str, *_: Any, **__: Any) -> Signatures:
        if self.error is not None:
            raise self.error
        words = self.labels.get(digest.removeprefix("sha256:")[0], {})
        labels = tuple(Label(f"rollout-cockpit.dev/{name}", value, "config") for name, value in words.items())
        found = await super().signatures(image, digest)
        return replace(found, labels=labels, labels_read=self.read)


@pytest.mark.parametrize(
    ("leaving", "target", "expected"),
    [
        ({}, {}, ("skipped", "info")),
        ({"rollback": "safe"}, {}, ("ok", "info")),
        ({}, {"rollback": "safe"}, ("skipped", "info")),
        ({"rollback": "unsafe"}, {}, ("finding", "block")),
        ({"rollback": " Unsafe "}, {}, ("finding", "block")),
        ({"rollback": "safe"}, {"rollback": "unsafe"}, ("finding", "block")),
        ({"rollback": "manual"}, {}, ("finding", "confirm")),
        ({"rollback": "perhaps"}, {}, ("unknown", "confirm")),
        ({"schema-version": "14"}, {"schema-compat": "12-15"}, ("ok", "info")),
        ({"schema-version": "14"}, {"schema-compat": "14"}, ("ok", "info")),
        ({"schema-version": "14"}, {}, ("skipped", "info")),
        ({"schema-version": "16"}, {"schema-compat": "12-15"}, ("finding", "block")),
        ({"schema-version": "9"}, {"schema-compat": "12-15"}, ("finding", "block")),
        ({"schema-version": "new"}, {"schema-compat": "12-15"}, ("unknown", "confirm")),
        ({"schema-version": "14"}, {"schema-compat": ">=12"}, ("unknown", "confirm")),
        ({"schema-version": "16", "rollback": "safe"}, {"schema-compat": "12-15"}, ("finding", "block")),
    ],
    ids=str,
)
async def test_what_versions_say_of_their_own_rollback(
    leaving: dict[str, str], target: dict[str, str], expected: tuple[str, str]
) -> None:
    reads = Reads(workload(template=said(leaving)))
    finding = await ran(CONTRACT, context(reads, target=said(target)))
    assert seen(finding) == expected


@pytest.mark.parametrize(
    ("labels", "annotated", "expected"),
    [
        ({"a": {"rollback": "unsafe"}}, {}, ("finding", "block")),
        ({"b": {"rollback": "unsafe"}}, {}, ("finding", "block")),
        ({"b": {"rollback": "safe"}}, {}, ("ok", "info")),
        ({"b": {"schema-version": "16"}, "a": {"schema-compat": "12-15"}}, {}, ("finding", "block")),
        ({"b": {"rollback": "unsafe"}}, {"rollback": "safe"}, ("ok", "info")),  # said at the deploy, of this deploy
    ],
    ids=str,
)
async def test_labels_of_the_images_of_both_versions_count(
    labels: dict[str, Any], annotated: dict[str, str], expected: tuple[str, str]
) -> None:
    canary = seat.arm("canary", seat.pod("p"), images=(Image("app", "r.test/cart:9", "sha256:" + "b" * 64),))
    asked = context(
        Reads(workload(template=said(annotated))), artifacts=Labelled(**labels), rollout=seat.rollout(canary=canary)
    )
    assert seen(await ran(CONTRACT, asked)) == expected


async def test_labels_that_could_not_be_read_are_not_called_absent() -> None:
    unread = Labelled(read=False)
    assert (await ran(CONTRACT, context(artifacts=unread))).state == "unknown"
    unread.error = Unreachable("registry r.test: connection refused")
    assert (await ran(CONTRACT, context(artifacts=unread))).state == "unknown"
    forbidden = context(Reads(workload(template=said({"rollback": "unsafe"}))), artifacts=unread)
    assert seen(await ran(CONTRACT, forbidden)) == ("finding", "block")


async def test_a_target_without_a_digest_is_asked_about_once_by_retained() -> None:
    """What is not known is said once; what templates and the version in force forbid still counts."""
    canary = seat.arm("canary", seat.pod("p"), images=(Image("app", "r.test/cart:9", "sha256:" + "b" * 64),))

    def asked(words: Mapping[str, str], **labels: Mapping[str, str]) -> Context:
        made = context(
            Reads(workload(template=said(words))), artifacts=Labelled(**labels), rollout=seat.rollout(canary=canary)
        )
        return replace(made, images=(Image("app", "r.test/cart:4", None),))

    quiet = await ran(CONTRACT, asked({}))
    assert (quiet.state, quiet.text) == ("skipped", NO_DIGEST)
    assert (await ran(CONTRACT, asked({"rollback": "safe"}))).state == "skipped"
    assert seen(await ran(CONTRACT, asked(UNSAFE))) == ("finding", "block")
    assert seen(await ran(CONTRACT, asked({}, b=UNSAFE))) == ("finding", "block")
    unread = replace(asked({}), artifacts=Labelled(read=False))
    assert (await ran(CONTRACT, unread)).state == "unknown"


def replicaset(number: int, hash_: str, words: Mapping[str, str], *, made: float, owner: str = "u") -> dict[str, Any]:
    return {
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"cart-{hash_}",
            "creationTimestamp": rfc3339(made),
            "labels": {"rollouts-pod-template-hash": hash_, "app": "cart"},
            "annotations": {"rollout.argoproj.io/revision": str(number)},
            "ownerReferences": [{"kind": "Rollout", "name": "cart", "uid": owner, "controller": True}],
        },
        "spec": {"template": said(words)},
    }


MADE = NOW - 86_400


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (replicaset(5, "mid", UNSAFE, made=MADE + 60), ("finding", "block")),
        (replicaset(5, "mid", UNSAFE, made=MADE - 60), ("finding", "block")),  # an older one that an undo brought back
        (replicaset(3, "old", UNSAFE, made=MADE - 60), ("skipped", "info")),
        (replicaset(5, "mid", UNSAFE, made=MADE + 60, owner="other"), ("skipped", "info")),
        (replicaset(4, "h", UNSAFE, made=MADE), ("skipped", "info")),  # the target itself, by its own template
        (replicaset(5, "mid", {"rollback": "manual"}, made=MADE + 60), ("finding", "confirm")),
    ],
    ids=["in between", "brought back", "before", "another's", "the target", "by hand"],
)
async def test_versions_in_between_are_left_behind_too(between: dict[str, Any], expected: tuple[str, str]) -> None:
    raw = workload(selector={"matchLabels": {"app": "cart"}})
    finding = await ran(CONTRACT, context(Reads(raw, between)))
    assert seen(finding) == expected
    assert ("revision 5, in between" in finding.text) is (expected[0] == "finding")


@pytest.mark.parametrize("words", [{}, {"rollback": "safe"}, UNSAFE], ids=str)
async def test_no_failing_request_makes_a_rollback_look_promised(words: dict[str, str]) -> None:
    def make() -> Context:
        return context(Reads(workload(), replicaset(5, "mid", words, made=MADE + 60)))

    assert await never_improves(CONTRACT, make) == {"get rollouts", "list replicasets"}
