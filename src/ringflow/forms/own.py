"""What a customer sees of what is its own: no operator, no trunk, no cost of ours, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from ringflow.accounts.cards.card import Card
from ringflow.accounts.clis import Cli
from ringflow.accounts.customer_access.call_backs import CallBack
from ringflow.accounts.customer_access.tokens import CustomerToken
from ringflow.accounts.customers import Customer
from ringflow.accounts.speed_dials import SpeedDial
from ringflow.accounts.vouchers.voucher import Voucher
from ringflow.forms.account import account_form
from ringflow.forms.customer_access import moment
from ringflow.forms.json_value import seconds
from ringflow.ledger.account import Account
from ringflow.ledger.movement import Kind, Posted
from ringflow.ledger.rates.quote import Quote
from ringflow.ledger.statement import AccountStatement, Entry
from ringflow.moments import Moment, Second, last_day, second
from ringflow.money import format_amount
from ringflow.records.legs import RecordedLeg
from ringflow.records.queries import RecordedCall


@dataclass(frozen=True, slots=True)
class OwnAccountForm:
    """A customer's own account: its credit, its limits, its language."""

    customer: int
    name: str
    currency: str
    balance: str
    held: str
    available: str
    debit_limit: str
    daily_limit: str | None
    spent_today: str
    channels: int | None
    language: str | None


@dataclass(frozen=True, slots=True)
class OwnTokenForm:
    """A device of the customer's that is signed in, or a program's token. `own`: what asks now."""

    id: int
    kind: str
    name: str
    email: str | None
    card: str | None
    address: str | None
    created_at: Moment
    last_used_at: Moment | None
    ends_at: Moment | None
    own: bool


@dataclass(frozen=True, slots=True)
class OwnCliForm:
    """A calling number of the customer's, or a pattern of such numbers."""

    id: int
    number: str | None
    pattern: str | None


@dataclass(frozen=True, slots=True)
class CallBackForm:
    """A number that is called with a code, so that the customer is known by it."""

    id: str
    number: str
    status: str
    tries_left: int
    ends_at: Moment


@dataclass(frozen=True, slots=True)
class OwnSpeedDialForm:
    """A number that the customer keeps under a key from 0 to 99."""

    place: int
    number: str
    name: str


@dataclass(frozen=True, slots=True)
class OwnCardForm:
    """A card whose credit the customer got."""

    id: str
    credit: str
    currency: str
    redeemed_as: str | None
    redeemed_at: Moment | None
    expires: str | None


@dataclass(frozen=True, slots=True)
class OwnVoucherForm:
    """A voucher that the customer redeemed."""

    id: int
    given: str
    currency: str
    redeemed_at: Moment | None


@dataclass(frozen=True, slots=True)
class OwnLegForm:
    """A number that was called in a call of the customer's, and what it was charged for that."""

    position: int
    number: str
    status: str
    caller_id: str | None
    talked_s: float | None
    billed_s: int | None
    destination: str | None
    price: str | None
    connection: str | None
    currency: str | None
    charged: str | None
    refunded: str | None


@dataclass(frozen=True, slots=True)
class OwnCallForm:
    """A call of the customer's. `did`: the number that it came in at, `cli`: where it came from."""

    call_id: str
    started_at: Moment
    duration_s: float
    did: str
    cli: str | None
    outcome: str
    legs: tuple[OwnLegForm, ...]


@dataclass(frozen=True, slots=True)
class OwnMovementForm:
    """A movement of the customer's money: `amount` is below zero where the balance fell."""

    id: int
    kind: str
    amount: str
    currency: str
    reason: str
    booked_at: Second | None


@dataclass(frozen=True, slots=True)
class OwnStatementEntryForm:
    """The same on a statement, with the `balance` after it."""

    movement: int
    kind: str
    amount: str
    balance: str
    reason: str
    booked_at: Second | None


@dataclass(frozen=True, slots=True)
class OwnStatementForm:
    """The movements of the customer's credit in a period, between the balance before it and after it."""

    currency: str
    since_at: Second | None
    until_at: Second | None
    opening: str
    movements: tuple[OwnStatementEntryForm, ...]
    closing: str


@dataclass(frozen=True, slots=True)
class OwnQuoteForm:
    """What a call to a number costs the customer now. `affordable_s` null: nothing limits the talk."""

    number: str
    destination: str
    currency: str
    price: str
    connection: str
    minimum_s: int
    increment_s: int
    grace_s: int
    free: bool
    available: str
    affordable: bool
    affordable_s: int | None


def own_account_form(customer: Customer, account: Account | None) -> OwnAccountForm:
    """Return a customer's own account; None: no money was ever moved."""
    currency = customer.currency
    money = account_form(account or Account(customer.id, currency, 0, 0, 0, None, 0, 0))
    return OwnAccountForm(
        customer=customer.id,
        name=customer.name,
        currency=currency,
        balance=money.balance,
        held=money.held,
        available=money.available,
        debit_limit=money.debit_limit,
        daily_limit=money.daily_limit,
        spent_today=money.spent_today,
        channels=customer.channels,
        language=customer.language,
    )


def own_token_form(token: CustomerToken, current_id: int) -> OwnTokenForm:
    """Return a token as its customer sees it, who asks by the one with this ID."""
    return OwnTokenForm(
        id=token.id,
        kind=token.kind,
        name=token.name,
        email=token.login,
        card=token.card_id,
        address=token.address,
        created_at=Moment(token.created_ms),
        last_used_at=moment(token.last_used_ms),
        ends_at=moment(token.ends_ms),
        own=token.id == current_id,
    )


def own_cli_form(cli: Cli) -> OwnCliForm:
    """Return a CLI as its customer sees it."""
    return OwnCliForm(cli.id, cli.number, cli.pattern)


def call_back_form(call_back: CallBack) -> CallBackForm:
    """Return a call-back as its customer sees it."""
    return CallBackForm(
        id=call_back.id,
        number=call_back.number,
        # That it is refused, because the number is another's, is learnt by who has sent the right code.
        status=call_back.state,
        tries_left=call_back.tries_left,
        ends_at=Moment(call_back.expires_ms),
    )


def own_speed_dial_form(kept: SpeedDial) -> OwnSpeedDialForm:
    """Return a speed dial as its customer sees it."""
    return OwnSpeedDialForm(kept.place, kept.number, kept.name)


def own_card_form(card: Card, zone: tzinfo) -> OwnCardForm:
    """Return a card as the customer sees it who got its credit."""
    return OwnCardForm(
        id=card.id,
        credit=format_amount(card.credit_micros, card.currency),
        currency=card.currency,
        redeemed_as=card.redeemed_as,
        redeemed_at=moment(card.redeemed_ms),
        expires=last_day(card.expires_ms, zone),
    )


def own_voucher_form(voucher: Voucher) -> OwnVoucherForm:
    """Return a voucher as the customer sees it who redeemed it."""
    return OwnVoucherForm(
        id=voucher.id,
        given=format_amount(voucher.redeemed_micros or 0, voucher.currency),
        currency=voucher.currency,
        redeemed_at=moment(voucher.redeemed_ms),
    )


def own_call_form(call: RecordedCall) -> OwnCallForm:
    """Return a call as its customer sees it."""
    return OwnCallForm(
        call_id=call.call_id,
        started_at=Moment(call.started_ms),
        duration_s=call.duration_ms / 1000,
        did=call.did,
        cli=call.cli,
        outcome=call.outcome,
        legs=tuple(map(_own_leg_form, call.legs)),
    )


def _own_leg_form(leg: RecordedLeg) -> OwnLegForm:
    def amount(micros: int | None) -> str | None:
        return None if micros is None or leg.currency is None else format_amount(micros, leg.currency)

    return OwnLegForm(
        position=leg.position,
        number=leg.dialled,
        status=leg.status,
        caller_id=leg.caller_id,
        talked_s=seconds(leg.talked_ms),
        billed_s=leg.billed_s,
        # Not what the trunk's sheet calls it.
        destination=leg.sold_destination,
        price=amount(leg.price_micros),
        connection=amount(leg.connection_micros),
        currency=leg.currency,
        charged=amount(leg.charged_micros),
        refunded=amount(leg.refunded_micros),
    )


def own_movement_form(posted: Posted, customer_id: int) -> OwnMovementForm:
    """Return a movement as the customer sees it whose credit it changed."""
    movement = posted.movement
    sign = 1 if movement.credit_id == customer_id else -1
    return OwnMovementForm(
        id=posted.id,
        kind=movement.kind.value,
        amount=format_amount(sign * movement.micros, movement.currency),
        currency=movement.currency,
        reason=_own_reason(movement.kind, movement.reason),
        booked_at=second(posted.created_ms),
    )


def own_statement_form(
    statement: AccountStatement, since_ms: int | None, until_ms: int | None
) -> OwnStatementForm:
    """Return the statement of a period as its customer sees it."""
    return OwnStatementForm(
        currency=statement.currency,
        since_at=second(since_ms),
        until_at=second(until_ms),
        opening=format_amount(statement.opening_micros, statement.currency),
        movements=tuple(_own_entry_form(entry, statement.currency) for entry in statement.entries),
        closing=format_amount(statement.closing_micros, statement.currency),
    )


def _own_entry_form(entry: Entry, currency: str) -> OwnStatementEntryForm:
    return OwnStatementEntryForm(
        movement=entry.id,
        kind=entry.kind.value,
        amount=format_amount(entry.micros, currency),
        balance=format_amount(entry.balance_micros, currency),
        reason=_own_reason(entry.kind, entry.reason),
        booked_at=second(entry.created_ms),
    )


def _own_reason(kind: Kind, reason: str) -> str:
    """Why money moved, but for transfers: what an operator wrote there may name the other customer."""
    return "" if kind is Kind.TRANSFER else reason


def own_quote_form(found: Quote) -> OwnQuoteForm:
    """Return what a call costs the customer."""
    terms, affordable_ms = found.terms, found.affordable_ms
    return OwnQuoteForm(
        number=found.number,
        destination=terms.destination,
        currency=terms.currency,
        price=format_amount(terms.price_micros, terms.currency),
        connection=format_amount(terms.connection_micros, terms.currency),
        minimum_s=terms.minimum_s,
        increment_s=terms.increment_s,
        grace_s=terms.grace_s,
        free=terms.free,
        available=format_amount(found.available_micros, terms.currency),
        affordable=found.affordable,
        affordable_s=None if affordable_ms is None else affordable_ms // 1000,
    )
