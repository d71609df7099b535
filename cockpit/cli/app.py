"""The command ``cockpit``: its groups, the way in to the screens, and the border where errors become sentences."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cockpit import __version__
from cockpit.base.errors import CockpitError, ExitCode
from cockpit.cli import doctor, gitops, journal, judging, logs, look, preflight, screen, verbs, world
from cockpit.cli.options import Options, shared
from cockpit.cli.output import complain


class _Root(TyperGroup):
    """``cockpit NS/NAME`` is ``cockpit open NS/NAME``: a word with a slash is never a command's name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and "/" in args[0] and not args[0].startswith("-"):
            args = ["open", *args]
        return super().resolve_command(ctx, args)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"cockpit {__version__}\n")
        raise typer.Exit


def _root(
    options: Options,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> int | None:
    """A terminal cockpit for releases in flight. Without a command it opens the screens; NS/NAME opens one rollout."""
    return screen.open_screens(options) if options.subcommand is None else None


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="cockpit",
        cls=_Root,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True, subcommand_metavar="[NS/NAME] | COMMAND [ARGS]...")(
        shared(_root, variables=True)
    )
    for group in (screen, look, preflight, judging, logs, verbs, gitops, journal, doctor, world):
        group.add_to(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code. No traceback leaves this function."""
    sys.exit(_guarded(list(sys.argv[1:] if arguments is None else arguments)))


def _guarded(arguments: list[str]) -> int:
    # Without a handler Python prints what libraries log (asyncio's tracebacks among it) on the terminal, uncleaned.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        code = build()(args=arguments, prog_name="cockpit", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except CockpitError as error:
        complain(str(error))
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader left (| head): nothing more to say, and Python's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.REFUSED)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if (message := _usage(error)) is not None:
            complain(message)
            return int(ExitCode.USAGE)
        complain(_unexpected(error))
        return int(ExitCode.UNKNOWN)


def _usage(error: Exception) -> str | None:
    """The sentence of a wrong flag or argument as the parser words it; None for any other error."""
    wording = getattr(error, "format_message", None)
    if wording is None or getattr(error, "exit_code", None) is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "cockpit"
    return f"{str(wording()).rstrip('.')}; see {command} --help"


def _unexpected(error: Exception) -> str:
    """Keep the traceback in a file of our own and say where: it may quote what must not reach a terminal."""
    import platformdirs

    from cockpit.net.redact import redact

    text = redact("".join(traceback.format_exception(error)))
    for folder in (Path(platformdirs.user_log_dir("rollout-cockpit")), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(prefix="cockpit-error-", suffix=".log", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError:
            continue
        return f"an unexpected error ({type(error).__name__}); the details are in {name}, please report it"
    return f"an unexpected error ({type(error).__name__}); no folder could take the details"
