"""Cards and vouchers that a customer has redeemed, and redeeming more of them."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts.cards import redemption
from ringflow.accounts.cards.card import CARDS, Card, card_page, show_card
from ringflow.accounts.cards.card import Filter as CardFilter
from ringflow.accounts.cards.refusal import CardRefused, Refusal
from ringflow.accounts.customer_access.refused_credit import refused_credit
from ringflow.accounts.customer_access.sign_in import web_caller
from ringflow.accounts.vouchers.redemption import Redeemed
from ringflow.accounts.vouchers.voucher import VOUCHERS, VoucherFilter, show_voucher, voucher_page
from ringflow.actor import Actor, Principal
from ringflow.errors import Unknown
from ringflow.forms.own import OwnCardForm, OwnVoucherForm, own_card_form, own_voucher_form
from ringflow.plain_text import plain
from ringflow.rights import Audience
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.me.customer import own_id
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.repetition import Once
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

CARDS_REDEEMED = Resource("me", "/me/cards", "What is a customer's own, for its own programs.")
VOUCHERS_REDEEMED = Resource("me", "/me/vouchers", "What is a customer's own, for its own programs.")


class CardToRedeem(Input):
    """A card, with its PIN."""

    card: str = Field(max_length=64)
    pin: str = Field(max_length=64)


class VoucherToRedeem(Input):
    """A voucher's code."""

    code: str = Field(max_length=64)


@CARDS_REDEEMED.get(Audience.CUSTOMER, listing=CARDS)
async def list_own_cards(
    connection: AsyncConnection, services: Services, principal: Principal, asked: PageRequest
) -> Page[OwnCardForm]:
    """List the cards whose credit the customer got."""
    page = await card_page(connection, CardFilter(redeemed_by=own_id(principal)), asked)
    return page.map(lambda one: own_card_form(one, services.config.zone))


@CARDS_REDEEMED.get(Audience.CUSTOMER, "/{card}")
async def show_own_card(
    connection: AsyncConnection, services: Services, principal: Principal, card: str
) -> OwnCardForm:
    """Return a card whose credit the customer got, by its ID."""
    found = await show_card(connection, card)
    if found.redeemed_by != own_id(principal):
        raise Unknown("card.unknown", f"card {plain(card)} does not exist", card=card)
    return own_card_form(found, services.config.zone)


@CARDS_REDEEMED.post(Audience.CUSTOMER, ":redeem")
async def redeem_own_card(
    services: Services, principal: Principal, sender: Sender, once: Once, body: CardToRedeem
) -> OwnCardForm:
    """Add a card's credit to the customer's own. The card then opens nothing any more.

    Wrong PINs are held against the card as at a sign-in.
    """
    customer_id, zone = own_id(principal), services.config.zone
    caller_accounts = services.customers.caller_accounts
    found = await caller_accounts.verify_card(body.card, body.pin, web_caller(sender.address))
    if isinstance(found, Refusal):
        raise refused_credit(found)
    card_id = found.id

    async def change(actor: Actor) -> Card:
        await redemption.top_up(actor, card_id, customer_id)
        return await show_card(actor.connection, card_id)

    def form(card: Card) -> OwnCardForm:
        return own_card_form(card, zone)

    try:
        return form(await once.transaction(form)(change))
    except CardRefused as error:
        raise refused_credit(Refusal(error.why)) from error


@VOUCHERS_REDEEMED.get(Audience.CUSTOMER, listing=VOUCHERS)
async def list_own_vouchers(
    connection: AsyncConnection, principal: Principal, asked: PageRequest
) -> Page[OwnVoucherForm]:
    """List the vouchers that the customer redeemed."""
    page = await voucher_page(connection, VoucherFilter(redeemed_by=own_id(principal)), asked)
    return page.map(own_voucher_form)


@VOUCHERS_REDEEMED.get(Audience.CUSTOMER, "/{voucher}")
async def show_own_voucher(connection: AsyncConnection, principal: Principal, voucher: int) -> OwnVoucherForm:
    """Return a voucher that the customer redeemed, by its number."""
    found = await show_voucher(connection, voucher)
    if found.redeemed_by != own_id(principal):
        raise Unknown("voucher.unknown", f"voucher {voucher} does not exist", voucher=voucher)
    return own_voucher_form(found)


@VOUCHERS_REDEEMED.post(Audience.CUSTOMER, ":redeem")
async def redeem_own_voucher(
    services: Services, principal: Principal, sender: Sender, once: Once, body: VoucherToRedeem
) -> OwnVoucherForm:
    """Add a voucher's credit to the customer's own. Wrong codes are counted, and after ten it has to wait."""

    def form(redeemed: Redeemed) -> OwnVoucherForm:
        return own_voucher_form(redeemed.voucher)

    caller_accounts, transaction = services.customers.caller_accounts, once.transaction(form)
    caller = web_caller(sender.address)
    found = await caller_accounts.redeem_voucher(body.code, own_id(principal), caller, transaction)
    if isinstance(found, Refusal):
        raise refused_credit(found)
    return form(found)
