"""New calls are admitted by the load of their Asterisk, as its replies show it, on a clock of the test."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from ringflow.agi.overload import GROWTH_PER_S, LEAST_PER_S, REMEMBERED_S, OverloadControl
from ringflow.agi.refusal import CALLS_PER_SECOND, OVERLOADED

MAX_LAG_S = 0.02
QUICK_S, SLOW_S = 0.001, 0.05


class Machine:
    """Calls come evenly, and so do replies; `run` gives how many calls were admitted and refused."""

    def __init__(self, max_lag_s: float | None = MAX_LAG_S, max_calls_per_s: float | None = None) -> None:
        self.now_s = 1000.0
        self.control = OverloadControl(max_lag_s, max_calls_per_s, "192.0.2.1", lambda: self.now_s)

    def reply(self, took_s: float, *, counts: bool = True) -> None:
        asked = self.control.asked()
        self.now_s += took_s
        self.control.replied(asked, counts=counts)

    def run(
        self, seconds: float, calls_per_s: int, reply_s: float | None = QUICK_S, replies_per_s: int = 40
    ) -> tuple[int, int]:
        admitted = refused = 0
        steps = 1000
        for step in range(int(seconds * steps)):
            began_s = self.now_s
            if step % (steps // calls_per_s) == 0:
                if self.control.refusal() is None:
                    admitted += 1
                else:
                    refused += 1
            if reply_s is not None and step % (steps // replies_per_s) == 0:
                asked = self.control.asked()
                self.now_s += reply_s
                self.control.replied(asked, counts=True)
            self.now_s = began_s + 1 / steps
        return admitted, refused


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_quick_replies_let_any_number_of_calls_in(machine: Machine) -> None:
    assert machine.run(10, 500) == (5000, 0)
    assert machine.control.limit_per_s is None


def test_a_lag_that_stays_too_long_stops_admission_but_for_one_call_a_second(machine: Machine) -> None:
    machine.run(5, 50)
    machine.run(1, 50, SLOW_S)
    assert machine.control.overloaded
    assert machine.control.refusal() is OVERLOADED
    admitted, refused = machine.run(4, 50, SLOW_S)
    assert admitted == 4
    assert refused == 196


def test_one_slow_interval_refuses_nobody(machine: Machine) -> None:
    machine.run(5, 50)
    assert machine.run(0.25, 50, SLOW_S)[1] == 0
    assert machine.run(5, 50)[1] == 0


def test_one_slow_reply_among_quick_ones_refuses_nobody(machine: Machine) -> None:
    for _ in range(20):
        assert machine.run(0.2, 50)[1] == 0
        machine.reply(SLOW_S)
    assert not machine.control.overloaded


def test_a_lag_of_exactly_the_limit_is_not_too_long(machine: Machine) -> None:
    machine.control._quickest_s = 0.0
    machine.run(5, 50, MAX_LAG_S - 1e-9)
    assert not machine.control.overloaded


def test_too_few_replies_tell_nothing_of_the_load(machine: Machine) -> None:
    machine.run(1, 50)
    assert machine.run(30, 50, SLOW_S, replies_per_s=2)[1] == 0


def test_the_way_to_a_distant_asterisk_is_no_lag(machine: Machine) -> None:
    assert machine.run(30, 50, 0.15)[1] == 0
    machine.run(1, 50, 0.2)
    assert machine.control.overloaded


def test_a_way_that_became_longer_is_refused_for_at_most_ten_minutes(machine: Machine) -> None:
    machine.run(5, 50)
    machine.run(601, 10, SLOW_S)
    assert machine.control.overloaded is False


def test_replies_that_do_not_count_tell_nothing(machine: Machine) -> None:
    machine.run(1, 50)
    for _ in range(200):
        machine.reply(SLOW_S, counts=False)
    assert machine.control.refusal() is None
    assert machine.control.lag_s == pytest.approx(0, abs=0.001)


def test_commands_that_wait_for_their_reply_tell_of_the_lag(machine: Machine) -> None:
    machine.run(5, 50)
    waiting = [machine.control.asked() for _ in range(5)]
    _, refused = machine.run(2, 50, None)
    assert machine.control.overloaded
    assert refused > 60
    for asked in waiting:
        machine.control.replied(asked, counts=False)
    machine.run(2, 1, None)
    assert not machine.control.overloaded


def test_admission_goes_on_when_the_lag_is_half_as_long_below_the_rate_that_was_too_high(
    machine: Machine,
) -> None:
    machine.run(10, 50)
    machine.run(1, 50, SLOW_S)
    assert machine.control.limit_per_s == LEAST_PER_S
    machine.run(1, 50, MAX_LAG_S * 0.75)
    assert machine.control.overloaded, "not until it is half as long"
    machine.run(1, 50, QUICK_S)
    assert not machine.control.overloaded
    assert machine.control.limit_per_s == pytest.approx(0.85 * 50, rel=0.1)
    admitted, refused = machine.run(2, 100, QUICK_S)
    assert admitted == pytest.approx(2 * 0.85 * 50, rel=0.3)
    assert refused > 0


def test_the_rate_grows_while_calls_are_refused_and_the_lag_is_short(machine: Machine) -> None:
    machine.run(10, 50)
    machine.run(1, 50, SLOW_S)
    machine.run(1, 50, QUICK_S)
    machine.run(1, 20, QUICK_S)
    before = machine.control.limit_per_s
    assert before is not None
    machine.run(10, 20, QUICK_S)
    assert machine.control.limit_per_s == before, "nobody needs more"
    machine.run(10, 200, QUICK_S)
    after = machine.control.limit_per_s
    assert after is not None
    assert after == pytest.approx(before * (1 + GROWTH_PER_S / 4) ** 40, rel=0.1)
    machine.run(5, 200, MAX_LAG_S * 0.75)
    assert machine.control.limit_per_s == pytest.approx(after, rel=0.03), "the lag is not short"


def test_a_rate_that_was_too_high_is_forgotten_after_a_minute(machine: Machine) -> None:
    machine.run(10, 50)
    machine.run(1, 50, SLOW_S)
    machine.run(REMEMBERED_S - 5, 10, QUICK_S, 20)
    assert machine.control.limit_per_s is not None
    machine.run(10, 10, QUICK_S, 20)
    assert machine.control.limit_per_s is None


def test_only_so_many_calls_a_second_are_admitted_as_the_configuration_says() -> None:
    machine = Machine(max_lag_s=None, max_calls_per_s=30)
    machine.run(2, 20)
    admitted, refused = machine.run(10, 100)
    assert admitted == pytest.approx(300, abs=10)
    assert refused == 1000 - admitted
    for _ in range(20):
        machine.control.refusal()
    assert machine.control.refusal() is CALLS_PER_SECOND


def test_without_a_limit_no_lag_refuses_anybody() -> None:
    machine = Machine(max_lag_s=None)
    machine.run(5, 50)
    assert machine.run(30, 50, 2.0, 10)[1] == 0


def test_calls_that_come_without_replies_begin_with_a_probe_now_and_then(machine: Machine) -> None:
    probes = 0
    for _ in range(20):
        assert machine.control.refusal() is None
        probes += machine.control.wants_probe()
    assert probes == 5
    for _ in range(20):
        assert machine.control.refusal() is None
        machine.reply(QUICK_S)
        assert not machine.control.wants_probe()


def test_a_few_commands_that_hang_among_quick_ones_refuse_nobody(machine: Machine) -> None:
    machine.run(5, 50)
    for _ in range(5):
        machine.control.asked()
    assert machine.run(10, 50) == (500, 0)


def test_what_is_shown_is_of_now(machine: Machine) -> None:
    machine.run(5, 50)
    machine.run(1, 50, SLOW_S)
    assert machine.control.overloaded
    machine.now_s += 5
    machine.control.refresh()
    assert (machine.control.overloaded, machine.control.lag_s) == (False, 0.0)


def test_calls_come_early_by_chance_below_the_rate(machine: Machine) -> None:
    limited = Machine(max_lag_s=None, max_calls_per_s=2)
    limited.now_s += 10
    assert [limited.control.refusal() for _ in range(4)] == [None, None, None, CALLS_PER_SECOND]


def test_the_log_says_so_once_in_ten_seconds(machine: Machine) -> None:
    machine.run(5, 50)
    with capture_logs() as logs:
        for _ in range(3):
            machine.run(1, 50, SLOW_S)
            machine.run(1, 50, QUICK_S)
    assert [line["event"] for line in logs] == ["overloaded"]
    assert logs[0]["asterisk"] == "192.0.2.1"
    assert logs[0]["lag_ms"] > MAX_LAG_S * 1000
