"""Codes of an authenticator and recovery codes: what they open, and that they open it once."""

from __future__ import annotations

import asyncio
from base64 import b32encode

import pyotp
import pytest
from sqlalchemy import select, text

from ringflow.accounts import operators
from ringflow.accounts.access import second_factor
from ringflow.accounts.access.second_factor import STEP_MS, fitting_step
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.access.sign_in import SignedIn
from ringflow.accounts.access.totp_secret import renew_seals, seal_counts
from ringflow.accounts.lockout import SECOND_FACTOR
from ringflow.accounts.pepper_file import pepper_versions
from ringflow.actor import acting, shell_operator
from ringflow.errors import Conflict, Forbidden, Refused, StartError, Unknown
from ringflow.store import Store
from ringflow.store.operator_tables import operators as operators_table

from .test_sign_in import HERE, HOUR_MS, PASSWORD, THERE, Door, on_sqlite

RFC_SECRET = b32encode(b"12345678901234567890").decode()


class FactorDoor(Door):
    """The same for an operator ann with a second factor, whose secret is `secret`."""

    secret: str
    codes: list[str]

    async def enrol(self, name: str = "ann") -> SignedIn:
        await self.add(name)
        done = await self.enter(name)
        me = await self.who(done)
        async with acting(self.store, me, "US", self.now_ms) as actor:
            self.secret = (await second_factor.enrol(actor, name, self.peppers())).secret
        async with acting(self.store, me, "US", self.now_ms) as actor:
            self.codes = await second_factor.confirm(actor, name, self.code(), self.peppers)
        self.now_ms += STEP_MS
        return done

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.now_ms // 1000 + 30 * steps)


@pytest.fixture
def door(store: Store) -> FactorDoor:
    return FactorDoor(store)


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(1111111111, "050471"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1, of which the last six digits are taken."""
    assert fitting_step(RFC_SECRET, code, at_s * 1000) == at_s // 30
    assert fitting_step(RFC_SECRET, f"{code[:3]} {code[3:]}", at_s * 1000) == at_s // 30
    near = [fitting_step(RFC_SECRET, code, (at_s + 30 * n) * 1000) for n in (-1, 1, 2)]
    assert near == [at_s // 30, at_s // 30, None]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "28708\u0662", "287082\n", "abcdef"])
def test_what_is_no_code_fits_no_step(code: str) -> None:
    assert fitting_step(RFC_SECRET, code, 59_000) is None


async def test_a_code_opens_once_and_neither_does_any_before_it(door: FactorDoor) -> None:
    await door.enrol()
    assert await door.code_of("ann", PASSWORD) == "login.code_needed"
    assert await door.code_of("ann", "wrong", code=door.code()) == "login.refused"
    later = door.code(1)
    assert (await door.enter("ann", code=later)).session.operator == "ann"
    for code in (later, door.code(), door.code(-1)):
        assert await door.code_of("ann", PASSWORD, code=code) == "login.code_refused"
    door.now_ms += 2 * STEP_MS
    assert (await door.enter("ann", code=door.code())).session.operator == "ann"


async def test_of_two_who_use_one_code_at_once_one_is_let_in(door: FactorDoor) -> None:
    await door.enrol()
    for code in (door.code(), door.codes[0]):
        tries = [door.enter("ann", code=code, address=address) for address in (HERE, THERE)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(one).__name__ for one in results) == ["Forbidden", "SignedIn"]


@on_sqlite
async def test_the_code_by_which_it_was_confirmed_opens_nothing(door: FactorDoor) -> None:
    await door.enrol()
    door.now_ms -= STEP_MS
    assert await door.code_of("ann", PASSWORD, code=door.code()) == "login.code_refused"


@on_sqlite
async def test_a_recovery_code_is_good_once_however_it_is_written_and_new_ones_replace_it(
    door: FactorDoor,
) -> None:
    done = await door.enrol()
    first, second, third, *_ = door.codes
    assert len({*door.codes}) == 10
    async with door.store.reading() as connection:
        kept = str((await connection.execute(text("SELECT * FROM recovery_codes"))).all())
        log = str((await connection.execute(text("SELECT * FROM audit_log"))).all())
    assert not [one for one in door.codes if one in kept + log or one.replace("-", "") in kept + log]
    assert door.secret not in log
    await door.enter("ann", code=first)
    await door.enter("ann", code=second.upper().replace("-", " "))
    for code in (first, second):
        assert await door.code_of("ann", PASSWORD, code=code) == "login.code_refused"
    async with door.store.reading() as connection:
        assert (await second_factor.state(connection, "ann")).recovery_codes == 8
    async with acting(door.store, await door.who(done), "US", door.now_ms) as actor:
        (fresh, *_) = await second_factor.renew_recovery_codes(actor, "ann")
    assert await door.code_of("ann", PASSWORD, code=third) == "login.code_refused"
    await door.enter("ann", code=fresh)


@on_sqlite
async def test_codes_are_guessed_only_so_often_but_the_own_device_goes_on(door: FactorDoor) -> None:
    done = await door.enrol()
    await door.use_up("second_factor:ann", SECOND_FACTOR)
    assert await door.code_of("ann", PASSWORD, code=door.code()) == "login.locked"
    # The password alone is asked for as ever, and the known device is let in.
    assert await door.code_of("ann", PASSWORD) == "login.code_needed"
    assert (await door.enter("ann", code=door.code(), device=done.device)).session.operator == "ann"


@on_sqlite
async def test_wrong_codes_are_counted_and_noted(door: FactorDoor) -> None:
    await door.enrol()
    codes = [
        await door.code_of("ann", PASSWORD, code="000000", address=f"192.0.2.{n}")
        for n in range(SECOND_FACTOR.at_once + 1)
    ]
    assert codes == ["login.code_refused"] * SECOND_FACTOR.at_once + ["login.locked"]
    assert {one.subject for one in await door.entries("sign in failed")} == {"operator ann"}


@on_sqlite
async def test_turning_it_on_ends_sessions_without_it_and_is_noted(door: FactorDoor) -> None:
    await door.add("ann")
    other, mine = await door.enter("ann"), await door.enter("ann")
    me = await door.who(mine)
    async with acting(door.store, me, "US", door.now_ms) as actor:
        door.secret = (await second_factor.enrol(actor, "ann", door.peppers())).secret
    # Nothing needs it yet.
    await door.enter("ann")
    async with acting(door.store, me, "US", door.now_ms) as actor:
        with pytest.raises(Refused, match="the code is wrong") as refused:
            await second_factor.confirm(actor, "ann", "000000", door.peppers)
        assert refused.value.at == ("code",)
        await second_factor.confirm(actor, "ann", door.code(), door.peppers)
    assert [await door.is_over(one) for one in (other, mine)] == [True, False]
    async with acting(door.store, me, "US", door.now_ms) as actor:
        for again in (
            second_factor.enrol(actor, "ann", door.peppers()),
            second_factor.confirm(actor, "ann", door.code(1), door.peppers),
        ):
            with pytest.raises(Conflict) as conflict:
                await again
            assert conflict.value.code == "second_factor.on"
    (entry,) = await door.entries("second factor")
    assert (entry.subject, entry.before, entry.after) == ("operator ann", {"on": False}, {"on": True})


@on_sqlite
async def test_an_admin_takes_it_away_and_its_operator_where_the_role_may_do_without(
    door: FactorDoor,
) -> None:
    done = await door.enrol()
    needed = SessionRules(HOUR_MS, HOUR_MS, frozenset({"support"}))
    async with acting(door.store, await door.who(done), "US", door.now_ms) as actor:
        with pytest.raises(Conflict, match="must have a second factor"):
            await second_factor.remove_own(actor, needed)
    async with acting(door.store, shell_operator("root"), "US", door.now_ms) as actor:
        await operators.changeable(actor, "ann")
        await second_factor.remove(actor, "ann")
        for again in (
            second_factor.remove(actor, "ann"),
            second_factor.renew_recovery_codes(actor, "ann"),
        ):
            with pytest.raises(Conflict) as conflict:
                await again
            assert conflict.value.code == "second_factor.off"
        with pytest.raises(Conflict, match="no second factor to confirm"):
            await second_factor.confirm(actor, "ann", "000000", door.peppers)
        with pytest.raises(Unknown):
            await second_factor.enrol(actor, "nobody", door.peppers())
    with pytest.raises(Forbidden):
        await door.who(done)
    # A recovery code of before opens nothing once there is another second factor, and the password does.
    assert (await door.enter("ann")).session.operator == "ann"
    async with door.store.reading() as connection:
        left = (await connection.execute(text("SELECT count(*) FROM recovery_codes"))).scalar_one()
    assert left == 0


async def kept(door: FactorDoor, name: str = "ann") -> str:
    """The secret as the database has it."""
    async with door.store.reading() as connection:
        query = select(operators_table.c.totp_secret).where(operators_table.c.name == name)
        return str((await connection.execute(query)).scalar_one())


async def write(door: FactorDoor, secret: str, name: str = "ann") -> None:
    async with door.store.writing() as connection:
        changed = operators_table.update().where(operators_table.c.name == name)
        await connection.execute(changed.values(totp_secret=secret))


async def test_the_database_has_no_secret_and_no_other_operators_row_opens_it(door: FactorDoor) -> None:
    await door.enrol()
    sealed, secret = await kept(door), door.secret
    assert sealed.startswith("v1:")
    assert secret not in sealed
    await door.enrol("bob")
    await write(door, sealed, "bob")
    with pytest.raises(StartError, match="sealed under pepper v1, and this server has another"):
        await door.enter("bob", code=pyotp.TOTP(secret).at(door.now_ms // 1000))
    door.secret = secret
    await door.enter("ann", code=door.code(1))


async def test_a_secret_of_an_earlier_ringflow_opens_and_is_sealed_at_a_start(door: FactorDoor) -> None:
    await door.enrol()
    await write(door, door.secret)
    await door.enter("ann", code=door.code())
    assert await renew_seals(door.store, door.peppers()) == 1
    assert (await kept(door)).startswith("v1:")
    assert await renew_seals(door.store, door.peppers()) == 0
    await door.enter("ann", code=door.code(1))


async def test_a_new_pepper_takes_the_secrets_over_and_a_lost_one_leaves_recovery_codes(
    door: FactorDoor,
) -> None:
    await door.enrol()
    await door.add("carol")
    old = door.ring
    door.ring = f"{old}\nv2:another-pepper-for-tests"
    async with door.store.reading() as connection:
        assert await seal_counts(connection) == {"v1": 1}
    assert await renew_seals(door.store, door.peppers()) == 1
    async with door.store.reading() as connection:
        found = await pepper_versions(connection, door.peppers())
    assert {one.version: one.second_factor_count for one in found} == {"v1": 0, "v2": 1}
    await door.enter("ann", code=door.code())

    door.ring = old
    # What cannot be opened stays for the day on which its pepper comes back.
    assert await renew_seals(door.store, door.peppers()) == 0
    async with door.store.reading() as connection:
        found = await pepper_versions(connection, door.peppers())
    assert [(one.version, one.in_ring) for one in found] == [("v1", True), ("v2", False)]
    with pytest.raises(StartError, match="use a recovery code, or take the second factor away"):
        await door.enter("ann", code=door.code(1))
    await door.enter("ann", code=door.codes[0])
