"""Movements: each takes an amount from one account and gives it to another, once, for ever.

A movement carries an idempotency key. Posting the same movement a second time returns the first one; the
same key with other content is refused. What it takes from a customer is taken by one guarded UPDATE, so an
account cannot go below its limit whoever else is at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.ledger.credit import CREDIT
from ringflow.money import MAX_AMOUNT_MICROS, MAX_BALANCE_MICROS, Money
from ringflow.store.conditions import contains, equal
from ringflow.store.ledger_tables import ledger_movements
from ringflow.store.page_filters import Filters, PartialIndex, since_until
from ringflow.store.pages import Listing, Page, PageRequest
from ringflow.store.statement import Statement

MAX_TEXT = 200


class Kind(StrEnum):
    """Why money moved."""

    PAY_IN = "pay_in"
    PAY_OUT = "pay_out"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    CARD = "card"
    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement, as asked for and as kept. `micros` is above zero; `operator` is "" where none acted."""

    key: str
    kind: Kind
    debit_id: int
    credit_id: int
    currency: str
    micros: int
    reason: str
    operator: str = ""
    leg_id: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A movement in the books. `again`: it was there already, and nothing was moved now."""

    id: int
    movement: Movement
    created_ms: int
    again: bool = False


class KeyTaken(Conflict):
    """The idempotency key stands for another movement."""


class NotEnough(Conflict):
    """The account has less credit than the movement takes."""


_COLUMNS = "key, kind, debit_id, credit_id, currency, micros, reason, operator, leg_id"
_READ = ("id", "created_ms", *_COLUMNS.split(", "))
_INSERT = Statement(
    f"INSERT INTO ledger_movements ({_COLUMNS}, created_ms) "  # noqa: S608 -- our own column names
    "VALUES (:key, :kind, :debit_id, :credit_id, :currency, :micros, :reason, :operator, :leg_id, :now_ms) "
    "ON CONFLICT (key) DO NOTHING RETURNING id",
    key="text",
    kind="text",
    debit_id="bigint",
    credit_id="bigint",
    currency="text",
    micros="bigint",
    reason="text",
    operator="text",
    leg_id="text",
    now_ms="bigint",
)
_FIND = Statement(
    f"SELECT id, created_ms, {_COLUMNS} FROM ledger_movements WHERE key = :key",  # noqa: S608
    key="text",
)
_LOCK = Statement(
    "SELECT id FROM ledger_accounts WHERE id IN (:one, :other) ORDER BY id DESC {lock}",
    one="bigint",
    other="bigint",
)
# House accounts have no limit; a customer's credit that is held is not there to be taken.
_TAKE = Statement(
    "UPDATE ledger_accounts AS a SET balance_micros = a.balance_micros - :micros WHERE a.id = :account_id "  # noqa: S608
    f"AND a.balance_micros - :micros >= :lowest AND (a.house IS NOT NULL OR {CREDIT} >= :micros) "
    "RETURNING balance_micros",
    account_id="bigint",
    micros="bigint",
    lowest="bigint",
)
_GIVE = Statement(
    "UPDATE ledger_accounts SET balance_micros = balance_micros + :micros WHERE id = :account_id "
    "AND balance_micros + :micros <= :highest RETURNING balance_micros",
    account_id="bigint",
    micros="bigint",
    highest="bigint",
)
_CREDIT = Statement(
    f"SELECT {CREDIT} FROM ledger_accounts AS a WHERE a.id = :account_id",  # noqa: S608
    account_id="bigint",
)


async def post(actor: Actor, movement: Movement) -> Posted:
    """Enter a movement in the books, within the caller's transaction, which is rolled back on an exception.

    Raises `NotEnough` where a customer has less credit, `KeyTaken`, and `Refused` for an amount that is not
    above zero or too large, a text that is too long or an account that is not there.
    """
    _check(movement)
    connection = actor.connection
    # Every transaction takes customers' rows before the house's, so that no two wait for each other.
    await _LOCK.run(connection, one=movement.debit_id, other=movement.credit_id)
    # A savepoint: a caller who goes on after a refusal must not keep half a movement.
    async with connection.begin_nested():
        made = await _INSERT.run(
            connection,
            None,
            **{name: getattr(movement, name) for name in _COLUMNS.split(", ")},
            now_ms=actor.now_ms,
        )
        if not made:
            return await _again(connection, movement)
        left, grown = await _move(connection, movement)
        posted = Posted(made[0][0], movement, actor.now_ms)
        await _note(actor, posted, movement.debit_id, left + movement.micros, left)
        await _note(actor, posted, movement.credit_id, grown - movement.micros, grown)
    return posted


async def _move(connection: AsyncConnection, movement: Movement) -> tuple[int, int]:
    """Take and give; return the balances that the two accounts have then."""
    account_id, micros = movement.debit_id, movement.micros
    taken = await _TAKE.run(connection, account_id=account_id, micros=micros, lowest=-MAX_BALANCE_MICROS)
    if not taken:
        raise await _not_enough(connection, movement)
    account_id = movement.credit_id
    given = await _GIVE.run(connection, account_id=account_id, micros=micros, highest=MAX_BALANCE_MICROS)
    if not given:
        raise Refused(
            "balance.too_large",
            f"account {account_id} cannot hold {Money(micros, movement.currency)} more",
            account=account_id,
        )
    return taken[0][0], given[0][0]


async def _note(actor: Actor, posted: Posted, account_id: int, before: int, after: int) -> None:
    """Tell the audit log what a customer's credit was and is; the house's is the sum of all of them."""
    if account_id < 0:
        return
    movement = posted.movement
    await note(
        actor,
        Verb(movement.kind),
        f"customer {account_id}",
        {"balance": str(Money(before, movement.currency))},
        {
            "balance": str(Money(after, movement.currency)),
            "reason": movement.reason,
            "movement": posted.id,
            "leg_id": movement.leg_id,
        },
    )


MOVEMENTS = Listing(
    "movements", {"booked": (ledger_movements.c.created_ms, ledger_movements.c.id)}, first="-booked"
)


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements: those that fit all given. Times are milliseconds since 1970, `until_ms` excluded.

    `customer_id`: its account gave or got. `search`: a part of the reason.
    """

    customer_id: int | None = None
    kind: Kind | None = None
    operator: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    search: str | None = None


async def movement_page(
    connection: AsyncConnection, wanted: MovementFilter, asked: PageRequest
) -> Page[Posted]:
    """Read a page of movements."""
    moved = ledger_movements.c
    own = ((moved.operator, wanted.operator), (moved.kind, wanted.kind))
    tried = equal(own)
    if wanted.search is not None:
        tried.append(contains(moved.reason, wanted.search))
    period = since_until(moved.created_ms, wanted.since_ms, wanted.until_ms)
    query = select(*(moved[name] for name in _READ))
    if wanted.customer_id is None:
        filters = Filters(tried=tried, partial=_partial_indexes(wanted), between=period)
        return await MOVEMENTS.page(connection, query, asked, _read, filters)
    # No movement is on both sides: its accounts differ. Each side has an index.
    sides = [query.where(side == wanted.customer_id) for side in (moved.debit_id, moved.credit_id)]
    return await MOVEMENTS.page(connection, sides, asked, _read, Filters(tried=tried, between=period))


def _partial_indexes(wanted: MovementFilter) -> list[PartialIndex]:
    """Return the indexes of such movements: most are charges for calls, which nobody made."""
    moved, order = ledger_movements.c, MOVEMENTS.sorts["booked"]
    found: list[PartialIndex] = []
    # The second conditions are written as in the indexes: with a parameter they would not be used.
    if wanted.operator:
        made = and_(moved.operator == wanted.operator, moved.operator != literal_column("''"))
        found.append(PartialIndex(made, order))
    if wanted.kind not in (None, Kind.CHARGE):
        other = and_(moved.kind == wanted.kind, moved.kind != literal_column("'charge'"))
        found.append(PartialIndex(other, order))
    return found


async def movements_of_legs(connection: AsyncConnection, leg_ids: Sequence[str]) -> list[Posted]:
    """The movements for these legs, the oldest first: their charges, and what was given back of them."""
    return [_read(row) for row in await connection.execute(query_of_legs(leg_ids))] if leg_ids else []


def query_of_legs(leg_ids: Sequence[str]) -> Select[Any]:
    """Return what asks for the movements for these legs."""
    moved = ledger_movements.c
    return select(*(moved[name] for name in _READ)).where(moved.leg_id.in_(leg_ids)).order_by(moved.id)


async def find_movement(connection: AsyncConnection, key: str) -> Posted | None:
    """The movement of an idempotency key."""
    found = await _FIND.run(connection, key=key)
    return _read(found[0]) if found else None


async def _again(connection: AsyncConnection, movement: Movement) -> Posted:
    first = await find_movement(connection, movement.key)
    if first is None or first.movement != movement:
        raise KeyTaken(
            "key.taken",
            f"the key `{movement.key}` stands for another movement; use a new one",
            key=movement.key,
        )
    return Posted(first.id, first.movement, first.created_ms, again=True)


async def _not_enough(connection: AsyncConnection, movement: Movement) -> Refused:
    found = await _CREDIT.run(connection, account_id=movement.debit_id)
    if not found:
        return Unknown(
            "account.unknown", f"there is no account {movement.debit_id}", account=movement.debit_id
        )
    wanted, there = Money(movement.micros, movement.currency), Money(found[0][0], movement.currency)
    return NotEnough(
        "credit.not_enough",
        f"customer {movement.debit_id} has {there} available, and {wanted} is wanted",
        customer=movement.debit_id,
        available=str(there),
        wanted=str(wanted),
    )


def _read(row: Sequence[Any]) -> Posted:
    """Return the movement of a row of `_READ`."""
    number, created_ms, key, kind, *rest = row
    return Posted(number, Movement(key, Kind(kind), *rest), created_ms)


def _check(movement: Movement) -> None:
    if not 0 < movement.micros <= MAX_AMOUNT_MICROS:
        highest = Money(MAX_AMOUNT_MICROS, movement.currency)
        raise Refused(
            "amount.out_of_range",
            f"an amount is more than zero and at most {highest}",
            low="0",
            high=str(highest),
        )
    for name, text in (("key", movement.key), ("reason", movement.reason), ("operator", movement.operator)):
        if len(text) > MAX_TEXT or not text.isprintable():
            raise Refused(
                "field.malformed_text",
                f"the {name} has more than {MAX_TEXT} characters, or some that cannot be printed",
                field=name,
                most=MAX_TEXT,
            )
    if not movement.key or not movement.reason.strip():
        raise Refused("movement.no_key_or_reason", "a movement needs a key and a reason")
