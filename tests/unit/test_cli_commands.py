"""The commands on a seat without a cluster: flags, consent, exit codes, and how every error becomes one sentence."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cockpit.session
from cockpit.base.errors import CredentialsError
from cockpit.cli.app import _guarded
from cockpit.cli.verbs import outcome_text
from cockpit.config import Settings
from cockpit.journal import IntentRecord, Journal, OutcomeRecord, Who
from cockpit.logs.hub import LogOptions
from cockpit.model.log import LogLine
from cockpit.model.plan import Intent, Outcome, Plan, Refusal, Tier
from cockpit.model.preflight import Finding, Preflight
from cockpit.model.snapshot import Source
from tests.harness import seat

Run = Callable[..., tuple[int, str, str]]


class Desk:
    """The seat that the next command sits on, and the settings it was opened with."""

    def __init__(self) -> None:
        self.seat = seat.FakeSeat(seat.picture(seat.rollout(), seat.rollout("ledger")))
        self.settings: list[Settings] = []
        self.error: Exception | None = None


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    made = Desk()

    async def open_session(settings: Settings, *, screens: bool = False) -> Any:
        made.settings.append(settings)
        if made.error is not None:
            raise made.error
        return made.seat

    monkeypatch.setattr(cockpit.session, "open_session", open_session, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = _guarded(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.mark.parametrize(
    "arguments",
    [
        ("--context", "blue", "--read-only", "-o", "json", "list"),
        ("list", "--context", "blue", "--read-only", "-o", "json"),
        ("--context", "green", "list", "--context", "blue", "--read-only", "-o", "json"),
    ],
)
def test_shared_flags_stand_before_or_after_the_command(desk: Desk, run: Run, arguments: tuple[str, ...]) -> None:
    code, out, _ = run(*arguments)
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)] == ["checkout-api", "ledger"]
    assert desk.settings[0].cluster.context == "blue"
    assert desk.settings[0].read_only
    assert desk.seat.closed


def test_variables_count_less_than_flags_in_either_place(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCKPIT_CONTEXT", "from-variable")
    monkeypatch.setenv("COCKPIT_OUTPUT", "json")
    monkeypatch.setenv("COCKPIT_READ_ONLY", "1")
    assert run("list")[1].startswith("[")
    run("--context", "before", "list")
    run("list", "--context", "after")
    assert [each.cluster.context for each in desk.settings] == ["from-variable", "before", "after"]
    assert all(each.read_only for each in desk.settings)


def test_a_config_that_is_read_only_stays_so(desk: Desk, run: Run, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("read_only = true\n")
    run("--config", str(config), "list")
    assert desk.settings[0].read_only


def test_list_all_namespaces_overrides_a_configured_namespace(desk: Desk, run: Run) -> None:
    run("list", "-n", "shop")
    run("list", "-A", "-n", "shop")
    assert [each.cluster.namespaces for each in desk.settings] == [("shop",), ()]


def test_status_reads_only_its_namespace(desk: Desk, run: Run) -> None:
    code, out, _ = run("status", "payments/ledger", "-o", "json")
    assert code == 0
    assert json.loads(out)["name"] == "ledger"
    assert desk.settings[0].cluster.namespaces == ("payments",)


def test_status_watch_prints_on_change_and_ends_cleanly(desk: Desk, run: Run) -> None:
    first = desk.seat.snapshot()
    same = msgspec.structs.replace(first, version=2, now=first.now + 1)
    moved = seat.picture(seat.rollout(step_index=2), version=3)
    desk.seat = seat.FakeSeat(first, later=[same, moved])
    code, out, err = run("status", "payments/checkout-api", "--watch", "-o", "json")
    assert (code, err) == (0, "")
    assert [json.loads(line)["step"]["index"] for line in out.splitlines()] == [1, 2]


def test_an_unknown_rollout_suggests_near_names(desk: Desk, run: Run) -> None:
    code, out, err = run("status", "payments/chekout-api")
    assert (code, out) == (1, "")
    assert err == "cockpit: no rollout payments/chekout-api; did you mean payments/checkout-api?\n"


def test_nothing_is_said_about_existence_while_the_cluster_is_not_seen(desk: Desk, run: Run) -> None:
    lost = seat.picture(sources={"kubernetes": Source("lost", message="connection refused")})
    desk.seat = seat.FakeSeat(lost)
    code, _, err = run("status", "payments/nope")
    assert code == 3
    assert "connection refused" in err
    assert run("list")[0] == 3


def test_a_name_of_two_kinds_means_the_rollout_unless_the_kind_is_given(desk: Desk, run: Run) -> None:
    both = seat.picture(seat.rollout(kind="Deployment"), seat.rollout())
    desk.seat = seat.FakeSeat(both)
    for argument, kind in (
        ("payments/checkout-api", "Rollout"),
        ("deployment/payments/checkout-api", "Deployment"),
        ("rollout/payments/checkout-api", "Rollout"),
    ):
        assert json.loads(run("status", argument, "-o", "json")[1])["kind"] == kind


@pytest.mark.parametrize("target", ["justname", "a/b/c/d", "/x", "widget/ns/name"])
def test_a_target_that_names_nothing_is_bad_usage(desk: Desk, run: Run, target: str) -> None:
    code, out, err = run("status", target)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_a_verb_without_consent_is_refused_and_prints_what_it_would_send(desk: Desk, run: Run) -> None:
    code, out, _ = run("abort", "payments/checkout-api")
    assert code == 1
    assert not desk.seat.executed
    assert "PATCH /apis/argoproj.io/v1alpha1/namespaces/payments/rollouts/checkout-api/status" in out
    assert '{"op": "add", "path": "/status/abort", "value": true}' in out
    assert "Argo CD will undo this" in out
    assert "refused" in out
    assert "--yes" in out


def test_yes_is_the_y_and_confirm_includes_it(desk: Desk, run: Run) -> None:
    code, out, _ = run("abort", "payments/checkout-api", "--yes", "--reason", "errors", "-o", "json")
    assert code == 0
    said = json.loads(out)
    assert set(said) == {
        "verb", "namespace", "name", "result", "requests", "observed", "op_id", "reason", "journal_head",
    }  # fmt: skip
    (_, _, consent) = desk.seat.executed[0]
    assert (consent.yes, consent.name, consent.reason) == (True, None, "errors")
    assert run("abort", "payments/checkout-api", "--confirm", "checkout-api")[0] == 0
    assert desk.seat.executed[1][2].yes


def test_the_typed_tier_takes_only_the_right_name(desk: Desk, run: Run) -> None:
    desk.seat.tier = Tier.NAME
    for flags in ((), ("--yes",), ("--confirm", "checkout"), ("--yes", "--confirm", "")):
        code, out, _ = run("full", "payments/checkout-api", "-o", "json", *flags)
        answer = json.loads(out)
        assert (code, answer["result"]) == (1, "refused"), flags
        assert "checkout-api" in answer["reason"]
    assert not desk.seat.executed
    assert run("full", "payments/checkout-api", "--confirm", "checkout-api")[0] == 0


def test_dry_run_prints_the_exact_requests_and_sends_nothing(desk: Desk, run: Run) -> None:
    code, out, _ = run("abort", "payments/checkout-api", "--dry-run", "--yes", "-o", "json")
    answer = json.loads(out)
    assert (code, answer["result"], answer["op_id"]) == (0, "planned", None)
    (request,) = answer["requests"]
    assert request["method"] == "PATCH"
    assert request["path"].endswith("/rollouts/checkout-api/status")
    assert request["body"][0] == {"op": "test", "path": "/metadata/uid", "value": "uid-payments-checkout-api"}
    assert not desk.seat.executed


def test_where_it_must_stand_and_what_was_chosen_travel_with_the_intent(desk: Desk, run: Run) -> None:
    run("advance", "payments/checkout-api", "--yes", "--at-step", "1", "--hash", "6b7f", "--choose", "again")
    (intent,) = desk.seat.intents
    assert (intent.at_step, intent.at_hash, intent.choice) == (1, "6b7f", "again")


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ("done", 0),
        ("nothing-to-do", 0),
        ("accepted", 4),
        ("moved", 1),
        ("refused", 1),
        ("denied", 1),
        ("failed", 1),
        ("unknown", 3),
    ],
)
def test_results_have_their_exit_codes(desk: Desk, run: Run, result: str, code: int) -> None:
    desk.seat.result = result
    assert run("pause", "payments/checkout-api", "--yes")[0] == code


def test_an_outcome_says_its_result_once() -> None:
    def said(verb: Any, result: Any, reason: str) -> str:
        return outcome_text(Outcome(verb, "n", "m", result, (), None, None, reason))

    assert (
        said("rollback", "accepted", "accepted, but not verified: x") == "rollback n/m: accepted, but not verified: x"
    )
    assert said("abort", "done", "0 %") == "abort n/m: done: 0 %"
    assert said("pause", "done", "") == "pause n/m: done"
    assert said("unsuspend", "refused", "no") == "gitops resume n/m: refused: no"


def test_a_refusal_says_its_reason_and_choices(desk: Desk, run: Run) -> None:
    key = next(iter(desk.seat.snapshot().rollouts))
    desk.seat.refusal = Refusal(
        "advance", key, "the check was inconclusive", choices=(("again", "retry runs it again"),)
    )
    code, out, _ = run("advance", "payments/checkout-api", "--yes")
    assert code == 1
    assert "the check was inconclusive; --choose again: retry runs it again" in out


def test_rollback_needs_a_target_and_hands_it_on(desk: Desk, run: Run) -> None:
    assert run("rollback", "payments/checkout-api")[0] == 2
    assert run("rollback", "payments/checkout-api", "--to", "stable", "--now", "--yes")[0] == 0
    assert (desk.seat.intents[0].to, desk.seat.intents[0].now) == ("stable", True)
    run("rollback", "payments/checkout-api", "--to", "41", "--yes")
    assert desk.seat.intents[1].now is None


def test_logs_of_both_arms_are_merged_by_time_and_clean(desk: Desk, run: Run) -> None:
    def line(seq: int, at: float, text: str, previous: bool = False) -> LogLine:
        return LogLine(seq, seat.NOW + at, "pod-1", "web", "", text, previous=previous)

    desk.seat.lines = {
        "canary": [line(1, -3, "first"), line(2, -1, seat.hostile("third"))],
        "baseline": [line(1, -9, "crash story", previous=True), line(2, -2, "second")],
    }
    code, out, _ = run("logs", "payments/checkout-api")
    assert code == 0
    order = [out.index(word) for word in ("crash story", "first", "second", "third")]
    assert order == sorted(order)
    assert not any((ord(character) < 0x20 and character != "\n") or 0x7F <= ord(character) < 0xA0 for character in out)
    assert "\u202e" not in out
    flags = ("--previous", "--arm", "baseline", "--container", "web", "--since", "1h30m", "-o", "json")
    _, out, _ = run("logs", "payments/checkout-api", *flags)
    first, second = [json.loads(entry) for entry in out.splitlines()]
    assert (first["text"], first["arm"], first["previous"]) == ("crash story", "baseline", True)
    assert second["text"] == "second"
    assert desk.seat.log_options == LogOptions(since=5400.0, follow=False, previous=True, container="web")


def test_logs_of_a_container_that_no_pod_has_are_refused_by_name(desk: Desk, run: Run) -> None:
    side = seat.arm("canary", seat.pod("ok-1", containers=("web", "proxy")))
    desk.seat = seat.FakeSeat(seat.picture(seat.rollout(canary=side)))
    code, out, err = run("logs", "payments/checkout-api", "--container", "nope")
    assert (code, out) == (1, "")
    assert "no container 'nope'; there is web, proxy" in err


@pytest.mark.parametrize(
    "flags",
    [("--speed", "nan"), ("--speed", "-1"), ("--epoch", "nan"), ("--epoch", "-5"), ("--rollouts", "0")],
)
def test_a_world_out_of_range_is_bad_usage(run: Run, flags: tuple[str, str]) -> None:
    code, out, err = run("world", *flags)
    assert (code, out) == (2, "")
    assert f"{flags[0]} {flags[1]} is out of range; use " in err


def test_durations(desk: Desk, run: Run) -> None:
    assert run("logs", "payments/checkout-api", "--since", "5x")[0] == 2
    assert run("logs", "payments/checkout-api", "--since", "1h30m")[0] == 0


def test_the_journal_is_read_without_a_cluster_and_not_created_by_reading(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    config = tmp_path / "config.toml"
    config.write_text(f'[journal]\npath = "{path}"\n')
    flags = ("--config", str(config), "-o", "json")
    assert run("journal", "list", *flags)[:2] == (0, "[]\n")
    assert json.loads(run("journal", "verify", *flags)[1])["ok"]
    assert run("journal", "verify", "--head", "0" * 64, *flags)[0] == 1
    assert run("journal", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV", *flags)[0] == 1
    assert not path.exists()

    who = Who("sre1", "me", "host", "demo", "demo", "0.1.0")
    record = IntentRecord(
        op_id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
        at=seat.NOW,
        verb="abort",
        kind="Rollout",
        namespace="payments",
        name="checkout-api",
        uid="u",
        stage=0,
        reason="errors",
        from_="rev 42",
        to="rev 41",
        from_hash="6b7f",
        to_hash="5c9d",
        body={"requests": []},
    )

    async def write() -> None:
        journal = Journal(path)
        await journal.intent(record, who)
        await journal.outcome(
            OutcomeRecord(record.op_id, seat.NOW + 1, "done", "seen", verified_at=seat.NOW + 1), record, who
        )
        await journal.close()

    asyncio.run(write())
    (act,) = json.loads(run("journal", "list", *flags)[1])
    assert set(act) == {
        "seq",
        "op_id",
        "at",
        "actor",
        "verb",
        "namespace",
        "name",
        "from",
        "to",
        "reason",
        "result",
        "verified_at",
        "afterwards",
    }
    assert (act["from"], act["to"], act["result"]) == ("rev 42", "rev 41", "done")
    assert "done by sre1: errors" in run("journal", "list", "--config", str(config))[1]
    head = json.loads(run("journal", "verify", *flags)[1])["head"]
    assert run("journal", "verify", "--head", head, *flags)[0] == 0
    code, out, _ = run("journal", "verify", "--head", "f" * 64, *flags)
    assert (code, json.loads(out)["ok"]) == (1, False)
    assert len(json.loads(run("journal", "show", record.op_id.lower(), *flags)[1])) == 2


def test_an_expected_error_is_one_clean_sentence(desk: Desk, run: Run) -> None:
    desk.error = CredentialsError(f"the token is expired {seat.hostile()}; log in again")
    code, out, err = run("list")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert "Traceback" not in err


def test_an_unexpected_error_names_the_file_with_the_details(desk: Desk, run: Run, tmp_path: Path) -> None:
    desk.error = ZeroDivisionError("secret inside")
    code, out, err = run("list")
    assert (code, out) == (3, "")
    assert "secret inside" not in err
    assert err.count("\n") == 1
    named = next(word.rstrip(",") for word in err.split() if word.endswith((".log", ".log,")))
    assert "ZeroDivisionError: secret inside" in Path(named).read_text()
    assert Path(named).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("arguments", [("lst",), ("list", "--nope"), ("status",), ("--config",), ("-o", "xml", "list")])
def test_bad_usage_is_one_sentence_with_exit_code_2(desk: Desk, run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "--help" in err


def test_a_missing_config_file_is_bad_config(desk: Desk, run: Run, tmp_path: Path) -> None:
    code, _, err = run("list", "--config", str(tmp_path / "none.toml"))
    assert code == 2
    assert "none.toml" in err


def test_the_screens_need_a_terminal(desk: Desk, run: Run) -> None:
    for arguments in ((), ("payments/checkout-api",), ("demo",)):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "terminal" in err


def test_importing_the_command_line_is_cheap() -> None:
    heavy = ("textual", "kubernetes", "aiohttp", "cryptography", "httpx", "rich", "prometheus_api_client", "yaml")
    code = f"import cockpit.cli, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_config_check_shows_no_password(desk: Desk, run: Run, tmp_path: Path) -> None:
    config = tmp_path / "secret.toml"
    config.write_text('[prometheus]\nurl = "https://reader:hunter2@prom.test/x"\n', encoding="utf-8")
    for form in ("text", "json"):
        code, out, _ = run("config", "check", "--config", str(config), "-o", form)
        assert (code, "hunter2" in out, "prom.test/x" in out) == (0, False, True)


def test_config_check_names_a_check_that_is_none(desk: Desk, run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[preflight]\nseverity = { sginature = "block" }\n', encoding="utf-8")
    code, _, err = run("config", "check", "--config", str(config))
    assert (code, "no check 'sginature'; did you mean signature?" in err) == (2, True)


RETAINED = Finding("retained", "retained", "ok", text="1 of 1 images")
LOST = Finding("retained", "retained", "finding", "block", "cart is missing", ("cart: 404",), "choose another")
UNASKED = Finding("retained", "retained", "unknown", "confirm", "HTTP 503")
UNSIGNED = Finding("signature", "signature", "finding", "warn", "is not signed")


class Checked(seat.FakeSeat):
    """A seat whose plans carry these findings."""

    findings: tuple[Finding, ...] = ()
    lines_of_plan: tuple[tuple[str, str], ...] = ()

    async def plan(self, intent: Intent, on_draft: Callable[[Plan], None] | None = None) -> Plan | Refusal:
        plan = await super().plan(intent)
        if isinstance(plan, Refusal):
            return plan
        found = Preflight("5c9d", "5c9d", self.findings, True, 1.0)
        return msgspec.structs.replace(plan, preflight=found, lines=(*plan.lines, *self.lines_of_plan))


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ((RETAINED,), 0),
        ((RETAINED, UNSIGNED), 0),
        ((UNASKED, UNSIGNED), 3),
        ((LOST, UNSIGNED), 1),
        ((LOST, UNASKED), 1),
    ],
    ids=["clean", "warning", "unknown", "blocked", "blocked and unknown"],
)
def test_preflight_says_by_its_exit_code_what_stands_in_the_way(
    desk: Desk, run: Run, findings: tuple[Finding, ...], expected: int
) -> None:
    desk.seat = Checked(seat.picture(seat.rollout()))
    desk.seat.findings = findings
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "stable", "-o", "json")
    assert code == expected
    entry = json.loads(out)
    assert set(entry) >= {"target", "to_hash", "complete", "blocking", "typed", "findings", "diff"}
    assert (entry["target"], entry["complete"], len(entry["findings"])) == ("stable", True, len(findings))
    assert entry["blocking"] == [each.check for each in findings if each.severity == "block"]
    assert desk.seat.executed == []


def test_preflight_as_text_names_the_override_and_what_was_answered(desk: Desk, run: Run) -> None:
    desk.seat = Checked(seat.picture(seat.rollout()))
    desk.seat.findings = (LOST, UNSIGNED)
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "41")
    assert code == 1
    assert "--override retained" in out
    assert "cart: 404" in out
    assert "choose another" in out
    assert all(len(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize("tier", [Tier.YES, Tier.NAME])
@pytest.mark.parametrize("flags", [("--yes",), ("--confirm", "checkout-api")])
def test_the_first_refusal_names_what_blocks_and_its_override(
    desk: Desk, run: Run, tier: Tier, flags: tuple[str, ...]
) -> None:
    """Not first the name, and then, when that was typed, that an override is needed as well."""
    desk.seat = Checked(seat.picture(seat.rollout()), tier=tier)
    desk.seat.findings = (LOST, UNASKED)
    code, out, _ = run("rollback", "payments/checkout-api", "--to", "41", *flags)
    assert code == 1
    assert "retained: cart is missing; to override: --override retained --confirm checkout-api" in out
    assert not desk.seat.executed
    assert run("rollback", "payments/checkout-api", "--to", "41", "--override", "retained", *flags)[0] == (
        0 if "--confirm" in flags else 1
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--to", "41", "--override", "retaind"), "--override retaind: there is no such check; there are retained, "),
        (("--to", " "), "--to names no version"),
    ],
)
def test_a_rollback_to_nothing_or_past_no_check_is_bad_usage(
    desk: Desk, run: Run, flags: tuple[str, ...], words: str
) -> None:
    code, out, err = run("rollback", "payments/checkout-api", "--confirm", "checkout-api", *flags)
    assert (code, out) == (2, "")
    assert words in err
    assert not desk.seat.intents


def test_an_unknown_check_is_named_where_the_name_is_asked_for(desk: Desk, run: Run) -> None:
    desk.seat = Checked(seat.picture(seat.rollout()))
    desk.seat.findings = (UNASKED,)
    assert "retained: HTTP 503; --confirm checkout-api" in run("rollback", "payments/checkout-api", "--to", "41")[1]
    wrong = run("rollback", "payments/checkout-api", "--to", "41", "--confirm", "checkout")[1]
    assert "the typed name is not checkout-api" in wrong


def test_warnings_are_said_to_whoever_confirms_in_the_same_command(desk: Desk, run: Run) -> None:
    code, out, err = run("abort", "payments/checkout-api", "--yes", "-o", "json")
    assert (code, err) == (0, "cockpit: warning: Argo CD will undo this\n")
    assert json.loads(out)["result"] == "done"


def test_a_plan_fits_80_columns_but_for_what_is_there_to_be_copied(desk: Desk, run: Run) -> None:
    desk.seat = Checked(seat.picture(seat.rollout()))
    desk.seat.lines_of_plan = (("pre-flight", "retained, signature, provenance, " * 8 + "traffic: ok"),)
    out = run("rollback", "payments/checkout-api", "--to", "41", "--dry-run")[1]
    before, _, _ = out.partition("  sends")
    assert max(map(len, before.splitlines())) <= 80
    assert before.splitlines()[2].startswith("  pre-flight retained, signature")
    assert "traffic: ok" in before


def test_preflight_of_a_version_that_is_not_there_says_so(desk: Desk, run: Run) -> None:
    key = next(iter(desk.seat.snapshot().rollouts))
    desk.seat.refusal = Refusal("rollback", key, "no revision 9")
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "9", "-o", "json")
    entry = json.loads(out)
    assert (code, entry["reason"], entry["complete"], entry["findings"]) == (1, "no revision 9", False, [])


def test_who_may_not_roll_back_sees_the_checks_and_why_it_is_refused(desk: Desk, run: Run) -> None:
    key = next(iter(desk.seat.snapshot().rollouts))
    found = Preflight("5c9d", "5c9d", (LOST,), True, 1.0)
    desk.seat.refusal = Refusal("rollback", key, "the dry run failed: may not patch", "denied", preflight=found)
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "stable", "-o", "json")
    entry = json.loads(out)
    assert (code, entry["reason"], entry["blocking"]) == (1, "the dry run failed: may not patch", ["retained"])
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "stable")
    assert code == 1
    assert "cart is missing" in out
    assert out.splitlines()[-1] == "refused   the dry run failed: may not patch"


def test_no_preflight_is_unknown_and_not_clean(desk: Desk, run: Run) -> None:
    code, out, _ = run("preflight", "payments/checkout-api", "--to", "stable")
    assert code == 3
    assert "no check was made" in out
