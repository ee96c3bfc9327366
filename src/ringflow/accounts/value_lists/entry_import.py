"""Entries from a sheet: CSV or xlsx, a million lines and more, with a header or just a value on each line.

All lines are read before the first is written, and none is written where one of them is wrong. Then they are
written some thousand at a time, each part in a transaction of its own: calls go on meanwhile. What a crash
leaves undone is done by importing the file again, which adds what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import islice
from pathlib import Path

from ringflow.accounts.fields import check_text
from ringflow.accounts.value_lists import entries
from ringflow.accounts.value_lists.entries import Entry, Written
from ringflow.accounts.value_lists.entry_value import ListKind, entry_value
from ringflow.accounts.value_lists.value_list import ENTRIES_AT_ONCE, ValueList, show
from ringflow.actor import Actor, Opener
from ringflow.audit import Verb, note
from ringflow.errors import DocumentError, Problem, Refused
from ringflow.moments import last_day_end_ms, ms_in
from ringflow.plain_text import plain
from ringflow.sheet_file import Sheet, SheetRow, head_of, read_candidates

MAX_PROBLEMS = 1000
"""A file with more wrong lines is most likely another file; the first of them are named."""
_NAMES: Mapping[str, str] = {
    **dict.fromkeys(
        ("entry", "value", "number", "cli", "phone", "telephone", "msisdn", "text", "code"), "entry"
    ),
    **dict.fromkeys(("notes", "note", "comment", "reason"), "notes"),
    **dict.fromkeys(("expires", "expiry", "until", "last_day"), "expires"),
}
"""How the columns may be called."""


@dataclass(frozen=True, slots=True)
class EntryFile:
    """A file that was read: entries by their values. Of a value that stands twice the last line counts."""

    path: Path
    entries: Mapping[str, Entry]
    repeated: int


@dataclass(frozen=True, slots=True)
class ImportedEntries:
    """How many entries were added, changed or there already, and how many lines repeated another."""

    file: str
    added: int
    changed: int
    unchanged: int
    repeated: int
    dry_run: bool


def read_entries(path: Path, kind: ListKind, country: str, zone: tzinfo) -> EntryFile:
    """Read a file for a list. Raises `DocumentError` with the lines that are wrong.

    `country` is where national numbers belong; `zone` the one in which days end.
    """
    sheet = max(read_candidates(path), key=lambda one: sum(name in _NAMES for name in _names(one)))
    columns, has_header = _columns(path, sheet, kind, country)
    found: dict[str, Entry] = {}
    problems: list[Problem] = []
    lines = 0
    for row in islice((one for one in sheet.rows() if not one.empty), int(has_header), None):
        lines += 1
        try:
            entry = _entry(row, columns, kind, country, zone)
        except Refused as error:
            at = columns.get(error.at[0] if error.at else "entry", 0)
            problems.append(Problem(str(path), row.line, at + 1, str(error)))
            if len(problems) > MAX_PROBLEMS:
                break
            continue
        found[entry.value] = entry
    if problems:
        raise DocumentError(problems)
    if not lines:
        raise DocumentError([Problem(str(path), 0, 0, "has no lines", "write one value on each")])
    return EntryFile(path, found, lines - len(found))


async def import_entries(
    opener: Opener,
    list_name: str,
    read: Callable[[ValueList], EntryFile],
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> ImportedEntries:
    """Add a file's entries to a list; those that are there get the file's notes and expiry.

    `read` is called with the list; `progress` with how many lines are done. Raises what `read` raises, and
    `Refused` for a list that is not there.
    """
    async with opener() as actor:
        which = await show(actor.connection, list_name)
    file = read(which)
    written = Written()
    done = 0
    for part in _parts(file.entries):
        async with opener() as actor:
            is_last = done + len(part) == len(file.entries)
            written = written.plus(await (entries.compare if dry_run else entries.write)(actor, which, part))
            if is_last and not dry_run:
                await _note_import(actor, which, file, written)
        done += len(part)
        progress(done)
    return ImportedEntries(
        file.path.name, written.added, written.changed, written.unchanged, file.repeated, dry_run
    )


async def _note_import(actor: Actor, which: ValueList, file: EntryFile, written: Written) -> None:
    facts = {"file": file.path.name, "added": written.added, "changed": written.changed}
    await note(actor, Verb.IMPORT, str(which), None, facts)


def _parts(found: Mapping[str, Entry]) -> Iterator[Mapping[str, Entry]]:
    rest = iter(found.items())
    while part := dict(islice(rest, ENTRIES_AT_ONCE)):
        yield part


def _names(sheet: Sheet) -> list[str]:
    first = next((row for row in head_of(sheet, 20) if not row.empty), SheetRow(1, ()))
    return ["_".join(cell.lower().replace("-", " ").split()) for cell in first.cells]


def _columns(path: Path, sheet: Sheet, kind: ListKind, country: str) -> tuple[Mapping[str, int], bool]:
    """Where the columns stand, and whether the first line names them. Without a header the value is first."""
    names = _names(sheet)
    while len(names) > 1 and not names[-1]:
        names.pop()
    known = [_NAMES.get(name) for name in names]
    if "entry" not in known:
        if any(known) or (len(names) > 1 and not _is_value(sheet, kind, country)):
            what, mend = "the column `entry` is missing", "known: entry, notes, expires"
            raise DocumentError([Problem(str(path), 1, 1, what, mend)])
        return {"entry": 0}, False
    columns: dict[str, int] = {}
    problems = []
    for index, (name, column) in enumerate(zip(names, known, strict=True)):
        if column is None:
            what, mend = f"unknown column `{name[:32]}`", "known: entry, notes, expires"
            problems.append(Problem(str(path), 1, index + 1, what, mend))
        elif column in columns:
            what = f"the column `{column}` stands here a second time"
            problems.append(Problem(str(path), 1, index + 1, what, "keep one of them"))
        else:
            columns[column] = index
    if problems:
        raise DocumentError(problems)
    return columns, True


def _is_value(sheet: Sheet, kind: ListKind, country: str) -> bool:
    """Whether the first cell of a file without a header is a value of the list, which only numbers show."""
    first = next((row for row in head_of(sheet, 20) if not row.empty), None)
    if kind is ListKind.TEXT or first is None:
        return False
    try:
        entry_value(kind, first.cells[0], country)
    except Refused:
        return False
    return not any(first.cells[1:])


def _entry(row: SheetRow, columns: Mapping[str, int], kind: ListKind, country: str, zone: tzinfo) -> Entry:
    if row.fault:
        raise Refused("import.malformed_line", f"{row.fault}; close the quotes on this line", ("entry",))
    cells = {name: row.cells[at] if at < len(row.cells) else "" for name, at in columns.items()}
    beyond = row.cells[max(columns.values()) + 1 :]
    if any(beyond):
        what = f"there are {len(row.cells)} cells; put quotes around text that has a separator in it"
        raise Refused("import.malformed_line", what, ("entry",))
    text = cells["entry"]
    if not text:
        raise Refused(
            "field.empty", "is empty; write a value, or take the line out", ("entry",), field="entry"
        )
    if kind is ListKind.TEXT and text[0] == "'" and text[1:2] in tuple("=+-@"):
        # As exports have it, so that no spreadsheet takes the text for a formula.
        text = text[1:]
    value = entry_value(kind, text, country)
    return Entry(
        value, check_text(cells.get("notes", ""), "notes"), _end_of_day_ms(cells.get("expires", ""), zone)
    )


def _end_of_day_ms(text: str, zone: tzinfo) -> int | None:
    if not text:
        return None
    try:
        if len(text) > len("2027-12-31"):
            return ms_in(datetime.fromisoformat(text), zone)
        return last_day_end_ms(date.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        what = f"expires `{plain(text)}`: write the last day, such as 2027-12-31"
        raise Refused("field.malformed_day", what, ("expires",), field="expires") from None
