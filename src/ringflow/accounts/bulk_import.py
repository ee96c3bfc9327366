"""What imports of customers, CLIs and DIDs have in common: all rows or none, every bad row named.

An empty cell is the default of a new row, and leaves an old row as it is; `none` empties what may be empty,
as null does in NDJSON.
All rows are checked before the first is written, with a few statements for the whole file.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from sqlalchemy import select

from ringflow.accounts.directory_changes import (
    MAX_INTEGER,
    Source,
    lock_directory,
    note_change,
    note_changes,
    refuse_foreign,
)
from ringflow.accounts.fields import Trying
from ringflow.actor import Actor
from ringflow.audit import Facts, Verb
from ringflow.errors import Conflict, DocumentError, Problem, Refused, RefusedTogether, Unknown
from ringflow.plain_text import plain
from ringflow.sheet_tables import SheetTable, TableColumns, TableRow, read_sheet_table
from ringflow.store.tables import customers

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

EMPTY = "none"
ROWS_AT_ONCE = 5000
_MAX_DIGITS = 18
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row", bound="DataclassInstance")
One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows were added, changed, or were so already. `dry_run`: would be."""

    file: str
    added: int
    changed: int
    unchanged: int
    dry_run: bool


class TableImport(ABC, Generic[Key, Row]):
    """One import. Of a noun, a subclass says how its rows are read, found and written."""

    subject: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]
    aliases: ClassVar[Mapping[str, str]]
    """Other names of columns."""
    ignored: ClassVar[tuple[str, ...]] = ()
    """What an export has besides, which no import changes."""
    emptied: ClassVar[tuple[str, ...]] = ()
    """Columns in which `none` empties a field."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    async def run(self, path: Path, *, update: bool, dry_run: bool) -> Imported:
        """Add the rows of a file; with `update`, change those that are there already.

        Raises `DocumentError` with every problem; then nothing is changed.
        """
        await lock_directory(self.actor)
        null = dict.fromkeys(self.emptied, EMPTY)
        table = read_sheet_table(
            path, TableColumns(self.columns, self.needed, self.aliases, self.ignored, null)
        )
        problems = list(table.problems)
        keyed = self._keyed(table, problems)
        there = await self.existing({key for _, key in keyed if key is not None})
        await self.prepare([row for row, _ in keyed])
        added: list[Row] = []
        changed: list[tuple[Row, Row]] = []
        unchanged = 0
        for row, key in keyed:
            old = there.get(key) if key is not None else None
            try:
                if old is not None:
                    self._refuse_old(old, update)
                elif key is None and update:
                    raise Refused(
                        "import.needs_id",
                        "is empty; an update needs it in every line, or it would add one each time",
                    )
                new = self.read(row, key, old)
            except Refused as error:
                problems += [
                    table.problem(row, one.at[0] if one.at else self.columns[0], str(one))
                    for one in error.each
                ]
                continue
            if old is None:
                added.append(new)
            elif new == old:
                unchanged += 1
            else:
                changed.append((old, new))
        if problems:
            raise DocumentError(problems)
        done = Imported(path.name, len(added), len(changed), unchanged, dry_run)
        if not dry_run and (added or changed):
            await self._write(added, changed)
            facts = {"file": path.name, "added": len(added), "changed": len(changed)}
            await note_change(self.actor, Verb.IMPORT, self.subject, None, facts)
        return done

    @abstractmethod
    def key(self, row: TableRow) -> Key | None:
        """What a row is found by; None for one that is new in any case. Raises `Refused`."""

    @abstractmethod
    def name(self, key: Key) -> str:
        """What people call it, as in the audit log: `CLI 441910000001`."""

    @abstractmethod
    async def existing(self, keys: Collection[Key]) -> Mapping[Key, Row]:
        """Those of the keys that are in the database."""

    async def prepare(self, rows: Sequence[TableRow]) -> None:
        """Look up what reading the rows needs, with as many statements for all of them."""

    @abstractmethod
    def read(self, row: TableRow, key: Key | None, old: Row | None) -> Row:
        """The row as it will be. Raises `Refused`, whose `at` names the column."""

    @abstractmethod
    def source_of(self, old: Row) -> Source:
        """Who made a row."""

    @abstractmethod
    def name_of(self, row: Row) -> str:
        """What the audit log calls a row."""

    def noted(self, row: Row) -> Row:
        """A row as the audit log has it."""
        return row

    @abstractmethod
    async def insert(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Write new rows, at most `ROWS_AT_ONCE`; gives them as they are written."""

    @abstractmethod
    async def rewrite(self, rows: Sequence[Row]) -> None:
        """Write changed rows, at most `ROWS_AT_ONCE`."""

    def _keyed(self, table: SheetTable, problems: list[Problem]) -> list[tuple[TableRow, Key | None]]:
        """The rows whose keys can be read, with them; of those with the same key, the first."""
        found: list[tuple[TableRow, Key | None]] = []
        lines: dict[Key, int] = {}
        for row in table.rows:
            try:
                key = self.key(row)
            except Refused as error:
                at = error.at[0] if error.at else self.columns[0]
                problems.append(table.problem(row, at, str(error)))
                continue
            if key is not None and key in lines:
                what = f"{self.name(key)} stands in line {lines[key]} already"
                problems.append(table.problem(row, self.columns[0], what, "keep one of the two lines"))
                continue
            if key is not None:
                lines[key] = row.line
            found.append((row, key))
        return found

    def _refuse_old(self, old: Row, update: bool) -> None:
        name = self.name_of(old)
        refuse_foreign(self.actor, self.source_of(old), name)
        if not update:
            raise Conflict(
                "import.exists", f"{name} exists already; take the line out, or update what exists", name=name
            )

    async def _write(self, added: Sequence[Row], changed: Sequence[tuple[Row, Row]]) -> None:
        for part in parts(added):
            entries: list[tuple[str, Facts, Facts]] = [
                (self.name_of(new), None, self.noted(new)) for new in await self.insert(part)
            ]
            await note_changes(self.actor, Verb.ADD, entries)
        for pairs in parts(changed):
            await self.rewrite([new for _, new in pairs])
            entries = [(self.name_of(new), self.noted(old), self.noted(new)) for old, new in pairs]
            await note_changes(self.actor, Verb.SET, entries)


def parts(whole: Collection[One]) -> Iterator[list[One]]:
    """The whole in parts that one statement can take."""
    rest = iter(whole)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        yield part


class Cells:
    """The cells of a row that hold something, read by kind. What they refuse is collected in `trying`."""

    def __init__(self, row: TableRow, trying: Trying) -> None:
        self._row = row
        self._trying = trying
        self.found: dict[str, object] = {}

    def text(self, column: str, field: str = "") -> None:
        """Text as it is."""
        if self._row[column]:
            self.found[field or column] = self._row[column]

    def text_or_none(self, column: str) -> None:
        """Text, or nothing."""
        if self._row[column]:
            self.found[column] = None if self._row[column].lower() == EMPTY else self._row[column]

    def number(self, column: str) -> None:
        """A whole number."""
        if self._row[column]:
            with self._trying:
                self.found[column] = whole_number(self._row[column], column)

    def number_or_none(self, column: str, field: str = "") -> None:
        """A whole number, or nothing."""
        if self._row[column].lower() == EMPTY:
            self.found[field or column] = None
        elif self._row[column]:
            with self._trying:
                self.found[field or column] = whole_number(self._row[column], column, f", or {EMPTY}")

    def seconds_or_none(self, column: str) -> None:
        """Seconds, with or without a fraction, or nothing."""
        text = self._row[column]
        if text.lower() == EMPTY:
            self.found[column] = None
        elif text:
            with self._trying:
                if not _SECONDS.fullmatch(text):
                    raise Refused(
                        "field.not_a_number",
                        f"`{plain(text)}` is no number of seconds; write digits such as 2.5, or {EMPTY}",
                        (column,),
                        field=column,
                    )
                self.found[column] = float(text)

    def yes_or_no(self, column: str) -> None:
        """A yes or a no."""
        words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        text = self._row[column].lower()
        if not text:
            return
        with self._trying:
            if text not in words:
                raise Refused(
                    "field.not_yes_or_no", f"`{plain(text)}`: write yes or no", (column,), field=column
                )
            self.found[column] = words[text]


def whole_number(text: str, column: str, otherwise: str = "") -> int:
    """A whole number of a cell. Raises `Refused`."""
    digits = text.removesuffix(".0")  # as some programs write all numbers of a column that has empty cells
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise Refused(
            "field.not_a_whole_number",
            f"`{plain(text)}` is no whole number; write digits{otherwise}",
            (column,),
            field=column,
        )
    return int(digits)


def customer_id(text: str, column: str) -> int:
    """A customer's id. Raises `Refused` for one that no customer can have."""
    number = whole_number(text, column)
    if not 1 <= number <= MAX_INTEGER:
        raise Refused(
            "field.out_of_range",
            f"{number} is out of range; write a number from 1 to {MAX_INTEGER}",
            (column,),
            field=column,
            low=1,
            high=MAX_INTEGER,
        )
    return number


async def known_customers(actor: Actor, texts: Collection[str]) -> frozenset[int]:
    """Of the customers' ids that cells hold, those of customers who are there."""
    digits = {one.removesuffix(".0") for one in texts}
    ids = {int(one) for one in digits if one.isdecimal() and len(one) <= 10}
    found: set[int] = set()
    for part in parts(sorted(one for one in ids if one <= MAX_INTEGER)):
        query = select(customers.c.id).where(customers.c.id.in_(part))
        found |= set((await actor.connection.execute(query)).scalars())
    return frozenset(found)


def check_customer(number: int, known: frozenset[int]) -> None:
    """Raise `Refused` for a customer that does not exist."""
    if number not in known:
        what = f"customer {number} does not exist; add or import the customers first"
        raise Unknown("customer.unknown", what, ("customer",), customer=number)


def raise_all(trying: Trying) -> None:
    """Raise `Refused` with all that was refused, if anything was."""
    if len(trying.refused) == 1:
        raise trying.refused[0]
    if trying.refused:
        raise RefusedTogether(trying.refused)
