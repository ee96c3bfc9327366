"""Vouchers over HTTP."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.vouchers.generation import Plan, check_plan, parse_multiplier
from ringflow.accounts.vouchers.redemption import redeem
from ringflow.accounts.vouchers.voucher import (
    VOUCHERS,
    Kind,
    VoucherFilter,
    delete_voucher,
    set_enabled,
    show_voucher,
    voucher_page,
)
from ringflow.accounts.vouchers.voucher import Status as VoucherStatus
from ringflow.actor import Actor
from ringflow.forms.voucher import VoucherForm, voucher_form
from ringflow.jobs.job import Job
from ringflow.money import parse_amount
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.expiry import expiry_ms, time_name
from ringflow.web.jobs.voucher_generation import VOUCHER_GENERATION
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("vouchers", "/vouchers", "Vouchers.")


class VoucherQuery(Input):
    """Which vouchers."""

    batch: str | None = None
    status: VoucherStatus | None = None
    kind: Kind | None = None
    redeemed_by: int | None = None
    q: str | None = None
    """A part of the batch's name."""


class NewVouchers(Input):
    """Vouchers that are to be made: with exactly one of `value`, `multiplier` and `addition`."""

    currency: str
    value: str | None = None
    """Credit by itself."""
    multiplier: str | None = None
    """Of a payment: 1.1 adds 10 %."""
    addition: str | None = None
    """Added to a payment."""
    minimum: str = "0"
    """The smallest payment that it goes with."""
    count: int = 1
    batch: str | None = None
    """The batch's name; null: the time."""
    expires: date | None = None
    """The last day, in the operator's time zone, on which it is good; null: for ever."""


class VoucherRedemption(Input):
    """A code, and who gets what it gives."""

    code: str
    customer: int
    payment: str | None = None
    """The payment that it goes with, which is booked too."""


@RESOURCE.get(Right.CARDS_READ, listing=VOUCHERS)
async def list_vouchers(
    connection: AsyncConnection, services: Services, query: VoucherQuery, asked: PageRequest
) -> Page[VoucherForm]:
    """List vouchers. No code is ever shown."""
    wanted = VoucherFilter(query.batch, query.status, query.kind, query.redeemed_by, query.q)
    page = await voucher_page(connection, wanted, asked)
    return page.map(lambda one: voucher_form(one, services.config.zone))


@RESOURCE.get(Right.CARDS_READ, "/{voucher}")
async def show_one_voucher(connection: AsyncConnection, services: Services, voucher: int) -> VoucherForm:
    """Return a voucher, by its number."""
    return voucher_form(await show_voucher(connection, voucher), services.config.zone)


@RESOURCE.post(Right.CARDS_MAKE, ":generate")
async def generate_vouchers(actor: Actor, services: Services, body: NewVouchers) -> Job:
    """Make vouchers, as a job.

    Their numbers and codes are the job's file, CSV with the columns `id` and `code`. It can be fetched once,
    by whoever asked for the vouchers.
    """
    currency = body.currency
    plan = Plan(
        batch=body.batch if body.batch is not None else time_name(actor.now_ms, services.config.zone),
        currency=currency,
        count=body.count,
        value_micros=None if body.value is None else parse_amount(body.value, currency, at=("value",)),
        multiplier_millionths=None if body.multiplier is None else parse_multiplier(body.multiplier),
        addition_micros=None
        if body.addition is None
        else parse_amount(body.addition, currency, at=("addition",)),
        minimum_micros=parse_amount(body.minimum, currency, at=("minimum",)),
        expires_ms=expiry_ms(body.expires, services.config.zone),
    )
    check_plan(plan, actor.now_ms)
    configured_peppers(services.config)
    return await VOUCHER_GENERATION.start(actor, plan, f"voucher batch {plan.batch}")


@RESOURCE.post(Right.CARDS_CHANGE, "/{voucher}:disable", status=HTTPStatus.OK)
async def disable_voucher(actor: Actor, services: Services, voucher: int) -> VoucherForm:
    """Have a voucher give nothing until it is enabled again."""
    return voucher_form(await set_enabled(actor, voucher, enabled=False), services.config.zone)


@RESOURCE.post(Right.CARDS_CHANGE, "/{voucher}:enable", status=HTTPStatus.OK)
async def enable_voucher(actor: Actor, services: Services, voucher: int) -> VoucherForm:
    """Make a disabled voucher available again."""
    return voucher_form(await set_enabled(actor, voucher, enabled=True), services.config.zone)


@RESOURCE.delete(Right.CARDS_CHANGE, "/{voucher}")
async def remove_voucher(actor: Actor, voucher: int) -> None:
    """Delete a voucher that was not used."""
    await delete_voucher(actor, voucher)


@RESOURCE.post(Right.CARDS_CHANGE, ":redeem", status=HTTPStatus.OK)
async def redeem_voucher(actor: Actor, services: Services, body: VoucherRedemption) -> VoucherForm:
    """Redeem a voucher by its code: a customer gets what it gives, and the payment that it goes with."""
    currency = (await customers.show(actor.connection, body.customer)).currency
    paid = 0 if body.payment is None else parse_amount(body.payment, currency, at=("payment",))
    peppers = configured_peppers(services.config)
    redeemed = await redeem(actor, body.code, body.customer, peppers, paid)
    return voucher_form(redeemed.voucher, services.config.zone)
