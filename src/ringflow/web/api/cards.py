"""Calling cards, their batches, and vouchers over HTTP."""

from __future__ import annotations

from datetime import date, tzinfo
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.batch import BATCHES, BatchFilter, TopUp, batch_page, show_batch
from ringflow.accounts.cards.card import CARDS, Filter, card_page, show_card
from ringflow.accounts.cards.card import Status as CardStatus
from ringflow.accounts.cards.generation import Plan, check_plan
from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.vouchers.voucher import VOUCHERS, VoucherFilter, show_voucher, voucher_page
from ringflow.accounts.vouchers.voucher import Status as VoucherStatus
from ringflow.actor import Actor
from ringflow.errors import Refused
from ringflow.forms.card import BatchForm, CardForm, batch_form, card_form
from ringflow.forms.voucher import VoucherForm, voucher_form
from ringflow.jobs.job import Job
from ringflow.moments import iso_in, last_day_end_ms
from ringflow.money import parse_amount
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.jobs.card_generation import CARD_GENERATION
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.reading import Input
from ringflow.web.rest.services import Services

CARDS_MADE = Resource("cards", "/cards", "Calling cards.")
BATCHES_MADE = Resource("cards", "/batches", "Batches of calling cards.")
VOUCHERS_MADE = Resource("vouchers", "/vouchers", "Vouchers.")


class CardQuery(Input):
    """Which cards."""

    status: CardStatus | None = None
    batch: str | None = None
    customer: int | None = None
    """The template."""
    redeemed_by: int | None = None
    id: str | None = None
    """How the ID begins."""
    archived: bool = False
    """Only those that are out of use for ever, which are left out otherwise."""
    q: str | None = None
    """How the ID begins, or a part of the batch's name."""


class NewCards(Input):
    """Cards that are to be made."""

    customer: int
    """The template."""
    credit: str = "0"
    """Of each card, decimal text in the template's currency."""
    count: int = 1
    status: Literal["available", "disabled"] = "available"
    """Disabled ones open nothing yet."""
    batch: str | None = None
    """The batch's name; null: the time."""
    pin_length: int = 6
    """Digits of a PIN, 4 to 12."""
    pin_only: bool = False
    """Whether the PIN alone opens a card; it then has 8 digits at least."""
    top_up: TopUp = "same"
    """Whose accounts a card may top up: those of the same template, or anyone's in its currency."""
    expires: date | None = None
    """The last day, in the operator's time zone, on which it is good; null: for ever."""


class BatchQuery(Input):
    """Which batches."""

    customer: int | None = None
    operator: str | None = None
    ready: bool | None = None
    q: str | None = None
    """A part of the name."""


class VoucherQuery(Input):
    """Which vouchers."""

    batch: str | None = None
    status: VoucherStatus | None = None
    redeemed_by: int | None = None
    q: str | None = None
    """A part of the batch's name."""


@CARDS_MADE.get(Right.CARDS_READ, listing=CARDS)
async def list_cards(
    connection: AsyncConnection, services: Services, query: CardQuery, asked: PageRequest
) -> Page[CardForm]:
    """List cards. No PIN is ever shown."""
    wanted = Filter(
        query.status, query.batch, query.customer, query.redeemed_by, query.id, query.q, query.archived
    )
    page = await card_page(connection, wanted, asked)
    return page.map(lambda one: card_form(one, services.config.zone))


@CARDS_MADE.post(Right.CARDS_MAKE, ":generate")
async def generate_cards(actor: Actor, services: Services, body: NewCards) -> Job:
    """Make a batch of cards, as a job.

    Their IDs and PINs are the job's file, CSV with the columns `id` and `pin`. It can be fetched once, by
    whoever asked for the cards. The cards are good as soon as the job is done, and not before.
    """
    currency = (await customers.show(actor.connection, body.customer)).currency
    plan = Plan(
        name=body.batch if body.batch is not None else _time_name(actor.now_ms, services.config.zone),
        customer_id=body.customer,
        credit_micros=parse_amount(body.credit, currency),
        count=body.count,
        status=body.status,
        pin_length=body.pin_length,
        pin_only=body.pin_only,
        top_up=body.top_up,
        expires_ms=expiry_ms(body.expires, services.config.zone),
    )
    await check_plan(actor, plan)
    configured_peppers(services.config)
    return await CARD_GENERATION.start(actor, plan, f"card batch {plan.name}")


@CARDS_MADE.get(Right.CARDS_READ, "/{card}")
async def show_one_card(connection: AsyncConnection, services: Services, card: str) -> CardForm:
    """Return a card, by its ID."""
    return card_form(await show_card(connection, card), services.config.zone)


@BATCHES_MADE.get(Right.CARDS_READ, listing=BATCHES)
async def list_batches(
    connection: AsyncConnection, services: Services, query: BatchQuery, asked: PageRequest
) -> Page[BatchForm]:
    """List batches, the newest first."""
    wanted = BatchFilter(query.customer, query.operator, query.ready, query.q)
    page = await batch_page(connection, wanted, asked)
    return page.map(lambda one: batch_form(one, services.config.zone))


@BATCHES_MADE.get(Right.CARDS_READ, "/{batch}")
async def show_one_batch(connection: AsyncConnection, services: Services, batch: str) -> BatchForm:
    """Return a batch, by its name."""
    return batch_form(await show_batch(connection, batch), services.config.zone)


@VOUCHERS_MADE.get(Right.CARDS_READ, listing=VOUCHERS)
async def list_vouchers(
    connection: AsyncConnection, services: Services, query: VoucherQuery, asked: PageRequest
) -> Page[VoucherForm]:
    """List vouchers. No code is ever shown."""
    wanted = VoucherFilter(query.batch, query.status, None, query.redeemed_by, query.q)
    page = await voucher_page(connection, wanted, asked)
    return page.map(lambda one: voucher_form(one, services.config.zone))


@VOUCHERS_MADE.get(Right.CARDS_READ, "/{voucher}")
async def show_one_voucher(connection: AsyncConnection, services: Services, voucher: int) -> VoucherForm:
    """Return a voucher, by its number."""
    return voucher_form(await show_voucher(connection, voucher), services.config.zone)


def expiry_ms(day: date | None, zone: tzinfo) -> int | None:
    """Return when what is good until a day expires; None: never. Raises `Refused`: no day is after it."""
    try:
        return None if day is None else last_day_end_ms(day, zone)
    except (ValueError, OverflowError) as error:
        raise Refused(
            "field.malformed", f"`expires` {day} has no day after it", ("expires",), field="expires"
        ) from error


def _time_name(now_ms: int, zone: tzinfo) -> str:
    return iso_in(now_ms, zone, "seconds")[:19].replace("T", " ")
