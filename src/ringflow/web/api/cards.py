"""Calling cards, their batches, and vouchers over HTTP."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.cards.batch import BATCHES, BatchFilter, batch_page, show_batch
from ringflow.accounts.cards.card import CARDS, Filter, card_page, show_card
from ringflow.accounts.cards.card import Status as CardStatus
from ringflow.accounts.vouchers.voucher import VOUCHERS, VoucherFilter, show_voucher, voucher_page
from ringflow.accounts.vouchers.voucher import Status as VoucherStatus
from ringflow.forms.card import BatchForm, CardForm, batch_form, card_form
from ringflow.forms.voucher import VoucherForm, voucher_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
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
