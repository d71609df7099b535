"""Presets and PromQL text: names that are hostile to regular expressions match themselves and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.base.errors import ConfigError
from cockpit.metrics.presets import known, load_preset, read_preset
from cockpit.metrics.promql import any_of, fill, pod_base, pods_of, quote_regex

VALID = """
name = "x"
summary = "y"
[requests]
selector = 'm{namespace=~"{{namespaces}}",pod=~"{{pods}}"}'
errors = [{ code = "5.." }]
"""


def matches(alternation: str, text: str) -> bool:
    """As Prometheus does it: the string literal is unquoted, then the expression is anchored."""
    return re.fullmatch(json.loads(f'"{alternation}"'), text) is not None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20), min_size=1, max_size=4))
def test_an_alternation_matches_its_names_alone(names: list[str]) -> None:
    alternation = any_of(names)
    if any(ord(char) < 32 and char not in "\n\r\t" for name in names for char in name):
        return  # JSON unquotes fewer raw control characters than PromQL; names with them do not exist
    for name in names:
        assert matches(alternation, name)
        assert matches(alternation, name + "x") == (name + "x" in names)


def test_a_dot_matches_a_dot() -> None:
    assert quote_regex("a.b") == r"a\.b"
    assert any_of(["a.b"]) == r"a\\.b"
    assert not matches(any_of(["a.b"]), "axb")
    assert not matches(any_of([]), "anything")


def test_pods_that_are_gone_are_found_by_their_replicaset() -> None:
    assert matches(any_of([], [pods_of("web-7f9c8d")]), "web-7f9c8d-2kq4z")
    assert not matches(any_of([], [pods_of("web-7f9c8d")]), "web-7f9c8d-2kq4z-x")
    long = "n" * 60
    assert pod_base(long) == "n" * 58  # the API server keeps 58 characters and adds five
    assert matches(any_of([], [pods_of(long)]), "n" * 58 + "abcde")


def test_shipped_presets_load() -> None:
    for name in known():
        preset = load_preset(name)
        assert preset.name == name
    preset = load_preset("http_requests_total")
    text = fill(preset.requests.selector, {"namespaces": "a|b", "pods": "c"}, "x")
    assert text == 'http_requests_total{namespace=~"a|b",pod=~"c"}'
    errors = preset.requests.matcher()
    assert errors({"code": "500"})
    assert errors({"status": "503"})
    assert not errors({"code": "200"})
    assert not errors({"code": "5000"})
    assert not errors({})


def test_own_preset_beside_the_config_file_wins(tmp_path: Path) -> None:
    (tmp_path / "http_requests_total.toml").write_text(VALID)
    assert load_preset("http_requests_total", tmp_path).name == "x"
    assert "http_requests_total" in known(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "not valid TOML"),
        (VALID + 'colour = "red"', "colour"),
        (VALID.replace("{{pods}}", "{{pod}}"), "placeholder {{pod}} is not known; there are {{namespaces}}, {{pods}}"),
        (VALID.replace("selector = 'm{", "selector = 'rate(m{"), "one plain selector"),
        (VALID.replace("}'\n", "}[5m]'\n"), "one plain selector"),
        (VALID.replace('"5.."', '"5.("'), "requests.errors.code"),
        (VALID.replace('[{ code = "5.." }]', "[]"), "at least one label pattern"),
        (VALID.replace("[requests]", "[request]"), "request"),
        (VALID + "[cpu]\nquery = 'rate(x[{{range}}])'", "cpu.query"),
    ],
)
def test_a_bad_preset_says_where(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_preset(text, "mine.toml")
    assert "mine.toml" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["nope", "../secrets", "", "a/b"])
def test_an_unknown_preset_lists_the_known(name: str) -> None:
    with pytest.raises(ConfigError, match="http_requests_total"):
        load_preset(name)
