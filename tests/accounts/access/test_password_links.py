"""Links by which somebody sets a password: what they open, that they open it once, and when no more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from ringflow.accounts import operators
from ringflow.accounts.access import password_links
from ringflow.accounts.access.password_links import (
    DAY_MS,
    LASTS_MS,
    SERVER,
    LinkKind,
    PasswordLinks,
    can_anybody_sign_in,
    link_url,
)
from ringflow.accounts.operators import Operator
from ringflow.actor import Principal, PrincipalKind, acting, shell_operator
from ringflow.config import Config
from ringflow.errors import Conflict, Forbidden, Refused
from ringflow.rights import BUILT_IN_ROLES, Right
from ringflow.store import Store

from .test_sign_in import HERE, PASSWORD, Door, on_sqlite

NEW = "a staple of horses"


class LinkDoor(Door):
    """The same with links."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.links = PasswordLinks(store, "US", self.sign_in.passwords, lambda: self.now_ms)

    async def setup_link(self) -> str | None:
        async with acting(self.store, SERVER, "US", self.now_ms) as actor:
            made = await password_links.make_setup_link(actor)
        return made[1] if made is not None else None

    async def invite(self, name: str, role: str = "viewer") -> str:
        async with acting(self.store, shell_operator("root"), "US", self.now_ms) as actor:
            return (await password_links.invite(actor, Operator(name, role)))[1]

    async def reset(self, name: str, by: Principal | None = None) -> str:
        async with acting(self.store, by or shell_operator("root"), "US", self.now_ms) as actor:
            return (await password_links.make_reset_link(actor, name))[1]

    async def set_up(self, link: str, name: str = "ann", password: str = NEW) -> str:
        return await self.links.set_up(link, name, password, HERE, None)

    async def use(self, link: str, password: str = NEW) -> str:
        return await self.links.set_password(link, password, HERE, None)

    async def refuses(self, use: Any) -> bool:
        with pytest.raises(Forbidden) as refused:
            await use
        return refused.value.code == "link.refused"


@pytest.fixture
def door(store: Store) -> LinkDoor:
    return LinkDoor(store)


async def test_the_first_operator_is_made_by_a_link_and_a_later_one_is_not(door: LinkDoor) -> None:
    first, second = await door.setup_link(), await door.setup_link()
    assert first is not None
    assert second is not None
    assert (await door.links.read(first)).kind is LinkKind.SETUP
    with pytest.raises(Refused) as weak:
        await door.set_up(first, password="password1234")
    assert weak.value.code == "password.weak"
    with pytest.raises(Refused, match="write up to"):
        await door.set_up(first, name="not a name")
    # Both are good still, and as soon as one was used neither is.
    device = await door.set_up(first)
    for link in (first, second):
        assert await door.refuses(door.links.read(link))
        assert await door.refuses(door.set_up(link, "eve"))
    assert await door.setup_link() is None
    async with door.store.reading() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM operator_links"))).scalar_one() == 0
    done = await door.enter("ann", NEW, device=device)
    assert done.device == device
    assert (await door.who(done)).rights == BUILT_IN_ROLES["admin"]
    entries = await door.entries("add")
    assert [(one.operator, one.acted_as, one.address) for one in entries] == [("set-up", "system", HERE)]


async def test_of_two_who_use_links_of_a_first_start_at_once_one_makes_an_operator(door: LinkDoor) -> None:
    links = [await door.setup_link() for _ in range(2)]
    tries = [door.set_up(str(link), name) for link, name in zip(links, ("ann", "eve"), strict=True)]
    tries.append(door.set_up(str(links[0]), "bob"))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Forbidden", "Forbidden", "str"]
    async with door.store.reading() as connection:
        assert await operators.count(connection) == 1


async def test_of_two_who_use_one_link_at_once_one_sets_the_password(door: LinkDoor) -> None:
    link = await door.invite("ann")
    passwords = [NEW, NEW + " of others"]
    tries = [door.use(link, password) for password in passwords]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Forbidden", "str"]
    good = passwords[[isinstance(one, str) for one in results].index(True)]
    assert (await door.enter("ann", good)).session.operator == "ann"


@on_sqlite
async def test_nobody_can_sign_in_while_those_with_a_password_are_disabled(door: LinkDoor) -> None:
    async def anybody() -> bool:
        async with door.store.reading() as connection:
            return await can_anybody_sign_in(connection)

    await door.add("program", "admin", password=None)
    assert not await anybody()
    await door.add("ann", "viewer")
    assert await anybody()
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=False)
    assert not await anybody()


@on_sqlite
async def test_an_invitation_sets_the_first_password_once_and_is_kept_as_a_digest(door: LinkDoor) -> None:
    link = await door.invite("ann")
    shown = await door.links.read(link)
    assert (shown.kind, shown.operator) == (LinkKind.INVITATION, "ann")
    assert await door.code_of("ann", NEW) == "login.refused"
    await door.use(link)
    assert (await door.who(await door.enter("ann", NEW))).rights == BUILT_IN_ROLES["viewer"]
    assert await door.refuses(door.use(link))
    assert await door.refuses(door.set_up(link, "eve"))
    async with door.store.reading() as connection:
        everything = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("operator_links", "audit_log", "operators")
        ]
    assert link not in "".join(everything)
    (made,) = await door.entries("link")
    assert (made.subject, made.after) == (
        "operator ann",
        {"kind": "invitation", "expires_ms": door.now_ms + 7 * DAY_MS},
    )
    (change,) = await door.entries("password")
    assert (change.operator, change.address) == ("ann", HERE)


@on_sqlite
async def test_a_reset_ends_sessions_and_other_links_and_leaves_the_second_factor(door: LinkDoor) -> None:
    await door.add("ann")
    done = await door.enter("ann")
    first, second = await door.reset("ann"), await door.reset("ann")
    assert not await door.is_over(done)
    async with door.store.writing() as connection:
        await connection.execute(text("UPDATE operators SET totp_secret = 'X', second_factor_ms = 1"))
    await door.use(second)
    assert await door.is_over(done)
    assert await door.refuses(door.links.read(first))
    assert await door.code_of("ann", NEW) == "login.code_needed"
    assert await door.code_of("ann", PASSWORD) == "login.refused"


@on_sqlite
@pytest.mark.parametrize("kind", [*LinkKind])
async def test_a_link_is_good_until_its_time_is_over(door: LinkDoor, kind: LinkKind) -> None:
    if kind is LinkKind.SETUP:
        link = str(await door.setup_link())
    else:
        link = await door.invite("ann")
        link = await door.reset("ann") if kind is LinkKind.RESET else link
    door.now_ms += LASTS_MS[kind] - 1
    assert (await door.links.read(link)).kind is kind
    door.now_ms += 1
    assert await door.refuses(door.links.read(link))
    assert await door.refuses(door.set_up(link) if kind is LinkKind.SETUP else door.use(link))


async def test_a_link_that_is_used_while_its_operator_is_being_disabled_is_refused(door: LinkDoor) -> None:
    link = await door.invite("ann")
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.changeable(actor, "ann")
        use = asyncio.create_task(door.use(link))
        if actor.connection.dialect.name == "postgresql":
            waits = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            while not (await actor.connection.execute(waits)).scalar_one():
                assert not use.done()
        await operators.set_enabled(actor, "ann", enabled=False)
    assert await door.refuses(use)


@on_sqlite
async def test_a_link_is_no_way_around_being_disabled_or_another_new_password(door: LinkDoor) -> None:
    link = await door.invite("ann")
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=False)
        later = (await password_links.make_reset_link(actor, "ann"))[1]
    for one in (link, later):
        assert await door.refuses(door.links.read(one))
        assert await door.refuses(door.use(one))
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_enabled(actor, "ann", enabled=True)
    assert await door.refuses(door.use(link))
    again = await door.reset("ann")
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.set_password(actor, "ann", None)
    assert await door.refuses(door.use(again))


@on_sqlite
async def test_nobody_makes_a_link_for_rights_that_they_do_not_have(door: LinkDoor) -> None:
    await door.add("ann", "admin")
    clerk = Principal(PrincipalKind.OPERATOR, "dora", frozenset({Right.OPERATORS_CHANGE}))
    with pytest.raises(Forbidden) as refused:
        await door.reset("ann", clerk)
    assert refused.value.code == "right.beyond_own"
    with pytest.raises(Conflict, match="exists already"):
        await door.invite("ann")


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:8080/setup#x"),
        ({"http": {"host": "0.0.0.0", "port": 0, "api": "anywhere"}}, "http://127.0.0.1:99/setup#x"),
        ({"http": {"host": "::1"}}, "http://[::1]:8080/setup#x"),
        ({"http": {"tls": {"certificate": "c", "key": "k"}}}, "https://127.0.0.1:8080/setup#x"),
        ({"sign_in": {"url": "https://r.example.com/"}}, "https://r.example.com/setup#x"),
    ],
)
def test_a_link_leads_to_where_browsers_reach_the_server(settings: dict[str, Any], url: str) -> None:
    config = Config.model_validate(settings)
    port = 99 if config.http is not None and config.http.port == 0 else None
    assert link_url(config, "x", port) == url
