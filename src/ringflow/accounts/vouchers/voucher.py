"""Vouchers as they stand: listed, shown, disabled, deleted. No code is known here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, select, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.directory_changes import MAX_INTEGER
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Unknown
from ringflow.money import CURRENCY_DIGITS, MICRO_DIGITS, Rounding, divide
from ringflow.store.card_tables import vouchers
from ringflow.store.conditions import contains
from ringflow.store.page_filters import Filters
from ringflow.store.pages import Listing, Page, PageRequest

Kind: TypeAlias = Literal["value", "multiplier", "addition"]
Status: TypeAlias = Literal["available", "used", "disabled"]

WHOLE_MILLIONTHS = 1_000_000
MAX_MULTIPLIER_MILLIONTHS = 10 * WHOLE_MILLIONTHS


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher. `value_micros`: of a value or an addition; `multiplier_millionths`: 1_100_000 is +10 %.

    `minimum_micros`: the smallest payment that it goes with. `redeemed_micros`: what it gave.
    """

    id: int
    batch: str
    kind: Kind
    value_micros: int | None
    multiplier_millionths: int | None
    currency: str
    minimum_micros: int
    status: Status
    expires_ms: int | None
    operator: str
    created_ms: int
    redeemed_by: int | None
    redeemed_ms: int | None
    redeemed_micros: int | None

    @property
    def needs_payment(self) -> bool:
        """Whether it only adds to a payment."""
        return self.kind != "value"

    def gives_micros(self, payment_micros: int) -> int:
        """What it adds to a payment, or (a value) by itself.

        A share of a payment is rounded down to the currency's own digits: 10 % of 9.99 USD is 0.99 USD.
        """
        if self.multiplier_millionths is None:
            return self.value_micros or 0
        unit: int = 10 ** (MICRO_DIGITS - CURRENCY_DIGITS[self.currency])
        share = payment_micros * (self.multiplier_millionths - WHOLE_MILLIONTHS)
        return divide(share, WHOLE_MILLIONTHS * unit, Rounding.DOWN) * unit


@dataclass(frozen=True, slots=True)
class VoucherFilter:
    """Which vouchers: those that fit all given. `search`: a part of the batch's name."""

    batch: str | None = None
    status: Status | None = None
    kind: Kind | None = None
    redeemed_by: int | None = None
    search: str | None = None


COLUMNS = tuple(vouchers.c[name] for name in Voucher.__slots__)


VOUCHERS = Listing(
    "vouchers",
    {
        "id": (vouchers.c.id,),
        "batch": (vouchers.c.batch, vouchers.c.id),
        "status": (vouchers.c.status, vouchers.c.id),
    },
    first="id",
)


async def show_voucher(connection: AsyncConnection, voucher_id: int) -> Voucher:
    """The voucher of this number. Raises `Refused` when there is none."""
    row = None
    if 1 <= voucher_id <= MAX_INTEGER:
        query = select(*COLUMNS).where(vouchers.c.id == voucher_id)
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise unknown_voucher(voucher_id)
    return Voucher(*row)


def unknown_voucher(voucher_id: int, at: tuple[str, ...] = ()) -> Unknown:
    """Return the refusal of a voucher that does not exist."""
    return Unknown("voucher.unknown", f"voucher {voucher_id} does not exist", at, voucher=voucher_id)


def used_voucher(voucher_id: int, at: tuple[str, ...] = ()) -> Conflict:
    """Return the refusal of a voucher that is used."""
    what = f"voucher {voucher_id} is used, and the books speak of it: it stays"
    return Conflict("voucher.redeemed", what, at, voucher=voucher_id)


async def voucher_page(
    connection: AsyncConnection, wanted: VoucherFilter, asked: PageRequest
) -> Page[Voucher]:
    """Read a page of vouchers."""
    return await VOUCHERS.page(
        connection, select(*COLUMNS), asked, lambda row: Voucher(*row), _filters(wanted)
    )


def fitting(wanted: VoucherFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of the vouchers that fit."""
    return _filters(wanted).conditions()


def _filters(wanted: VoucherFilter) -> Filters:
    own = (
        (vouchers.c.redeemed_by, wanted.redeemed_by),
        (vouchers.c.batch, wanted.batch),
        (vouchers.c.status, wanted.status),
        (vouchers.c.kind, wanted.kind),
    )
    return Filters(own, [] if wanted.search is None else [contains(vouchers.c.batch, wanted.search)])


async def set_enabled(actor: Actor, voucher_id: int, enabled: bool) -> Voucher:
    """Disable an available voucher, or the other way round. Raises `Refused`: unknown, used."""
    before = await show_voucher(actor.connection, voucher_id)
    status = "available" if enabled else "disabled"
    unused = vouchers.c.redeemed_by.is_(None)
    change = update(vouchers).where(vouchers.c.id == voucher_id, unused).values(status=status)
    if not (await actor.connection.execute(change)).rowcount:
        raise used_voucher(voucher_id)
    after = await show_voucher(actor.connection, voucher_id)
    if after != before:
        verb = Verb.ENABLE if enabled else Verb.DISABLE
        await note(actor, verb, f"voucher {voucher_id}", asdict(before), asdict(after))
    return after


async def delete_voucher(actor: Actor, voucher_id: int) -> None:
    """Delete a voucher. Raises `Refused`: unknown; used, for the books speak of it."""
    before = await show_voucher(actor.connection, voucher_id)
    gone = delete_rows(vouchers).where(vouchers.c.id == voucher_id, vouchers.c.redeemed_by.is_(None))
    if not (await actor.connection.execute(gone)).rowcount:
        raise used_voucher(voucher_id)
    await note(actor, Verb.DELETE, f"voucher {voucher_id}", asdict(before), None)
