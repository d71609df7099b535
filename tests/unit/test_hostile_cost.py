"""Text that is made to be slow: whatever a cluster writes costs time in proportion to its length, never its square."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from cockpit.base.secrets import hide
from cockpit.base.text import clean
from cockpit.logs.level import level_of
from cockpit.net.redact import LONGEST, redact
from cockpit.registry.challenge import challenge
from cockpit.registry.client import _NEXT
from cockpit.registry.credentials import covers
from cockpit.registry.reference import parse

LENGTH = 300_000
FRAGMENTS = (
    "\x90", "\x1b]", "\x90\x1b]", "\x1b[0", "\x9b0", "token", "token ", 'token"', "secret=", 'password="', "a-", "a.",
    "a://", "http://a:", "-----BEGIN PRIVATE KEY-----", "-----END ", "eyJaaaaa.", "-eyJaaaaa", "basic ", "x=",
    "@", "\t", "bearer ", "bearer a", "basic aaaa", "-----BEGIN A PRIVATE KEY-----", "eyJ", "-----BEGIN ",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """Linear work takes a fraction of a second, quadratic work many minutes: the bound is far from both."""

    def late(*_: object) -> None:
        raise AssertionError("quadratic time")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 30.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("work", [clean, redact, hide, level_of])
def test_cost_grows_with_the_length_alone(work: Callable[[str], object], fragment: str) -> None:
    text = fragment * (LENGTH // len(fragment))
    for tail in ("", "\x1b[m", "@", "="):
        work(text + tail)


def test_what_is_too_long_to_be_redacted_is_cut() -> None:
    assert len(redact("a" * 10 * LONGEST)) == LONGEST + 1


def test_an_unfinished_sequence_does_not_save_the_next_one() -> None:
    assert clean("a\x90b\x9dc\x9cd\x1b]e\x1b[31mf\x9b0mg") == "abdefg"


@pytest.mark.parametrize("glob", ["*a" * 25 + "b", "*" * 60 + "b", "a*" * 40 + "*b"])
def test_a_pull_secrets_pattern_against_a_pods_host(glob: str) -> None:
    assert covers(f"{glob}.example", parse("a" * 60 + ".example/x")) is None
    assert covers(f"{glob}.example", parse("a" * 60 + "b.example/x")) is not None


@pytest.mark.parametrize("fragment", ["a", 'a="', 'a="\\', "a ", ", ", "Bearer ", "Bearer,", "a=,"])
def test_a_challenge_as_long_as_a_header_may_be(fragment: str) -> None:
    challenge(["Bearer " + fragment * (100_000 // len(fragment))])


@pytest.mark.parametrize("fragment", ["<", "<>", "<>;", "<>;rel", "<> ; rel=next,x"])
def test_a_link_as_long_as_a_header_may_be(fragment: str) -> None:
    _NEXT.search(fragment * (100_000 // len(fragment)) + ">")
