"""Calls with codes, by a manager that these tests play: where they may go, how often, what a code opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.paying_customers import add_card, add_customer, as_ann, rate

from ringflow.accounts import clis
from ringflow.accounts.customer_access import call_backs
from ringflow.accounts.customer_access.call_backs import DAY_MS, HOUR_MS, MOST_TRIES, NewCallBack
from ringflow.accounts.trunks import Trunk, add
from ringflow.actor import acting, customer_principal
from ringflow.ami.link import AmiLink
from ringflow.calls.call_backs import CallBacks
from ringflow.calls.originations import Originations
from ringflow.calls.originator import Originator
from ringflow.config import CallBackConfig, Config
from ringflow.core import Core, open_core
from ringflow.engine.engine import new_call_id
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.store import Store
from ringflow.store.caller_tables import cli_codes
from ringflow.store.origination_tables import originations

if TYPE_CHECKING:
    from tests.ami.conftest import PeerConnection

NUMBER = "441910000077"
SETTINGS = CallBackConfig(countries=("GB",), blocked=("4419199",))


@dataclass
class Desk:
    """Call-backs of a customer, through a link whose other end is `asterisk`."""

    core: Core
    called: CallBacks
    asterisk: PeerConnection
    originated: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, number: str = NUMBER, customer_id: int = 50) -> NewCallBack:
        async def transaction(change: Any) -> NewCallBack:
            async with self.acting(customer_id) as actor:
                begun: NewCallBack = await change(actor)
                return begun

        return await self.called.ask(customer_id, number, transaction)

    def acting(self, customer_id: int = 50) -> Any:
        principal = customer_principal(customer_id, "1")
        return acting(self.core.store, principal, "US", self.core.charging.ledger.now_ms())

    async def confirm(self, asked: NewCallBack, code: str | None = None, customer_id: int = 50) -> clis.Cli:
        principal = customer_principal(customer_id, "1")
        return await self.called.confirm(
            principal, customer_id, asked.call_back.id, asked.code if code is None else code
        )

    async def answer(self, reason: str) -> dict[str, Any]:
        """Read an Originate and say what came of it."""
        action = await self.asterisk.read()
        while action["Action"] != "Originate":
            action = await self.asterisk.read()
        await self.asterisk.answer(action, "Response: Success", "Message: Originate successfully queued")
        good = "Success" if reason == "4" else "Failure"
        await self.asterisk.answer(
            action, "Event: OriginateResponse", f"Response: {good}", f"Reason: {reason}"
        )
        return action

    async def dial(self, outcome: str) -> None:
        """Have the end that dials come, and end so."""
        async with self.core.store.writing() as connection:
            values = {"state": "ended", "outcome": outcome}
            await connection.execute(originations.update().values(**values))

    async def ended(self, asked: NewCallBack) -> str:
        await asyncio.gather(*self.called._calling)
        async with self.core.store.reading() as connection:
            return (await call_backs.show(connection, 50, asked.call_back.id)).state


def originator(core: Core, link: AmiLink | None) -> Originator:
    return Originator(core.store, core.config, link, core.charging.ledger.now_ms, new_call_id, core.book.apps)


@pytest.fixture
async def desk(server_config: Config, up: tuple[AmiLink, PeerConnection]) -> AsyncIterator[Desk]:
    link, asterisk = up
    core = await open_core(server_config)
    async with as_ann(core.store) as ann:
        await add_customer(ann, 50, language="es")
        await add_customer(ann, 51)
        await add(ann, Trunk("second", "PJSIP/{number}@second", number_prefix="99", caller_id="18005550100"))
    called = CallBacks(core.store, core.world, originator(core, link), SETTINGS)
    yield Desk(core, called, asterisk)
    await called.close()
    await core.close()


async def test_asterisk_is_told_to_make_the_call_and_to_say_the_code_to_who_answers(desk: Desk) -> None:
    asked = await desk.ask("+44 191 0000077")
    action = await desk.answer("4")
    local, token = action["Channel"].split("@")[0].split("-")
    assert local == "Local/originate"
    assert (action["Context"], action["Exten"], action["Codecs"]) == ("ringflow-warn", "play", "alaw,ulaw")
    (said,) = action["Variable"].splitlines()
    names = [one.rpartition("SAY/")[2] for one in said.rstrip('"').split("&")]
    once = [f"es/{digit}" for digit in asked.code] + ["es/pause"]
    assert said.startswith('"RINGFLOW_WARNING=')
    assert names in (once * 3, once * 2, once)
    assert await desk.ended(asked) == "answered"
    begun = await Originations(desk.core.store).begin(token, desk.core.charging.ledger.now_ms())
    assert begun is not None
    assert (begun.customer_id, begun.target, begun.charged, begun.ring_s) == (50, NUMBER, False, 30)


async def test_a_request_that_came_before_rings_nowhere_again(desk: Desk) -> None:
    async def answered_before(change: Any) -> NewCallBack:
        raise Conflict("key.taken", "it came before", key="k")

    with pytest.raises(Conflict):
        await desk.called.ask(50, NUMBER, answered_before)
    assert not desk.called._calling


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("busy", "not_answered"), ("no_answer", "not_answered"), ("congestion", "failed"), (None, "failed")],
)
async def test_what_becomes_of_the_dialling_is_what_the_customer_sees(
    desk: Desk, outcome: str | None, state: str
) -> None:
    asked = await desk.ask()
    if outcome is not None:
        await desk.dial(outcome)
    await desk.answer("0")
    assert await desk.ended(asked) == state


async def test_where_no_code_is_called_to_nothing_is_called(desk: Desk) -> None:
    for number, code in (
        ("15005550100", "call_back.not_called"),  # not of the countries
        ("18765550100", "call_back.not_called"),  # Jamaica, behind the same code as the US
        ("449098790000", "call_back.not_called"),  # premium
        ("447012345678", "call_back.not_called"),  # personal numbers, which cost as much
        ("441919900001", "call_back.not_called"),  # blocked
        ("112", "number.malformed"),
        ("sip:a@b", "number.malformed"),
    ):
        with pytest.raises(Refused) as raised:
            await desk.ask(number)
        assert raised.value.code == code, number
    async with as_ann(desk.core.store) as ann:
        await add_card(ann, rate(60_000, "1"))
        await ann.connection.exec_driver_sql("UPDATE trunks SET rated = 'local'")
        await ann.connection.exec_driver_sql("UPDATE directory_revision SET revision = revision + 1")
    with pytest.raises(Refused, match="not called"):
        await desk.ask()
    off = CallBacks(desk.core.store, desk.core.world, originator(desk.core, None), SETTINGS)
    with pytest.raises(Refused, match="can be made now"):
        await off.ask(50, NUMBER, lambda change: pytest.fail("it is asked for"))


async def asked(
    store: Store, now_ms: int, number: str = NUMBER, customer_id: int = 50, all_an_hour: int = 60
) -> NewCallBack:
    settings = SETTINGS.model_copy(update={"all_an_hour": all_an_hour})
    async with acting(store, customer_principal(customer_id, "1"), "US", now_ms) as actor:
        return await call_backs.ask(actor, customer_id, number, settings)


async def test_a_customer_a_number_and_all_together_have_only_so_many(store: Store) -> None:
    now_ms = 1_750_000_000_000
    async with as_ann(store, now_ms) as ann:
        for customer_id in range(50, 65):
            await add_customer(ann, customer_id)
    for number in range(SETTINGS.a_customer_an_hour):
        await asked(store, now_ms + number, f"44191000000{number}")
    with pytest.raises(Refused) as raised:
        await asked(store, now_ms + 60_000, "441910000009")
    assert (raised.value.code, raised.value.fields) == ("call_back.too_many", {"retry_after_s": 3540})
    await asked(store, now_ms + HOUR_MS, "441910000009")
    # A number of whoever asks for it: three times a day.
    for customer_id in (51, 52, 53):
        await asked(store, now_ms, NUMBER, customer_id)
    with pytest.raises(Refused):
        await asked(store, now_ms + DAY_MS - 1, NUMBER, 54)
    await asked(store, now_ms + DAY_MS, NUMBER, 54)
    later_ms = now_ms + 3 * DAY_MS
    for number in range(5):
        await asked(store, later_ms, f"4420000000{number:02}", 55 + number, all_an_hour=5)
    with pytest.raises(Refused):
        await asked(store, later_ms, "442000000099", 50, all_an_hour=5)


async def test_the_right_code_adds_the_number_once_and_for_its_customer_alone(desk: Desk) -> None:
    begun = await asked(desk.core.store, desk.core.charging.ledger.now_ms())
    with pytest.raises(Unknown):
        await desk.confirm(begun, customer_id=51)
    added = await desk.confirm(begun)
    assert (added.customer_id, added.number, added.notes) == (50, NUMBER, "added by call-back")
    with pytest.raises(Conflict, match="is over"):
        await desk.confirm(begun)


async def test_after_five_codes_no_other_is_compared_nor_after_ten_minutes(desk: Desk) -> None:
    store, now_ms = desk.core.store, desk.core.charging.ledger.now_ms()
    begun = await asked(store, now_ms)
    for left in range(MOST_TRIES - 1, -1, -1):
        with pytest.raises(Refused) as raised:
            await desk.confirm(begun, "x")
        assert raised.value.fields == {"tries_left": left}
    with pytest.raises(Conflict, match="is over"):
        await desk.confirm(begun)
    late = await asked(store, now_ms - call_backs.GOOD_FOR_MS)
    with pytest.raises(Conflict, match="is over"):
        await desk.confirm(late)


@pytest.mark.parametrize("by", ["number", "pattern", "code"])
async def test_a_number_of_another_customer_stays_its_own_and_only_who_hears_the_code_learns_it(
    desk: Desk, by: str
) -> None:
    store = desk.core.store
    async with as_ann(store) as ann:
        if by == "number":
            await clis.add_number(ann, 51, NUMBER)
        elif by == "pattern":
            await clis.add_pattern(ann, 51, "^4419100000")
        else:
            row = {"number": NUMBER, "customer_id": 51, "code_digest": "d", "pepper": "v1", "digits": 6}
            await ann.connection.execute(cli_codes.insert().values(**row, notes="", set_ms=1))
    begun = await asked(store, desk.core.charging.ledger.now_ms())
    with pytest.raises(Refused, match="4 tries"):
        await desk.confirm(begun, "x")
    with pytest.raises(Conflict) as raised:
        await desk.confirm(begun)
    assert raised.value.code == "cli.not_available"
    assert "51" not in str(raised.value)
    assert await desk.ended(begun) == "refused"
    async with store.reading() as connection:
        assert await clis.every(connection, customer_id=50) == []
