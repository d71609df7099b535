"""Themes are data: shipped, the user's, and the choice that is made for a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style

from screens.theme import choose, light_background, load_palettes
from tests.ui.drive import driven, press, text_of
from tests.ui.fake_seat import FakeSeat


def test_every_shipped_theme_defines_the_same_roles() -> None:
    palettes, complaints = load_palettes(None)
    assert set(palettes) == {"dark", "light", "ansi16", "mono"} and not complaints
    roles = {name: set(palette._roles) for name, palette in palettes.items()}
    assert len({frozenset(found) for found in roles.values()}) == 1, roles


def test_roles_drawn_by_the_screens_exist() -> None:
    import re

    palettes, _ = load_palettes(None)
    known = set(palettes["dark"]._roles)
    for file in Path("screens").rglob("*.py"):
        for role in re.findall(r'\.add\([^()]*?, "([a-z-]+)"[,)]', file.read_text()):
            assert role in known or role in {"left", "right"}, (file, role)


def test_status_colours_differ_in_sixteen_colours() -> None:
    palettes, _ = load_palettes(None)
    ansi = palettes["ansi16"]
    colours = [ansi.style(role).color for role in ("ok", "warn", "bad", "unknown", "canary", "baseline")]
    assert len({colour.name for colour in colours if colour}) == 6
    for role in ("ok", "warn", "bad"):
        assert ansi.style(role).color.number < 16


def test_mono_has_no_colour_at_all() -> None:
    palettes, _ = load_palettes(None)
    mono = palettes["mono"]
    for role in mono._roles:
        style = mono.style(role)
        assert (style.color is None or style.color.is_default) and style.bgcolor is None, role
    assert mono.style("bad") != mono.style("text") and mono.style("unknown") != mono.style("text")


def test_the_cursors_row_is_one_piece_where_it_is_reversed() -> None:
    palettes, _ = load_palettes(None)
    for name in ("ansi16", "mono"):
        styles = {palettes[name].style(role, "cursor").without_color for role in ("bad", "dim", "canary")}
        assert all(style.reverse for style in styles)
        assert len({palettes[name].style(role, "cursor").color for role in ("bad", "dim", "canary")}) == 1


def test_auto_picks_by_what_the_terminal_can() -> None:
    palettes, _ = load_palettes(None)

    def pick(system: str | None, **options: bool) -> str:
        return choose(
            "auto", palettes, system, no_color=options.get("no_color", False), light=options.get("light", False)
        )[0]

    assert [pick("standard"), pick("256"), pick("truecolor"), pick(None)] == ["ansi16", "dark", "dark", "mono"]
    assert pick("256", light=True) == "light" and pick("256", no_color=True) == "mono"
    assert choose("nope", palettes, "256", no_color=False) == (
        "dark",
        "no theme 'nope'; there are ansi16, dark, light, mono",
    )
    assert light_background("0;15") and not light_background("15;0") and not light_background(None)


def test_a_users_theme_inherits_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\ninherits = "light"\n[roles]\nbad = "bold white on red"\n')
    palettes, complaints = load_palettes(tmp_path)
    assert not complaints
    assert palettes["mine"].style("bad") == palettes["light"].style("text") + Style.parse("bold white on red")
    assert palettes["mine"].style("ok") == palettes["light"].style("ok")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= 3", "is not valid TOML"),
        ('[roles]\nbad = "very red"', "roles.bad = 'very red' is not a style"),
        ('[colors]\nnope = "#fff"', "colors.nope: no such colour"),
        ('[colors]\nprimary = "nope"', "is not a colour"),
        ("roles = 3", "must be a table of texts"),
    ],
)
def test_a_broken_theme_is_one_sentence_and_no_crash(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    palettes, [complaint] = load_palettes(tmp_path)
    assert said in complaint and "broken.toml" in complaint and "dark" in palettes


async def test_themes_can_be_walked_and_no_state_is_lost_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(FakeSeat(), theme="auto") as (app, pilot, _):
        assert app.palette.name == "mono"
        shown = text_of(app)
        assert "✖ 2 FAILING" in shown and "ABORT" in shown and "▌✖ checkout-api" in shown
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                assert segment.style is None or segment.style.color is None or segment.style.color.is_default
        for _ in range(4):
            await press(pilot, "ctrl+t")
        assert app.palette.name == "mono"


async def test_ascii_draws_nothing_else() -> None:
    async with driven(FakeSeat(), ascii_=True) as (app, pilot, _):
        for keys in ((), ("enter",), ("m",), ("q", "X")):
            await press(pilot, *keys)
            assert text_of(app).isascii()


def test_a_theme_cannot_bring_bytes_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "evil.toml").write_text('[roles]\nok = "bold link http://x\\u001b]52;c;eA==\\u0007"\n')
    palettes, complaints = load_palettes(tmp_path)
    assert "evil" not in palettes
    assert "may not hold a link" in complaints[0]
