"""Slot `transfer_credit`: moves credit between the caller's account and that of another card."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.card import Card
from ringflow.accounts.cards.credit_transfer import CreditTransfer
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.customers import Customer
from ringflow.flows.amount_text import Amount, amount_micros
from ringflow.flows.card_slot import CardSlot, Tries
from ringflow.flows.slot import FieldProblem, SinglePrompt, SlotGroup
from ringflow.flows.spoken import Language, words_of
from ringflow.money import CURRENCY_DIGITS, MICRO_DIGITS, AmountError, Money, parse_amount
from ringflow.speaking import say_money

if TYPE_CHECKING:
    from ringflow.calls.call import Call

MAX_AMOUNT_KEYS = 10
YES_KEY = "1"
POINT_KEY = "*"


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The two accounts between which credit moves; `card` is the card that the caller named."""

    card: Card
    source: Customer
    target: Customer


class TransferCredit(CardSlot):
    """Moves credit between the account that pays and the account of another card of the caller's."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.ACCOUNT
    fixed_exits: ClassVar[tuple[str, ...]] = (
        "done",
        "cancelled",
        "empty",
        "failed",
        "locked",
        "no_input",
        "unknown",
    )
    sip_codes: ClassVar[Mapping[str, int]] = {"unknown": 403}

    by: Literal["card", "pin"] = "card"
    """How the other card is named. `card`: its number and PIN; `pin`: a PIN that opens a card alone."""
    direction: Literal["from_card", "to_card"] = "from_card"
    """`from_card`: from the other card to the account that pays; `to_card`: from that account to the card."""
    amount: Literal["ask", "all"] = "ask"
    """`ask`: the caller keys how much, and `#` alone for all of it; `all`: nothing is asked."""
    minimum: Amount = "0"
    """The smallest amount that is moved, in the currency of the account."""
    maximum: Amount | None = None
    """The largest amount that is moved at a time."""
    file: SinglePrompt = "CARD/other-number"
    """Asks for the other card's number."""
    amount_file: SinglePrompt = "CARD/transfer-amount"
    """Asks for the amount: `*` is the decimal point, `#` ends it."""
    amount_wrong_file: SinglePrompt = "CARD/transfer-wrong"
    """Played when the amount is more than there is, or is not within `minimum` and `maximum`."""
    confirm_file: SinglePrompt = "CARD/transfer-confirm"
    """Played after the amount: key 1 moves it, any other key does not."""
    moved_file: SinglePrompt = "CARD/transferred"
    """Played after the amount, when it was moved."""
    cancelled_file: SinglePrompt = "CARD/not-transferred"
    """Played when the caller does not confirm it."""
    empty_file: SinglePrompt = "CARD/transfer-empty"
    """Played when there is no credit to move."""
    language: Language | None = None
    """The language in which amounts are said; without one that of the call."""

    def problems(self) -> Iterator[FieldProblem]:
        """Limits that no amount is within."""
        if self.maximum is not None and amount_micros(self.maximum) < max(1, amount_micros(self.minimum)):
            yield FieldProblem(
                "maximum",
                f"maximum {self.maximum} is less than minimum {self.minimum}"
                if amount_micros(self.minimum)
                else "a maximum of nothing moves nothing",
                "write a larger one, or leave it out",
            )

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those of the fields, and the words of the language."""
        yield from super().prompts()
        yield from words_of(self.language)

    async def run(self, call: Call) -> str:
        """Open the other card, ask how much, say it back, and move it once it is confirmed."""
        payer = call.account.customer
        if payer is None:
            return "unknown"
        tries = self.tries()
        while tries.left:
            found = await self._open(call, payer)
            if isinstance(found, _Accounts):
                return await self._move(call, found)
            ended = await self.refuse(call, found, tries)
            if ended == "locked":
                break
        return ended

    async def _open(self, call: Call, payer: Customer) -> _Accounts | Refusal | None:
        caller_accounts = call.account.caller_accounts

        def open_card(card_id: str | None, pin: str) -> Awaitable[Admitted | Refusal]:
            return caller_accounts.open_card(card_id, pin, call.account.caller)

        by_keys = self.open_by_pin if self.by == "pin" else self.open_by_number
        opened = await by_keys(call, open_card)
        if not isinstance(opened, Admitted):
            return opened
        pair = (opened.customer, payer) if self.direction == "from_card" else (payer, opened.customer)
        refusal = await caller_accounts.check_transfer(opened.card, pair[0].id, pair[1].id)
        return refusal or _Accounts(opened.card, *pair)

    async def _move(self, call: Call, between: _Accounts) -> str:
        """Ask until an amount was moved or the tries are used up."""
        tries = self.tries()
        currency = between.source.currency
        while tries.left:
            there = await call.account.caller_accounts.movable_micros(between.source.id)
            if there < max(amount_micros(self.minimum), _smallest_unit(currency)):
                call.note("transfer_refused", "there is no credit to move")
                await call.media.play(self.empty_file)
                return "empty"
            micros = await self._amount(call, there, currency)
            if isinstance(micros, Refusal):
                call.note("transfer_refused", f"{micros.why}, {tries.count(silent=False)}")
                await call.media.play(self.amount_wrong_file)
                ended = self.WRONG
                continue
            answer = None if micros is None else await self._confirmed(call, micros, currency)
            if micros is None or answer is None:
                ended = await self.refuse(call, None, tries)
                continue
            if not answer:
                call.note("transfer_cancelled")
                await call.media.play(self.cancelled_file)
                return "cancelled"
            ended = await self._carry_out(call, between, micros, tries)
            if ended == "done":
                break
        return ended

    async def _amount(self, call: Call, there: int, currency: str) -> int | Refusal | None:
        """What the caller wants to move, in micro-units; None: silence."""
        most = there if self.maximum is None else min(there, amount_micros(self.maximum))
        if self.amount == "all":
            return most
        keyed = await self.ask(call, self.amount_file, MAX_AMOUNT_KEYS, secret=False, fixed_length=False)
        if not keyed:
            return most if keyed is not None else None
        try:
            micros = parse_amount(keyed.replace(POINT_KEY, "."), currency)
        except AmountError:
            return Refusal(Why.MISTYPED)
        within = max(1, amount_micros(self.minimum)) <= micros <= most
        return micros if within else Refusal(Why.NOT_ENOUGH)

    async def _confirmed(self, call: Call, micros: int, currency: str) -> bool | None:
        """Say the amount back, and ask whether it is meant; None: silence."""
        said = say_money(micros, currency, self.language or call.language)
        key = await self.ask(call, self.confirm_file, 1, secret=False, before=said)
        return None if key is None else key == YES_KEY

    async def _carry_out(self, call: Call, between: _Accounts, micros: int, tries: Tries) -> str:
        moved = await call.account.caller_accounts.move_credit(
            CreditTransfer(
                between.card, between.source.id, between.target.id, micros, f"telephone:{uuid.uuid4()}"
            )
        )
        if isinstance(moved, Refusal):
            call.note("transfer_refused", f"{moved.why}, {tries.count(silent=False)}")
            await call.media.play(self.amount_wrong_file)
            return self.WRONG
        amount = Money(micros, between.source.currency)
        call.note(
            "credit_moved", f"{amount} from customer {between.source.id} to customer {between.target.id}"
        )
        said = say_money(micros, between.source.currency, self.language or call.language)
        await call.media.play(*said, self.moved_file)
        return "done"


def _smallest_unit(currency: str) -> int:
    """The least that can be said of a currency, in micro-units: a cent, a yen."""
    return int(10 ** (MICRO_DIGITS - CURRENCY_DIGITS[currency]))
