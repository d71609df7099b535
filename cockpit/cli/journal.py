"""``cockpit journal``: what was done from here, by whom, to what. Read from the file alone, without a cluster."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from cockpit.base.errors import CockpitError, ExitCode, NotFound, UsageError
from cockpit.cli import entry, text
from cockpit.cli.options import Options, shared
from cockpit.cli.output import complain, dumps, say, width

if TYPE_CHECKING:
    from cockpit.journal import Journal
    from cockpit.ports import Entry

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
    op_id = op_id.upper()

    async def read(journal: Journal) -> tuple[Entry | None, list[dict[str, Any]]]:
        found = await journal.entry(op_id)
        pieces = [
            {**msgspec.to_builtins(piece), "whole": await journal.archive.piece(op_id, piece.name) is not None}
            for piece in (found.evidence if found else ())
        ]
        return found, pieces

    found, pieces = _read(options, read) or (None, [])
    if found is None:
        raise _unknown(op_id)
    if options.json:
        first, *others = found.rows
        say(dumps([{**first, "evidence": pieces}, *others]))
    else:
        say(entry.entry(msgspec.to_builtins(found.act), found.rows, pieces))
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
            dumps({"rows": 0, "head": None, "problem": None, "kept": 0, "ok": True})
            if options.json
            else "there is no journal yet"
        )
        return int(ExitCode.DONE)
    entry = {**msgspec.to_builtins(checked), "ok": checked.ok}
    whole = f"{checked.rows} rows and {checked.kept} kept records, the chain holds, head {checked.head}"
    say(dumps(entry) if options.json else checked.problem or whole)
    return int(ExitCode.DONE if checked.ok else ExitCode.REFUSED)


def _export(
    options: Options,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A JSON line for each row as stored (the default).")] = False,
    kept: Annotated[bool, typer.Option("--kept", help="Also what is kept beside the operations.")] = False,
    bundle: Annotated[
        str | None, typer.Option("--bundle", metavar="OP_ID", help="One operation with its evidence, as a tar.gz.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write to this new file.")] = None,
) -> int:
    """Export the rows with their hashes, or one operation with all its evidence."""
    if bundle is not None and (jsonl or kept):
        raise UsageError("--bundle goes without --jsonl and --kept")
    if bundle is not None:
        return _export_bundle(options, bundle.upper(), to)

    async def read(journal: Journal) -> list[dict[str, Any]]:
        rows = [{"table": "ops", **row} for row in await journal.export()]
        return rows + [{"table": "kept", **row} for row in (await journal.export_kept() if kept else ())]

    rows = _read(options, read) or []
    told = dumps(rows) + "\n" if options.json and not jsonl else "".join(dumps(row, indent=None) + "\n" for row in rows)
    if to is None:
        sys.stdout.write(told)  # ASCII JSON: no byte of it can steer a terminal
        sys.stdout.flush()
        return int(ExitCode.DONE)
    _write_new(to, told.encode())
    say(dumps({"file": str(to), "rows": len(rows)}) if options.json else f"{len(rows)} rows written to {to}")
    return int(ExitCode.DONE)


def _export_bundle(options: Options, op_id: str, to: Path | None) -> int:
    from cockpit.journal.bundle import bundle

    if to is None:
        raise UsageError("--bundle writes a tar.gz: name it with --to FILE.tar.gz")

    async def read(journal: Journal) -> tuple[bytes, list[str]] | None:
        rows = await journal.export(op_id)
        if not rows:
            return None
        pieces = [
            (piece, await journal.archive.piece(op_id, piece.name)) for piece in await journal.archive.pieces(op_id)
        ]
        altered = [piece.name for piece, content in pieces if content is None]
        return bundle(op_id, rows, pieces, await journal.head()), altered

    made = _read(options, read)
    if made is None:
        raise _unknown(op_id)
    content, altered = made
    _write_new(to, content)
    said = {"file": str(to), "op_id": op_id, "bytes": len(content), "altered": altered}
    say(dumps(said) if options.json else f"{op_id} with its evidence written to {to}, {len(content)} bytes")
    if altered:
        complain(f"left out, as altered since they were kept: {', '.join(altered)}")
    return int(ExitCode.REFUSED if altered else ExitCode.DONE)


def _write_new(path: Path, content: bytes) -> None:
    """Private, and never over a file that is there."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"{path} is there already; name another file") from None
    except OSError as error:
        raise CockpitError(f"{path} cannot be written: {error.strerror}") from None


def _unknown(op_id: str) -> NotFound:
    return NotFound(f"the journal holds no operation {op_id}; `cockpit journal list` shows the ids")


def head_after(options: Options, op_id: str | None) -> str | None:
    """The journal's newest hash after an act, to be noted elsewhere; None when the act is not in the journal."""

    async def read(journal: Journal) -> str | None:
        return await journal.head() if op_id is not None and await journal.show(op_id) else None

    try:
        return _read(options, read) if op_id is not None else None
    except CockpitError:
        return None  # the act itself has said what is wrong with the journal


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="What was done from here.", rich_markup_mode=None, no_args_is_help=True)
    for name, command in (("list", _list), ("show", _show), ("verify", _verify), ("export", _export)):
        group.command(name)(shared(command))
    app.add_typer(group, name="journal")
