"""The slots that a call passed through, as its record has them."""

from __future__ import annotations

from ringflow.calls.call import Call
from ringflow.calls.call_record import SlotVisit
from ringflow.flows.flow import Flow
from ringflow.flows.slot import Slot
from ringflow.simulator.caller import HangsUp, Hears, Keys
from ringflow.slots.audio import Audio
from ringflow.slots.destination import Destination
from ringflow.slots.ivr import Ivr

from .conftest import Place

PIN = "90817"


class AsksPin(Slot):
    """Takes digits that nobody may read afterwards."""

    async def run(self, call: Call) -> str:
        collected = await call.media.collect("IVR/pin", max_digits=5, secret=True)
        assert collected.digits == PIN
        return "done"


async def test_each_slot_has_its_entry_its_exit_and_its_keys(place: Place) -> None:
    called = await place.call(
        Ivr(slot="ivr", id="ask", file="IVR/ask", min=3, max=4, result="number"),
        Destination(slot="destination", internal="other"),
        also=[Flow("other", "", (Audio(slot="audio", file="IVR/bye"),), "other.yaml", "r9")],
        steps=[Hears("IVR/ask"), Keys("1#"), Hears("IVR/ask"), Keys("4412")],
    )
    first, second, third = called.record.visits
    assert first == SlotVisit("tested", "ask", "ivr", 0, "done", ("1", "4412"), revision="r1")
    assert (second.slot, second.type, second.exit) == ("destination[2]", "destination", "app:other")
    assert (third.app, third.slot, third.exit, third.keys) == ("other", "audio[1]", "done", ())
    assert first.entered_ms < second.entered_ms <= third.entered_ms < called.record.duration_ms


async def test_a_slot_in_which_the_caller_hangs_up_has_no_exit(place: Place) -> None:
    called = await place.call(
        Ivr(slot="ivr", file="IVR/ask", result="number"), steps=[Hears("IVR/ask"), HangsUp()]
    )
    assert called.record.visits == (SlotVisit("tested", "ivr[1]", "ivr", 0, revision="r1"),)


async def test_secret_keys_stand_nowhere_in_the_record(place: Place) -> None:
    called = await place.call(AsksPin(slot="asks_pin", id="pin"), steps=[Hears("IVR/pin"), Keys(PIN)])
    assert PIN not in repr(called.record)
    assert called.record.visits[0].keys == ("****",)
    assert ("keys", "**** (maximum)") in [(one.event, one.detail) for one in called.record.transcript]
