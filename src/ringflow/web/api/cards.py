"""Calling cards and their batches over HTTP."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.bulk_actions import Action
from ringflow.accounts.cards import alteration
from ringflow.accounts.cards.alteration import CardChanges, Selection
from ringflow.accounts.cards.batch import BATCHES, BatchFilter, TopUp, batch_page, show_batch
from ringflow.accounts.cards.card import CARDS, Filter, card_page, show_card
from ringflow.accounts.cards.card import Status as CardStatus
from ringflow.accounts.cards.generation import Plan, check_plan, discard_batch
from ringflow.accounts.cards.redemption import redeem, top_up
from ringflow.accounts.peppers import configured_peppers
from ringflow.actor import Actor, Principal
from ringflow.audit import ENTRIES, EntryFilter, entry_page
from ringflow.errors import Refused
from ringflow.forms.audit_entry import AuditEntryForm, audit_entry_form
from ringflow.forms.card import (
    AlteredCardsForm,
    BatchForm,
    CardForm,
    altered_cards_form,
    batch_form,
    card_form,
)
from ringflow.jobs.job import Job
from ringflow.money import parse_amount
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.api.expiry import expiry_ms, time_name
from ringflow.web.jobs.card_generation import CARD_GENERATION
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

CARDS_MADE = Resource("cards", "/cards", "Calling cards.")
BATCHES_MADE = Resource("cards", "/batches", "Batches of calling cards.")


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


class CardPatch(Input):
    """What is to be changed of cards: the fields that are there."""

    credit: str | None = None
    """Decimal text in the cards' currency, or that of the new template."""
    customer: int | None = None
    """The template."""
    expires: date | None = None
    """The last day, in the operator's time zone, on which they are good; null: for ever."""


class CardRedemption(Input):
    """Who gets a card's credit."""

    into: int | None = None
    """A customer that is there; null: one of the card's own."""


class CardFilter(Input):
    """Which cards: those that fit all that is given. Those in the archive never do."""

    status: CardStatus | None = None
    batch: str | None = None
    customer: int | None = None
    """The template."""
    redeemed_by: int | None = None
    id: str | None = None
    """How the ID begins."""
    q: str | None = None
    """How the ID begins, or a part of the batch's name."""

    def wanted(self) -> Filter:
        """Return the filter of the service."""
        return Filter(self.status, self.batch, self.customer, self.redeemed_by, self.id, self.q)


class CardBulk(Input):
    """What is to be done to which cards. They are named by one of `ids`, `batch` and `filter`."""

    action: Action
    ids: list[str] | None = None
    batch: str | None = None
    filter: CardFilter | None = None
    changes: CardPatch | None = None
    """With the action `change`: the fields that are to be changed."""
    dry_run: bool = False
    expect: int | None = None
    """How many cards are meant, as a dry run said. Needed but for those that are named by `ids`."""


class BatchQuery(Input):
    """Which batches."""

    customer: int | None = None
    operator: str | None = None
    ready: bool | None = None
    q: str | None = None
    """A part of the name."""


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
        name=body.batch if body.batch is not None else time_name(actor.now_ms, services.config.zone),
        customer_id=body.customer,
        credit_micros=parse_amount(body.credit, currency, at=("credit",)),
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


@BATCHES_MADE.get(Right.CARDS_READ, listing=BATCHES)
async def list_batches(
    connection: AsyncConnection, services: Services, query: BatchQuery, asked: PageRequest
) -> Page[BatchForm]:
    """List batches, the newest first."""
    wanted = BatchFilter(query.customer, query.operator, query.ready, query.q)
    page = await batch_page(connection, wanted, asked)
    return page.map(lambda one: batch_form(one, services.config.zone))


@BATCHES_MADE.get(Right.CARDS_READ, "/{batch}", tagged=True)
async def show_one_batch(connection: AsyncConnection, services: Services, batch: str) -> BatchForm:
    """Return a batch, by its name."""
    return batch_form(await show_batch(connection, batch), services.config.zone)


@CARDS_MADE.get(Right.CARDS_READ, "/{card}", tagged=True)
async def show_one_card(connection: AsyncConnection, services: Services, card: str) -> CardForm:
    """Return a card, by its ID, archived or not."""
    return card_form(await show_card(connection, card), services.config.zone)


@CARDS_MADE.patch(Right.CARDS_CHANGE, "/{card}")
async def change_card(
    actor: Actor, services: Services, card: str, match: IfMatch, body: CardPatch
) -> CardForm:
    """Change a card; of one that is redeemed only the expiry."""
    match.require(await _shown(actor, services, card))
    selection = Selection((card,))
    changes = await _changes(actor, services, selection, body)
    await alteration.alter(actor, selection, changes)
    return await _shown(actor, services, card)


@CARDS_MADE.post(Right.CARDS_CHANGE, "/{card}:disable", status=HTTPStatus.OK)
async def disable_card(actor: Actor, services: Services, card: str) -> CardForm:
    """Have a card open nothing until it is enabled again."""
    await alteration.disable(actor, Selection((card,)))
    return await _shown(actor, services, card)


@CARDS_MADE.post(Right.CARDS_CHANGE, "/{card}:enable", status=HTTPStatus.OK)
async def enable_card(actor: Actor, services: Services, card: str) -> CardForm:
    """Have a disabled card be again what it was: available, or used."""
    await alteration.enable(actor, Selection((card,)))
    return await _shown(actor, services, card)


@CARDS_MADE.post(Right.CARDS_CHANGE, "/{card}:redeem", status=HTTPStatus.OK)
async def redeem_card(actor: Actor, services: Services, card: str, body: CardRedemption) -> CardForm:
    """Give a card's credit away, without its PIN: to an account of its own, or to one that is there."""
    if body.into is None:
        await redeem(actor, card)
    else:
        await top_up(actor, card, body.into)
    return await _shown(actor, services, card)


@CARDS_MADE.delete(Right.CARDS_CHANGE, "/{card}")
async def delete_card(actor: Actor, card: str) -> None:
    """Delete a card; one that was redeemed is archived."""
    await alteration.remove(actor, Selection((card,)))


@CARDS_MADE.get(Right.AUDIT_READ, "/{card}/history", listing=ENTRIES)
async def list_card_history(
    connection: AsyncConnection, services: Services, card: str, asked: PageRequest
) -> Page[AuditEntryForm]:
    """List what was done to a card, the newest first.

    What was done to its whole batch, or to it among others by a filter, is in the audit log.
    """
    found = await show_card(connection, card)
    page = await entry_page(connection, EntryFilter(subject=f"card {found.id}"), asked)
    return page.map(lambda entry: audit_entry_form(entry, services.config.zone))


@CARDS_MADE.post(Right.CARDS_CHANGE, ":bulk", status=HTTPStatus.OK)
async def change_cards(actor: Actor, services: Services, body: CardBulk) -> AlteredCardsForm:
    """Do something to many cards at once: to all of them, or to none.

    They are named by `ids`, by `batch` or by `filter`. First ask with `dry_run`, which changes nothing and
    says how many are concerned: all of its counts together are what `expect` has to be. Where as many are
    not meant any more, nothing is done (409).
    """
    if not body.dry_run and body.expect is None and body.ids is None:
        raise Refused(
            "card.count_unconfirmed",
            "ask with `dry_run` first, and say in `expect` how many cards are meant",
            ("expect",),
        )
    wanted = None if body.filter is None else body.filter.wanted()
    selection = Selection(tuple(body.ids or ()), body.batch, wanted, body.expect)
    if body.action is not Action.CHANGE and body.changes is not None:
        raise Refused("card.changes_unwanted", "`changes` goes with the action change", ("changes",))
    changes = await _changes(actor, services, selection, body.changes or CardPatch(), "changes")
    do = alteration.preview if body.dry_run else alteration.act
    return altered_cards_form(await do(actor, selection, body.action, changes), body.dry_run)


@BATCHES_MADE.post(Right.CARDS_CHANGE, "/{batch}:disable", status=HTTPStatus.OK)
async def disable_batch(actor: Actor, batch: str) -> AlteredCardsForm:
    """Have all cards of a batch open nothing until they are enabled again."""
    return altered_cards_form(await alteration.disable(actor, Selection(batch=batch)), False)


@BATCHES_MADE.post(Right.CARDS_CHANGE, "/{batch}:enable", status=HTTPStatus.OK)
async def enable_batch(actor: Actor, batch: str) -> AlteredCardsForm:
    """Have the disabled cards of a batch be again what they were: available, or used."""
    return altered_cards_form(await alteration.enable(actor, Selection(batch=batch)), False)


@BATCHES_MADE.patch(Right.CARDS_CHANGE, "/{batch}")
async def change_batch(
    actor: Actor, services: Services, batch: str, match: IfMatch, body: CardPatch
) -> AlteredCardsForm:
    """Change all cards of a batch; those that are redeemed keep their credit and template.

    The batch itself goes on to say what it was made with.
    """
    match.require(batch_form(await show_batch(actor.connection, batch), services.config.zone))
    selection = Selection(batch=batch)
    changes = await _changes(actor, services, selection, body)
    return altered_cards_form(await alteration.alter(actor, selection, changes), False)


@BATCHES_MADE.delete(Right.CARDS_CHANGE, "/{batch}")
async def delete_batch(actor: Actor, batch: str) -> None:
    """Delete all cards of a batch; those that were redeemed are archived, and the batch then stays."""
    await alteration.remove(actor, Selection(batch=batch))


@BATCHES_MADE.post(Right.CARDS_MAKE, "/{batch}:discard", status=HTTPStatus.NO_CONTENT)
async def discard_unfinished_batch(services: Services, principal: Principal, batch: str) -> None:
    """Remove a batch whose making at the command line was killed. A making in progress is stopped by it."""
    await discard_batch(services.opener(principal), batch)


async def _shown(actor: Actor, services: Services, card: str) -> CardForm:
    return card_form(await show_card(actor.connection, card), services.config.zone)


async def _changes(
    actor: Actor, services: Services, selection: Selection, body: CardPatch, *at: str
) -> CardChanges:
    changes: CardChanges = {}
    given = body.model_fields_set
    for name in given & {"credit", "customer"}:
        if getattr(body, name) is None:
            raise Refused("field.empty", f"`{name}` cannot be null", (*at, name), field=name)
    if body.customer is not None:
        changes["customer_id"] = body.customer
    if "expires" in given:
        changes["expires_ms"] = expiry_ms(body.expires, services.config.zone)
    if body.credit is not None:
        currency = await alteration.credit_currency(actor, selection, body.customer)
        changes["credit_micros"] = parse_amount(body.credit, currency, at=(*at, "credit"))
    return changes
