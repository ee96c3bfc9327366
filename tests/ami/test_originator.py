"""Calls that are asked for, by a manager that these tests play: what is refused, what Asterisk is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from tests.paying_customers import UNIT, add_card, add_customer, as_ann, rate

from ringflow.accounts.trunks import Trunk, add
from ringflow.actor import acting, shell_operator
from ringflow.ami.link import AmiLink
from ringflow.audit import EntryFilter, entry_page
from ringflow.calls.originations import Origination, TargetKind
from ringflow.calls.originator import Originator, WantedCall
from ringflow.config import Config, OriginateConfig
from ringflow.core import Core, open_core
from ringflow.engine.engine import new_call_id
from ringflow.errors import Conflict, Refused
from ringflow.store.pages import PageRequest

if TYPE_CHECKING:
    from tests.ami.conftest import PeerConnection

NUMBER = "441910000077"


@dataclass
class Desk:
    """Calls that are asked for through a link whose other end is `asterisk`."""

    core: Core
    originator: Originator
    asterisk: PeerConnection
    not_made: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, **wanted: Any) -> Origination:
        base = {"customer_id": 50, "kind": TargetKind.NUMBER, "target": NUMBER, "app": "calling_card"}
        who = shell_operator("ann")

        async def transaction(change: Any) -> Origination:
            async with acting(self.core.store, who, "US", self.core.charging.ledger.now_ms()) as actor:
                kept: Origination = await change(actor)
                return kept

        return await self.originator.ask(WantedCall(**{**base, **wanted}), who, transaction)

    async def answer(self, state: str = "NOT_INUSE", reason: str = "4") -> dict[str, Any]:
        """Say how the carrier is until an Originate comes, and then what came of that."""
        while (action := await self.said_how_trunks_are(state))["Action"] != "Originate":
            pass
        await self.asterisk.answer(action, "Response: Success", "Message: Originate successfully queued")
        good = "Success" if reason == "4" else "Failure"
        await self.asterisk.answer(
            action, "Event: OriginateResponse", f"Response: {good}", f"Reason: {reason}"
        )
        return action

    async def said_how_trunks_are(self, state: str) -> dict[str, Any]:
        """Read an action, and answer one that asks for trunks; only the carrier is listed."""
        action = await self.asterisk.read()
        if action["Action"] == "DeviceStateList":
            await self.asterisk.answer(action, "Response: Success", "EventList: start")
            if state:
                device = ("Device: PJSIP/carrier", f"State: {state}")
                await self.asterisk.answer(action, "Event: DeviceStateChange", *device)
            await self.asterisk.answer(action, "Event: DeviceStateListComplete", "EventList: Complete")
        elif action["Action"] == "Getvar":
            await self.asterisk.answer(action, "Response: Success", "Value: ")
        return dict(action)


@pytest.fixture
async def desk(server_config: Config, up: tuple[AmiLink, PeerConnection]) -> AsyncIterator[Desk]:
    link, asterisk = up
    settings = OriginateConfig(devices=("reception",), at_once=2)
    core = await open_core(server_config.model_copy(update={"originate": settings}))
    async with as_ann(core.store) as ann:
        await add_customer(ann, 50, UNIT)
        await add_customer(ann, 51)
        await add_customer(ann, 52, UNIT, status="inactive")
        await add_card(ann, rate(60_000))
        await add(ann, Trunk("second", "PJSIP/{number}@second"))
        await add(ann, Trunk("off", "PJSIP/{number}@off", enabled=False))
        await ann.connection.exec_driver_sql("UPDATE trunks SET rated = 'local'")
    not_made: list[tuple[str, str]] = []
    originator = Originator(
        core.store,
        core.config,
        link,
        core.charging.ledger.now_ms,
        new_call_id,
        core.book.apps,
        lambda asked, why: not_made.append((asked.call_id, why)),
    )
    yield Desk(core, originator, asterisk, not_made)
    await originator.close()
    await core.close()


async def test_a_call_that_cannot_be_made_is_refused_before_it_is_kept(desk: Desk) -> None:
    for wanted, code, at in (
        ({"customer_id": 999}, "customer.unknown", ("customer",)),
        ({"customer_id": 52}, "customer.not_active", ("customer",)),
        ({"customer_id": 51}, "credit.not_enough", ("customer",)),
        ({"target": "not a number"}, "number.malformed", ("number",)),
        ({"target": "15005550100"}, "rate.none_for_number", ("number",)),
        ({"trunk": "nowhere"}, "trunk.unknown", ("trunk",)),
        ({"trunk": "off"}, "trunk.unknown", ("trunk",)),
        ({"app": "nowhere"}, "app.unknown", ("app",)),
        ({"app": None, "did": "18009999999"}, "did.unknown", ("did",)),
        ({"caller_id": "a b"}, "number.malformed", ("caller_id",)),
        ({"variables": {"customer.id": "7"}}, "variable.malformed", ("variables", "customer.id")),
        ({"variables": {"text": "x" * 100_000}}, "variable.malformed", ("variables",)),
        ({"kind": TargetKind.URI, "target": "sip:ann@elsewhere.example"}, "uri.not_dialled", ("uri",)),
        ({"kind": TargetKind.DEVICE, "target": "ringflow-carrier"}, "device.not_called", ("device",)),
    ):
        with pytest.raises(Refused) as raised:
            await desk.ask(**wanted)
        assert (raised.value.code, raised.value.at) == (code, at), wanted
    async with desk.core.store.reading() as connection:
        kept = await connection.exec_driver_sql("SELECT count(*) FROM originations")
        assert kept.scalar() == 0


@pytest.mark.parametrize("state", ["UNAVAILABLE", ""])
async def test_where_asterisk_reaches_none_of_the_trunks_the_call_is_refused(desk: Desk, state: str) -> None:
    answering = asyncio.create_task(desk.answer(state))
    with pytest.raises(Conflict) as raised:
        await desk.ask()
    answering.cancel()
    assert raised.value.code == "trunk.down"
    assert raised.value.fields == {"trunks": "carrier, second"}


async def test_asterisk_makes_a_channel_whose_ends_both_come_to_ringflow(desk: Desk) -> None:
    answering = asyncio.create_task(desk.answer())
    asked = await desk.ask(variables={"code": "7"})
    action = await answering
    token = action["Channel"].removeprefix("Local/originate-").removesuffix("@ringflow-incoming/n")
    assert len(token) == 32
    assert (action["Context"], action["Exten"]) == ("ringflow-incoming", f"originated-{token}")
    # Two trunks, each for as long as it may ring.
    assert action["Timeout"] == "130000"
    await desk.originator.rung()
    assert desk.not_made == []
    assert (await desk.originator.find(asked.call_id)).variables_of_app == {"code": "7"}
    async with desk.core.store.reading() as connection:
        page = await entry_page(connection, EntryFilter(), PageRequest(1))
    assert (page.items[0].verb, page.items[0].subject) == ("originate", f"call {asked.call_id}")
    assert token not in str(page.items[0])


async def test_a_call_that_asterisk_never_began_is_told_of_and_is_not_dialled_later(desk: Desk) -> None:
    answering = asyncio.create_task(desk.answer(reason="0"))
    asked = await desk.ask()
    await answering
    await desk.originator.rung()
    assert desk.not_made == [(asked.call_id, "Asterisk did not begin the call")]
    found = await desk.originator.find(asked.call_id)
    assert (found.state, found.outcome) == ("failed", "failed")


async def test_only_so_many_ring_at_once(desk: Desk) -> None:
    async def say_that_it_is_free() -> None:
        while True:
            await desk.said_how_trunks_are("NOT_INUSE")

    answering = asyncio.create_task(say_that_it_is_free())
    for _ in range(2):
        await desk.ask()
    with pytest.raises(Refused) as raised:
        await desk.ask()
    answering.cancel()
    assert (raised.value.code, raised.value.fields) == ("origination.too_many", {"retry_after_s": 5})


async def test_without_a_manager_interface_no_call_is_made(desk: Desk) -> None:
    core = desk.core
    off = Originator(core.store, core.config, None, core.charging.ledger.now_ms, new_call_id, core.book.apps)
    desk.originator = off
    with pytest.raises(Refused, match="no calls can be made now"):
        await desk.ask()
