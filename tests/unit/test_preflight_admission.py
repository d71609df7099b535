"""Checks by trial: the server's no blocks, a right that lacks is "not run", and what nobody can tell is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from cockpit.actions.gateway import Fate, Sent
from cockpit.actions.preflight.admission import CHECKS, dry_run, mutation, pod_dry_run
from cockpit.actions.preflight.contract import Context
from cockpit.actions.preflight.runner import run
from cockpit.actions.preflight.trial import Trials, pod_of
from cockpit.base.secrets import HIDDEN
from cockpit.model.artifact import Sameness
from cockpit.model.plan import Patch
from cockpit.model.preflight import Finding, FindingState, Severity
from cockpit.model.resource import PODS, Key, Resource
from cockpit.model.rollout import Image
from tests.harness.preflight import DIGEST, IMAGE, Registry, Rights, Trial, context, template

RBAC = 'pods is forbidden: User "ann" cannot create resource "pods" in API group "" in the namespace "shop"'
PSA = 'pods "cart-h-" is forbidden: violates PodSecurity "restricted:latest": privileged (container "app" …)'
WEBHOOK = 'admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod/shop/cart was blocked'
POLICY = "pods \"cart-h-\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no root"
INVALID = 'the server refused it: Pod "cart-h-" is invalid: spec.containers[0].image: Required value'
QUOTA = 'pods "cart-h-" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=8, limited: pods=8'
NO_DRY_RUN = "the server refused it: admission webhook w does not support dry run"
OTHER = "sha256:" + "b" * 64


def pod(*containers: tuple[str, str], **spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"containers": [{"name": n, "image": i} for n, i in containers], **spec}}


def admitted(body: Mapping[str, Any]) -> Trial:
    return Trial(admitted=Sent("sent", "the server would admit it", body=body))


async def severity(check: Any, ctx: Context) -> Severity:
    (only,) = (each for each in CHECKS if each.run is check)
    (found,) = (await run(ctx, {}, 0.0, checks=[only])).findings
    return found.severity


@pytest.mark.parametrize(
    ("fate", "text", "state", "asks"),
    [
        ("sent", "", "ok", "info"),
        ("refused", "not run: read-only", "skipped", "info"),
        ("denied", PSA, "finding", "block"),
        ("denied", WEBHOOK, "finding", "block"),
        ("failed", f"the server refused it: {WEBHOOK}", "finding", "block"),
        ("failed", POLICY, "finding", "block"),
        ("failed", INVALID, "finding", "block"),
        ("denied", QUOTA, "finding", "warn"),  # what that means is for the check of capacity
        ("denied", RBAC, "unknown", "confirm"),  # the review said we may
        ("denied", "API server x answered POST /api/v1/pods with HTTP 403", "unknown", "confirm"),
        ("denied", "API server x does not accept the credentials of a file; log in again", "unknown", "confirm"),
        ("failed", "the server refused it: Too many requests, please try again later.", "unknown", "confirm"),
        ("unclear", NO_DRY_RUN, "unknown", "confirm"),
        ("moved", "gone", "unknown", "confirm"),
    ],
)
async def test_what_a_pods_dry_run_says(fate: Fate, text: str, state: FindingState, asks: Severity) -> None:
    trial = Trial(admitted=Sent(fate, text)) if fate != "sent" else Trial()
    found = await pod_dry_run(context(trial=trial))
    assert found.state == state
    assert text.removeprefix("not run: ") in found.text
    assert await severity(pod_dry_run, context(trial=trial)) == asks


async def test_a_right_that_lacks_is_not_run_and_not_asked() -> None:
    trial = Trial()
    found = await pod_dry_run(context(trial=trial, rights=Rights("denied")))
    assert (found.state, found.text, trial.pods) == ("skipped", "not run: you may not create pods", [])


async def test_where_the_review_is_silent_the_servers_own_no_counts_as_not_run() -> None:
    found = await pod_dry_run(context(trial=Trial(admitted=Sent("denied", RBAC)), rights=Rights("unknown")))
    assert found.state == "skipped"
    assert "cannot create resource" in found.text


async def test_an_admission_refusal_is_no_lack_of_rights_whatever_it_quotes() -> None:
    quoted = f'admission webhook "w" denied the request: {RBAC}'
    found = await pod_dry_run(context(trial=Trial(admitted=Sent("denied", quoted)), rights=Rights("unknown")))
    assert found.state == "finding"


async def test_policy_can_switch_it_off() -> None:
    trial = Trial()
    found = await pod_dry_run(context(trial=trial, pod_dry_run=False))
    assert (found.state, trial.pods) == ("skipped", [])
    assert "[preflight] pod_dry_run" in found.text


async def test_masked_secrets_are_never_sent() -> None:
    trial = Trial()
    masked = template()
    masked["spec"]["containers"][0]["env"] = [{"name": "DB_PASSWORD", "value": HIDDEN}]
    ctx = context(trial=trial, target=masked)
    assert ((await pod_dry_run(ctx)).state, (await mutation(ctx)).state) == ("unknown", "unknown")
    assert trial.pods == []


async def test_the_pod_is_one_that_nothing_adopts() -> None:
    wanted = {**template(), "metadata": {"labels": {"app": "cart"}, "annotations": {"a": "b"}}}
    ctx = context(target=wanted)
    made = pod_of(ctx)
    assert made["metadata"] == {
        "generateName": "cart-h-",
        "namespace": "shop",
        "labels": {"app": "cart", "rollouts-pod-template-hash": "h"},
        "annotations": {"a": "b"},
    }
    assert made["spec"] == wanted["spec"]
    assert wanted["metadata"]["labels"] == {"app": "cart"}
    deployment = replace(ctx, plan=replace(ctx.plan, key=Key("Deployment", "shop", "cart")))
    assert pod_of(deployment)["metadata"]["labels"]["pod-template-hash"] == "h"


@pytest.mark.parametrize("body", [{}, {"spec": {}}, {"items": "x"}, {"spec": {"containers": "x"}}, {"spec": "x"}])
async def test_what_is_no_pod_was_not_admitted(body: dict[str, Any]) -> None:
    for check in (pod_dry_run, mutation):
        assert await severity(check, context(trial=admitted(body))) == "confirm"


async def test_warnings_of_the_server_are_a_line() -> None:
    body = {"spec": {"template": template()}}
    trial = Trial(patched=Sent("sent", "", warnings=("unknown field spec.foo",), body=body))
    found = await dry_run(context(trial=trial))
    assert (found.state, found.text) == ("finding", "the server warns: unknown field spec.foo")
    assert await severity(dry_run, context(trial=trial)) == "warn"
    ctx = context(trial=Trial(admitted=Sent("sent", "", warnings=("would violate PodSecurity",), body=template())))
    assert (await pod_dry_run(ctx)).text.endswith("would violate PodSecurity")
    assert await severity(pod_dry_run, ctx) == "warn"


@pytest.mark.parametrize("fate", ["denied", "failed", "unclear", "moved"])
async def test_a_dry_run_that_gave_no_answer_is_unknown(fate: Fate) -> None:
    trial = Trial(patched=Sent(fate, "no"))
    assert (await dry_run(context(trial=trial))).state == "unknown"
    assert (await mutation(context(trial=trial))).state == "unknown"


async def test_read_only_runs_nothing() -> None:
    refused = Sent("refused", "not run: read-only")
    ctx = context(trial=Trial(patched=refused, admitted=refused))
    for check in (dry_run, pod_dry_run, mutation):
        found = await check(ctx)
        assert (found.state, found.text) == ("skipped", "not run: read-only")


class Equal(Registry):
    """A registry that says how two digests relate."""

    def __init__(self, same: Sameness) -> None:
        super().__init__()
        self.same = same
        self.learned: list[str] = []

    async def learn(self, image: str, digest: str, *_: Any) -> bool:
        self.learned.append(digest)
        return True

    def compare(self, declared: str, image_id: str) -> Sameness:
        assert len(self.learned) == 2  # it can tell only what was read
        return self.same


@pytest.mark.parametrize(
    ("image", "same", "state", "asks", "says"),
    [
        (IMAGE, "mismatch", "ok", "info", "pods would run what is written"),
        (f"mirror.example/shop/cart@{DIGEST}", "mismatch", "ok", "info", "with the same digest"),
        (f"registry.example/shop/cart@{OTHER}", "match", "ok", "info", "the same artifact"),
        (f"registry.example/shop/cart@{OTHER}", "mismatch", "finding", "block", "another artifact"),
        (f"registry.example/shop/cart@{OTHER}", "match-config", "finding", "block", "another artifact"),
        (f"registry.example/shop/cart@{OTHER}", "unresolved", "unknown", "confirm", "not known"),
        ("registry.example/shop/cart:v4", "mismatch", "finding", "confirm", "a tag"),
    ],
)
@pytest.mark.parametrize("where", ["pod", "template"])
async def test_a_rewritten_image(
    image: str, same: Sameness, state: FindingState, asks: Severity, says: str, where: str
) -> None:
    made = pod(("app", image))
    patched = Sent("sent", "", body={"spec": {"template": made}}) if where == "template" else None
    trial = Trial(patched=patched, admitted=Sent("sent", "", body=made) if where == "pod" else None)

    def ctx() -> Context:
        return context(trial=trial, artifacts=Equal(same))

    found = await mutation(ctx())
    assert found.state == state
    assert says in found.text
    assert await severity(mutation, ctx()) == asks


async def test_a_tag_that_admission_pins_to_nobody_knows_what_is_typed() -> None:
    tagged = template(containers=[{"name": "app", "image": "registry.example/shop/cart:v4"}])
    ctx = context(target=tagged, trial=admitted(pod(("app", IMAGE))))
    unknown = replace(ctx, images=(Image("app", "registry.example/shop/cart:v4", None),))
    assert await severity(mutation, unknown) == "confirm"
    known = replace(ctx, images=(Image("app", "registry.example/shop/cart:v4", DIGEST),))
    assert (await mutation(known)).state == "ok"


async def test_sidecars_are_said_and_ask_nothing() -> None:
    found = await mutation(context(trial=admitted(pod(("app", IMAGE), ("istio-proxy", "istio/proxyv2:1.22")))))
    assert (found.state, found.text) == ("ok", "in pods, istio-proxy is added by admission")


async def test_a_container_that_admission_removes_blocks() -> None:
    found = await mutation(context(trial=admitted(pod(("other", IMAGE)))))
    assert (found.state, found.severity) == ("finding", "block")
    assert "container app is removed" in found.text


async def test_init_containers_are_compared_too() -> None:
    wanted = template(initContainers=[{"name": "init", "image": IMAGE}])
    made = pod(("app", IMAGE), initContainers=[{"name": "init", "image": f"evil.example/x@{OTHER}"}])
    found = await mutation(context(target=wanted, trial=admitted(made)))
    assert (found.state, found.severity) == ("finding", "block")


async def test_a_pod_that_was_not_tried_is_said() -> None:
    found = await mutation(context(pod_dry_run=False))
    assert found.state == "ok"
    assert "a pod was not compared" in found.text


@pytest.mark.parametrize("text", [PSA, QUOTA, "nobody knows"])
async def test_what_a_refused_pod_would_have_run_is_unknown(text: str) -> None:
    found = await mutation(context(trial=Trial(admitted=Sent("denied", text))))
    assert found.state == "unknown"


class Counting(Trial):
    def __init__(self) -> None:
        super().__init__()
        self.patches: list[Patch] = []

    async def dry_run(self, patch: Patch) -> Sent:
        self.patches.append(patch)
        return await super().dry_run(patch)


async def test_each_trial_is_sent_once_for_all_checks_of_a_preflight() -> None:
    trial = Counting()
    ctx = replace(context(), trial=Trials(trial))
    found: list[Finding] = [await check(ctx) for check in (dry_run, pod_dry_run, mutation)]
    assert [each.state for each in found] == ["ok", "ok", "ok"]
    assert (len(trial.patches), len(trial.pods)) == (1, 1)
    other: Resource = PODS
    await ctx.trial.admit(other, "elsewhere", trial.pods[0])
    assert len(trial.pods) == 2
