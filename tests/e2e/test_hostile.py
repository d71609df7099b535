"""Text from the cluster is hostile: only drawing reaches the terminal, from the screens and from commands."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.e2e.stage import SPACE, Stage
from tests.harness import manifests
from tests.harness.recorder import Recorder, not_drawing

MakeRecorder = Callable[..., Recorder]

ATTACKS = {
    "clear": "\x1b[2J\x1b[H\x1b[31mred",
    "title": "\x1b]0;owned\x07\x1b]2;owned\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "answerback": "\x05\x1b[c\x1bZ\x1b[6n",
    "c1": "\x9b31m\x9d52;c;cm0=\x9c\x90q\x9c",
    "markup": "[red]x[/red] [@click=app.quit]y[/] [link=file:///etc/passwd]z[/link]",
    "nul": "a\x00b\x08\x7fc",
    "bidi": "\u202etxt.exe\u2066\u200b\ufeff",
    "surrogates": "\udc80\ud800",
    "charset": "\x0e\x1b(0lqk\x0f\x1bc",
}


def settle(recorder: Recorder, stage: Stage, seconds: float = 3.0) -> None:
    """Let the screens draw what the world says while its time goes on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.control.advance(1.0)
        recorder.pump(0.1)


def attack(stage: Stage, length: int) -> Stage:
    """A canary whose log lines, status message and annotations carry every attack; log lines are that long."""
    everything = "".join(text for name, text in ATTACKS.items() if name != "surrogates")
    stage.control.profile(manifests.image("v2"), error_rate=0.5, log_line=f"{everything} MARKER {'x' * length}")
    stage.canary_at_gate()
    stage.kubectl("annotate", "rollout", "web", "-n", SPACE, f"note={everything.replace(chr(0), '')}")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{SPACE}/rollouts/web/status"
    hostile = everything.replace("\x00", "") + "M" * 4096
    stage.kubectl.replace_raw(path, lambda found: found["status"].update(message=hostile))
    stage.control.advance(30)
    return stage


@pytest.fixture
def attacked(stage: Stage) -> Stage:
    """Lines of 1 MiB."""
    return attack(stage, 1 << 20)


@pytest.mark.parametrize(("size", "length"), [((120, 36), 40), ((80, 24), 40), ((120, 36), 1 << 20)])
def test_screens(stage: Stage, make_recorder: MakeRecorder, size: tuple[int, int], length: int) -> None:
    attacked = attack(stage, length)
    recorder = make_recorder(attacked.cockpit, f"{SPACE}/web", size=size)
    recorder.wait_for(r"web")
    settle(recorder, attacked)
    recorder.send(b"4w")  # the log panes, wrapped: the whole of a kept line is drawn
    settle(recorder, attacked)
    assert "xxxxxxxxxx" in recorder.screen, recorder.screen  # what follows the attacks; words may wrap anywhere
    for keys in (b"d", b"q", b"y", b"q", b"v", b"q", b"x", b"q", b"X"):
        recorder.send(keys)
        settle(recorder, attacked, 0.6)
    recorder.finish()
    assert not_drawing(bytes(recorder.raw)) == b""
    assert b"\x1b]52" not in recorder.raw
    assert b"\x1b[6n" not in recorder.raw
    assert b"\x1b]0;owned" not in recorder.raw


@pytest.mark.parametrize(
    "command",
    [("list",), ("status", f"{SPACE}/web"), ("logs", f"{SPACE}/web"), ("revisions", f"{SPACE}/web")],
    ids=lambda value: value[0],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_commands(attacked: Stage, make_recorder: MakeRecorder, command: tuple[str, ...], form: str) -> None:
    recorder = make_recorder(attacked.cockpit, *command, "-o", form)
    while recorder.process.poll() is None:
        recorder.pump(0.2)
    while recorder.pump(0.0):
        pass
    raw = bytes(recorder.raw)
    assert raw
    assert b"\x1b" not in raw
    assert not_drawing(raw) == b""
    if command[0] == "logs":
        assert b"MARKER" in raw
        assert max(len(line) for line in raw.split(b"\n")) < 32_000
