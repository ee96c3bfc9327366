"""Callers with a card: by its ID and PIN, or by the PIN alone; let in, refused, or slowed down.

What may be tried at all is decided before the PIN is compared, so a caller who is locked out learns nothing.
A wrong try takes the same look-up, digests and writes, and gets the same answer, whether the card exists or
not and whether it knows the telephone or not. On one server tries of one card, and of PINs alone, are taken
one after the other, however many calls make them at once.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import structlog

from ringflow.accounts.cards import redemption
from ringflow.accounts.cards.card import ID_DIGITS, Card
from ringflow.accounts.cards.evidence import WEB_SUBJECTS, Evidence, Question, by_id, by_pin
from ringflow.accounts.cards.familiarity import note_success
from ringflow.accounts.cards.pin import is_pin, pin_message
from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.check_digit import has_check_digit
from ringflow.accounts.customers import Customer
from ringflow.accounts.failures import count_failure, set_back
from ringflow.accounts.lockout import WEB, Caller, Limits, limits_of_card, limits_of_pin
from ringflow.accounts.peppers import Peppers
from ringflow.actor import CALLER, acting
from ringflow.store import Store

log = structlog.get_logger("ringflow.accounts")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller is let in as `customer`. `first_use`: the card's credit was given just now."""

    card: Card
    customer: Customer
    first_use: bool = False


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """A card's credit was given to a customer."""

    card: Card
    customer_id: int


class Cards:
    """Cards as callers use them. `now_ms`: milliseconds since 1970. Methods raise `StoreGone`."""

    def __init__(self, store: Store, peppers: Peppers, country: str, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._country = country
        self._now_ms = now_ms
        self._by_id = by_id()
        self._by_id_on_web = by_id(WEB_SUBJECTS)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._peppers = peppers
        self._by_pin = by_pin(len(peppers.all))

    def use(self, peppers: Peppers) -> None:
        """Compare PINs under these peppers from now on; tries that wait for their turn go by them too."""
        if peppers is self._peppers:
            return
        self._peppers = peppers
        self._by_pin = by_pin(len(peppers.all))

    async def authenticate(self, card_id: str | None, pin: str, caller: Caller) -> Admitted | Refusal:
        """Who a caller is, by a card's ID and PIN, or (`card_id` None) by the PIN alone.

        An available card is redeemed by this: its customer is made and has its credit. Whatever callers key
        is safe to pass; nothing of it is logged.
        """
        found = await self._verify(card_id, pin, caller)
        if isinstance(found, Refusal):
            return found
        if found.card.redeemed_by is None and found.card.status == "available":
            return await self._redeem(found.card, caller)
        return _admit(found.card, found.owner)

    async def top_up(
        self, card_id: str | None, pin: str, customer_id: int, caller: Caller
    ) -> ToppedUp | Refusal:
        """Give an available card's credit to a customer that is there already."""
        found = await self.verify(card_id, pin, caller)
        if isinstance(found, Refusal):
            return found
        try:
            async with acting(self._store, CALLER, self._country, self._now_ms()) as actor:
                card = await redemption.top_up(actor, found.id, customer_id)
        except CardRefused as error:
            return Refusal(error.why)
        return ToppedUp(card, customer_id)

    async def verify(self, card_id: str | None, pin: str, caller: Caller) -> Card | Refusal:
        """Which card the PIN opens: in time and not disabled, whoever has its credit."""
        found = await self._verify(card_id, pin, caller)
        return found if isinstance(found, Refusal) else found.card

    async def _redeem(self, card: Card, caller: Caller) -> Admitted | Refusal:
        first_use = True
        try:
            async with acting(self._store, CALLER, self._country, self._now_ms()) as actor:
                await redemption.redeem(actor, card.id)
        except CardRefused as error:
            if error.why is not Why.USED:
                return Refusal(error.why)
            # Another call with the same card was a moment earlier: both are let in, one had it redeemed.
            first_use = False
        again, _ = await self._look_up(card.id, "", caller, limits_of_card(card.id, 0, caller))
        if again.card is None:
            return Refusal(Why.UNKNOWN)
        return _admit(again.card, again.owner, first_use)

    async def _verify(self, card_id: str | None, pin: str, caller: Caller) -> _Verified | Refusal:
        """The card that the PIN opens, in time and not disabled; every failure is counted."""
        if not is_pin(pin) or (card_id is not None and not has_check_digit(card_id, ID_DIGITS)):
            return Refusal(Why.MISTYPED)
        turn = self._turns.setdefault(card_id or "", asyncio.Lock())
        async with turn:
            found = await self._compare(card_id, pin, caller)
        if isinstance(found, Refusal):
            return found
        if found.card.status == "disabled":
            return Refusal(Why.DISABLED)
        if found.card.expired(self._now_ms()):
            return Refusal(Why.EXPIRED)
        return found

    async def _compare(self, card_id: str | None, pin: str, caller: Caller) -> _Verified | Refusal:
        now_ms = self._now_ms()
        limits = limits_of_pin(caller) if card_id is None else limits_of_card(card_id, len(pin), caller)
        found, alone = await self._look_up(card_id, pin, caller, limits)
        verdict = limits.judge(found.standings, now_ms)
        opened = self._opens(found, pin) and alone
        may = verdict.known_may if found.seen_ms is not None else not verdict.wait_ms
        if found.card is not None and opened and may:
            await note_success(self._store, found, pin, caller, self._peppers.newest, now_ms)
            return _Verified(found.card, found.owner)
        if verdict.wait_ms and any(one.failed_ms > now_ms for one in found.standings.values()):
            await set_back(self._store, [one.name for one in limits.all.values()], now_ms)
        if verdict.counted:
            await count_failure(self._store, verdict.counted, now_ms)
        if verdict.wait_ms:
            return Refusal(Why.NEEDS_ID if card_id is None else Why.LOCKED, verdict.wait_ms)
        return Refusal(Why.WRONG_PIN if found.card else Why.UNKNOWN)

    def _opens(self, found: Evidence, pin: str) -> bool:
        """Whether the PIN is the card's, in the same time for a card that is not there."""
        pepper = self._peppers.version(found.pepper)
        if found.card is not None and pepper is None:
            log.error("a card's pepper is missing", card=found.card.id, pepper=found.pepper)
        card_id = found.card.id if found.card else ""
        given = (pepper or self._peppers.newest).digest(pin_message(card_id, pin, found.pin_only))
        return hmac.compare_digest(given, found.digest or "") and pepper is not None

    async def _look_up(
        self, card_id: str | None, pin: str, caller: Caller, limits: Limits
    ) -> tuple[Evidence, bool]:
        """What is known, and whether it speaks of one card at most."""
        question, given = self._question(card_id, pin, caller)
        names = {kind: one.name for kind, one in limits.all.items()}
        against = [names.get(kind) for kind in question.subjects]
        rows = await self._store.look_up(question.look_up, *given, caller.source, *against)
        return question.read(rows[0]), len(rows) == 1

    def _question(self, card_id: str | None, pin: str, caller: Caller) -> tuple[Question, list[str]]:
        if card_id is not None:
            return self._by_id_on_web if caller.trunk == WEB else self._by_id, [card_id]
        return self._by_pin, self._peppers.digests(pin_message("", pin, True))


@dataclass(frozen=True, slots=True)
class _Verified:
    card: Card
    owner: Customer | None


def _admit(card: Card, owner: Customer | None, first_use: bool = False) -> Admitted | Refusal:
    if card.status == "disabled":
        return Refusal(Why.DISABLED)
    if owner is None or card.redeemed_as != "account":
        # Its credit topped up an account; whoever finds the empty card must not get into that.
        return Refusal(Why.USED_ELSEWHERE)
    if owner.status != "active":
        return Refusal(Why.CUSTOMER_NOT_ACTIVE)
    return Admitted(card, owner, first_use)
