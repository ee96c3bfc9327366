"""What callers may ask about accounts: who they are, what they have, and to have it topped up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select

from ringflow.accounts import clis, customers
from ringflow.accounts.caller_secrets import CallerSecrets, is_shared
from ringflow.accounts.cards.authentication import Admitted, Cards, ToppedUp
from ringflow.accounts.cards.card import Card
from ringflow.accounts.cards.credit_transfer import (
    CreditTransfer,
    check_transfer,
    movable_micros,
    move_credit,
)
from ringflow.accounts.cards.refusal import CardRefused, Refusal, Why
from ringflow.accounts.customers import Customer
from ringflow.accounts.directory import Directory
from ringflow.accounts.group_turns import GroupTurns
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.phone_book import PhoneBook
from ringflow.accounts.service_passwords import find_password
from ringflow.accounts.vouchers.redemption import Redeemed
from ringflow.accounts.vouchers.telephone import Vouchers
from ringflow.actor import CALLER, Principal, Transaction, acting
from ringflow.errors import Refused, StartError, Unknown
from ringflow.ledger.account import read_account
from ringflow.ledger.movement import NotEnough, Posted
from ringflow.ledger.payments import post_once
from ringflow.numbers import identifying_form
from ringflow.store import Store
from ringflow.store.card_tables import cards

Result = TypeVar("Result")

REMEMBERED_NOTE = "remembered at the caller's wish"
"""The note of a CLI that a caller had added."""


class Remembering(StrEnum):
    """What became of a wish to be known by the CLI."""

    DONE = "done"
    TAKEN = "taken"
    """It identifies another customer already."""


class CallerAccounts:
    """`now_ms`: milliseconds since 1970. Methods raise `StoreGone`.

    `peppers` is asked whenever a PIN or a code is to be compared, so that a new pepper counts from the next
    one on; while it returns None, what needs one raises `StartError`. `refusals`: how many cards, PINs and
    codes were refused since the start, and why. `phone_book`: the numbers that callers dial by short keys.
    `group_turns`: who is rung next in groups.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        country: str,
        peppers: Callable[[], Peppers | None],
        now_ms: Callable[[], int],
    ) -> None:
        self.refusals: Counter[Why] = Counter()
        self.phone_book = PhoneBook(store, country, now_ms)
        self.group_turns = GroupTurns(store, now_ms)
        self._store = store
        self._directory = directory
        self._country = country
        self._now_ms = now_ms
        self._peppers = peppers
        self._cards: Cards | None = None
        self._vouchers: Vouchers | None = None
        self._secrets: CallerSecrets | None = None

    def now_ms(self) -> int:
        """Milliseconds since 1970, by the clock of the calls."""
        return self._now_ms()

    async def recognise(self, cli: str | None) -> Customer | None:
        """The customer whom this CLI (E.164 digits) identifies: `Directory.recognise`."""
        return await self._directory.recognise(cli)

    async def open_card(self, card_id: str | None, pin: str, caller: Caller) -> Admitted | Refusal:
        """Who a caller is, by card ID and PIN, or by the PIN alone: `Cards.authenticate`."""
        return self._counted(await self._open_cards().authenticate(card_id, pin, caller))

    async def top_up(
        self, card_id: str | None, pin: str, customer_id: int, caller: Caller
    ) -> ToppedUp | Refusal:
        """Give a card's credit to a customer: `Cards.top_up`."""
        return self._counted(await self._open_cards().top_up(card_id, pin, customer_id, caller))

    async def verify_card(self, card_id: str, pin: str, caller: Caller) -> Card | Refusal:
        """Which card the PIN opens, whoever has its credit: `Cards.verify`."""
        return self._counted(await self._open_cards().verify(card_id, pin, caller))

    async def redeem_voucher(
        self, code: str, customer_id: int, caller: Caller, transaction: Transaction[Redeemed] | None = None
    ) -> Redeemed | Refusal:
        """Give a voucher's value to a customer: `Vouchers.redeem`."""
        vouchers = self._open_vouchers()
        return self._counted(await vouchers.redeem(code, customer_id, caller, transaction))

    async def is_shared(self, cli: str | None) -> bool:
        """Whether customers have codes at this CLI (E.164 digits), which by itself identifies nobody."""
        return cli is not None and await is_shared(self._store, identifying_form(cli))

    async def open_code(self, cli: str, code: str, customer_id: int | None = None) -> Customer | Refusal:
        """The customer whose code at a shared CLI this is: `CallerSecrets.open_code`."""
        number = identifying_form(cli)
        return self._counted(await self._open_secrets().open_code(number, code, customer_id))

    async def has_password(self, customer_id: int) -> bool:
        """Whether the customer has a service password."""
        async with self._store.reading() as connection:
            return await find_password(connection, customer_id) is not None

    async def check_password(self, customer_id: int, password: str) -> Refusal | None:
        """Why this is not the customer's service password; None: it is."""
        return self._counted(await self._open_secrets().check_password(customer_id, password))

    async def card_expires_ms(self, customer_id: int) -> int | None:
        """When the card that made this customer's account expires; None: never, or no card made it."""
        query = select(cards.c.expires_ms).where(
            cards.c.redeemed_by == customer_id, cards.c.redeemed_as == "account"
        )
        async with self._store.reading() as connection:
            return (await connection.execute(query)).scalars().first()

    async def available_micros(self, customer_id: int) -> int:
        """What the customer can spend now, in micro-units of its currency; below zero, if it owes."""
        async with self._store.reading() as connection:
            account = await read_account(connection, customer_id, self._now_ms())
        return account.available_micros if account is not None else 0

    async def movable_micros(self, customer_id: int) -> int:
        """What the customer can move to another account now: its own credit, without an overdraft."""
        async with self._store.reading() as connection:
            return await movable_micros(connection, customer_id, self._now_ms())

    async def check_transfer(self, card: Card, from_id: int, to_id: int) -> Refusal | None:
        """Why credit cannot go from one customer to the other, of whom one has the card."""
        try:
            async with self._store.reading() as connection:
                await check_transfer(connection, card, from_id, to_id)
        except CardRefused as error:
            return self._counted(Refusal(error.why))
        return None

    async def move_credit(self, moved: CreditTransfer) -> Posted | Refusal:
        """Move credit between two accounts of the caller, once for its key.

        Raises `OutcomeUnknown` where the database was lost in the moment of the commit, and a second time.
        """
        try:
            return await post_once(
                lambda: acting(self._store, CALLER, self._country, self._now_ms()),
                lambda actor: move_credit(actor, moved),
                moved.key,
            )
        except NotEnough:
            return self._counted(Refusal(Why.NOT_ENOUGH))
        except CardRefused as error:
            return self._counted(Refusal(error.why))

    async def remember(
        self, customer_id: int, cli: str, principal: Principal = CALLER, notes: str = REMEMBERED_NOTE
    ) -> Remembering:
        """Let the CLI identify the customer from the next call on.

        One that identifies somebody else stays theirs, by a pattern too: nobody may come to be known as the
        caller from another's telephone.
        """
        owner = await self.recognise(cli)
        if owner is not None:
            return Remembering.DONE if owner.id == customer_id else Remembering.TAKEN
        try:
            async with acting(self._store, principal, self._country, self._now_ms()) as actor:
                await clis.add_number(actor, customer_id, cli, notes)
        except Refused:
            # Another call took it a moment ago.
            return Remembering.TAKEN
        return Remembering.DONE

    async def remember_language(self, customer_id: int, language: str) -> Customer | None:
        """Keep the language that a caller chose; None where the customer is gone."""
        try:
            async with acting(self._store, CALLER, self._country, self._now_ms()) as actor:
                return await customers.remember_language(actor, customer_id, language)
        except Unknown:
            return None

    def _counted(self, result: Result) -> Result:
        if isinstance(result, Refusal):
            self.refusals[result.why] += 1
        return result

    def _open_cards(self) -> Cards:
        peppers = self._current_peppers()
        if self._cards is None:
            self._cards = Cards(self._store, peppers, self._country, self._now_ms)
        self._cards.use(peppers)
        return self._cards

    def _open_secrets(self) -> CallerSecrets:
        peppers = self._current_peppers()
        if self._secrets is None:
            self._secrets = CallerSecrets(self._store, peppers, self._now_ms)
        self._secrets.use(peppers)
        return self._secrets

    def _open_vouchers(self) -> Vouchers:
        peppers = self._current_peppers()
        if self._vouchers is None:
            self._vouchers = Vouchers(self._store, peppers, self._country, self._now_ms)
        self._vouchers.use(peppers)
        return self._vouchers

    def _current_peppers(self) -> Peppers:
        peppers = self._peppers()
        if peppers is None:
            raise StartError("cards and vouchers need the pepper of PINs: see `cards.pepper_file`")
        return peppers
