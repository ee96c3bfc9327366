"""A talk goes on while there is credit: the hold is written first, Asterisk told after, the caller warned."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import structlog
from tests.paying_customers import add_card, add_customer, as_ann, give_credit, rate

from ringflow.ami.failures import LinkDown
from ringflow.calls.charging import Allowance, Charging, ChargingSettings
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.prolonged_talk import ProlongedTalk, Talk
from ringflow.calls.transcript import transcript_of
from ringflow.errors import PeerSilent
from ringflow.ledger.check import check_books
from ringflow.ledger.hold import find_hold
from ringflow.ledger.ledger import Ledger
from ringflow.simulator.clock import VirtualClock
from ringflow.simulator.talks import VirtualTalks, Work
from ringflow.store import Store
from ringflow.store.tables import customers

CUSTOMER, UNIT = 42, 1_000_000
CHANNEL, WARNING = "PJSIP/caller-00000001", "MISC/credit-ends"
NOW_MS = 1_767_225_600_000


class Asterisk(VirtualTalks):
    """Says what it was told, and what the hold paid for at that moment."""

    def __init__(self, clock: VirtualClock, store: Store, leg_id: str) -> None:
        super().__init__(clock)
        self.clock = clock
        self.store = store
        self.leg_id = leg_id
        self.told: list[tuple[int, int]] = []
        """The end of the talk and what the hold paid for then, in milliseconds of talk."""
        self.warned_ms: list[int] = []
        self.warnings = lambda sound: self.warned_ms.append(self.clock.monotonic_ms())
        self.fails: list[Exception] = []
        self.slow_ms = 0

    def later(self, after_ms: int, work: Work) -> None:
        """Something happens so long after the answer."""
        self._in_talk.append((after_ms, work))

    async def find(self, channel: str, leg_id: str) -> Talk | None:
        self.clock.advance_to(self.clock.monotonic_ms() + self.slow_ms)
        return await super().find(channel, leg_id)

    async def end_after(self, callee: str, left_ms: int) -> None:
        if self.fails:
            raise self.fails.pop(0)
        await super().end_after(callee, left_ms)
        async with self.store.reading() as connection:
            hold = await find_hold(connection, self.leg_id)
        assert hold is not None
        assert self.ends_ms is not None
        self.told.append((self.ends_ms, hold.micros * 1000 // UNIT))


class Line:
    """One leg, and its talk until Asterisk ends it."""

    def __init__(self, charging: Charging, asterisk: Asterisk, allowance: Allowance) -> None:
        self._events = CallEvents("c1", asterisk.clock, None)
        self.asterisk = asterisk
        self.charging = charging
        self.talk = ProlongedTalk(charging, asterisk, allowance, CHANNEL, WARNING, 1, self._events)
        self.limit_ms = allowance.limit_ms

    async def run(self) -> int:
        """Talk to the end; gives its milliseconds."""
        asterisk = self.asterisk
        asterisk.answered(asterisk.leg_id, self.limit_ms)
        async with self.talk.looked_after():
            while (due_ms := asterisk.next_ms) is not None:
                assert asterisk.ends_ms is not None
                if due_ms >= asterisk.ends_ms:
                    break
                asterisk.clock.advance_to(due_ms)
                await asterisk.pass_to(due_ms)
        assert asterisk.ends_ms is not None
        return asterisk.ends_ms

    @property
    def notes(self) -> list[str]:
        return [f"{line.event} {line.detail}" for line in transcript_of(self._events.history.happened)]


class Place:
    """A customer who pays a unit a second, and calls of its own."""

    def __init__(self, store: Store, slice_s: int = 10, warn_s: int = 4) -> None:
        self.store = store
        settings = ChargingSettings(slice_ms=slice_s * 1000, warn_ms=warn_s * 1000, longest_ms=3_600_000)
        self.charging = Charging(Ledger(store, "here", lambda: NOW_MS), settings)

    async def pay(self, units: int) -> None:
        async with as_ann(self.store, NOW_MS) as ann:
            await give_credit(ann, CUSTOMER, units * UNIT)

    async def line(self, leg_id: str = "leg", longest_s: int = 3600) -> Line:
        allowance = await self.charging.allow(leg_id, CUSTOMER, "441234567890", longest_s * 1000)
        assert isinstance(allowance, Allowance)
        return Line(self.charging, Asterisk(VirtualClock(), self.store, leg_id), allowance)


Furnish = Callable[..., Coroutine[Any, Any, Place]]


@pytest.fixture
async def furnish(store: Store) -> AsyncIterator[Furnish]:
    """Makes the place, with credit, where each second begun costs a unit; proves its books at the end."""
    places: list[Place] = []

    async def make(units: int, slice_s: int = 10, warn_s: int = 4) -> Place:
        async with as_ann(store, NOW_MS) as ann:
            await add_customer(ann, CUSTOMER, units * UNIT)
            await add_card(ann, rate(60 * UNIT))
        places.append(Place(store, slice_s, warn_s))
        return places[0]

    yield make
    await places[0].charging.close()
    assert await check_books(store, NOW_MS) == []


async def test_asterisk_is_told_of_no_end_that_the_hold_does_not_pay_for(furnish: Furnish) -> None:
    place = await furnish(units=35)
    line = await place.line()
    assert await line.run() == 35_000
    assert line.asterisk.told == [(20_000, 20_000), (30_000, 30_000), (35_000, 35_000)]
    assert line.asterisk.warned_ms == [31_000]


async def test_the_time_that_a_commit_takes_is_not_talked_for_nothing(furnish: Furnish) -> None:
    place = await furnish(units=20)
    line = await place.line()
    line.asterisk.slow_ms = 700
    assert await line.run() == 20_000
    assert [end_ms for end_ms, _ in line.asterisk.told] == [20_000]


async def test_a_slice_shorter_than_the_warning_is_held_ahead_of_it(furnish: Furnish) -> None:
    place = await furnish(units=30, slice_s=2, warn_s=8)
    line = await place.line()
    assert await line.run() == 30_000
    # The talk is warned of its real end only, though each slice ended sooner than a warning takes.
    assert line.asterisk.warned_ms == [22_000]
    assert all(end_ms <= paid_ms for end_ms, paid_ms in line.asterisk.told)


async def test_who_pays_in_after_the_warning_talks_on_and_is_warned_again(furnish: Furnish) -> None:
    place = await furnish(units=10)
    line = await place.line()
    line.asterisk.later(9_000, lambda: place.pay(5))
    assert await line.run() == 15_000
    assert line.asterisk.warned_ms == [6_000, 11_000]
    assert line.notes == ["warned 4 s left", "prolonged to 15 s", "warned 4 s left"]


async def test_a_customer_barred_in_the_talk_is_warned_and_talks_for_what_is_held(furnish: Furnish) -> None:
    place = await furnish(units=100)
    line = await place.line()

    async def bar() -> None:
        async with place.store.writing() as connection:
            await connection.execute(customers.update().values(status="inactive"))

    line.asterisk.later(12_000, bar)
    assert await line.run() == 20_000
    assert line.notes == ["prolonged to 20 s", "warned 4 s left"]


async def test_no_warning_begins_a_talk_that_is_shorter_than_it(furnish: Furnish) -> None:
    place = await furnish(units=3)
    line = await place.line()
    assert await line.run() == 3_000
    assert line.asterisk.warned_ms == []


async def test_two_talks_of_one_account_share_its_credit_and_no_more(furnish: Furnish) -> None:
    place = await furnish(units=33)
    first, second = await place.line("first"), await place.line("second")
    talked_ms = [await first.run(), await second.run()]
    # The first took all that the second had not set aside.
    assert talked_ms == [23_000, 10_000]
    for line, length_ms in zip((first, second), talked_ms, strict=True):
        await place.charging.end(line.talk.allowance(length_ms), length_ms)
    account = await place.charging.ledger.account(CUSTOMER)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (0, 0)


async def test_what_one_talk_gives_back_another_takes(furnish: Furnish) -> None:
    place = await furnish(units=20)
    first, second = await place.line("first"), await place.line("second")

    async def hang_up_first() -> None:
        await place.charging.end(first.talk.allowance(2_000), 2_000)

    second.asterisk.later(8_000, hang_up_first)
    assert await second.run() == 18_000


async def test_the_longest_talk_is_the_end_and_no_more_is_held_for_it(furnish: Furnish) -> None:
    place = await furnish(units=100)
    line = await place.line(longest_s=25)
    assert await line.run() == 25_000
    assert line.asterisk.told[-1] == (25_000, 25_000)
    assert line.asterisk.warned_ms == []


async def test_what_a_slot_allows_is_held_and_then_there_is_nothing_to_look_after(furnish: Furnish) -> None:
    place = await furnish(units=100)
    allowance = await place.charging.allow("leg", CUSTOMER, "441234567890", 3_000)
    assert isinstance(allowance, Allowance)
    assert (allowance.hold.micros, allowance.limit_ms, allowance.whole) == (3 * UNIT, 3_000, True)


async def test_an_order_that_did_not_arrive_is_given_again_a_second_later(furnish: Furnish) -> None:
    place = await furnish(units=20)
    line = await place.line()
    line.asterisk.fails = [LinkDown("gone"), PeerSilent("no answer")]
    with structlog.testing.capture_logs() as logged:
        assert await line.run() == 20_000
    assert line.asterisk.told == [(20_000, 20_000)]
    assert [one["event"] for one in logged] == ["talk not prolonged"]


async def test_a_hold_that_was_raised_for_nothing_is_given_back(furnish: Furnish) -> None:
    place = await furnish(units=20)
    line = await place.line()
    line.asterisk.fails = [LinkDown("gone")] * 100
    assert await line.run() == 10_000
    # Asterisk ended the talk a moment late, and by the end that it knew.
    settled = await place.charging.end(line.talk.allowance(10_020), 10_020)
    assert settled is not None
    assert settled.charged_micros == 10 * UNIT
    account = await place.charging.ledger.account(CUSTOMER)
    assert account is not None
    assert (account.balance_micros, account.held_micros) == (10 * UNIT, 0)


async def test_an_order_whose_answer_was_lost_may_have_been_carried_out(furnish: Furnish) -> None:
    place = await furnish(units=20)
    line = await place.line()
    line.asterisk.fails = [LinkDown("gone", sent=True), *[LinkDown("gone")] * 100]
    await line.run()
    settled = await place.charging.end(line.talk.allowance(14_000), 14_000)
    assert settled is not None
    assert (settled.charged_micros, settled.uncollected_micros) == (14 * UNIT, 0)


async def test_a_leg_that_somebody_else_settled_is_looked_after_no_more(furnish: Furnish) -> None:
    place = await furnish(units=20)
    line = await place.line()

    async def settle() -> None:
        await place.charging.ledger.settle_talk("leg", 1_000)

    line.asterisk.later(1_000, settle)
    with structlog.testing.capture_logs() as logged:
        assert await line.run() == 10_000
    # It is no trouble that an operator should hear of, and nothing to try again.
    assert logged == []
