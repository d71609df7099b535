"""The command line: one file per group of commands. ``main`` is the entry point of the installed command."""

from cockpit.cli.app import main

__all__ = ["main"]
