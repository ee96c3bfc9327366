"""Customers who share a calling number: their codes, who may guess them, and whom guessing keeps out."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.paying_customers import add_customer

from ringflow.accounts import cli_codes, clis, customers, service_passwords
from ringflow.accounts.caller_accounts import CallerAccounts, Remembering
from ringflow.accounts.caller_secrets import CallerSecrets, is_shared
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.cli_codes import CliCode, CliCodeFilter
from ringflow.accounts.cli_import import CliImport
from ringflow.accounts.customer_overview import overview
from ringflow.accounts.customers import Customer
from ringflow.accounts.directory import Directory
from ringflow.accounts.lockout import NUMBERS
from ringflow.accounts.pepper_file import pepper_versions
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.actor import Actor, acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import DocumentError, Refused
from ringflow.store import Store
from ringflow.store.caller_tables import cli_codes as cli_codes_table
from ringflow.store.card_tables import lockouts
from ringflow.store.pages import PageRequest

OFFICE = "441910000009"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OLD = Pepper("v1", b"an-older-pepper-for-tests")
NEW = Pepper("v2", b"a-newer-pepper-for-tests")
WRONG = "11111111"
"""As long as no code here is."""


class Desk:
    """`now_ms` is the time by which everything happens; tests move it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = 1_750_000_000_000
        self.peppers = Peppers([OLD])
        self.secrets = self.server(store)

    def server(self, store: Store) -> CallerSecrets:
        return CallerSecrets(store, self.peppers, lambda: self.now_ms)

    def acting(self) -> AbstractAsyncContextManager[Actor]:
        return acting(self.store, shell_operator("ann"), "US", self.now_ms)

    async def share(self, customer_id: int, number: str = OFFICE, digits: int = 6) -> tuple[CliCode, str]:
        async with self.acting() as actor:
            return await cli_codes.add_code(actor, customer_id, number, digits, "desk", self.peppers)

    async def opened(self, code: str, customer_id: int | None = None, number: str = OFFICE) -> int | Refusal:
        """Whose code it is."""
        found = await self.secrets.open_code(number, code, customer_id)
        return found if isinstance(found, Refusal) else found.id

    async def guesses(self, lasts_ms: int, customer_id: int | None = None, numbers: int = 1) -> int:
        """How many wrong codes are compared of one who tries at every moment that is allowed."""
        compared, until_ms = 0, self.now_ms + lasts_ms
        while self.now_ms < until_ms:
            waits: list[int] = []
            for number in range(numbers):
                shared = OFFICE if numbers == 1 else f"44191{number:07}"
                found = await self.opened(WRONG, customer_id, shared)
                assert isinstance(found, Refusal)
                compared += found.why is Why.WRONG_CODE
                waits.append(found.wait_ms)
            self.now_ms += min(waits)
        return compared


@pytest.fixture
async def desk(store: Store) -> Desk:
    opened = Desk(store)
    async with opened.acting() as actor:
        for customer_id in range(1, 13):
            await add_customer(actor, customer_id)
    return opened


# What operators do


async def test_a_code_says_which_customer_of_the_number_calls(desk: Desk) -> None:
    (one, code), (_, other_code) = await desk.share(1), await desk.share(2, "+44 191 000 0009", 4)
    assert (one.number, one.digits, len(code), len(other_code)) == (OFFICE, 6, 6, 4)
    assert await desk.opened(code) == 1
    assert await desk.opened(other_code) == 2
    assert await desk.opened(code, 1) == 1
    assert await desk.opened(code, 2) == Refusal(Why.WRONG_CODE)
    assert await is_shared(desk.store, OFFICE)
    assert not await is_shared(desk.store, "441910000008")
    # The same code means nothing at another number.
    assert await desk.opened(code, number="441910000008") == Refusal(Why.WRONG_CODE)


async def test_a_code_is_shown_once_and_is_in_no_list_and_no_audit_entry(desk: Desk) -> None:
    made, code = await desk.share(1)
    async with desk.acting() as actor:
        rotated, again = await cli_codes.rotate_code(actor, made.id, None, desk.peppers)
    async with desk.store.reading() as connection:
        listed = await cli_codes.code_page(connection, CliCodeFilter(1, "44191"), PageRequest(10))
        noted = await entry_page(connection, EntryFilter(), PageRequest(100))
        kept = (await connection.execute(select(cli_codes_table))).one()
    assert listed.items == [rotated]
    mine = [one for one in noted.items if one.subject == f"CLI {OFFICE} of customer 1"]
    assert [one.verb for one in mine] == ["set", "add"]
    for text in (str(noted.items), str(kept), str(listed.items)):
        assert code not in text
        assert again not in text


async def test_a_rotated_code_and_a_deleted_one_open_nothing(desk: Desk) -> None:
    made, code = await desk.share(1)
    async with desk.acting() as actor:
        rotated, again = await cli_codes.rotate_code(actor, made.id, 8, desk.peppers)
    assert (rotated.id, rotated.digits, len(again)) == (made.id, 8, 8)
    assert await desk.opened(code) == Refusal(Why.WRONG_CODE)
    assert await desk.opened(again) == 1
    async with desk.acting() as actor:
        assert await cli_codes.delete_code(actor, made.id) == rotated
    async with desk.acting() as actor:
        for missing in (made.id, 0, 2**40):
            with pytest.raises(Refused, match=rf"there is no code {missing} of a shared CLI"):
                await cli_codes.delete_code(actor, missing)
    assert await desk.opened(again) == Refusal(Why.WRONG_CODE)
    assert not await is_shared(desk.store, OFFICE)


async def test_a_number_is_shared_or_one_customers_alone(desk: Desk, tmp_path: Path) -> None:
    await desk.share(1)
    shared = r"CLI 441910000009 is shared by customers who have codes there, 1 in all"
    async with desk.acting() as actor:
        with pytest.raises(Refused, match=shared):
            await clis.add_number(actor, 2, OFFICE)
        await clis.add_number(actor, 2, "441910000008")
        with pytest.raises(Refused, match="CLI 441910000008 identifies customer 2 by itself"):
            await cli_codes.add_code(actor, 1, "441910000008", 6, "", desk.peppers)
        with pytest.raises(Refused, match="customer 1 has a code at CLI 441910000009 already"):
            await cli_codes.add_code(actor, 1, OFFICE, 4, "", desk.peppers)
    file = tmp_path / "clis.csv"
    file.write_text(f"number,customer\n441910000007,2\n{OFFICE},2\n")
    async with desk.acting() as actor:
        with pytest.raises(DocumentError, match=rf"3:1: number: {shared}") as raised:
            await CliImport(actor).run(file, update=False, dry_run=False)
    assert len(raised.value.problems) == 1


async def test_so_many_codes_of_a_length_that_one_could_be_guessed_are_refused(desk: Desk) -> None:
    for customer_id in range(1, 10):
        await desk.share(customer_id, digits=4)
    with pytest.raises(Refused, match="9 customers have codes of 4 digits at CLI 441910000009"):
        await desk.share(10, digits=4)
    made, _ = await desk.share(10, digits=5)
    async with desk.acting() as actor:
        with pytest.raises(Refused, match="give this one a longer code"):
            await cli_codes.rotate_code(actor, made.id, 4, desk.peppers)
    async with desk.acting() as actor:
        # One that has such a code already may have another.
        await cli_codes.rotate_code(actor, 1, None, desk.peppers)


@pytest.mark.parametrize("digits", [3, 9])
async def test_codes_have_four_to_eight_digits(desk: Desk, digits: int) -> None:
    with pytest.raises(Refused, match="write a number from 4 to 8"):
        await desk.share(1, digits=digits)


async def test_a_customer_with_a_code_is_deleted_with_it_or_not_at_all(desk: Desk) -> None:
    _, code = await desk.share(1)
    async with desk.acting() as actor:
        await service_passwords.set_password(actor, 1, 6, desk.peppers)
        with pytest.raises(Refused, match="customer 1 has 1 CLIs and 0 DIDs"):
            await customers.delete(actor, 1)
        await customers.delete(actor, 1, cascade=True)
    assert await desk.opened(code) == Refusal(Why.WRONG_CODE)
    async with desk.store.reading() as connection:
        noted = await entry_page(
            connection, EntryFilter(subject=f"CLI {OFFICE} of customer 1"), PageRequest(1)
        )
    assert noted.items[0].verb == "delete"


async def test_a_barred_customer_is_refused_to_the_right_code_only(desk: Desk) -> None:
    _, code = await desk.share(1)
    async with desk.acting() as actor:
        await customers.alter(actor, 1, status="penalty")
    assert await desk.opened(WRONG) == Refusal(Why.WRONG_CODE)
    assert await desk.opened(code) == Refusal(Why.CUSTOMER_NOT_ACTIVE)


async def test_codes_and_passwords_move_to_the_newest_pepper_when_they_are_keyed(desk: Desk) -> None:
    _, code = await desk.share(1)
    async with desk.acting() as actor:
        _, password = await service_passwords.set_password(actor, 1, 6, desk.peppers)
    both = Peppers([OLD, NEW])
    assert await needing(desk, both) == {"v1": 2, "v2": 0}
    desk.secrets.use(both)
    assert await desk.opened(code) == 1
    assert await desk.secrets.check_password(1, password) is None
    assert await needing(desk, both) == {"v1": 0, "v2": 2}
    desk.secrets.use(Peppers([NEW]))
    assert await desk.opened(code) == 1
    assert await desk.secrets.check_password(1, password) is None
    # Without their pepper they open nothing.
    desk.secrets.use(Peppers([replace(OLD, version="v3")]))
    assert await desk.opened(code) == Refusal(Why.WRONG_CODE)
    assert await desk.secrets.check_password(1, password) == Refusal(Why.WRONG_PASSWORD)


async def needing(desk: Desk, peppers: Peppers) -> dict[str, int]:
    async with desk.store.reading() as connection:
        return {one.version: one.code_count for one in await pepper_versions(connection, peppers)}


@pytest.mark.parametrize("code", ["", "123", "123456789", "12a4", "１２３４", "' OR 1=1 --"])
async def test_what_cannot_be_a_code_is_mistyped_and_held_against_nobody(desk: Desk, code: str) -> None:
    _, right = await desk.share(1)
    for _ in range(30):
        assert await desk.opened(code) == Refusal(Why.MISTYPED)
        assert await desk.opened(code, 1) == Refusal(Why.MISTYPED)
    assert await desk.opened(right) == 1


async def test_old_and_mobile_forms_of_a_shared_number_are_the_same_number(desk: Desk) -> None:
    _, code = await desk.share(1, "+54 9 11 2345 6789")
    caller_accounts = CallerAccounts(
        desk.store, Directory(desk.store, "US"), "US", lambda: desk.peppers, lambda: desk.now_ms
    )
    for cli in ("541123456789", "5491123456789"):
        assert await caller_accounts.is_shared(cli)
        found = await caller_accounts.open_code(cli, code)
        assert isinstance(found, Customer)
        assert found.id == 1
    assert not await caller_accounts.is_shared(None)
    assert await caller_accounts.recognise("541123456789") is None
    assert await caller_accounts.remember(2, "5491123456789") is Remembering.TAKEN


# Guessing


async def test_who_presents_a_shared_number_has_33_guesses_on_the_first_day_and_24_on_each_later_one(
    desk: Desk,
) -> None:
    await desk.share(1)
    assert [await desk.guesses(DAY_MS) for _ in range(3)] == [33, 24, 24]


async def test_whoever_guesses_at_a_number_keeps_none_of_its_customers_out(desk: Desk) -> None:
    codes = {customer_id: (await desk.share(customer_id))[1] for customer_id in (1, 2)}
    for _ in range(50):
        await desk.opened(WRONG)
        desk.now_ms += 60_000
        for customer_id, code in codes.items():
            found = await desk.opened(code)
            if isinstance(found, Refusal):
                assert found.why is Why.NEEDS_ID
                found = await desk.opened(code, customer_id)
            assert found == customer_id


async def test_who_names_the_account_has_as_many_guesses_as_at_a_card(desk: Desk) -> None:
    _, code = await desk.share(1, digits=4)
    _, other = await desk.share(2)

    async def guesses(customer_id: int) -> int:
        compared, until_ms = 0, desk.now_ms + DAY_MS
        while desk.now_ms < until_ms:
            found = await desk.opened("0000", customer_id)
            assert isinstance(found, Refusal)
            if found.why is Why.LOCKED:
                desk.now_ms += found.wait_ms
            else:
                compared += 1
        return compared

    assert [await guesses(1), await guesses(1)] == [17, 12]
    # Nothing is learnt while it is locked, not by the right code either.
    for _ in range(6):
        await desk.opened("0000", 1)
    assert (await desk.opened(code, 1)).why is Why.LOCKED  # type: ignore[union-attr]
    assert await desk.opened(other, 2) == 2
    # By an account that does not exist, or has no code there, as many and the same answers.
    assert [await guesses(99), await guesses(3)] == [17, 17]


async def test_all_shared_numbers_together_have_under_3000_guesses_a_day(desk: Desk) -> None:
    """Each number has guesses of its own left, and the limit for all of them is nearly met."""
    assert NUMBERS.at_once + DAY_MS // NUMBERS.each_ms == 2_800
    _, code = await desk.share(1)
    used = {"failed_ms": desk.now_ms, "clear_ms": desk.now_ms + 395 * NUMBERS.each_ms}
    async with desk.store.writing() as connection:
        await connection.execute(lockouts.insert().values(subject="numbers", **used))
    assert await desk.guesses(HOUR_MS // 6, numbers=10) == 5 + 16
    # The owner elsewhere is asked for the account, and gets in.
    await desk.opened(WRONG)
    assert (await desk.opened(code)).why is Why.NEEDS_ID  # type: ignore[union-attr]
    assert await desk.opened(code, 1) == 1


async def test_tries_at_one_instant_on_one_server_are_no_more_than_tries_in_turn(desk: Desk) -> None:
    await desk.share(1)
    found = await asyncio.gather(*(desk.opened(WRONG) for _ in range(30)))
    assert sum(one == Refusal(Why.WRONG_CODE) for one in found) == 10


async def test_a_clock_that_is_set_back_gives_no_tries_and_makes_no_wait_longer(desk: Desk) -> None:
    _, code = await desk.share(1)
    for _ in range(10):
        await desk.opened(WRONG)
    desk.now_ms -= DAY_MS
    assert await desk.opened(code) == Refusal(Why.NEEDS_ID, HOUR_MS)
    desk.now_ms += HOUR_MS
    assert await desk.opened(code) == 1


# Service passwords


async def test_a_service_password_is_one_customers_and_a_new_one_takes_its_place(desk: Desk) -> None:
    async with desk.acting() as actor:
        _, first = await service_passwords.set_password(actor, 1, 6, desk.peppers)
        made, second = await service_passwords.set_password(actor, 1, 8, desk.peppers)
    assert (made.digits, len(first), len(second)) == (8, 6, 8)
    assert await desk.secrets.check_password(1, second) is None
    assert await desk.secrets.check_password(1, first) == Refusal(Why.WRONG_PASSWORD)
    assert await desk.secrets.check_password(2, second) == Refusal(Why.WRONG_PASSWORD)
    async with desk.acting() as actor:
        assert await service_passwords.remove_password(actor, 1) == made
        with pytest.raises(Refused, match="customer 1 has no service password"):
            await service_passwords.remove_password(actor, 1)
    assert await desk.secrets.check_password(1, second) == Refusal(Why.WRONG_PASSWORD)
    async with desk.store.reading() as connection:
        noted = await entry_page(connection, EntryFilter(verb="password"), PageRequest(10))
    assert [one.subject for one in noted.items] == ["customer 1"] * 3
    assert second not in str(noted.items)


async def test_service_passwords_have_the_guesses_of_pins(desk: Desk) -> None:
    async with desk.acting() as actor:
        _, right = await service_passwords.set_password(actor, 1, 6, desk.peppers)
    wrong = ("1" if right[0] != "1" else "2") + right[1:]
    for _ in range(24):
        assert await desk.secrets.check_password(1, wrong) == Refusal(Why.WRONG_PASSWORD)
    assert await desk.secrets.check_password(1, right) == Refusal(Why.LOCKED, DAY_MS // 48)
    # Shorter ones are counted for themselves.
    for _ in range(10):
        await desk.secrets.check_password(1, "1111")
    desk.now_ms += DAY_MS // 48
    assert await desk.secrets.check_password(1, right) is None


async def test_customers_are_shown_with_their_shared_numbers_and_whether_they_have_a_password(
    desk: Desk,
) -> None:
    await desk.share(1)
    async with desk.acting() as actor:
        await service_passwords.set_password(actor, 1, 6, desk.peppers)
    async with desk.store.reading() as connection:
        shown: list[Any] = [await overview(connection, one, desk.now_ms) for one in (1, 2)]
    assert [one.service_password for one in shown] == [True, False]
    assert [one.shared_clis for one in shown] == [[OFFICE], []]
    assert isinstance(shown[0].customer, Customer)
