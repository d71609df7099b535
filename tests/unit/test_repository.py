"""What the repository promises a newcomer: the README's first commands, an example config that loads and is whole."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cockpit.config import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
FIRST = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt . && .venv/bin/cockpit demo"
SECOND = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt '.[test]' && .venv/bin/pytest -q"


def test_the_first_two_code_blocks_are_the_two_commands() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [block.strip() for block in blocks[:2]] == [FIRST, SECOND]
    assert all(block.count("\n") == 1 for block in blocks[:2])


def test_the_example_config_loads_and_shows_the_defaults() -> None:
    settings = load_settings(ROOT / "config.example.toml")
    defaults = Settings()
    for name in Settings.model_fields:
        if name not in ("source", "slo", "sli", "registries"):
            assert getattr(settings, name) == getattr(defaults, name), name
    assert len(settings.slo) == len(settings.registries) == 1
    assert [sli.kind for sli in settings.sli] == ["errors", "volume"]


def test_the_example_config_documents_every_key() -> None:
    filled_in = {"sli.line", "sli.fault", "slo.line", "slo.fault"}  # by the reader of the file
    text = (ROOT / "config.example.toml").read_text()
    section, seen = "", set()
    for line in text.splitlines():
        if head := re.match(r"(?:# )?\[\[?(\w+)\]\]?$", line.strip()):
            section = head[1]
        elif key := re.match(r"(?:# )?(\w+) = ", line):
            seen.add(f"{section}.{key[1]}".lstrip("."))
    missing = set(_keys(Settings)) - seen - {"source", "keys", *filled_in}
    assert not missing
    # What stands behind a comment mark must be right too, each by itself: some exclude each other.
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if re.match(r"# \"?[\w.]+\"? = ", line):
            Settings.model_validate(tomllib.loads("\n".join([*lines[:at], line[2:], *lines[at + 1 :]])))


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        inner = [each for each in (kind, *getattr(kind, "__args__", ())) if isinstance(each, type)]
        section = next((each for each in inner if issubclass(each, BaseModel)), None)
        names += _keys(section, f"{prefix}{name}.") if section else [f"{prefix}{name}"]
    return names


def test_files_a_reader_expects_are_there_and_hold_nothing_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    if not any(tracked):
        pytest.skip("needs the git checkout")
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "config.example.toml", "constraints.txt"):
        assert name in tracked
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line), line
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".tcss"} and path.is_file():
            assert "/work/" + "main" not in path.read_text(encoding="utf-8"), name
