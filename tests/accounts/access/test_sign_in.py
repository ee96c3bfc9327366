"""Signing in as an operator, and as somebody who guesses: what is compared, counted, told and kept."""

from __future__ import annotations

import asyncio
from typing import Any

import argon2
import pytest
from sqlalchemy import text

from ringflow.accounts import operators
from ringflow.accounts.access import sessions
from ringflow.accounts.access.secret_text import new_secret
from ringflow.accounts.access.sessions import MOST_AT_ONCE, USED_EVERY_MS, SessionRules
from ringflow.accounts.access.sign_in import NOTED, Attempt, SignedIn, SignIn
from ringflow.accounts.failures import count_failure
from ringflow.accounts.lockout import (
    ADDRESS,
    DEVICE,
    OPERATOR,
    OPERATOR_AT_ADDRESS,
    SESSION,
    Limit,
    address_name,
)
from ringflow.accounts.operators import Operator, new_password_hash
from ringflow.accounts.passwords import MEMORY_KIB, MOST_WAITING, Passwords
from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.actor import Principal, acting, shell_operator
from ringflow.audit import Entry, EntryFilter, entry_page
from ringflow.errors import Forbidden, Refused, Unknown
from ringflow.rights import BUILT_IN_ROLES
from ringflow.store import Store
from ringflow.store.pages import PageRequest

HOUR_MS = 3_600_000
RULES = SessionRules(idle_ms=HOUR_MS, absolute_ms=12 * HOUR_MS)
PASSWORD = "correct horse battery"
HERE, THERE = "192.0.2.7", "198.51.100.9"

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Door:
    """A sign-in on a store; tests move `now_ms`."""

    def __init__(self, store: Store, rules: SessionRules = RULES) -> None:
        self.store = store
        self.now_ms = 1_750_000_000_000
        self.ring = "v1:a-pepper-for-tests-only"
        self.sign_in = SignIn(store, "US", rules, lambda: self.now_ms, self.peppers)

    def peppers(self) -> Peppers:
        return parse_peppers(self.ring, "the ring")

    async def add(self, name: str, role: str = "support", password: str | None = PASSWORD) -> None:
        kept = None if password is None else await new_password_hash(self.sign_in.passwords, password, name)
        async with acting(self.store, shell_operator("root"), "US", self.now_ms) as actor:
            await operators.add(actor, Operator(name, role), kept)

    async def enter(self, name: str, password: str = PASSWORD, **more: Any) -> SignedIn:
        return await self.sign_in.sign_in(Attempt(name, password, **{"address": HERE, **more}))

    async def code_of(self, name: str, password: str = "wrong", **more: Any) -> str:
        """Return the code with which a try is refused."""
        with pytest.raises(Refused) as refused:
            await self.enter(name, password, **more)
        return refused.value.code

    async def who(self, signed_in: SignedIn) -> Principal:
        return await sessions.recognise(self.store, signed_in.text, self.sign_in.rules, self.now_ms)

    async def is_over(self, signed_in: SignedIn) -> bool:
        try:
            await self.who(signed_in)
        except Forbidden as error:
            return error.code == "session.ended"
        return False

    async def use_up(self, name: str, budget: Any) -> None:
        """Count as many failures as a budget has, without comparing anything."""
        for _ in range(budget.at_once):
            await count_failure(self.store, [Limit(name, budget)], self.now_ms)

    async def entries(self, verb: str) -> list[Entry]:
        async with self.store.reading() as connection:
            asked = PageRequest(1000)
            return list((await entry_page(connection, EntryFilter(verb=verb), asked)).items)


@pytest.fixture
def door(store: Store) -> Door:
    return Door(store)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords are compared with, in turn."""
    against: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, kept: str, password: str) -> Any:
        against.append(kept)
        return verify(self, kept, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    return against


async def test_a_session_has_its_operators_rights_and_is_kept_as_a_digest(door: Door) -> None:
    await door.add("ann")
    done = await door.enter("ann", agent="a browser")
    found = await door.who(done)
    assert (found.name, found.rights) == ("ann", BUILT_IN_ROLES["support"])
    assert found.credential_id == f"session {done.session.id}"
    async with door.store.reading() as connection:
        kept = str((await connection.execute(text("SELECT * FROM operator_sessions"))).all())
        log = str((await connection.execute(text("SELECT * FROM audit_log"))).all())
        known = str((await connection.execute(text("SELECT * FROM operator_devices"))).all())
    for secret in (done.text, done.device, PASSWORD):
        assert secret not in kept + log + known
    (entry,) = await door.entries("sign in")
    assert (entry.subject, entry.operator) == ("operator ann", "ann")
    assert (entry.after, entry.address) == ({"session": done.session.id, "device": "a browser"}, HERE)


@on_sqlite
async def test_an_unknown_name_costs_one_comparison_at_the_same_cost_as_a_known_one(
    door: Door, compared: list[str]
) -> None:
    await door.add("ann")
    await door.add("program", password=None)
    for name in ("ann", "nobody", "program"):
        assert await door.code_of(name) == "login.refused"
    assert len(compared) == 3
    cost = f"$argon2id$v=19$m={MEMORY_KIB},t=2,p=1$"
    assert all(kept.startswith(cost) for kept in compared)


@on_sqlite
async def test_a_disabled_operator_is_refused_and_its_sessions_do_not_come_back(door: Door) -> None:
    await door.add("ann")
    done = await door.enter("ann")
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=False)
    assert await door.code_of("ann", PASSWORD) == "login.refused"
    assert await door.is_over(done)
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=True)
    assert await door.is_over(done)


@on_sqlite
async def test_a_session_of_a_disabled_operator_is_over_however_that_came(door: Door) -> None:
    await door.add("ann")
    done = await door.enter("ann")
    async with door.store.writing() as connection:
        await connection.execute(text("UPDATE operators SET enabled = false"))
    assert await door.is_over(done)


@on_sqlite
async def test_who_is_disabled_while_the_password_is_compared_is_not_let_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.add("ann")
    in_a_thread = asyncio.to_thread

    async def disabling(work: Any, *given: Any) -> Any:
        async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
            await operators.set_enabled(actor, "ann", enabled=False)
        return await in_a_thread(work, *given)

    monkeypatch.setattr("ringflow.accounts.passwords.asyncio.to_thread", disabling)
    assert await door.code_of("ann", PASSWORD) == "login.refused"
    assert await door.entries("sign in") == []


@on_sqlite
async def test_a_known_device_does_not_wait_behind_strangers(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.add("ann")
    done = await door.enter("ann")
    in_a_thread, gate, compared = asyncio.to_thread, asyncio.Event(), asyncio.Event()

    async def slow_for_strangers(work: Any, *given: Any) -> Any:
        if given[0] == "a guess":
            compared.set()
            await gate.wait()
        return await in_a_thread(work, *given)

    monkeypatch.setattr("ringflow.accounts.passwords.asyncio.to_thread", slow_for_strangers)
    guesses = [asyncio.create_task(door.code_of("ann", "a guess", address=f"192.0.2.{n}")) for n in range(9)]
    async with asyncio.timeout(30):
        await compared.wait()
        assert (await door.enter("ann", device=done.device)).session.operator == "ann"
        assert not any(guess.done() for guess in guesses)
        gate.set()
        assert {*await asyncio.gather(*guesses)} == {"login.refused"}


@on_sqlite
async def test_another_role_counts_at_once_and_another_password_ends_all_sessions_but_its_own(
    door: Door,
) -> None:
    await door.add("ann")
    mine, other = await door.enter("ann"), await door.enter("ann")
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.alter(actor, "ann", role="viewer")
    me = await door.who(mine)
    assert me.rights == BUILT_IN_ROLES["viewer"]
    kept = await new_password_hash(door.sign_in.passwords, PASSWORD + "!", "ann")
    async with acting(door.store, me, "US", door.now_ms) as actor:
        await operators.set_own_password(actor, kept)
    assert (await door.is_over(mine), await door.is_over(other)) == (False, True)
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_password(actor, "ann", None)
    assert await door.is_over(mine)


@on_sqlite
async def test_a_session_ends_when_idle_and_when_old_whichever_is_first(door: Door) -> None:
    await door.add("ann")
    idle, used = await door.enter("ann"), await door.enter("ann")
    begun_ms = door.now_ms
    while door.now_ms < begun_ms + 11 * HOUR_MS:
        door.now_ms += HOUR_MS - 1
        assert not await door.is_over(used)
    assert await door.is_over(idle)
    door.now_ms = begun_ms + RULES.absolute_ms - 1
    assert not await door.is_over(used)
    door.now_ms += 1
    assert await door.is_over(used)


@on_sqlite
async def test_the_last_use_is_written_once_a_minute(door: Door) -> None:
    await door.add("ann")
    done = await door.enter("ann")
    begun_ms = door.now_ms
    shown = []
    for later_ms in (USED_EVERY_MS - 1, USED_EVERY_MS, USED_EVERY_MS + 1):
        door.now_ms = begun_ms + later_ms
        await door.who(done)
        async with door.store.reading() as connection:
            shown.append((await sessions.show(connection, "ann", done.session.id)).used_ms - begun_ms)
    assert shown == [0, USED_EVERY_MS, USED_EVERY_MS]


async def test_an_operator_has_so_many_sessions_and_those_not_used_for_longest_go(door: Door) -> None:
    await door.add("ann")
    await door.add("bob")
    first, bobs = await door.enter("ann"), await door.enter("bob")
    old = await door.enter("ann")
    door.now_ms += USED_EVERY_MS
    await door.who(first)
    who = await door.who(bobs)
    async with door.store.reading() as connection:
        ann = (await connection.execute(text("SELECT id FROM operators WHERE name = 'ann'"))).scalar_one()
    for _ in range(MOST_AT_ONCE - 1):
        async with acting(door.store, who, "US", door.now_ms) as actor:
            await sessions.begin(actor, ann, "", HERE, RULES)
    assert [await door.is_over(one) for one in (old, first, bobs)] == [True, False, False]
    async with door.store.reading() as connection:
        asked = PageRequest(10)
        page = await sessions.page(connection, "ann", RULES, door.now_ms, asked)
        assert len(page.items) == 10
        with pytest.raises(Unknown):
            await sessions.show(connection, "ann", bobs.session.id)


@on_sqlite
async def test_guesses_from_one_address_lock_that_address_alone(door: Door, compared: list[str]) -> None:
    await door.add("ann")
    codes = [await door.code_of("ann", address=THERE) for _ in range(OPERATOR_AT_ADDRESS.at_once + 2)]
    assert codes == ["login.refused"] * OPERATOR_AT_ADDRESS.at_once + ["login.locked"] * 2
    # Who is locked out learns nothing: the right password is not compared either.
    count = len(compared)
    assert await door.code_of("ann", PASSWORD, address=THERE) == "login.locked"
    assert len(compared) == count
    assert (await door.who(await door.enter("ann"))).name == "ann"
    door.now_ms += OPERATOR_AT_ADDRESS.each_ms
    assert (await door.who(await door.enter("ann", address=THERE))).name == "ann"


@on_sqlite
async def test_a_device_that_signed_in_before_is_not_locked_out_by_what_others_fail(door: Door) -> None:
    await door.add("ann")
    await door.add("bob")
    done = await door.enter("ann")
    for subject, budget in (
        ("operator:ann", OPERATOR),
        (f"address:{HERE}", ADDRESS),
        (f"operator:ann@{HERE}", OPERATOR_AT_ADDRESS),
    ):
        await door.use_up(subject, budget)
    assert await door.code_of("ann", PASSWORD) == "login.locked"
    assert await door.code_of("ann", PASSWORD, device=new_secret()) == "login.locked"
    assert (await door.enter("ann", device=done.device)).device == done.device
    # It is known for its own operator only, and has a budget too.
    assert await door.code_of("bob", PASSWORD, device=done.device) == "login.locked"
    codes = [await door.code_of("ann", device=done.device) for _ in range(DEVICE.at_once + 1)]
    assert codes == ["login.refused"] * DEVICE.at_once + ["login.locked"]
    # Another operator, from another address, never heard of it.
    assert (await door.enter("bob", address=THERE)).session.operator == "bob"


@on_sqlite
async def test_guesses_from_many_addresses_at_one_name_are_bounded_alike_for_names_that_are_not(
    door: Door,
) -> None:
    await door.add("ann")
    for name in ("ann", "nobody"):
        await door.use_up(f"operator:{name}", OPERATOR)
        assert await door.code_of(name, PASSWORD, address="203.0.113.5") == "login.locked"


@on_sqlite
async def test_tries_that_come_together_are_counted_one_by_one(door: Door) -> None:
    await door.add("ann")
    tries = [door.code_of("ann", address=THERE) for _ in range(OPERATOR_AT_ADDRESS.at_once + 3)]
    assert (
        sorted(await asyncio.gather(*tries))
        == ["login.locked"] * 3 + ["login.refused"] * OPERATOR_AT_ADDRESS.at_once
    )


async def test_comparisons_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Event()

    async def in_a_thread(work: Any, *given: Any) -> bool:
        await gate.wait()
        return False

    monkeypatch.setattr("ringflow.accounts.passwords.asyncio.to_thread", in_a_thread)
    passwords = Passwords(at_once=1)
    tries = [asyncio.create_task(passwords.matches("x", None)) for _ in range(MOST_WAITING + 2)]
    done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = done
    assert isinstance(refused.exception(), Refused)
    gate.set()
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert results.count(False) == MOST_WAITING + 1


@on_sqlite
async def test_a_device_cookie_that_nobody_signed_in_with_is_replaced(door: Door) -> None:
    await door.add("ann")
    planted = new_secret()
    done = await door.enter("ann", device=planted)
    assert done.device != planted
    again = await door.enter("ann", device=done.device)
    assert again.device == done.device
    # A session is never one that the browser brought along.
    assert again.text != done.text


@on_sqlite
async def test_failed_sign_ins_are_on_record_up_to_a_bound_and_never_by_an_unknown_name(door: Door) -> None:
    await door.add("ann")
    await door.code_of("ann", agent="a browser")
    await door.code_of("hunter2 by mistake")
    entries = await door.entries("sign in failed")
    assert {one.subject for one in entries} == {"operator ann", "an unknown operator"}
    (ann,) = (one for one in entries if one.subject == "operator ann")
    assert (ann.after, ann.address, ann.operator) == ({"device": "a browser"}, HERE, "sign-in")
    assert "hunter2" not in str(entries)
    await door.use_up("failed sign-ins on record", NOTED)
    assert await door.code_of("ann") == "login.refused"
    assert len(await door.entries("sign in failed")) == 2
    door.now_ms += 3 * NOTED.each_ms
    assert await door.code_of("ann") == "login.refused"
    assert len(await door.entries("sign in failed")) == 3


@on_sqlite
async def test_who_is_signed_in_gives_the_password_once_more_so_many_times(door: Door) -> None:
    await door.add("ann")
    me, other = await door.who(await door.enter("ann")), await door.who(await door.enter("ann"))
    await door.sign_in.confirm_password(me, PASSWORD)
    codes = []
    for _ in range(SESSION.at_once + 1):
        with pytest.raises(Refused) as refused:
            await door.sign_in.confirm_password(me, "wrong")
        codes.append(refused.value.code)
    assert codes == ["password.wrong"] * SESSION.at_once + ["login.locked"]
    with pytest.raises(Refused, match="try again"):
        await door.sign_in.confirm_password(me, PASSWORD)
    await door.sign_in.confirm_password(other, PASSWORD)
    with pytest.raises(Forbidden, match="who has signed in"):
        await door.sign_in.confirm_password(shell_operator("ann"), PASSWORD)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::99", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", "unknown"),
    ],
)
def test_addresses_of_one_subscriber_are_counted_together(address: str, name: str) -> None:
    assert address_name(address) == name
