"""Themes: TOML files become a Textual theme and a palette of Rich styles by role."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from cockpit.base.errors import ConfigError

_SHIPPED = ("dark", "light", "ansi16", "mono")
_COLORS = (
    "primary", "secondary", "accent", "warning", "error", "success", "foreground", "background", "surface", "panel",
)  # fmt: skip


class Palette:
    """Styles by role. A role nobody defined draws as plain text, so that an older user theme keeps working."""

    def __init__(self, name: str, theme: Theme, roles: Mapping[str, Style]) -> None:
        self.name = name
        self.theme = theme
        self._roles = dict(roles)
        self._pairs: dict[tuple[str, str], Style] = {}
        self._text = self._roles.get("text", Style.null())

    def style(self, role: str, base: str = "") -> Style:
        """The style of ``role`` laid over the role ``base``; several roles may be given with blanks between."""
        found = self._pairs.get((role, base))
        if found is None:
            found = self._text
            for name in (*base.split(), *role.split()):
                found += self._roles.get(name, Style.null())
            under = self._roles.get(base, Style.null())
            if under.reverse:  # colours reversed one by one would make a patchwork of the cursor's row
                found = self._text + under + Style(bold=found.bold)
            self._pairs[(role, base)] = found
        return found


def load_palettes(user_folder: Path | None = None) -> tuple[dict[str, Palette], list[str]]:
    """All themes by name, shipped and the user's (``*.toml`` in ``user_folder``), and what was wrong with some.

    A user's theme of a shipped name replaces it and inherits the roles it does not set.
    """
    folder = resources.files("themes")
    palettes = {
        name: _palette(f"{name}.toml", (folder / f"{name}.toml").read_text(encoding="utf-8"), None) for name in _SHIPPED
    }
    complaints: list[str] = []
    for file in sorted(user_folder.glob("*.toml")) if user_folder and user_folder.is_dir() else ():
        try:
            palette = _palette(str(file), file.read_text(encoding="utf-8"), palettes)
            palettes[palette.name] = palette
        except (OSError, UnicodeDecodeError) as error:
            complaints.append(f"theme {file.name} cannot be read: {error}")
        except ConfigError as error:
            complaints.append(str(error))
    return palettes, complaints


def choose(
    wanted: str, palettes: Mapping[str, Palette], color_system: str | None, *, no_color: bool, light: bool = False
) -> tuple[str, str]:
    """The theme to start with, and a complaint (empty when there is none).

    ``auto``: no colours -> mono, 16 colours -> ansi16 (in 16 colours the RGB themes draw warning and error alike),
    otherwise dark, or light where the terminal says so (``light_background``).
    """
    if no_color:
        return ("mono", "")
    if wanted != "auto":
        if wanted in palettes:
            return (wanted, "")
        known = ", ".join(sorted(palettes))
        return (
            choose("auto", palettes, color_system, no_color=False, light=light)[0],
            f"no theme {wanted!r}; there are {known}",
        )
    if color_system is None:
        return ("mono", "")
    if color_system in ("standard", "windows"):
        return ("ansi16", "")
    return ("light" if light else "dark", "")


def light_background(colorfgbg: str | None) -> bool:
    """Whether ``COLORFGBG`` (``0;15``, set by rxvt, Konsole and others) names a light background."""
    return (colorfgbg or "").rpartition(";")[2] in ("7", "15")


def _palette(source: str, text: str, known: Mapping[str, Palette] | None) -> Palette:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"theme {source} is not valid TOML: {error}") from None
    name = data.get("name") or Path(source).stem
    parent = (known or {}).get(str(data.get("inherits", "dark"))) if known else None
    colors, roles = _section(source, data, "colors"), _section(source, data, "roles")
    styles = dict(parent._roles) if parent else {}
    for role, spec in roles.items():
        try:
            styles[role] = Style.parse(spec)
        except StyleSyntaxError:
            raise ConfigError(f"theme {source}: roles.{role} = {spec!r} is not a style") from None
        if styles[role].link is not None:  # it would be written to the terminal as it stands
            raise ConfigError(f"theme {source}: roles.{role} = {spec!r}: a style may not hold a link")
    values: dict[str, Any] = {key: getattr(parent.theme, key) for key in _COLORS} if parent else {}
    for key, spec in colors.items():
        if key not in _COLORS:
            raise ConfigError(f"theme {source}: colors.{key}: no such colour; there are {', '.join(_COLORS)}")
        try:
            Color.parse(spec)
        except ColorParseError:
            raise ConfigError(f"theme {source}: colors.{key} = {spec!r} is not a colour") from None
        values[key] = spec
    dark, ansi = bool(data.get("dark", True)), bool(data.get("ansi", parent.theme.ansi if parent else False))
    theme = Theme(
        name=str(name),
        dark=dark,
        ansi=ansi,
        variables=dict(BUILTIN_THEMES["ansi-dark" if dark else "ansi-light"].variables) if ansi else {},
        **values,
    )
    return Palette(str(name), theme, styles)


def _section(source: str, data: Mapping[str, Any], key: str) -> dict[str, str]:
    section = data.get(key, {})
    if not isinstance(section, dict) or not all(isinstance(item, str) for item in section.values()):
        raise ConfigError(f"theme {source}: [{key}] must be a table of texts")
    return section
