"""Customers: the accounts that pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypedDict, Unpack, get_args

from sqlalchemy import RowMapping, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.directory_changes import (
    MAX_INTEGER,
    Source,
    lock_directory,
    note_change,
    refuse_foreign,
    source_of,
)
from ringflow.accounts.fields import (
    check_channels,
    check_customer_caller_id,
    check_language,
    check_one_of,
    check_range,
    check_text,
    trying_all,
)
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.config import CustomerStatus
from ringflow.errors import Conflict, Unknown
from ringflow.ledger.account import close_account
from ringflow.money import AmountError, check_currency
from ringflow.plain_text import plain
from ringflow.store.caller_tables import cli_codes, service_passwords
from ringflow.store.card_tables import card_batches, cards, vouchers
from ringflow.store.customer_access_tables import (
    call_backs,
    customer_logins,
    customer_secrets,
    customer_tokens,
)
from ringflow.store.speed_dial_tables import speed_dials
from ringflow.store.tables import clis, customers, dids


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays. Only `active` ones may call; `channels` is how many calls at once, None for no limit.

    `caller_id`: what callees see: a number, `own` for the caller's, `withheld` for none; None: the trunk's
    number, and where it has none the caller's own.
    `language` is the code of the one that its callers chose, None where none did.
    """

    id: int
    name: str = ""
    status: CustomerStatus = "active"
    currency: str = "USD"
    channels: int | None = None
    caller_id: str | None = None
    language: str | None = None
    source: Source = "operator"


class CustomerChanges(TypedDict, total=False):
    """The fields that `alter` may change; the currency is only accepted when it stays what it is."""

    name: str
    status: CustomerStatus
    currency: str
    channels: int | None
    caller_id: str | None
    language: str | None


COLUMNS = tuple(customers.c[name] for name in Customer.__slots__)


async def find(connection: AsyncConnection, customer_id: int) -> Customer | None:
    """The customer with this id, or None."""
    if not 1 <= customer_id <= MAX_INTEGER:
        return None
    row = (await connection.execute(select(*COLUMNS).where(customers.c.id == customer_id))).one_or_none()
    return Customer(*row) if row else None


async def show(connection: AsyncConnection, customer_id: int, at: tuple[str, ...] = ()) -> Customer:
    """The customer with this id. Raises `Refused`, with `at`, when there is none."""
    customer = await find(connection, customer_id)
    if customer is None:
        raise Unknown("customer.unknown", f"customer {customer_id} does not exist", at, customer=customer_id)
    return customer


async def every(
    connection: AsyncConnection, *, source: Source | None = None, limit: int | None = None
) -> Sequence[Customer]:
    """Customers in the order of their ids."""
    query = select(*COLUMNS).order_by(customers.c.id).limit(limit)
    if source is not None:
        query = query.where(customers.c.source == source)
    return [Customer(*row) for row in await connection.execute(query)]


async def next_id(actor: Actor) -> int:
    """Return the id after the highest one. Nobody else takes it before this transaction ends."""
    await lock_directory(actor)
    highest = (await actor.connection.execute(select(func.max(customers.c.id)))).scalar()
    return (highest or 0) + 1


async def add(actor: Actor, customer: Customer, *, servers_reload: bool = True) -> Customer:
    """Add a customer. Raises `Refused`: the id is taken, a field is wrong, no currency of ISO 4217.

    `servers_reload`: whether servers read the directory again because of it.
    """
    await lock_directory(actor)
    customer = checked(replace(customer, source=source_of(actor)), actor.country)
    taken = await find(actor.connection, customer.id)
    if taken is not None:
        refuse_foreign(actor, taken.source, f"customer {customer.id}")
        raise Conflict(
            "customer.taken",
            f"customer {customer.id} exists already ({plain(taken.name)}); choose another id",
            customer=customer.id,
            name=taken.name,
        )
    await actor.connection.execute(
        customers.insert().values(**asdict(customer), created_ms=actor.now_ms, updated_ms=actor.now_ms)
    )
    record = note_change if servers_reload else note
    await record(actor, Verb.ADD, f"customer {customer.id}", None, customer)
    return customer


async def alter(actor: Actor, customer_id: int, **changes: Unpack[CustomerChanges]) -> Customer:
    """Change a customer's fields. Raises `Refused`: unknown, declared in config.yaml, another currency."""
    await lock_directory(actor)
    old = await show(actor.connection, customer_id)
    refuse_foreign(actor, old.source, f"customer {customer_id}")
    new = checked(replace(old, **changes), actor.country)
    if new.currency != old.currency:
        raise Conflict(
            "customer.currency_fixed",
            f"customer {customer_id}: the currency stays {old.currency}, its money is counted in it; "
            f"make another customer for {new.currency}",
            customer=customer_id,
            currency=old.currency,
        )
    if new != old:
        await actor.connection.execute(
            customers.update()
            .where(customers.c.id == customer_id)
            .values(**asdict(new), updated_ms=actor.now_ms)
        )
        await note_change(actor, Verb.SET, f"customer {customer_id}", old, new)
    return new


async def remember_language(actor: Actor, customer_id: int, language: str) -> Customer:
    """Keep the language that a caller chose, whoever made the customer. Raises `Refused`."""
    await lock_directory(actor)
    old = await show(actor.connection, customer_id)
    new = checked(replace(old, language=language), actor.country)
    if new != old:
        await actor.connection.execute(
            customers.update()
            .where(customers.c.id == customer_id)
            .values(language=language, updated_ms=actor.now_ms)
        )
        await note_change(actor, Verb.SET, f"customer {customer_id}", old, new)
    return new


async def delete(actor: Actor, customer_id: int, *, cascade: bool = False) -> None:
    """Delete a customer and its speed dials, with `cascade` its CLIs and DIDs; `Refused` when it has some.

    One that has cards or vouchers, or whose money was moved, is `Refused` in any case.
    """
    await lock_directory(actor)
    customer = await show(actor.connection, customer_id)
    refuse_foreign(actor, customer.source, f"customer {customer_id}")
    await _refuse_with_history(actor.connection, customer_id)
    await _delete_leaning(actor, customer_id, cascade)
    # Whom a customer calls is not kept longer than the customer.
    await actor.connection.execute(speed_dials.delete().where(speed_dials.c.customer_id == customer_id))
    mine = service_passwords.c.customer_id == customer_id
    await actor.connection.execute(service_passwords.delete().where(mine))
    await _delete_access(actor.connection, customer_id)
    await actor.connection.execute(customers.delete().where(customers.c.id == customer_id))
    await note_change(actor, Verb.DELETE, f"customer {customer_id}", customer, None)


async def _delete_access(connection: AsyncConnection, customer_id: int) -> None:
    """Delete the logins, tokens and call-backs of a customer."""
    tokens = select(customer_tokens.c.id).where(customer_tokens.c.customer_id == customer_id)
    await connection.execute(customer_secrets.delete().where(customer_secrets.c.token_id.in_(tokens)))
    for table in (customer_tokens, customer_logins, call_backs):
        await connection.execute(table.delete().where(table.c.customer_id == customer_id))


async def count_leaning(connection: AsyncConnection, customer_id: int) -> tuple[int, int]:
    """How many CLIs (codes at shared ones among them) and how many DIDs belong to a customer."""
    numbers = select(func.count()).where(clis.c.customer_id == customer_id).scalar_subquery()
    shared = select(func.count()).where(cli_codes.c.customer_id == customer_id).scalar_subquery()
    called = select(func.count()).where(dids.c.customer_id == customer_id).scalar_subquery()
    row = (await connection.execute(select(numbers + shared, called))).one()
    return row[0], row[1]


async def _refuse_with_history(connection: AsyncConnection, customer_id: int) -> None:
    """Raise `Refused` where a card or a voucher names the customer, or money was moved."""
    named = (
        card_batches.c.customer_id == customer_id,
        or_(cards.c.customer_id == customer_id, cards.c.redeemed_by == customer_id),
        vouchers.c.redeemed_by == customer_id,
    )
    if (await connection.execute(select(or_(*[exists().where(one) for one in named])))).scalar():
        raise Conflict(
            "customer.has_history",
            f"customer {customer_id} has cards or vouchers; set its status to inactive instead",
            customer=customer_id,
        )
    await close_account(connection, customer_id)


async def _delete_leaning(actor: Actor, customer_id: int, cascade: bool) -> None:
    count_clis, count_dids = await count_leaning(actor.connection, customer_id)
    if not cascade and (count_clis or count_dids):
        raise Conflict(
            "customer.has_numbers",
            f"customer {customer_id} has {count_clis} CLIs and {count_dids} DIDs; delete them first",
            customer=customer_id,
            clis=count_clis,
            dids=count_dids,
        )
    codes = cli_codes.c.customer_id == customer_id
    shared = select(cli_codes.c.id, cli_codes.c.number).where(codes)
    for row in (await actor.connection.execute(shared)).mappings().all():
        subject = f"CLI {row['number']} of customer {customer_id}"
        await note(actor, Verb.DELETE, subject, dict(row), None)
    await actor.connection.execute(cli_codes.delete().where(codes))
    for table in (clis, dids):
        mine = (table.c.customer_id == customer_id) & (table.c.source == source_of(actor))
        gone = (await actor.connection.execute(select(table).where(mine))).mappings().all()
        await actor.connection.execute(table.delete().where(mine))
        for row in gone:
            await note_change(actor, Verb.DELETE, _leaning_name(row), dict(row), None)
    if any(await count_leaning(actor.connection, customer_id)):
        raise Conflict(
            "customer.has_declared_numbers",
            f"customer {customer_id} has CLIs or DIDs that are declared in config.yaml; take them out there",
            customer=customer_id,
        )


def _leaning_name(row: RowMapping) -> str:
    """What the audit log calls a CLI or a DID: as its own functions do."""
    if "pattern" not in row:
        return f"DID {row['number']}"
    return f"CLI {row['number']}" if row["number"] is not None else f"CLI pattern {plain(row['pattern'])}"


def _check_currency(code: str) -> None:
    try:
        check_currency(code)
    except AmountError as error:
        raise error.reworded(str(error), ("currency",)) from error


def checked(customer: Customer, country: str) -> Customer:
    """The customer with its fields as they are kept. Raises `Refused` with every field that is wrong."""
    caller_id = customer.caller_id
    with trying_all() as trying:
        with trying:
            check_range(customer.id, 1, MAX_INTEGER, "customer id")
        with trying:
            check_text(customer.name, "name")
        with trying:
            check_one_of(customer.status, get_args(CustomerStatus), "status")
        with trying:
            _check_currency(customer.currency)
        with trying:
            check_channels(customer.channels)
        with trying:
            caller_id = check_customer_caller_id(customer.caller_id, country)
        with trying:
            check_language(customer.language)
    return replace(customer, caller_id=caller_id)
