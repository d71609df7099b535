"""Hand-built pictures: a dozen rollouts as in the drawings, and the odd ones that must not break a screen."""

# ruff: noqa: E501  (tables: one rollout a line reads better than ten)

from __future__ import annotations

from typing import Any

import msgspec

from cockpit.model.artifact import Label, Provenance, Signatures
from cockpit.model.event import Event
from cockpit.model.log import Level, LogLine
from cockpit.model.plan import Pending
from cockpit.model.preflight import Finding, Preflight
from cockpit.model.resource import Key
from cockpit.model.revision import Revision
from cockpit.model.rollout import (
    Arm,
    Check,
    CheckMetric,
    Image,
    LastExit,
    Owner,
    Pod,
    Replicas,
    Role,
    Rollout,
    Step,
    Weight,
)  # fmt: skip
from cockpit.model.snapshot import Snapshot, Source
from cockpit.model.verdict import Assessment, Burn, BurnWindow, PerArm, SliRow, State, Verdict
from cockpit.ports import Entry, EvidencePiece, PastAct

NOW = 1795144361.0  # 2026-11-20T03:12:41Z
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J[bold red]owned[/]\x00\r\n\u202etxt\u200b"
LONG = "a-very-long-rollout-name-that-takes-all-sixty-three-characters1"
assert len(LONG) == 63

C_DIGEST = "sha256:9f3c" + "0" * 58 + "a1"
B_DIGEST = "sha256:71bd" + "0" * 58 + "04"


def steps(*specs: str) -> tuple[Step, ...]:
    """``25%`` sets a weight, ``5m`` pauses, ``inf`` waits for a human, ``check`` is an analysis."""
    result = []
    for index, spec in enumerate(specs):
        if spec.endswith("%"):
            result.append(Step(index, "setWeight", spec, weight=float(spec[:-1]) / 100))
        elif spec == "inf":
            result.append(Step(index, "pause", "pause ∞", gate=True))
        elif spec == "check":
            result.append(Step(index, "analysis", "check", gate=True))
        else:
            result.append(Step(index, "pause", f"pause {spec}", duration=float(spec[:-1]) * 60, gate=True))
    return tuple(result)


NINE = steps("5%", "5m", "check", "25%", "check", "inf", "50%", "10m", "100%")


def pods(rs: str, names: str, hash_: str, **changes: Any) -> tuple[Pod, ...]:
    digest = C_DIGEST if hash_ == "7f9c8d" else B_DIGEST
    return tuple(
        msgspec.structs.replace(
            Pod(f"{rs}-{name}", "payments", f"uid-{rs}-{name}", hash_, "Running", True, 0, digest, created_at=NOW - 1080,
                node=f"node-{index + 1}", containers=("web",)),
            **changes,
        )
        for index, name in enumerate(names.split())
    )  # fmt: skip


def arm(role: Role, name: str, revision: int | None, the_pods: tuple[Pod, ...], desired: int | None = None) -> Arm:
    hash_ = "7f9c8d" if role == "canary" else "5d4b77"
    ready = sum(pod.ready for pod in the_pods)
    image = Image("web", f"registry.example/shop/{name}:v8.4.{revision}", C_DIGEST if role == "canary" else B_DIGEST)
    return Arm(
        role, hash_, revision, f"{name}-{hash_}", (image,), the_pods, len(the_pods) if desired is None else desired, ready, ready,
        NOW - (1080 if role == "canary" else 6 * 86400),
    )  # fmt: skip


def rollout(name: str, namespace: str = "payments", **changes: Any) -> Rollout:
    """Nine steps, standing on the check at 25 %, three canaries and nine baselines up."""
    canary = arm("canary", name, 42, pods(f"{name}-7f9c8d", "2kqxm 9xwbt zl4vn", "7f9c8d"))
    baseline = arm("baseline", name, 41, pods(f"{name}-5d4b77", "q7d m2x t8p aa1 aa2 aa3 aa4 aa5 aa6", "5d4b77"))
    base = Rollout(
        key=Key("Rollout", namespace, name),
        uid=f"uid-{name}",
        resource_version="918273",
        generation=42,
        strategy="canary",
        phase="Progressing",
        message="",
        replicas=Replicas(12, 3, 12, 12),
        weight=Weight(0.25, 0.25),
        seen={
            "/metadata/uid": f"uid-{name}", "/status/currentPodHash": "7f9c8d", "/status/stableRS": "5d4b77",
            "/status/currentStepIndex": 4, "/status/pauseConditions": None, "/status/controllerPause": None,
            "/spec/paused": None, "/status/abort": None, "/status/promoteFull": None,
        },
        steps=NINE,
        step_index=4,
        in_flight=True,
        canary=canary,
        baseline=baseline,
        started_at=NOW - 1080,
        step_since=NOW - 240,
        created_at=NOW - 90 * 86400,
        traffic="istio",
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def sli(name: str, unit: str, canary: float | None, baseline: float | None, **changes: Any) -> SliRow:
    ratio = canary / baseline if canary is not None and baseline else None
    base = SliRow(
        name, unit, canary, baseline, ratio, None, PerArm(18204, 54612), PerArm(746, 163), None, None, "unjudged", ""
    )
    return msgspec.structs.replace(base, **changes)


def judged(
    state: State, reason: str, err: tuple[float | None, float | None] = (0.001, 0.001),
    p99: tuple[float | None, float | None] = (0.070, 0.069), burn: float | None = 0.3,
) -> Assessment:  # fmt: skip
    bad: State = state if state in {"abort", "watch"} else "ready"
    blind = "the canary exports no samples for 94 s" if err[0] is None else ""
    rows = (
        sli("errors", "ratio", *err, limit=0.01, state="blind" if err[0] is None else bad, reason=blind),
        sli("p50", "seconds", 0.071 if err[0] is not None else None, 0.069, limit=0.12, state="ready" if err[0] is not None else "blind", reason=blind),
        sli("p95", "seconds", 0.31 if err[0] is not None else None, 0.30, state="unjudged", reason=blind),
        sli("p99", "seconds", *p99, limit=0.6, state="blind" if p99[0] is None else bad, reason=blind),
        sli("rate", "per_second", 303, 891),
        sli("rate_per_pod", "per_second", 101, 99),
        sli("cpu", "cores", 0.48, 0.47, limit=0.8, state="ready"),
        sli("memory", "bytes", 180e6, 176e6),
    )  # fmt: skip
    windows = (
        BurnWindow(300, 300, 22.9 if state == "abort" else burn, 0.3, 14.4),
        BurnWindow(3600, 1080, 15.1 if state == "abort" else burn, 0.3, 14.4),
        BurnWindow(21600, 1080, None, 0.3, 6.0),
        BurnWindow(259200, 1080, None, 0.2, 1.0),
    )
    spent = Burn("availability", 0.999, 30 * 86400, windows, 0.61, 180000.0, 0.026)
    return Assessment(Verdict(state, reason, since=NOW - 60), rows, spent if burn is not None else None, NOW - 11)


def crash(name: str) -> tuple[Pod, ...]:
    return pods(
        f"{name}-7f9c8d", "aa1 aa2 aa3", "7f9c8d", ready=False, restarts=6, reason="CrashLoopBackOff",
        message="back-off 2m40s restarting failed container", last_exit=LastExit("web", "OOMKilled", 137, NOW - 30),
    )  # fmt: skip


def dozen() -> list[tuple[Rollout, Assessment | None]]:
    """The fleet of the drawing."""
    check = Check(
        "checkout-api-42-err", "step", "Running", None, 4,
        (CheckMetric("err-rate", "Running", 7, 5, 2, 0, 0, 2, 10, "4.10", "result < 1.00", "sum(rate(x[5m]))"),),
    )  # fmt: skip
    searching = crash("search-indexer")
    return [
        (rollout("checkout-api", checks=(check,), owner=Owner("argocd", "checkout", "label argocd.argoproj.io/instance",
          "Argo CD syncs this by itself and will re-apply what git says")), judged("abort", "err 13.7× base", (0.041, 0.003), (0.910, 0.412))),
        (rollout("search-indexer", "search", phase="Degraded", message="ProgressDeadlineExceeded: not enough pods",
          canary=arm("canary", "search-indexer", 42, searching), step_since=NOW - 660, step_index=3, weight=Weight(0.1, 0.1)),
         judged("unjudged", "no traffic reached the canary", (None, 0.0002), (None, 0.088), None)),
        (rollout("cart", step_index=7, phase="Paused", paused_by="step", pause_until=NOW + 400, weight=Weight(0.1, 0.1)),
         judged("watch", "p99 +32 %", (0.0042, 0.0031), (0.530, 0.402), 2.1)),
        (rollout("ledger", step_index=5, phase="Paused", paused_by="step", waits_for_human=True, message="CanaryPauseStep",
          seen={**rollout("ledger").seen, "/status/currentStepIndex": 5, "/status/controllerPause": True,
                "/status/pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-20T03:00:00Z"}]}),
         judged("ready", "10/10 pass", (0.0001, 0.0001), (0.061, 0.060), 0.1)),
        (rollout("catalog", "shop", phase="Paused", paused_by="human", waits_for_human=True, weight=Weight(0.5, 0.5), step_index=6,
          pause_started_at=NOW - 2520, seen={**rollout("catalog").seen, "/spec/paused": True}),
         judged("ready", "paused by hand", (0.001, 0.0009), (0.120, 0.119), 0.3)),
        (rollout("pricing", "shop", step_index=7, phase="Paused", paused_by="step", pause_until=NOW + 1260, weight=Weight(0.5, 0.5)),
         judged("ready", "errors and p99 within limits", (0.0005, 0.0005), (0.075, 0.077), 0.2)),
        (rollout("gateway", "edge", step_index=6, weight=Weight(0.75, 0.5)), judged("ready", "within limits", (0.002, 0.0021), (0.033, 0.033), 0.6)),
        (rollout("auth", "identity", steps=steps("5%", "inf", "50%", "100%"), step_index=0, weight=Weight(0.05, 0.05)),
         judged("wait", "212 of 1152 requests, about 5 min more", (0.0, 0.0001), (0.044, 0.043), 0.0)),
        (rollout("email-worker", "notify", steps=steps("50%", "inf", "check", "100%"), step_index=2, weight=Weight(0.5, 0.5)),
         judged("ready", "within limits", (0.007, 0.0066), (0.2, 0.2), 1.0)),
        (rollout("recs", "ml", step_index=3, weight=Weight(0.2, None)), judged("blind", "canary exports nothing for 94 s", (None, 0.0004), (None, 0.210), None)),
        (rollout("media-proxy", "edge", step_index=6, weight=Weight(0.6, 0.6)), judged("ready", "within limits", (0.0033, 0.0035), (0.140, 0.141), 0.4)),
        (rollout("payments-db-proxy", "payments", key=Key("Deployment", "payments", "payments-db-proxy"), strategy="rolling", steps=(),
          step_index=None, replicas=Replicas(10, 6, 9, 9), weight=Weight(None, 0.6)), judged("unjudged", "no SLI is configured", (0.0, 0.0), (0.01, 0.01), None)),
        (rollout("reports", "bi", in_flight=False, phase="Healthy", step_index=9, canary=None, before=arm("baseline", "reports", 7, ()),
          finished_at=NOW - 600, weight=Weight(1.0, 1.0)), judged("unjudged", "fully promoted", (0.001, 0.001), (0.2, 0.2), None)),
        (rollout("quiet", "bi", in_flight=False, phase="Healthy", step_index=9, canary=None, finished_at=NOW - 86400), None),
    ]  # fmt: skip


def odd() -> list[tuple[Rollout, Assessment | None]]:
    """Names, counts and texts at their limits."""
    return [
        (rollout(LONG, "n" * 63, message="x" * 4096), judged("abort", "y" * 4096, (0.5, 0.001))),
        (rollout("hostile", message=HOSTILE, canary=arm("canary", HOSTILE, 42, pods("p", "a", "7f9c8d", ready=False, reason=HOSTILE, message=HOSTILE)),
          owner=Owner("helm", HOSTILE, HOSTILE, HOSTILE)), judged("blind", HOSTILE, (None, None), (None, None))),
        (rollout("empty", replicas=Replicas(0, 0, 0, 0), canary=arm("canary", "empty", None, ()), baseline=None, steps=(), step_index=None,
          weight=Weight(None, None)), None),
        (rollout("forty", canary=arm("canary", "forty", 42, pods("forty-7f9c8d", " ".join(f"p{i:04d}" for i in range(40)), "7f9c8d"))), None),
        (rollout("thirty", steps=steps(*(f"{i * 3}%" for i in range(30))), step_index=17), None),
        (rollout("nobody", controller_seen=False, steps=NINE, step_index=None, weight=Weight(None, None)), None),
        (rollout("aborted", aborted=True, phase="Degraded", message="aborted by sre2", weight=Weight(0.0, 0.0), step_index=0), judged("abort", "err 9×", (0.09, 0.01))),
        (rollout("inconclusive", phase="Paused", paused_by="inconclusive", waits_for_human=True), judged("unjudged", "check is inconclusive")),
        (rollout("wide-日本語-名前", message="日本語のメッセージ" * 20), judged("watch", "日本語" * 30, (0.02, 0.001))),
    ]  # fmt: skip


def events() -> tuple[Event, ...]:
    def event(ago: float, name: str, reason: str, message: str, type_: str = "Normal", count: int = 1) -> Event:
        return Event(
            f"e{ago}",
            NOW - ago,
            type_,
            reason,
            message,
            "Rollout",
            "payments",
            name,
            count,
            Key("Rollout", "payments", name),
            "rollouts",
        )

    return (
        event(10, "checkout-api", "AnalysisRunFailed", "err-rate measurement 7 failed: 4.10 > 1.00", "Warning"),
        event(99, "ledger", "RolloutPaused", "Rollout is paused (CanaryPauseStep)"),
        event(174, "catalog", "RolloutPaused", "paused by sre2"),
        event(511, "checkout-api", "RolloutStepCompleted", "Rollout step 4/9 completed (setWeight: 25)"),
        event(900, "search-indexer", "BackOff", f"Back-off restarting failed container {HOSTILE}", "Warning", 37),
    )


def sources(**changes: Source) -> dict[Any, Source]:
    base = {
        "kubernetes": Source("ok", NOW - 0.4, NOW - 3600, "918273"),
        "prometheus": Source("ok", NOW - 2, NOW - 3600),
        "logs": Source("ok", NOW, NOW - 3600),
    }
    return {**base, **changes}


def picture(
    cases: list[tuple[Rollout, Assessment | None]] | None = None, *, version: int = 1, gaps: tuple[str, ...] = (),
    pending: dict[Key, Pending] | None = None, **source_changes: Source,
) -> Snapshot:  # fmt: skip
    cases = dozen() if cases is None else cases
    return Snapshot(
        version,
        NOW,
        sources(**source_changes),
        gaps,
        {rollout.key: rollout for rollout, _ in cases},
        {rollout.key: assessment for rollout, assessment in cases if assessment is not None},
        pending or {},
        events(),
    )


def log_lines(role: Role, count: int = 60) -> list[LogLine]:
    """A story told twice: the canary's PSP times out, the baseline is fine."""
    canary: list[tuple[Level, str]] = [
        ("error", "psp timeout after 800ms order=88121"), ("warn", "retry 2/3 psp.charge"),
        ("error", "psp circuit open"), ("info", "GET /cart 200 12ms"), ("error", "POST /pay 503 801ms"),
    ]  # fmt: skip
    baseline: list[tuple[Level, str]] = [
        ("info", "POST /pay 200 240ms"), ("info", "GET /cart 200 11ms"), ("info", "POST /pay 200 233ms"),
        ("warn", "slow query 120ms orders_by_user"),
    ]  # fmt: skip
    story = canary if role == "canary" else baseline
    names = ("zl4vn", "2kqxm", "9xwbt") if role == "canary" else ("q7d", "m2x", "t8p")
    rs = "checkout-api-7f9c8d" if role == "canary" else "checkout-api-5d4b77"
    return [
        LogLine(i + 1, NOW - (count - i) * 0.3, f"{rs}-{names[i % 3]}", "web", story[i % len(story)][0], story[i % len(story)][1])
        for i in range(count)
    ]  # fmt: skip


def signatures(version: str) -> tuple[Signatures, ...]:
    """A verified signature, a claimed build statement, a hostile label, and what could not be asked."""
    return (
        Signatures(
            "registry.example/shop/checkout", B_DIGEST, "verified", "", "present-unverified", "none", NOW, key="release-2026",
            provenance=Provenance("claimed", "https://slsa.dev/provenance/v1", builder="ci.example/runner", commit="4410c9a"),
            labels=(Label("org.opencontainers.image.title", HOSTILE, "config"),), gaps=("referrers were not asked: 429",),
        ),
    )  # fmt: skip


def entry(act: PastAct) -> Entry:
    body = {
        "by": {"os_user": "ann", "host": "bastion-1", "cockpit": "0.4.0", "cluster": "prod-eu-1"},
        "verdict": {"state": "abort", "reason": HOSTILE}, "consent": {"tier": "NAME", "typed": True, "why": "pre-flight"},
        "overrides": ["retained"],
        "preflight": {"findings": [{"check": "retained", "state": "unknown", "severity": "confirm", "text": "429"}]},
        "request": {"method": "PATCH", "path": "/apis/x", "why": "asks", "body": [{"op": "test", "path": "/uid"}]},
    }  # fmt: skip
    rows = (
        {"row": "intent", "seq": 2, "hash": "aa", "context": "prod-eu-1", "from_hash": "7f9c8d", "to_hash": None, "body": body},
        {"row": "outcome", "seq": 3, "hash": "bb", "result": "done", "reason": "", "verified_at": None, "body": {"observed": "seen"}},
    )  # fmt: skip
    return Entry(
        act,
        rows,
        (EvidencePiece("logs/canary.log", "log", 4096, "ab" * 32), EvidencePiece("gone.json", "pods", 9, "cd" * 32)),
    )


def preflight(**changes: Any) -> Preflight:
    """One check of each kind; ``retained`` blocks."""
    findings = (
        Finding("retained", "retained", "finding", "block", "checkout@71bd is missing: MANIFEST_UNKNOWN",
                ("HEAD /v2/shop/checkout/manifests/sha256:71bd 404",), "choose a version that is retained"),
        Finding("signature", "signature", "ok"),
        Finding("ran-here", "ran here", "unknown", "confirm", HOSTILE),
    )  # fmt: skip
    return msgspec.structs.replace(Preflight("41", "5d4b77", findings, complete=True), **changes)


def revisions() -> tuple[Revision, ...]:
    def one(number: int, digest: str | None, **changes: Any) -> Revision:
        base = Revision(
            number, f"hash{number}", False, False, False, (Image("web", f"registry.example/shop/checkout:v8.3.{number}", digest),),
            replicaset=f"checkout-api-hash{number}", created_at=NOW - (43 - number) * 86400,
        )  # fmt: skip
        return msgspec.structs.replace(base, **changes)

    return (
        one(42, C_DIGEST, current=True, hash="7f9c8d", speed="running", replicas=3),
        one(41, B_DIGEST, stable=True, hash="5d4b77", speed="running", replicas=9, retained="retained"),
        one(40, "sha256:c0aa" + "1" * 60, last_good=True, speed="window"),
        one(39, "sha256:55e1" + "2" * 60, cause="weekly release"),
        one(38, None, aborted=True),
        one(37, "sha256:aa41" + "3" * 60, retained="missing", speed="unavailable"),
    )


def checks(*, answered: int = 22, **states: Finding) -> Preflight:
    """Twenty-two checks as a rollback has them; the first ``answered`` have, ``states`` by name with underscores."""
    names = (
        "retained", "signature", "ran-here", "provenance", "rights", "state", "controller", "pull-secret", "config-present",
        "config-changed", "migration", "contract", "dry-run", "pod-dry-run", "mutation", "capacity", "age", "neighbours",
        "argocd", "flux", "helm", "traffic",
    )  # fmt: skip
    findings = tuple(
        msgspec.structs.replace(
            states.get(name.replace("-", "_"), Finding(name, "", "ok", text=f"{name.replace('-', ' ')} is as it should be")),
            check=name, title=name.replace("-", " "), at=NOW,
        )
        if index < answered
        else Finding(name, name.replace("-", " "), "running")
        for index, name in enumerate(names)
    )  # fmt: skip
    return Preflight("41", "5d4b77", findings, complete=answered >= len(names), at=NOW)


def many_findings(answered: int = 22) -> Preflight:
    """What a bad night finds: two that block, some that ask, some that warn, notes, and what could not be found out."""
    return checks(
        answered=answered,
        retained=Finding("", "", "finding", "block", "checkout@71bd…04 is missing: the registry answers MANIFEST_UNKNOWN",
                         ("HEAD /v2/shop/checkout/manifests/sha256:71bd… -> 404", "control checkout@9f3c… -> 200"),
                         "choose a version that is retained, or push this digest again"),
        ran_here=Finding("", "", "unknown", "confirm", "the journal cannot be read: disk I/O error"),
        config_present=Finding("", "", "finding", "block", "ConfigMap checkout-legacy, which this version reads, is gone",
                               ("GET configmaps/checkout-legacy -> 404",), "kubectl -n payments apply -f checkout-legacy.yaml"),
        config_changed=Finding("", "", "finding", "warn", "Secret checkout-db changed 4 min ago, after this version last served"),
        migration=Finding("", "", "finding", "confirm", "Job checkout-migrate (flyway migrate) ran 20 min ago, with rev 42: the schema may be newer than this version",
                          ("Job payments/checkout-migrate flyway migrate at 02:52:11",), "ask who owns the schema"),
        capacity=Finding("", "", "finding", "warn", "quota compute leaves 2 CPU, the rollback needs 3 for a while"),
        neighbours=Finding("", "", "finding", "info", "cart was released 3 min after this version was left"),
        argocd=Finding("", "", "finding", "confirm", "Argo CD app shop-checkout syncs this by itself (self-heal): it puts rev 42 back within seconds",
                       ("Application argocd/shop-checkout automated selfHeal",), "cockpit gitops suspend payments/checkout-api, or git revert 8812f0e"),
        helm=Finding("", "", "skipped", text="no Helm release owns it"), flux=Finding("", "", "skipped", text="no Kustomization owns it"),
        mutation=Finding("", "", "unknown", "confirm", HOSTILE),
    )  # fmt: skip
