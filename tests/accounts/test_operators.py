"""Operators, roles and tokens: who is recognised, with which rights, and what nobody may do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from ringflow.accounts import operators, roles, tokens
from ringflow.accounts.access import sessions
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.access.sign_in import Attempt, SignIn
from ringflow.accounts.operators import Operator, new_password_hash
from ringflow.accounts.passwords import AT_ONCE, MAX_PASSWORD, MEMORY_KIB, Passwords, check_password
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.roles import Role, read_rights
from ringflow.accounts.tokens import USED_EVERY_MS, Token, TokenFilter, TokenPlan
from ringflow.actor import Actor, Principal, PrincipalKind, acting, shell_operator
from ringflow.audit import Entry, EntryFilter, entry_page
from ringflow.errors import Conflict, Forbidden, Refused, Unknown
from ringflow.rights import ALL_RIGHTS, BUILT_IN_ROLES, Right
from ringflow.store import Store
from ringflow.store.pages import PageRequest

Work = Callable[[Actor], Awaitable[Any]]
NOW_MS = 1_750_000_000_000
PASSWORD = "correct horse battery"
RULES = SessionRules(idle_ms=3_600_000, absolute_ms=43_200_000)
READ = frozenset({Right.CUSTOMERS_READ, Right.CALLS_READ})


def no_peppers() -> Peppers:
    raise AssertionError("nobody has a second factor here")


class Office:
    """Operators on a store. `now_ms` is the time of everything; tests move it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = NOW_MS
        self.passwords = Passwords()

    def acting(self, by: Principal | None = None) -> AbstractAsyncContextManager[Actor]:
        return acting(self.store, by or shell_operator("root"), "US", self.now_ms)

    async def add(self, name: str, role: str = "viewer", password: str | None = None) -> Operator:
        kept = None if password is None else await new_password_hash(self.passwords, password, name)
        async with self.acting() as actor:
            return await operators.add(actor, Operator(name, role), kept)

    async def token(self, operator: str, name: str = "export", **plan: Any) -> tuple[Token, str]:
        async with self.acting() as actor:
            return await tokens.add(actor, TokenPlan(operator, name, **plan))

    async def log_in(self, name: str, password: str) -> Principal:
        """Sign in, and return who acts by the session."""
        door = SignIn(self.store, "US", RULES, lambda: self.now_ms, no_peppers)
        done = await door.sign_in(Attempt(name, password))
        return await sessions.recognise(self.store, done.text, RULES, self.now_ms)

    async def by_token(self, secret: str) -> Principal:
        return await tokens.recognise(self.store, secret, self.now_ms)

    async def entries(self) -> list[Entry]:
        async with self.store.reading() as connection:
            page = await entry_page(connection, EntryFilter(), PageRequest(100))
            return list(page.items[::-1])


ALL = PageRequest(100)


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


async def test_an_operator_logs_in_with_its_password_and_has_its_roles_rights(office: Office) -> None:
    await office.add("ann", "support", PASSWORD)
    found = await office.log_in("ann", PASSWORD)
    assert found == Principal(
        PrincipalKind.OPERATOR, "ann", BUILT_IN_ROLES["support"], credential_id=found.credential_id
    )


async def test_a_login_is_refused_in_the_same_words_whatever_is_wrong(office: Office) -> None:
    await office.add("ann", "support", PASSWORD)
    await office.add("off", "viewer", PASSWORD)
    await office.add("program", "viewer")
    async with office.acting() as actor:
        await operators.set_enabled(actor, "off", enabled=False)
    said = set()
    for name, password in (
        ("ann", PASSWORD + "x"),
        ("ann", ""),
        ("Ann", PASSWORD),
        ("nobody", PASSWORD),
        ("off", PASSWORD),
        ("program", ""),
        ("program", "no operator has this password"),
    ):
        with pytest.raises(Forbidden) as refused:
            await office.log_in(name, password)
        said.add((refused.value.code, str(refused.value), tuple(refused.value.fields)))
    assert said == {("login.refused", "the name or the password is wrong, or the operator is disabled", ())}


async def test_a_password_is_kept_as_argon2id_of_the_documented_cost_and_stands_nowhere(
    office: Office,
) -> None:
    await office.add("ann", "admin", PASSWORD)
    async with office.acting() as actor:
        await operators.set_password(
            actor, "ann", await new_password_hash(office.passwords, "another " + PASSWORD, "ann")
        )
    async with office.store.reading() as connection:
        kept = (await connection.execute(text("SELECT password_hash FROM operators"))).scalar_one()
        log = str((await connection.execute(text("SELECT * FROM audit_log"))).all())
    assert kept.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t=2,p=1$")
    assert MEMORY_KIB == 19_456
    assert PASSWORD not in log
    assert kept not in log
    assert "argon2" not in log
    assert (await office.log_in("ann", "another " + PASSWORD)).name == "ann"
    with pytest.raises(Forbidden):
        await office.log_in("ann", PASSWORD)


async def test_a_hash_of_other_cost_is_made_anew_at_the_next_login(office: Office) -> None:
    from argon2 import PasswordHasher

    await office.add("ann", "admin", PASSWORD)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with office.store.writing() as connection:
        await connection.execute(text("UPDATE operators SET password_hash = :weak"), {"weak": weak})
    assert (await office.log_in("ann", PASSWORD)).name == "ann"
    async with office.store.reading() as connection:
        kept = (await connection.execute(text("SELECT password_hash FROM operators"))).scalar_one()
    assert f"m={MEMORY_KIB},t=2,p=1" in kept
    assert (await office.log_in("ann", PASSWORD)).name == "ann"


async def test_only_a_few_passwords_are_compared_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = most = 0

    async def in_a_thread(work: Any, *given: Any) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return False

    monkeypatch.setattr("ringflow.accounts.passwords.asyncio.to_thread", in_a_thread)
    await asyncio.gather(*[office.passwords.matches("x", None) for _ in range(10)])
    assert most == AT_ONCE


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password.malformed"),
        ("x" * (MAX_PASSWORD + 1), "password.malformed"),
        ("a line\nand another", "password.malformed"),
        ("aaaaaaaaaaaaaaaa", "password.weak"),
        ("my name is ANN today", "password.weak"),
        ("123456789012", "password.weak"),
        ("Password2026!", "password.weak"),
        ("p4$$w0rd-qwerty", "password.weak"),
        ("QWERTYUIOPasdf", "password.weak"),
        ("welcome-letmein-1", "password.weak"),
    ],
)
def test_a_password_that_can_be_guessed_is_refused_without_being_repeated(password: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        check_password(password, "ann")
    assert refused.value.code == code
    assert password not in str(refused.value)
    assert password not in str(refused.value.fields)


async def test_the_last_admin_can_neither_be_disabled_nor_given_another_role(office: Office) -> None:
    await office.add("ann", "admin", PASSWORD)
    changes: tuple[Work, ...] = (
        lambda actor: operators.set_enabled(actor, "ann", enabled=False),
        lambda actor: operators.alter(actor, "ann", role="operator"),
    )
    for change in changes:
        with pytest.raises(Conflict, match="the last admin that is enabled"):
            async with office.acting() as actor:
                await change(actor)
    await office.add("bob", "admin")
    async with office.acting() as actor:
        await operators.set_enabled(actor, "ann", enabled=False)
        with pytest.raises(Conflict, match="operator bob is the last admin"):
            await operators.alter(actor, "bob", role="viewer")
        await operators.alter(actor, "bob", notes="alone")
        await operators.set_enabled(actor, "ann", enabled=True)
        await operators.alter(actor, "bob", role="viewer")


async def test_two_owners_who_disable_each_other_do_not_both_succeed(office: Office) -> None:
    names = ("ann", "bob")
    for name in names:
        await office.add(name, "admin")
    both = asyncio.Barrier(2)

    async def disable(name: str) -> None:
        async with office.acting() as actor:
            if actor.connection.dialect.name == "postgresql":
                # Both are in their transactions before either takes a lock; SQLite lets one in only.
                await both.wait()
            # As an HTTP request with a condition reads the operator before it changes it.
            await operators.changeable(actor, name)
            await operators.set_enabled(actor, name, enabled=False)

    for _ in range(5):
        results = await asyncio.gather(*(disable(name) for name in names), return_exceptions=True)
        assert sorted(type(one).__name__ for one in results) == ["Conflict", "NoneType"]
        async with office.acting() as actor:
            for name in names:
                await operators.set_enabled(actor, name, enabled=True)


async def test_nobody_gives_or_takes_rights_that_they_do_not_have(office: Office) -> None:
    await office.add("ann", "admin", PASSWORD)
    await office.add("carl", "viewer")
    clerk = Principal(PrincipalKind.OPERATOR, "dora", READ | {Right.OPERATORS_CHANGE})
    works: tuple[Work, ...] = (
        lambda actor: operators.add(actor, Operator("eve", "admin"), None),
        lambda actor: operators.alter(actor, "carl", role="operator"),
        lambda actor: operators.alter(actor, "ann", notes="mine"),
        lambda actor: operators.set_password(actor, "ann", "hash"),
        lambda actor: operators.set_enabled(actor, "ann", enabled=False),
        lambda actor: roles.add(actor, Role("gods", ALL_RIGHTS)),
        lambda actor: tokens.add(actor, TokenPlan("ann", "hers")),
        lambda actor: tokens.add(actor, TokenPlan("ann", "hers", role="operator")),
    )
    for work in works:
        with pytest.raises(Forbidden) as refused:
            async with office.acting(clerk) as actor:
                await work(actor)
        assert refused.value.code == "right.beyond_own"
    async with office.acting(clerk) as actor:
        await tokens.add(actor, TokenPlan("ann", "narrow", rights=READ))
        await roles.add(actor, Role("readers", READ))
        await operators.add(actor, Operator("fred", "readers"), None)


async def test_a_role_of_ones_own_gives_its_rights_at_once_and_stays_while_it_is_used(
    office: Office,
) -> None:
    async with office.acting() as actor:
        await roles.add(actor, Role("readers", READ, "who only looks"))
    await office.add("ann", "readers", PASSWORD)
    assert (await office.log_in("ann", PASSWORD)).rights == READ
    async with office.acting() as actor:
        await roles.alter(actor, "readers", rights=READ | {Right.AUDIT_READ})
    assert (await office.log_in("ann", PASSWORD)).rights == READ | {Right.AUDIT_READ}
    async with office.acting() as actor:
        with pytest.raises(Conflict) as refused:
            await roles.delete(actor, "readers")
        assert dict(refused.value.fields) == {"role": "readers", "operators": 1, "tokens": 0}
        await operators.alter(actor, "ann", role="viewer")
        await roles.delete(actor, "readers")
        assert await roles.find(actor.connection, "readers") is None


@pytest.mark.parametrize("name", sorted(BUILT_IN_ROLES))
async def test_the_roles_that_are_always_there_stay_as_they_are(office: Office, name: str) -> None:
    async with office.acting() as actor:
        with pytest.raises(Conflict, match="stays as it is"):
            await roles.alter(actor, name, rights=READ)
        with pytest.raises(Conflict, match="stays as it is"):
            await roles.delete(actor, name)
        with pytest.raises(Conflict, match="exists already"):
            await roles.add(actor, Role(name, READ))


def test_roles_grow_from_viewer_to_admin_and_whoever_changes_a_thing_may_read_it() -> None:
    for between in ("support", "finance"):
        ordered = [BUILT_IN_ROLES[name] for name in ("viewer", between, "operator", "admin")]
        assert all(one < other for one, other in pairwise(ordered))
    assert BUILT_IN_ROLES["admin"] == ALL_RIGHTS
    for rights in BUILT_IN_ROLES.values():
        for right in rights:
            assert Right(f"{right.partition('.')[0]}.read") in rights
    assert not {Right.OPERATORS_CHANGE, Right.SYSTEM_CHANGE} & BUILT_IN_ROLES["operator"]
    assert not any(right.endswith((".change", ".move", ".make")) for right in BUILT_IN_ROLES["viewer"])
    assert BUILT_IN_ROLES["support"] - BUILT_IN_ROLES["viewer"] == {Right.CALLS_CONTROL}
    assert Right.MONEY_MOVE in BUILT_IN_ROLES["finance"]
    seeing = {name for name, rights in BUILT_IN_ROLES.items() if Right.SECRETS_READ in rights}
    assert seeing == {"admin", "operator"}


async def test_who_asks_for_a_role_by_its_name_of_before_is_told_the_new_one(office: Office) -> None:
    with pytest.raises(Unknown, match="it is called admin now"):
        await office.add("ann", "owner")


def test_a_right_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match=r"customers\.read"):
        read_rights(["customer.read"])
    with pytest.raises(Refused, match="at least one"):
        read_rights([])
    assert read_rights(["calls.read", "calls.read"]) == {Right.CALLS_READ}


async def test_a_token_acts_for_its_operator_with_no_more_than_both_may(office: Office) -> None:
    await office.add("ann", "support")
    _, everything = await office.token("ann", "all")
    _, narrow = await office.token("ann", "narrow", rights=READ | {Right.SYSTEM_CHANGE})
    _, of_role = await office.token("ann", "looks", role="viewer")
    assert await office.by_token(everything) == Principal(
        PrincipalKind.TOKEN, "ann", BUILT_IN_ROLES["support"], "all", everything[: len("rf_ab12cd34")]
    )
    assert (await office.by_token(narrow)).rights == READ
    assert (await office.by_token(of_role)).rights == BUILT_IN_ROLES["viewer"]
    async with office.acting() as actor:
        await operators.alter(actor, "ann", role="viewer")
    assert (await office.by_token(everything)).rights == BUILT_IN_ROLES["viewer"]


async def test_a_token_is_refused_in_the_same_words_whatever_is_wrong(office: Office) -> None:
    await office.add("ann", "support")
    await office.add("off", "support")
    token, good = await office.token("ann", "good")
    _, revoked = await office.token("ann", "revoked")
    _, expired = await office.token("ann", "expired", expires_ms=NOW_MS + 1)
    _, of_disabled = await office.token("off")
    async with office.acting() as actor:
        await tokens.revoke(actor, revoked)
        await operators.set_enabled(actor, "off", enabled=False)
    assert (await office.by_token(expired)).token == "expired"
    office.now_ms += 1
    said = set()
    for secret in (
        good[:-1] + ("a" if good[-1] != "a" else "b"),
        f"rf_{token.prefix}_{'x' * 43}",
        f"rf_zzzzzzzz_{good[-43:]}",
        revoked,
        expired,
        of_disabled,
        token.starts_with,
        "",
        "é" * 60,
        good + "\n",
    ):
        with pytest.raises(Forbidden) as refused:
            await office.by_token(secret)
        said.add((refused.value.code, str(refused.value), tuple(refused.value.fields)))
    assert len(said) == 1
    assert (await office.by_token(good)).name == "ann"


async def test_a_tokens_text_is_kept_and_logged_nowhere(office: Office) -> None:
    await office.add("ann", "support")
    token, secret = await office.token("ann", expires_ms=NOW_MS + 10)
    await office.by_token(secret)
    async with office.acting() as actor:
        await tokens.revoke(actor, secret)
        with pytest.raises(Unknown) as refused:
            await tokens.revoke(actor, "rf_zzzzzzzz" + secret[11:])
    async with office.store.reading() as connection:
        kept = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("tokens", "audit_log", "operators")
        ]
    said = [str(refused.value), str(dict(refused.value.fields))]
    assert not [one for one in kept + said if secret[12:] in one or secret in one]
    assert token.prefix in "".join(kept)
    assert secret.startswith(token.starts_with)


async def test_the_last_use_of_a_token_is_written_once_a_minute(office: Office) -> None:
    await office.add("ann", "support")
    token, secret = await office.token("ann")
    seen = []
    for step_ms in (0, 1, USED_EVERY_MS - 2, 1):
        office.now_ms += step_ms
        await office.by_token(secret)
        async with office.store.reading() as connection:
            seen.append((await tokens.show(connection, token.starts_with)).last_used_ms)
    assert seen == [NOW_MS, NOW_MS, NOW_MS, NOW_MS + USED_EVERY_MS]


async def test_a_token_that_is_revoked_stays_revoked_and_frees_its_name(office: Office) -> None:
    await office.add("ann", "support")
    first, _ = await office.token("ann")
    with pytest.raises(Conflict, match="has a token `export` already"):
        await office.token("ann")
    async with office.acting() as actor:
        await tokens.revoke(actor, first.starts_with)
    office.now_ms += 5
    async with office.acting() as actor:
        again = await tokens.revoke(actor, first.starts_with)
    second, _ = await office.token("ann")
    assert again.revoked_ms == NOW_MS
    async with office.store.reading() as connection:
        assert [one.id for one in (await tokens.page(connection, TokenFilter(), ALL)).items] == [second.id]
        both = (await tokens.page(connection, TokenFilter("ann", revoked=True), ALL)).items
        assert [one.id for one in both] == [first.id, second.id]
        assert (await tokens.page(connection, TokenFilter("bob"), ALL)).items == []
    revoked = [one for one in await office.entries() if one.verb == "revoke"]
    assert [(one.subject, one.after) for one in revoked] == [("token export of ann", None)]


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"name": "a\nb"}, "token.malformed_name"),
        ({"name": ""}, "token.malformed_name"),
        ({"role": "viewer", "rights": READ}, "token.role_and_rights"),
        ({"role": "gods"}, "role.unknown"),
        ({"expires_ms": NOW_MS}, "token.expires_in_the_past"),
        ({"operator": "bob"}, "operator.unknown"),
    ],
)
async def test_a_token_that_is_asked_for_wrongly_is_not_made(
    office: Office, plan: dict[str, Any], code: str
) -> None:
    await office.add("ann", "support")
    with pytest.raises(Refused) as refused:
        await office.token(**{"operator": "ann", **plan})
    assert refused.value.code == code
    async with office.store.reading() as connection:
        assert (await tokens.page(connection, TokenFilter(revoked=True), ALL)).items == []


@pytest.mark.parametrize("name", ["", " ann", "a b", "a\n", "x" * 65, "ännchen", "-ann"])
async def test_an_operators_name_is_a_word(office: Office, name: str) -> None:
    with pytest.raises(Refused, match="operator `"):
        await office.add(name)
    with pytest.raises(Refused, match="role `"):
        async with office.acting() as actor:
            await roles.add(actor, Role(name or "A", READ))


async def test_the_audit_log_says_what_acted_and_by_which_token(office: Office) -> None:
    await office.add("ann", "admin")
    _, secret = await office.token("ann")
    async with office.acting(await office.by_token(secret)) as actor:
        await operators.add(actor, Operator("bob", "viewer", notes="by a program"), None)
        await operators.alter(actor, "bob", role="support")
    entries = await office.entries()
    assert [(one.operator, one.acted_as, one.token, one.verb, one.subject) for one in entries] == [
        ("root", "operator", None, "add", "operator ann"),
        ("root", "operator", None, "add", "token export of ann"),
        ("ann", "token", "export", "add", "operator bob"),
        ("ann", "token", "export", "set", "operator bob"),
    ]
    assert entries[-1].before is not None
    assert entries[-1].after is not None
    assert (entries[-1].before["role"], entries[-1].after["role"]) == ("viewer", "support")


def test_the_last_use_is_at_most_a_minute_old() -> None:
    assert USED_EVERY_MS == 60_000
