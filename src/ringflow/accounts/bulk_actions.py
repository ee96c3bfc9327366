"""One thing done to many customers, CLIs or DIDs at once: to all that are meant, or to none.

They are named, or found by a filter. A row that is named and cannot be changed is refused, and then nothing
is done. Of those that a filter finds, the ones that `config.yaml` declares are passed over, and so are those
that are as they are to be already. Each row that is changed is in the audit log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ringflow.accounts import customers
from ringflow.accounts.bulk_import import TableImport, parts
from ringflow.accounts.directory_changes import lock_directory, note_changes, refuse_foreign, source_of
from ringflow.actor import Actor
from ringflow.audit import Facts, Verb
from ringflow.errors import Conflict, Refused, RefusedTogether
from ringflow.wording import known_words

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAX_IDS = 1_000
MOST_ROWS = 20_000
"""A second's work, for which other changes wait."""
MOST_REFUSALS = 100
"""How many reasons are given why nothing was done."""

Id = TypeVar("Id")
Row = TypeVar("Row", bound="DataclassInstance")
Wanted = TypeVar("Wanted")


class Action(StrEnum):
    """What may be done to many rows at once."""

    CHANGE = "change"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class BulkOrder(Generic[Id, Wanted]):
    """What is to be done to which rows: those of `ids`, or those that fit `wanted`.

    `changes`: the fields of a change. `expected`: how many rows are meant; needed with a filter, unless this
    is a dry run. `cascade`: with a customer its CLIs and DIDs are deleted too.
    """

    action: Action
    ids: tuple[Id, ...] | None = None
    wanted: Wanted | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    expected: int | None = None
    dry_run: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class BulkDone:
    """How many rows were changed or deleted, and how many stayed as they were. `dry_run`: would be."""

    changed: int = 0
    deleted: int = 0
    passed_over: int = 0
    dry_run: bool = False


class BulkKind(ABC, Generic[Id, Row, Wanted]):
    """Of a noun, a subclass says how rows are found, checked and removed. `rows`: how they are written."""

    subject: ClassVar[str]
    actions: ClassVar[Collection[Action]] = (Action.CHANGE, Action.DELETE)
    most_deleted: ClassVar[int] = MOST_ROWS

    def __init__(self, actor: Actor, rows: TableImport[Any, Row]) -> None:
        self.actor = actor
        self.rows = rows

    @abstractmethod
    async def named(self, ids: Collection[Id]) -> Sequence[Row]:
        """Return the rows that are named. Raises `Refused` with each that is not there."""

    @abstractmethod
    async def fitting(self, wanted: Wanted, most: int) -> Sequence[Row]:
        """Return the rows that fit a filter: `most` of them at most."""

    async def prepare(self, changes: Mapping[str, Any]) -> None:
        """Check what of the changes is the same for all rows. Raises `Refused`."""

    @abstractmethod
    def changed(self, row: Row, changes: Mapping[str, Any]) -> Row:
        """Return the row as it will be. Raises `Refused` with every field that is wrong."""

    @abstractmethod
    async def remove(self, rows: Sequence[Row], cascade: bool) -> None:
        """Delete rows, and note it. Raises `Refused` for those that must stay."""


def check_order(order: BulkOrder[Any, Any], subject: str, actions: Collection[Action]) -> None:
    """Raise `Refused` for an order that does not say what is to be done to which rows."""
    if order.action not in actions:
        raise Refused(
            "bulk.unknown_action",
            f"{order.action} is nothing that is done to {subject}; choose {known_words(actions)}",
            ("action",),
            choices=list(actions),
        )
    if (order.ids is None) == (order.wanted is None):
        raise Refused("bulk.none_selected", "say which are meant: name them, or give a filter")
    if order.ids is not None and not 1 <= len(order.ids) <= MAX_IDS:
        raise Refused(
            "bulk.too_many_named",
            f"1 to {MAX_IDS} can be named at once, not {len(order.ids)}; a filter may find more",
            ("ids",),
            most=MAX_IDS,
        )
    if order.wanted is not None and order.expected is None and not order.dry_run:
        raise Refused(
            "bulk.count_unconfirmed",
            "ask with a dry run first, and say how many are expected",
            ("expect",),
        )
    if order.action is Action.CHANGE and not order.changes:
        raise Refused("bulk.nothing_to_change", "nothing is to be changed; name a field", ("changes",))
    if order.action is not Action.CHANGE and order.changes:
        raise Refused("bulk.changes_unwanted", "changes go with the action change", ("changes",))


def check_count(order: BulkOrder[Any, Any], found: int, subject: str) -> None:
    """Raise `Conflict` where other than the expected number of rows is meant."""
    if order.expected is not None and found != order.expected:
        raise Conflict(
            "bulk.count_differs",
            f"{found} {subject} are meant, not {order.expected}: look again, and nothing was done",
            found=found,
            expected=order.expected,
        )


async def carry_out(kind: BulkKind[Id, Row, Wanted], order: BulkOrder[Id, Wanted]) -> BulkDone:
    """Do what is ordered to all rows that are meant. Raises `Refused`; then nothing is done to any."""
    check_order(order, kind.subject, kind.actions)
    actor = kind.actor
    await lock_directory(actor)
    await kind.prepare(order.changes)
    found = await _found(kind, order)
    check_count(order, len(found), kind.subject)
    own = [row for row in found if _is_own(kind, row, named=order.ids is not None)]
    if order.action is Action.DELETE:
        await _remove(kind, own, order)
        return BulkDone(0, len(own), len(found) - len(own), order.dry_run)
    changed = _changed(kind, own, _changes(order))
    if not order.dry_run:
        for some in parts(changed):
            await kind.rows.rewrite([new for _, new in some])
            entries: list[tuple[str, Facts, Facts]] = [
                (kind.rows.name_of(new), kind.rows.noted(old), kind.rows.noted(new)) for old, new in some
            ]
            await note_changes(actor, Verb.SET, entries)
    return BulkDone(len(changed), 0, len(found) - len(changed), order.dry_run)


def refuse_all(refused: Sequence[Refused]) -> None:
    """Raise what was refused, each reason once, if anything was."""
    each = list({(str(one), one.at): one for one in refused}.values())
    if len(each) == 1:
        raise each[0]
    if each:
        raise RefusedTogether(each[:MOST_REFUSALS])


async def _found(kind: BulkKind[Id, Row, Wanted], order: BulkOrder[Id, Wanted]) -> Sequence[Row]:
    if order.ids is not None:
        return await kind.named(list(dict.fromkeys(order.ids)))
    assert order.wanted is not None, "an order names rows or has a filter"
    most = kind.most_deleted if order.action is Action.DELETE else MOST_ROWS
    found = await kind.fitting(order.wanted, most + 1)
    if len(found) > most:
        raise Refused(
            "bulk.too_many",
            f"more than {most} {kind.subject} fit, and so many are not done at once; narrow the filter",
            ("filter",),
            most=most,
        )
    return found


def _is_own(kind: BulkKind[Any, Row, Any], row: Row, *, named: bool) -> bool:
    source = kind.rows.source_of(row)
    if named:
        refuse_foreign(kind.actor, source, kind.rows.name_of(row))
    return source == source_of(kind.actor)


def _changes(order: BulkOrder[Any, Any]) -> Mapping[str, Any]:
    if order.action is Action.CHANGE:
        return order.changes
    return {"enabled": order.action is Action.ENABLE}


def _changed(
    kind: BulkKind[Any, Row, Any], rows: Sequence[Row], changes: Mapping[str, Any]
) -> list[tuple[Row, Row]]:
    found: list[tuple[Row, Row]] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            new = kind.changed(row, changes)
        except Refused as error:
            refused += [one.reworded(str(one), ("changes", *one.at)) for one in error.each]
            continue
        if new != row:
            found.append((row, new))
    refuse_all(refused)
    return found


async def _remove(kind: BulkKind[Any, Row, Any], rows: Sequence[Row], order: BulkOrder[Any, Any]) -> None:
    if not order.dry_run:
        return await kind.remove(rows, order.cascade)
    # What refuses a deletion is found by doing it.
    changed_before = kind.actor.directory_changed
    async with kind.actor.connection.begin_nested() as savepoint:
        await kind.remove(rows, order.cascade)
        await savepoint.rollback()
    kind.actor.directory_changed = changed_before
    return None


def missing(ids: Collection[Id], found: Collection[Id], error: Callable[[Id], Refused]) -> None:
    """Raise what `error` makes of each ID that was not found."""
    refuse_all([error(one) for one in ids if one not in found])


async def check_new_customer(actor: Actor, changes: Mapping[str, Any]) -> None:
    """Raise `Unknown` for a customer of a change who does not exist."""
    if changes.get("customer_id") is not None:
        await customers.show(actor.connection, changes["customer_id"], ("changes", "customer"))
