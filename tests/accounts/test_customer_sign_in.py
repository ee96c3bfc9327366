"""Customers who sign in over HTTP: let in, refused in the same words, slowed down without harm to others."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ringflow.accounts import customers, lockout
from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.cards.alteration import Selection, disable
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.customer_access import logins, tokens
from ringflow.accounts.customer_access.own_password import change_password
from ringflow.accounts.customer_access.sign_in import CustomerSignIn, LockedOut, web_caller
from ringflow.accounts.directory import Directory
from ringflow.accounts.lockout import (
    CUSTOMER_LOGIN,
    CUSTOMERS_ADDRESS,
    WEB,
    Budget,
    Caller,
    card_budget,
    limits_of_card,
    web_budget,
)
from ringflow.accounts.passwords import Passwords
from ringflow.actor import acting, customer_principal
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Conflict, Forbidden, Refused
from ringflow.ledger.account import read_account
from ringflow.store.customer_access_tables import customer_tokens
from ringflow.store.pages import PageRequest

HOME, AWAY = "198.51.100.7", "203.0.113.{}"
TELEPHONE = Caller("carrier", "441910000001")
PASSWORD = "correct horse battery staple"


class Desk:
    """`now_ms` is the mint's."""

    def __init__(self, mint: Any) -> None:
        self.mint = mint
        self.passwords = Passwords()
        caller_accounts = CallerAccounts(
            mint.store, Directory(mint.store, "US"), "US", lambda: mint.peppers, lambda: mint.now_ms
        )
        self.caller_accounts = caller_accounts
        self.sign_in = CustomerSignIn(mint.store, caller_accounts, self.passwords, "US", lambda: mint.now_ms)

    async def card(self, card_id: str, pin: str, address: str = HOME) -> str:
        """The word for what came of it."""
        return await self._word(self.sign_in.by_card(card_id, pin, "d", address))

    async def email(self, password: str, address: str = HOME, email: str = "ann@example.org") -> str:
        return await self._word(self.sign_in.by_email(email, password, "d", address))

    async def _word(self, signing_in: Any) -> str:
        try:
            await signing_in
        except Refused as error:
            return error.code.removeprefix("sign_in.")
        return "in"

    async def login(self, password: str = PASSWORD) -> logins.Login:
        await self.mint.customer(42)
        async with self.mint.acting() as actor:
            kept = await logins.new_password_hash(self.passwords, password, "ann@example.org")
            return await logins.add(actor, 42, "ann@example.org", kept)


@pytest.fixture
def desk(mint: Any) -> Desk:
    return Desk(mint)


async def test_a_card_signs_its_customer_in_and_is_redeemed_by_the_first_time(desk: Desk) -> None:
    ((card_id, pin), (used_id, used_pin)) = await desk.mint.make(count=2)
    first = await desk.sign_in.by_card(card_id, pin, "phone", HOME)
    again = await desk.sign_in.by_card(card_id, pin, "tablet", HOME)
    assert (first.token.card_id, first.token.name, first.token.address) == (card_id, "phone", HOME)
    assert again.token.customer_id == first.token.customer_id
    assert await desk.mint.credit(first.token.customer_id) == 5_000_000
    # The telephone opens the same account.
    called = await desk.mint.cards.authenticate(card_id, pin, TELEPHONE)
    assert isinstance(called, Admitted)
    assert called.customer.id == first.token.customer_id
    await desk.mint.top_up(used_id, first.token.customer_id)
    assert await desk.card(used_id, used_pin) == "card_opens_nothing"
    assert await desk.card(card_id, "0000000") == "refused"
    assert await desk.card("123", pin) == "refused"
    assert await desk.card("100000000008", pin) == "refused"


async def test_a_card_that_is_disabled_or_expired_ends_what_it_opened(desk: Desk) -> None:
    ((card_id, pin), (late_id, late_pin)) = await desk.mint.make(count=2, expires_ms=desk.mint.now_ms + 1000)
    signed_in = await desk.sign_in.by_card(card_id, pin, "d", HOME)
    late = await desk.sign_in.by_card(late_id, late_pin, "d", HOME)
    async with desk.mint.acting() as actor:
        await disable(actor, Selection(ids=(card_id,)))
    store = desk.mint.store
    with pytest.raises(Forbidden):
        await tokens.recognise(store, signed_in.access, desk.mint.now_ms)
    with pytest.raises(Forbidden):
        await tokens.refresh(store, signed_in.refresh, "US", desk.mint.now_ms)
    assert await desk.card(card_id, pin) == "card_opens_nothing"
    assert await tokens.recognise(store, late.access, desk.mint.now_ms) is not None
    desk.mint.now_ms += 1000
    with pytest.raises(Forbidden):
        await tokens.recognise(store, late.access, desk.mint.now_ms)


async def test_who_guesses_over_http_locks_out_neither_callers_nor_the_owner_at_home(desk: Desk) -> None:
    ((card_id, pin),) = await desk.mint.make(pin_length=6)
    assert await desk.card(card_id, pin) == "in"
    words = [await desk.card(card_id, "999999", AWAY.format(n)) for n in range(card_budget(6).at_once + 2)]
    assert words == ["refused"] * card_budget(6).at_once + ["locked"] * 2
    # Not even with the right PIN from elsewhere, but from where the card was opened before, and by telephone.
    assert await desk.card(card_id, pin, AWAY.format(250)) == "locked"
    assert await desk.card(card_id, pin) == "in"
    assert isinstance(await desk.mint.cards.authenticate(card_id, pin, TELEPHONE), Admitted)
    desk.mint.now_ms += card_budget(6).each_ms
    assert await desk.card(card_id, pin, AWAY.format(250)) == "in"


async def test_wrong_pins_by_telephone_lock_nobody_out_over_http(desk: Desk) -> None:
    ((card_id, pin),) = await desk.mint.make(pin_length=6)
    for number in range(card_budget(6).at_once):
        await desk.mint.cards.authenticate(card_id, "999999", Caller("carrier", f"44191000{number:04}"))
    stranger = Caller("carrier", "441919999999")
    assert (await desk.mint.cards.authenticate(card_id, pin, stranger)).why is Why.LOCKED
    assert await desk.card(card_id, pin) == "in"


async def test_an_address_guesses_at_many_cards_only_so_often(desk: Desk) -> None:
    made = await desk.mint.make(count=CUSTOMERS_ADDRESS.at_once + 1)
    words = [await desk.card(card_id, "999999", AWAY.format(1)) for card_id, _ in made]
    assert words == ["refused"] * CUSTOMERS_ADDRESS.at_once + ["locked"]
    card_id, pin = made[-1]
    assert await desk.card(card_id, pin, AWAY.format(1)) == "locked"
    assert await desk.card(card_id, pin, AWAY.format(2)) == "in"


def test_all_cards_together_have_as_many_tries_over_http_as_keep_the_chance_the_same() -> None:
    assert web_budget(4) == lockout.SYSTEM
    assert web_budget(6) == Budget(80_000, 240)
    assert web_budget(12).each_ms == 1
    limits = limits_of_card("100000000008", 6, Caller(WEB, "192.0.2.7")).all
    assert {one.name for one in limits.values()} == {
        "web:100000000008:6",
        "customers-address:192.0.2.7",
        "web:6",
        "known:100000000008:6:(web)/192.0.2.7",
    }
    by_telephone = limits_of_card("100000000008", 6, TELEPHONE).all
    assert not {one.name for one in limits.values()} & {one.name for one in by_telephone.values()}


async def test_whether_a_card_exists_shows_in_nothing(desk: Desk) -> None:
    ((card_id, _),) = await desk.mint.make(pin_length=6)
    absent = "100000000008"
    for one in (card_id, absent):
        words = [await desk.card(one, "999999", f"2001:db8:0:{n:x}::1") for n in range(26)]
        assert words == ["refused"] * 24 + ["locked"] * 2


async def test_an_email_and_its_password_sign_a_customer_in(desk: Desk) -> None:
    login = await desk.login()
    signed_in = await desk.sign_in.by_email(" ANN@example.org", PASSWORD, "laptop", HOME)
    assert (signed_in.token.login, signed_in.token.customer_id) == (login.email, 42)
    assert await desk.email(PASSWORD + "!") == "refused"
    assert await desk.email(PASSWORD, email="bob@example.org") == "refused"
    assert await desk.email("x" * 10_000) == "refused"
    async with desk.mint.acting() as actor:
        await customers.alter(actor, 42, status="inactive")
    assert await desk.email(PASSWORD) == "barred"
    assert await desk.email("x") == "refused"


async def test_who_guesses_passwords_does_not_lock_the_owner_out_at_home(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fewer than there are: each try hashes a password.
    tries = Budget(4, CUSTOMER_LOGIN.each_ms)
    monkeypatch.setattr(lockout, "CUSTOMER_LOGIN", tries)
    monkeypatch.setattr(lockout, "CUSTOMERS_ADDRESS", Budget(3, CUSTOMERS_ADDRESS.each_ms))
    await desk.login()
    assert await desk.email(PASSWORD) == "in"
    for number in range(tries.at_once):
        assert await desk.email("wrong", AWAY.format(number)) == "refused"
    assert await desk.email(PASSWORD, AWAY.format(250)) == "locked"
    assert await desk.email(PASSWORD) == "in"
    # An address that is used up guesses at no other login either.
    for number in range(3):
        await desk.email("wrong", AWAY.format(99), email=f"{number}@example.org")
    with pytest.raises(LockedOut) as raised:
        await desk.sign_in.by_email("bob@example.org", "wrong", "d", AWAY.format(99))
    assert 0 < raised.value.retry_after_s <= 600


async def test_a_password_is_changed_by_who_is_signed_in_with_it_and_knows_it(desk: Desk) -> None:
    await desk.login()
    mint = desk.mint
    mine = await desk.sign_in.by_email("ann@example.org", PASSWORD, "mine", HOME)
    other = await desk.sign_in.by_email("ann@example.org", PASSWORD, "other", HOME)
    me = customer_principal(42, str(mine.token.id))

    async def change(password: str, new: str, token_id: int = mine.token.id) -> None:
        opener = lambda: acting(mint.store, me, "US", mint.now_ms)  # noqa: E731 -- as the API makes one
        await change_password(opener, desk.sign_in, desk.passwords, token_id, password, new, HOME)

    with pytest.raises(Forbidden):
        await change("wrong", "another long passphrase")
    with pytest.raises(Refused, match="12 to 200"):
        await change(PASSWORD, "short")
    await change(PASSWORD, "another long passphrase")
    assert await tokens.recognise(mint.store, mine.access, mint.now_ms) is not None
    with pytest.raises(Forbidden):
        await tokens.recognise(mint.store, other.access, mint.now_ms)
    assert (await desk.email(PASSWORD), await desk.email("another long passphrase")) == ("refused", "in")
    ((card_id, pin),) = await mint.make()
    by_card = await desk.sign_in.by_card(card_id, pin, "d", HOME)
    with pytest.raises(Conflict, match="who is signed in with one"):
        await change(PASSWORD, "another long passphrase", by_card.token.id)


async def test_a_password_that_is_changed_while_it_is_compared_signs_nothing_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await desk.login()
    compare = desk.sign_in.check_password

    async def changed_meanwhile(*given: str) -> object:
        opened = await compare(*given)
        desk.mint.now_ms += 1
        async with desk.mint.acting() as actor:
            await logins.set_password(actor, login, "another hash")
        return opened

    monkeypatch.setattr(desk.sign_in, "check_password", changed_meanwhile)
    assert await desk.email(PASSWORD) == "refused"
    async with desk.mint.store.reading() as connection:
        assert (await connection.execute(select(customer_tokens.c.id))).all() == []


async def test_a_sign_in_is_in_the_audit_log_without_its_secrets(desk: Desk) -> None:
    await desk.login()
    assert await desk.email(PASSWORD) == "in"
    async with desk.mint.store.reading() as connection:
        page = await entry_page(connection, EntryFilter(verb="sign in"), PageRequest(2))
    (entry,) = page.items
    assert (entry.subject, entry.address, entry.acted_as) == ("customer 42", HOME, "customer")
    assert PASSWORD not in str(entry)


async def test_a_card_is_verified_without_being_redeemed(desk: Desk) -> None:
    ((card_id, pin),) = await desk.mint.make()
    assert await desk.caller_accounts.verify_card(card_id, "999999", web_caller(HOME)) == Refusal(
        Why.WRONG_PIN
    )
    found = await desk.caller_accounts.verify_card(card_id, pin, web_caller(HOME))
    assert not isinstance(found, Refusal)
    assert (found.id, found.status) == (card_id, "available")
    async with desk.mint.store.reading() as connection:
        assert await read_account(connection, 8, desk.mint.now_ms) is None
