"""Slot `redeem`: gives a voucher's or a card's credit to the caller's account."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ringflow.accounts.cards.authentication import ToppedUp
from ringflow.accounts.cards.refusal import Refusal
from ringflow.accounts.customers import Customer
from ringflow.accounts.vouchers.generation import CODE_DIGITS
from ringflow.flows.card_slot import CardSlot
from ringflow.flows.slot import SinglePrompt, SlotGroup
from ringflow.flows.spoken import Language, words_of
from ringflow.money import Money
from ringflow.speaking import SaidAs, say_money

if TYPE_CHECKING:
    from ringflow.calls.call import Call


@dataclass(frozen=True, slots=True)
class _Given:
    micros: int
    currency: str


class Redeem(CardSlot):
    """Takes a voucher's code, or a card, and adds its credit to the account of the customer who pays."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.ACCOUNT
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "invalid", "locked", "no_input", "unknown")
    sip_codes: ClassVar[Mapping[str, int]] = {"unknown": 403}
    WRONG: ClassVar[str] = "invalid"

    by: Literal["voucher", "card", "pin"] = "voucher"
    """`voucher`: a voucher's code; `card`: a card's number and PIN; `pin`: a PIN that opens a card alone."""
    voucher_file: SinglePrompt = "CARD/voucher"
    """Asks for the voucher's code."""
    credited_file: SinglePrompt = "CARD/credited"
    """Played after the amount that was added."""
    language: Language | None = None
    """The language in which the amount is said; without one that of the call."""

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those of the fields, and the words of the language."""
        yield from super().prompts()
        yield from words_of(self.language, SaidAs.MONEY)

    async def run(self, call: Call) -> str:
        """Ask until credit was given or the attempts are used up; `unknown` where nobody was identified."""
        if call.account.customer is None:
            return "unknown"
        tries = self.tries()
        while tries.left:
            found = await self._take(call, call.account.customer)
            if isinstance(found, _Given):
                call.note("credited", str(Money(found.micros, found.currency)))
                await call.media.play(
                    *say_money(found.micros, found.currency, self.language or call.language),
                    self.credited_file,
                )
                return "done"
            ended = await self.refuse(call, found, tries)
            if ended == "locked":
                break
        return ended

    async def _take(self, call: Call, customer: Customer) -> _Given | Refusal | None:
        if self.by == "voucher":
            return await self._take_voucher(call, customer)

        def top_up(card_id: str | None, pin: str) -> Awaitable[ToppedUp | Refusal]:
            return call.account.caller_accounts.top_up(card_id, pin, customer.id, call.account.caller)

        by_keys = self.open_by_pin if self.by == "pin" else self.open_by_number
        given = await by_keys(call, top_up)
        return _Given(given.card.credit_micros, given.card.currency) if isinstance(given, ToppedUp) else given

    async def _take_voucher(self, call: Call, customer: Customer) -> _Given | Refusal | None:
        code = await self.ask(call, self.voucher_file, CODE_DIGITS, secret=True)
        if code is None:
            return None
        given = await call.account.caller_accounts.redeem_voucher(code, customer.id, call.account.caller)
        return given if isinstance(given, Refusal) else _Given(given.given_micros, given.voucher.currency)
