"""Queues of simulated calls: order, members, announcements, and what QUEUESTATUS says."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from tests.lab.agi_scripts import Course, Party, VirtualSide

from ringflow.simulator.call_queue import CallQueue, Devices, Member
from ringflow.simulator.callee import Behaviour, Callee
from ringflow.simulator.caller import HangsUp, Waits
from ringflow.simulator.line import Sound

STATUS = "GET FULL VARIABLE ${QUEUESTATUS}|${QUEUEPOSITION}|${ABANDONED}"
LONG = (Waits(3_600_000), HangsUp())
NOBODY = Callee(Behaviour.NO_ANSWER, None, None)
BUSY = Callee(Behaviour.BUSY, 200, None)


def answers(after_ms: int, talk_ms: int | None = 1000) -> Callee:
    return Callee(Behaviour.ANSWER, after_ms, talk_ms)


def side(agents: dict[str, Callee], **options: str) -> VirtualSide:
    made = VirtualSide(
        lambda prompt: 1.0 if prompt.startswith(("queue-", "digits/", "news")) else None, agents=agents
    )
    given = {name.replace("_", "-"): value for name, value in options.items()}
    members = [Member(one, one) for one in agents]
    made.exchange.queues["desk"] = CallQueue({"ringinuse": "no", **given}, members)
    return made


def caller(after_ms: int = 0, options: str = "c", timeout: str = "", *before: str) -> Party:
    return Party(after_ms, ["ANSWER", *before, f"EXEC Queue desk,{options},,,{timeout}", STATUS], LONG)


def status(course: Course) -> str:
    return course.replies[-1].removeprefix("200 result=1 (").removesuffix(")")


def told(course: Course) -> list[tuple[str, int]]:
    return [(sound, began) for sound, began, _ in course.heard if sound not in set(Sound)]


async def test_a_caller_hears_music_until_an_agent_answers_and_talks() -> None:
    (course,) = await side({"PJSIP/a": answers(700, 2000)}).run_all([caller()])
    assert course.heard == [("music", 0, 700), ("callee", 700, 2700)]
    assert (course.replies[1], status(course), course.took_ms[1]) == ("200 result=0", "CONTINUE|1|", 2700)


async def test_ringing_instead_of_music_and_the_end_of_the_call_without_c() -> None:
    (course,) = await side({"PJSIP/a": answers(700, 2000)}).run_all([caller(options="r")])
    assert course.heard[0] == ("ringing", 0, 700)
    assert (course.replies[1], status(course)) == ("200 result=-1", "|1|")


async def test_one_after_the_other_is_rung_each_for_its_time_with_pauses_between() -> None:
    agents = {"PJSIP/a": NOBODY, "PJSIP/b": NOBODY, "PJSIP/c": answers(500)}
    (course,) = await side(agents, strategy="linear", timeout="10", retry="2").run_all([caller()])
    assert course.took_ms[1] == 2 * (10_000 + 2000) + 500 + 1000


async def test_who_is_busy_is_passed_over_at_once_and_the_next_round_begins_with_who_was_not_tried() -> None:
    agents = {"PJSIP/a": BUSY, "PJSIP/b": NOBODY, "PJSIP/c": answers(500)}
    (course,) = await side(agents, strategy="linear", timeout="10", retry="2").run_all([caller()])
    # The time for ringing is that of the round: b has what a left of it.
    assert course.took_ms[1] == 10_000 + 2000 + 500 + 1000


@pytest.mark.parametrize(
    ("strategy", "served"),
    [
        ("linear", ["PJSIP/a", "PJSIP/a", "PJSIP/a"]),
        ("rrmemory", ["PJSIP/a", "PJSIP/b", "PJSIP/c"]),
        ("fewestcalls", ["PJSIP/a", "PJSIP/b", "PJSIP/c"]),
        ("leastrecent", ["PJSIP/a", "PJSIP/b", "PJSIP/c"]),
        ("no such strategy", ["PJSIP/c", "PJSIP/c", "PJSIP/c"]),
    ],
)
async def test_whose_turn_it_is_goes_by_the_strategy(strategy: str, served: list[str]) -> None:
    agents = {"PJSIP/a": answers(500), "PJSIP/b": answers(500), "PJSIP/c": answers(400)}
    queue = side(agents, strategy=strategy, setinterfacevar="yes")
    calls = [
        Party(at, ["ANSWER", "EXEC Queue desk,c", "GET VARIABLE MEMBERINTERFACE"], LONG)
        for at in (0, 10_000, 20_000)
    ]
    courses = await queue.run_all(calls)
    assert [one.replies[-1] for one in courses] == [f"200 result=1 ({one})" for one in served]


async def test_members_of_a_higher_penalty_are_rung_only_where_the_others_are_not_free() -> None:
    agents = {"PJSIP/a": answers(500, 20_000), "PJSIP/b": answers(500)}
    queue = side(agents, setinterfacevar="yes")
    queue.exchange.queues["desk"].members[1].penalty = 1
    commands = ["ANSWER", "EXEC Queue desk,c", "GET VARIABLE MEMBERINTERFACE"]
    first, second = await queue.run_all([Party(0, commands, LONG), Party(3000, commands, LONG)])
    assert first.replies[-1] == "200 result=1 (PJSIP/a)"
    assert second.replies[-1] == "200 result=1 (PJSIP/b)"


@pytest.mark.parametrize(
    ("options", "for_s", "given", "expected", "took_ms"),
    [
        ("c", "7", {}, "TIMEOUT|1|TRUE", 7000),
        ("n", "", {"timeout": "4"}, "TIMEOUT|1|TRUE", 4000),
        ("c", "5", {"joinempty": "no"}, "TIMEOUT|1|TRUE", 5000),
    ],
)
async def test_how_long_a_caller_waits(
    options: str, for_s: str, given: dict[str, str], expected: str, took_ms: int
) -> None:
    (course,) = await side({"PJSIP/a": NOBODY}, **given).run_all([caller(0, options, for_s)])
    assert (status(course), course.took_ms[1]) == (expected, took_ms)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"joinempty": "no"}, "JOINEMPTY||"),
        ({"joinempty": "strict"}, "JOINEMPTY||"),
        ({"joinempty": "paused"}, "JOINEMPTY||"),
        ({"leavewhenempty": "yes"}, "LEAVEEMPTY|1|TRUE"),
        ({"joinempty": "loose"}, "TIMEOUT|1|TRUE"),
        ({"joinempty": "yes", "leavewhenempty": "no"}, "TIMEOUT|1|TRUE"),
    ],
)
async def test_when_a_queue_counts_as_empty(given: dict[str, str], expected: str) -> None:
    queue = side({"PJSIP/a": NOBODY}, **given)
    queue.exchange.queues["desk"].members[0].paused = True
    (course,) = await queue.run_all([caller(timeout="3")])
    assert status(course) == expected


async def test_a_caller_leaves_right_after_ringing_where_the_last_agent_was_paused_meanwhile() -> None:
    queue = side({"PJSIP/a": NOBODY}, leavewhenempty="yes")
    pauses = Party(1000, ["ANSWER", "EXEC PauseQueueMember desk,PJSIP/a"], LONG)
    course, _ = await queue.run_all([caller(), pauses])
    assert (status(course), course.took_ms[1]) == ("LEAVEEMPTY|1|TRUE", 15_000)


async def test_an_agent_behind_a_trunk_is_never_free_and_a_queue_that_is_not_there_is_unknown() -> None:
    (course,) = await side({"PJSIP/44@carrier": answers(500)}).run_all([caller(timeout="3")])
    assert status(course) == "TIMEOUT|1|TRUE"
    nowhere = await VirtualSide().run(["ANSWER", "EXEC Queue nowhere", STATUS])
    assert (nowhere.replies[1], status(nowhere)) == ("200 result=0", "UNKNOWN||")


async def test_a_caller_who_hangs_up_leaves_the_queue_and_others_move_up() -> None:
    queue = side({"PJSIP/a": answers(500, 8000)})
    call = ["ANSWER", "EXEC Queue desk,c", STATUS]
    _, second, third = await queue.run_all(
        [caller(), Party(1000, call, (Waits(4000), HangsUp())), caller(2000)]
    )
    assert second.replies[1:] == ["200 result=-1", "200 result=1 (|1|TRUE)"]
    assert status(third) == "CONTINUE|1|"
    assert queue.exchange.queues["desk"].waiting == []
    assert (queue.exchange.queues["desk"].completed, queue.exchange.queues["desk"].abandoned) == (2, 1)


async def test_a_full_queue_and_a_caller_of_high_priority() -> None:
    queue = side({"PJSIP/a": answers(500, 6000)}, maxlen="2")
    courses = await queue.run_all(
        [caller(), caller(1000), caller(2000, "c", "", "SET VARIABLE QUEUE_PRIO 3"), caller(3000)]
    )
    assert [status(one) for one in courses] == ["CONTINUE|1|", "CONTINUE|1|", "CONTINUE|1|", "FULL||"]
    ends = [at + sum(one.took_ms) for at, one in zip((0, 1000, 2000), courses[:3], strict=True)]
    assert ends[0] < ends[2] < ends[1]


async def test_places_are_said_with_thanks_when_they_change_and_from_time_to_time() -> None:
    queue = side({"PJSIP/a": answers(500, 12_000)}, announce_frequency="30", min_announce_frequency="5")
    _, _, third = await queue.run_all([caller(), caller(1000), caller(2000)])
    assert told(third) == [
        ("queue-thereare", 0), ("digits/2", 1000), ("queue-callswaiting", 2000), ("queue-thankyou", 3000),
        ("queue-youarenext", 12_000), ("queue-thankyou", 13_000),
    ]  # fmt: skip


async def test_how_long_it_may_take_is_said_in_minutes_except_to_who_is_next() -> None:
    options = {"announce_frequency": "100"}
    _, second, third = await side({"PJSIP/a": answers(500, 400_000)}, **options).run_all(
        [caller(), caller(1000), caller(2000)]
    )
    # The average of those who were served is nothing yet: 30 s less what the caller has waited, in minutes.
    assert [name for name, began in told(third) if began < 99_000] == [
        "queue-thereare", "digits/2", "queue-callswaiting", "queue-thankyou"
    ]  # fmt: skip
    assert [name for name, began in told(third) if 99_000 < began < 190_000] == [
        "queue-thereare", "digits/2", "queue-callswaiting",
        "queue-holdtime", "digits/1", "queue-minute", "queue-thankyou",
    ]  # fmt: skip
    assert [name for name, began in told(third) if 190_000 < began < 290_000][3:6] == [
        "queue-holdtime", "digits/2", "queue-minutes"
    ]  # fmt: skip
    assert {name for name, _ in told(second)} == {"queue-youarenext", "queue-thankyou"}


async def test_without_places_the_time_alone_is_said_and_thanks_only_with_it() -> None:
    options = {"announce_frequency": "50", "announce_position": "no"}
    _, second = await side({"PJSIP/a": answers(500, 120_000)}, **options).run_all([caller(), caller(1000)])
    assert [name for name, _ in told(second)] == [
        "queue-holdtime", "digits/1", "queue-minute", "queue-thankyou"
    ]  # fmt: skip


def test_the_time_that_callers_wait_is_an_average_that_moves_by_a_quarter() -> None:
    queue = CallQueue(hold_s=100)
    queue.waited(20)
    assert queue.hold_s == (100 * 3 + 20) // 4


async def test_places_beyond_a_limit_are_told_as_more_than_it() -> None:
    options = {"announce_frequency": "60", "announce_position": "more", "announce_position_limit": "1"}
    _, _, third = await side({"PJSIP/a": answers(500, 9000)}, **options).run_all(
        [caller(), caller(1000), caller(2000)]
    )
    assert [name for name, _ in told(third)][:4] == [
        "queue-quantity1", "digits/1", "queue-quantity2", "queue-thankyou"
    ]  # fmt: skip


async def test_the_place_at_the_limit_itself_is_said_as_it_is() -> None:
    options = {"announce_frequency": "60", "announce_position": "more", "announce_position_limit": "2"}
    _, _, third = await side({"PJSIP/a": answers(500, 9000)}, **options).run_all(
        [caller(), caller(1000), caller(2000)]
    )
    assert [name for name, _ in told(third)][:3] == ["queue-thereare", "digits/2", "queue-callswaiting"]


async def test_a_periodic_announcement_comes_after_its_time_and_again() -> None:
    options = {"periodic_announce": "news", "periodic_announce_frequency": "5"}
    _, second = await side({"PJSIP/a": answers(500, 14_000)}, **options).run_all([caller(), caller(1000)])
    assert told(second) == [("news", 5000), ("news", 10_000)]


async def test_an_agent_has_time_after_each_call() -> None:
    queue = side({"PJSIP/a": answers(500, 1000)}, wrapuptime="10")
    first, second = await queue.run_all([caller(), caller(500)])
    assert first.took_ms[1] == 1500
    assert 10_000 <= second.took_ms[1] - 1500 - 1000 <= 11_500


def test_an_agent_may_be_rung_again_once_the_seconds_after_a_call_are_over() -> None:
    queue = CallQueue({"wrapuptime": "10"}, [agent := Member("PJSIP/a", "a", last_call_s=100)])
    assert [queue.can_ring(agent, Devices(), now_s) for now_s in (109, 110)] == [False, True]


async def test_fifty_callers_and_ten_agents_keep_their_order_and_nobody_is_lost_or_rung_twice() -> None:
    agents = {f"PJSIP/agent{number}": answers(2000, 60_000 + 1000 * number) for number in range(10)}
    queue = side(agents, strategy="rrmemory", setinterfacevar="yes")
    commands = ["ANSWER", "EXEC Queue desk,c", "GET VARIABLE MEMBERINTERFACE"]
    calls = [Party(1000 * number, commands, LONG) for number in range(50)]
    courses = await queue.run_all(calls)
    answered = [
        one.after_ms + next(began for sound, began, _ in course.heard if sound == Sound.CALLEE)
        for one, course in zip(calls, courses, strict=True)
    ]
    assert answered == sorted(answered)
    talks: dict[str, list[tuple[int, int]]] = {}
    for one, course in zip(calls, courses, strict=True):
        (talk,) = [(b + one.after_ms, e + one.after_ms) for s, b, e in course.heard if s == Sound.CALLEE]
        talks.setdefault(course.replies[-1], []).append(talk)
    assert all(before[1] <= after[0] for own in talks.values() for before, after in pairwise(own))
    assert Counter(len(own) for own in talks.values()) == {5: 10}
    assert (queue.exchange.queues["desk"].completed, queue.exchange.queues["desk"].waiting) == (50, [])
