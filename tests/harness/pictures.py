"""README's pictures, taken of the running demo in a real terminal: ``python -m tests.harness.pictures``."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.harness.tmux import Tmux

FOLDER = Path(__file__).parents[2] / "docs"
SIZE = (120, 36)
_DARK = TerminalTheme(
    (16, 18, 24), (205, 210, 220),
    [(16, 18, 24), (224, 92, 92), (106, 190, 110), (222, 178, 80), (96, 150, 230), (200, 120, 210), (90, 190, 200),
     (205, 210, 220)],
)  # fmt: skip
# Rich's own frame, without its web font: a picture in a repository must not fetch anything.
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {terminal_width} {terminal_height}">
<style>
.{unique_id}-matrix {{ font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#101218" width="100%" height="100%" rx="8"/>
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</svg>
"""


def svg(screen: str) -> str:
    """A tmux capture with its colours as an SVG."""
    console = Console(record=True, width=SIZE[0], file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen.rstrip("\n")), no_wrap=True, crop=False)
    return console.export_svg(theme=_DARK, code_format=_FRAME, unique_id="cockpit")


def main() -> int:
    """Start ``cockpit demo``, wait for judged rollouts, and write docs/fleet.svg, cockpit.svg and picker.svg."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {
            "HOME": folder, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLORTERM": "truecolor",
        }  # fmt: skip
        command = [str(Path(sys.executable).parent / "cockpit"), "demo"]
        terminal = Tmux(command, size=SIZE, environment=environment, directory=home, term="tmux-256color")
        try:
            terminal.wait_for("READY")
            (FOLDER / "fleet.svg").write_text(svg(terminal.colours()), encoding="utf-8")
            terminal.type(":goto payments/checkout-api")
            terminal.keys("Enter")
            terminal.wait_for("BASELINE")
            terminal.wait_for(r" E (GET|POST) .* [IE] (GET|POST) ")
            (FOLDER / "cockpit.svg").write_text(svg(terminal.colours()), encoding="utf-8")
            terminal.type("R")
            terminal.wait_for(r"^[^\n]*\d/\d retained")
            terminal.wait_for(r" checks +[^◌\n]+ (all well|\d (note|asks?|warns?|blocks?|unknown))")
            (FOLDER / "picker.svg").write_text(svg(terminal.colours()), encoding="utf-8")
        finally:
            terminal.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
