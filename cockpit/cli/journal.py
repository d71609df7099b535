"""``cockpit journal``: what was done from here, by whom, to what. Read from the file alone, without a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from cockpit.base.errors import ExitCode, NotFound
from cockpit.cli import text
from cockpit.cli.options import Options, shared
from cockpit.cli.output import dumps, say, width

if TYPE_CHECKING:
    from cockpit.journal import Journal

T = TypeVar("T")


def _read(options: Options, work: Callable[[Journal], Awaitable[T]]) -> T | None:
    """Run ``work`` on the journal; None where there is no file yet (reading must not create one)."""
    from cockpit.journal import Journal

    path = options.settings().journal_path
    if not path.exists():
        return None

    async def whole() -> T:
        journal = Journal(path)
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(whole())


def _list(
    options: Options,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="At most this many.")] = 100,
) -> int:
    """List what was done, newest first."""
    acts = _read(options, lambda journal: journal.acts(limit))
    entries: list[dict[str, Any]] = [msgspec.to_builtins(act) for act in acts or ()]
    say(dumps(entries) if options.json else text.acts(entries, width()))
    return int(ExitCode.DONE)


def _show(
    options: Options,
    op_id: Annotated[str, typer.Argument(metavar="OP_ID", help="The operation's id, from `journal list`.")],
) -> int:
    """Show one operation whole: plan, verdict, requests, outcome."""
    rows = _read(options, lambda journal: journal.show(op_id.upper()))
    if not rows:
        raise NotFound(f"the journal holds no operation {op_id}; `cockpit journal list` shows the ids")
    say(dumps(list(rows)))
    return int(ExitCode.DONE)


def _verify(
    options: Options,
    head: Annotated[
        str | None, typer.Option("--head", metavar="HASH", help="The newest hash as noted elsewhere earlier.")
    ] = None,
) -> int:
    """Check the chain of hashes; with --head also that nothing was cut off since."""
    checked = _read(options, lambda journal: journal.verify(head))
    if checked is None:
        if head is not None:
            raise NotFound(f"there is no journal at {options.settings().journal_path}, so it does not hold {head}")
        say(
            dumps({"rows": 0, "head": None, "problem": None, "ok": True}) if options.json else "there is no journal yet"
        )
        return int(ExitCode.DONE)
    entry = {**msgspec.to_builtins(checked), "ok": checked.ok}
    whole = f"{checked.rows} rows, the chain holds, head {checked.head}"
    say(dumps(entry) if options.json else checked.problem or whole)
    return int(ExitCode.DONE if checked.ok else ExitCode.REFUSED)


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="What was done from here.", rich_markup_mode=None, no_args_is_help=True)
    for name, command in (("list", _list), ("show", _show), ("verify", _verify)):
        group.command(name)(shared(command))
    app.add_typer(group, name="journal")
