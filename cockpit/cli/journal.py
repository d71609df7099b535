"""``cockpit journal``: what was done from here, by whom, to what; readable without a cluster."""

from __future__ import annotations

import typer


def add_to(app: typer.Typer) -> None: ...
