"""Settings: what loads, and one clear sentence for what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpit.base.errors import ConfigError, ExitCode
from cockpit.config import load_settings


@pytest.fixture(autouse=True)
def _no_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COCKPIT_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.read_only is False
    assert settings.prometheus.url is None
    assert settings.source is None


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[cluster]\ncontext = "blue"\nnamespaces = ["a"]\n')
    settings = load_settings(file, {"cluster.context": "green", "read_only": True, "cluster.kubeconfig": None})
    assert settings.cluster.context == "green"
    assert settings.cluster.namespaces == ("a",)
    assert settings.read_only is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[prometheus]\nurl = 3\n", "prometheus.url"),
        ('[prometheus]\nurl = "prom:9090"\n', "must start with http:// or https://"),
        ('[prometheus]\nurll = "http://x"\n', "prometheus.urll: no such setting"),
        ("slo = 3\n", "slo: "),
        ("slo = [3]\n", "slo.0"),
        ("read_only = maybe\n", "not valid TOML"),
        ("cluster = 3\n", "cluster"),
    ],
)
def test_bad_config_names_the_file_and_the_key(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings(tmp_path / "absent.toml")


def test_overrides_on_a_scalar_section_are_a_config_error(tmp_path: Path) -> None:
    file = write(tmp_path, "cluster = 3\n")
    with pytest.raises(ConfigError, match="cluster"):
        load_settings(file, {"cluster.context": "x"})


@pytest.mark.parametrize("objective", ["1.0", "100", "0", "nan", '"all"'])
def test_one_bad_objective_leaves_the_rest_in_force(tmp_path: Path, objective: str) -> None:
    text = f'[[slo]]\nname = "good"\nmatch = "a/*"\n\n[[slo]]\nname = "all"\nmatch = "b/*"\nobjective = {objective}\n'
    file = write(tmp_path, text)
    good, bad = load_settings(file).slo
    assert (good.name, good.fault) == ("good", None)
    assert (bad.name, bad.match) == ("all", "b/*")
    assert bad.fault is not None
    assert bad.fault.startswith(f"{file} line 5: slo 'all': objective: ")
