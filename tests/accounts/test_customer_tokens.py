"""Customers' tokens: exchanged once each, ended with what they were opened by, found when they are copied."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import select, update
from tests.paying_customers import add_customer, as_ann

from ringflow.accounts import customers
from ringflow.accounts.customer_access import logins, tokens
from ringflow.accounts.customer_access.tokens import (
    ACCESS_MS,
    GRACE_MS,
    MAX_DEVICES,
    MAX_PROGRAMS,
    REFRESH_MS,
    Secrets,
    add_program,
    open_device,
)
from ringflow.actor import Principal, acting, customer_principal
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import Forbidden, Refused, Unknown
from ringflow.store import Store
from ringflow.store.customer_access_tables import customer_secrets, customer_tokens
from ringflow.store.pages import PageRequest
from ringflow.store.tables import customers as customers_table


@dataclass
class Desk:
    """Customer 42 and its devices, by a time that tests move."""

    store: Store
    now_ms: int = 1_750_000_000_000

    async def open(self, name: str = "phone") -> Secrets:
        principal = customer_principal(42, "sign-in")
        async with acting(self.store, principal, "US", self.now_ms) as actor:
            return await open_device(actor, 42, name, "192.0.2.1")

    async def refresh(self, text: str) -> Secrets:
        return await tokens.refresh(self.store, text, "US", self.now_ms)

    async def recognise(self, text: str) -> Principal | None:
        return await tokens.recognise(self.store, text, self.now_ms)

    async def is_good(self, text: str) -> bool:
        try:
            return await self.recognise(text) is not None
        except Forbidden:
            return False

    async def devices(self, *, ended_too: bool = False) -> list[str]:
        async with self.store.reading() as connection:
            page = await tokens.page(
                connection, 42, PageRequest(100), ended_too=ended_too, now_ms=self.now_ms
            )
        return [one.name for one in page.items]


@pytest.fixture
async def desk(store: Store) -> Desk:
    async with as_ann(store) as ann:
        await add_customer(ann, 42)
    return Desk(store)


async def test_an_access_token_is_good_for_a_quarter_of_an_hour_and_only_its_digest_is_kept(
    desk: Desk,
) -> None:
    signed_in = await desk.open()
    found = await desk.recognise(signed_in.access)
    assert found is not None
    assert (found.name, found.customer_id, found.rights) == ("customer 42", 42, frozenset())
    assert not await desk.is_good(signed_in.access[:-1] + "x")
    assert not await desk.is_good(signed_in.refresh)
    assert await desk.recognise("rf_aaaaaaaa_" + "b" * 43) is None
    desk.now_ms += ACCESS_MS - 1
    assert await desk.is_good(signed_in.access)
    desk.now_ms += 1
    assert not await desk.is_good(signed_in.access)
    async with desk.store.reading() as connection:
        kept = str((await connection.execute(select(customer_secrets))).all())
    assert signed_in.access not in kept
    assert signed_in.refresh not in kept


async def test_a_refresh_token_is_exchanged_for_two_new_ones_for_thirty_days(desk: Desk) -> None:
    first = await desk.open()
    desk.now_ms += REFRESH_MS - 1
    second = await desk.refresh(first.refresh)
    assert await desk.is_good(second.access)
    assert second.token.id == first.token.id
    with pytest.raises(Forbidden):
        await desk.refresh(second.access)
    desk.now_ms += REFRESH_MS
    with pytest.raises(Forbidden):
        await desk.refresh(second.refresh)
    assert await desk.devices() == []


async def test_a_refresh_token_that_comes_again_ends_its_device_and_no_other(desk: Desk) -> None:
    first, other = await desk.open("stolen"), await desk.open("other")
    second = await desk.refresh(first.refresh)
    desk.now_ms += GRACE_MS + 1
    with pytest.raises(Forbidden):
        await desk.refresh(first.refresh)
    assert not await desk.is_good(second.access)
    with pytest.raises(Forbidden):
        await desk.refresh(second.refresh)
    assert await desk.devices() == ["other"]
    assert await desk.is_good(other.access)
    async with desk.store.reading() as connection:
        entries = (await entry_page(connection, EntryFilter(verb="revoke"), PageRequest(10))).items
    assert [(one.subject, one.acted_as, one.after) for one in entries] == [
        (f"token {first.token.id} of customer 42", "customer", {"because": "a refresh token came again"})
    ]


async def test_an_answer_that_was_lost_is_given_again_within_the_grace(desk: Desk) -> None:
    first = await desk.open()
    lost = await desk.refresh(first.refresh)
    desk.now_ms += GRACE_MS
    again = await desk.refresh(first.refresh)
    assert not await desk.is_good(lost.access)
    assert await desk.is_good(again.access)
    third = await desk.refresh(again.refresh)
    assert await desk.is_good(third.access)


async def test_a_copy_that_is_used_in_the_grace_is_found_when_the_other_comes(desk: Desk) -> None:
    first = await desk.open()
    owners = await desk.refresh(first.refresh)
    thiefs = await desk.refresh(first.refresh)
    assert await desk.is_good(thiefs.access)
    with pytest.raises(Forbidden):
        await desk.refresh(owners.refresh)
    assert not await desk.is_good(thiefs.access)
    assert await desk.devices() == []


async def test_in_the_grace_nothing_is_exchanged_again_whose_tokens_were_used(desk: Desk) -> None:
    first = await desk.open()
    second = await desk.refresh(first.refresh)
    await desk.refresh(second.refresh)
    with pytest.raises(Forbidden):
        await desk.refresh(first.refresh)
    assert await desk.devices() == []


async def test_somebody_who_knows_only_how_a_token_begins_ends_nothing(desk: Desk) -> None:
    first = await desk.open()
    second = await desk.refresh(first.refresh)
    desk.now_ms += GRACE_MS + 1
    with pytest.raises(Forbidden):
        await desk.refresh(first.refresh[:-1] + ("x" if first.refresh[-1] != "x" else "y"))
    assert await desk.is_good(second.access)


async def test_a_customer_that_is_barred_is_signed_out_at_once(desk: Desk) -> None:
    signed_in = await desk.open()
    async with as_ann(desk.store, desk.now_ms) as ann:
        await customers.alter(ann, 42, status="inactive")
    assert not await desk.is_good(signed_in.access)
    with pytest.raises(Forbidden):
        await desk.refresh(signed_in.refresh)
    async with as_ann(desk.store, desk.now_ms) as ann:
        await customers.alter(ann, 42, status="active")
    assert await desk.is_good(signed_in.access)


async def test_the_device_that_was_unused_for_longest_gives_way_to_one_too_many(desk: Desk) -> None:
    first = await desk.open("first")
    for number in range(MAX_DEVICES - 1):
        desk.now_ms += 1
        await desk.open(f"device {number}")
    desk.now_ms += 1
    await desk.refresh(first.refresh)
    assert len(await desk.devices()) == MAX_DEVICES
    desk.now_ms += 1
    await desk.open("last")
    names = await desk.devices()
    assert (len(names), names[0], "first" in names, "device 0" in names) == (MAX_DEVICES, "last", True, False)


async def test_devices_that_ended_long_ago_are_forgotten_with_their_secrets(desk: Desk) -> None:
    await desk.open("old")
    desk.now_ms += 2 * REFRESH_MS + 1
    await desk.open("new")
    assert await desk.devices(ended_too=True) == ["new"]
    async with desk.store.reading() as connection:
        assert len((await connection.execute(select(customer_secrets.c.prefix))).all()) == 1


async def test_a_programs_token_is_good_until_it_expires_or_is_revoked(desk: Desk) -> None:
    async with as_ann(desk.store, desk.now_ms) as ann:
        token, text = await add_program(ann, 42, "shop", desk.now_ms + 1000)
        _, for_ever = await add_program(ann, 42, "for ever", None)
        with pytest.raises(Refused, match="expired already"):
            await add_program(ann, 42, "late", desk.now_ms)
        with pytest.raises(Unknown):
            await add_program(ann, 43, "nobody's", None)
        with pytest.raises(Refused, match="has a name"):
            await add_program(ann, 42, " ", None)
    found = await desk.recognise(text)
    assert found is not None
    assert (found.token, found.credential_id) == ("shop", str(token.id))
    desk.now_ms += 1000
    assert not await desk.is_good(text)
    assert await desk.is_good(for_ever)
    assert await desk.devices() == ["for ever"]
    async with as_ann(desk.store, desk.now_ms) as ann:
        (program,) = (
            await tokens.page(ann.connection, 42, PageRequest(9), ended_too=False, now_ms=desk.now_ms)
        ).items
        with pytest.raises(Unknown):
            await tokens.revoke(ann, 43, program.id)
        ended = await tokens.revoke(ann, 42, program.id)
        assert await tokens.revoke(ann, 42, program.id) == ended
    assert not await desk.is_good(for_ever)


async def test_a_customer_has_only_so_many_programs(desk: Desk) -> None:
    async with as_ann(desk.store, desk.now_ms) as ann:
        for number in range(MAX_PROGRAMS):
            await add_program(ann, 42, f"p{number}", None)
        with pytest.raises(Refused, match="revoke one first"):
            await add_program(ann, 42, "one more", None)


async def test_a_new_password_or_no_login_ends_what_was_signed_in_with_it(desk: Desk) -> None:
    async with as_ann(desk.store, desk.now_ms) as ann:
        login = await logins.add(ann, 42, " Ann@Example.ORG ", "hash")
        assert login.email == "ann@example.org"
        by_login = [await open_device(ann, 42, f"d{n}", None, login_id=login.id) for n in range(2)]
        await open_device(ann, 42, "by card", None)
        await logins.set_password(ann, login, "other", keep_token=by_login[0].token.id)
    assert await desk.devices() == ["by card", "d0"]
    async with as_ann(desk.store, desk.now_ms) as ann:
        await logins.delete(ann, await logins.show(ann.connection, "ANN@example.org", 42))
        with pytest.raises(Unknown):
            await logins.show(ann.connection, "ann@example.org")
    assert await desk.devices(ended_too=True) == ["by card"]


async def test_a_customer_goes_with_its_logins_and_tokens(desk: Desk) -> None:
    await desk.open()
    async with as_ann(desk.store, desk.now_ms) as ann:
        await logins.add(ann, 42, "ann@example.org", "hash")
        await customers.delete(ann, 42)
        for table in (customer_tokens, customer_secrets, customers_table):
            assert (await ann.connection.execute(select(table))).all() == []


async def test_when_a_token_was_used_is_written_once_a_minute(desk: Desk) -> None:
    signed_in = await desk.open()
    async with as_ann(desk.store) as ann:
        await ann.connection.execute(update(customer_tokens).values(last_used_ms=None))

    async def last_used_ms() -> int | None:
        async with desk.store.reading() as connection:
            row = (await connection.execute(select(customer_tokens.c.last_used_ms))).one()
            return None if row[0] is None else int(row[0])

    began_ms = desk.now_ms
    for later_ms, expected_ms in ((0, 0), (59_999, 0), (60_000, 60_000)):
        desk.now_ms = began_ms + later_ms
        await desk.recognise(signed_in.access)
        assert await last_used_ms() == began_ms + expected_ms
