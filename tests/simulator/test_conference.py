"""What callers of a simulated conference hear, each in its own time."""

from __future__ import annotations

import pytest
from tests.lab.agi_scripts import Course, Party, VirtualSide

from ringflow.simulator.caller import CallerStep, HangsUp, Keys, Waits
from ringflow.simulator.conference import say_number

ROOM = "EXEC ConfBridge room"
RESULT = "GET VARIABLE CONFBRIDGE_RESULT"
LENGTHS_S = {
    "confbridge-join": 0.3,
    "confbridge-leave": 0.7,
    "conf-onlyperson": 1.0,
    "conf-onlyone": 0.5,
    "conf-thereare": 0.4,
    "conf-otherinparty": 0.6,
    "conf-getpin": 0.8,
    "conf-invalidpin": 0.9,
    "conf-locked": 1.1,
    "digits/2": 0.2,
    "welcome": 1.5,
}


def user(option: str, value: str = "yes") -> str:
    return f"SET VARIABLE CONFBRIDGE(user,{option}) {value}"


def stays(after_ms: int, for_ms: int, *commands: str) -> Party:
    return Party(after_ms, ["ANSWER", *commands, ROOM, RESULT], (Waits(for_ms), HangsUp()))


async def hold(*parties: Party) -> list[Course]:
    side = VirtualSide(LENGTHS_S.get)
    courses = await side.run_all(parties)
    assert side.exchange.conferences == {}
    return courses


def outcome(course: Course) -> tuple[str, str]:
    return course.replies[-2], course.replies[-1]


async def test_the_first_is_alone_and_every_coming_and_going_is_heard_by_all_inside() -> None:
    first, second = await hold(stays(0, 8000), stays(2500, 3000))
    assert first.heard == [
        ("conf-onlyperson", 0, 1000),
        ("confbridge-join", 1000, 1300),
        ("conference", 2500, 5500),
        ("confbridge-join", 2500, 2800),
        ("confbridge-leave", 5500, 6200),
    ]
    assert second.heard == [("conference", 0, 3000), ("confbridge-join", 0, 300)]
    # The last to leave is held until the announcer has said that to an empty room.
    assert first.took_ms[1] == 8000 + 700
    assert second.took_ms[1] == 3000
    assert outcome(first) == ("200 result=0", "200 result=1 (HANGUP)")


async def test_announcements_of_a_room_come_one_after_the_other() -> None:
    first, second, third = await hold(
        stays(0, 9000, user("announce_only_user", "no")), stays(2000, 6000), stays(2100, 5000)
    )
    assert [one for one in first.heard if one[0] == "confbridge-join"] == [
        ("confbridge-join", 0, 300), ("confbridge-join", 2000, 2300), ("confbridge-join", 2300, 2600)
    ]  # fmt: skip
    assert ("confbridge-join", 200, 500) in third.heard
    assert ("confbridge-leave", 5100, 5800) in second.heard


async def test_who_is_quiet_comes_and_goes_unheard_and_is_not_told_to_be_alone() -> None:
    first, second = await hold(stays(0, 6000, user("quiet")), stays(1000, 2000, user("quiet")))
    assert first.heard == [("conference", 1000, 3000)]
    assert second.heard == [("conference", 0, 2000)]
    assert first.took_ms[-2] == 6000


async def test_the_number_of_others_is_said_to_who_joins_before_the_others_are_heard() -> None:
    count = [user("quiet"), user("announce_user_count")]
    first, second, third = await hold(
        stays(0, 9000, *count), stays(1000, 7000, *count), stays(2000, 4000, *count)
    )
    assert first.heard[0] == ("conference", 1500, 8000)
    assert second.heard[0] == ("conf-onlyone", 0, 500)
    assert third.heard == [
        ("conf-thereare", 0, 400),
        ("digits/2", 400, 600),
        ("conf-otherinparty", 600, 1200),
        ("conference", 1200, 4000),
    ]


async def test_the_number_of_others_is_said_to_all_from_a_number_on() -> None:
    options = [user("quiet"), user("announce_user_count_all", "2")]
    first, _, third = await hold(
        stays(0, 9000, *options), stays(1000, 7000, *options), stays(2000, 4000, *options)
    )
    told = [("conf-thereare", 2000, 2400), ("digits/2", 2400, 2600), ("conf-otherinparty", 2600, 3200)]
    assert [one for one in first.heard if one[0] != "conference"] == told
    # Who joins waits for it, and does not hear it.
    assert third.heard == [("conference", 1200, 4000)]


async def test_music_plays_for_who_is_alone() -> None:
    first, second = await hold(
        stays(0, 5000, user("quiet"), user("music_on_hold_when_empty")), stays(1000, 2000, user("quiet"))
    )
    assert first.heard == [("music", 0, 1000), ("conference", 1000, 3000), ("music", 3000, 5000)]
    assert second.heard == [("conference", 0, 2000)]


async def test_an_announcement_for_who_joins_comes_first_and_who_leaves_in_it_was_never_inside() -> None:
    (stayed,) = await hold(stays(0, 4000, user("announcement", "welcome"), user("announce_only_user", "no")))
    assert stayed.heard[:2] == [("welcome", 0, 1500), ("confbridge-join", 1500, 1800)]
    (left,) = await hold(stays(0, 700, user("announcement", "welcome")))
    assert left.heard == [("welcome", 0, 700)]
    assert outcome(left) == ("200 result=-1", "200 result=1 (FAILED)")


async def test_a_full_room_turns_away_all_but_administrators() -> None:
    most = "SET VARIABLE CONFBRIDGE(bridge,max_members) 1"
    first, second, third = await hold(
        stays(0, 5000, user("quiet"), most),
        stays(1000, 9000),
        stays(2000, 1000, user("quiet"), user("admin")),
    )
    assert second.heard == [("conf-locked", 0, 1100)]
    assert outcome(second) == ("200 result=-1", "200 result=1 (FAILED)")
    assert outcome(third) == outcome(first) == ("200 result=0", "200 result=1 (HANGUP)")


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ((Waits(500), Keys("1234#"), Waits(2000), HangsUp()), ("200 result=0", "200 result=1 (HANGUP)")),
        (
            (Waits(500), Keys("9#"), Waits(1500), Keys("1234#"), Waits(1500), HangsUp()),
            ("200 result=0", "200 result=1 (HANGUP)"),
        ),
        ((), ("200 result=-1", "200 result=1 (FAILED)")),
    ],
    ids=["right at once", "right at the second try", "nothing"],
)
async def test_a_pin_is_asked_for_three_times(
    steps: tuple[Keys | Waits | HangsUp, ...], result: tuple[str, str]
) -> None:
    commands = ["ANSWER", user("quiet"), user("pin", "1234"), ROOM, RESULT]
    (only,) = await hold(Party(0, commands, steps))
    assert outcome(only) == result
    if not steps:
        assert only.took_ms[-2] == 3 * (800 + 6000 + 900)


async def test_nobody_stays_longer_than_the_profile_says_and_a_profile_can_be_cleared() -> None:
    (out,) = await hold(stays(0, 5000, user("quiet"), user("timeout", "2")))
    assert (out.took_ms[-2], out.replies[-1]) == (2000, "200 result=1 (TIMEOUT)")
    (stayed,) = await hold(stays(0, 5000, user("timeout", "2"), user("clear", "1"), user("quiet")))
    assert stayed.took_ms[-2] == 5000


async def test_a_lone_call_hears_its_room_too() -> None:
    course = await VirtualSide(LENGTHS_S.get).run(["ANSWER", ROOM], steps=(Waits(3000), HangsUp()))
    assert course.heard == [("conf-onlyperson", 0, 1000), ("confbridge-join", 1000, 1300)]
    assert course.took_ms[-1] == 3000 + 700


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (7, "7"),
        (20, "20"),
        (21, "20 1"),
        (100, "1 hundred"),
        (342, "3 hundred 40 2"),
        (5000, "5 thousand"),
        (12_016, "12 thousand 16"),
    ],
)
def test_numbers_are_said_as_asterisk_says_them(number: int, said: str) -> None:
    assert " ".join(one.removeprefix("digits/") for one in say_number(number)) == said


def menu(keys: str, action: str) -> str:
    return f"SET VARIABLE CONFBRIDGE(menu,{keys}) {action}"


ADMIN = [user("quiet"), user("admin")]
MENU_LENGTHS_S = {
    **LENGTHS_S,
    "conf-muted": 0.4,
    "conf-unmuted": 0.5,
    "conf-lockednow": 0.6,
    "conf-unlockednow": 0.7,
    "conf-now-muted": 0.8,
    "conf-errormenu": 0.9,
    "conf-kicked": 1.0,
    "conf-leaderhasleft": 1.1,
    "confbridge-conf-begin": 1.2,
    "conf-waitforleader": 1.3,
}


async def hold_with_menus(*parties: Party) -> list[Course]:
    side = VirtualSide(MENU_LENGTHS_S.get)
    courses = await side.run_all(parties)
    assert side.exchange.conferences == {}
    return courses


def told(course: Course) -> list[tuple[str, int, int]]:
    return [one for one in course.heard if one[0] != "conference"]


async def test_keys_do_what_the_menu_says_and_one_without_an_entry_does_nothing() -> None:
    menus = [menu("0", "toggle_mute"), menu("*1", "participant_count"), menu("#", "leave_conference")]
    steps = (
        Waits(2000),
        Keys("0"),
        Waits(1900),
        Keys("0"),
        Waits(1900),
        Keys("5*1", 400),
        Waits(2000),
        Keys("#"),
    )
    (first, second) = await hold_with_menus(
        Party(0, ["ANSWER", user("quiet"), *menus, ROOM, RESULT], steps), stays(1000, 15_000, user("quiet"))
    )
    assert told(first) == [
        ("conf-muted", 2100, 2500),
        ("conf-unmuted", 4100, 4600),
        ("conf-onlyone", 6900, 7400),
    ]
    assert told(second) == []
    assert outcome(first) == ("200 result=0", "200 result=1 (DTMF)")


async def test_a_sequence_that_is_not_ended_in_time_counts_by_what_was_keyed() -> None:
    menus = [menu("1", "playback(a&b)"), menu("12", "toggle_mute")]
    steps: tuple[CallerStep, ...] = (
        Waits(1000),
        Keys("12", 400),
        Waits(2000),
        Keys("1"),
        Waits(4000),
        HangsUp(),
    )
    side = VirtualSide({"a": 0.2, "b": 0.3, "conf-muted": 0.4}.get)
    (only,) = await side.run_all([Party(0, ["ANSWER", user("quiet"), *menus, ROOM], steps)])
    # An entry that fits counts at once, whatever longer one there is.
    assert told(only) == [("a", 1100, 1300), ("b", 1300, 1610), ("a", 3600, 3800), ("b", 3800, 4100)]
    menus = [menu("12", "toggle_mute"), menu("3", "playback(a)")]
    steps = (
        Waits(1000),
        Keys("1"),
        Waits(2000),
        Keys("2"),
        Waits(500),
        Keys("13", 400),
        Waits(900),
        HangsUp(),
    )
    (only,) = await side.run_all([Party(0, ["ANSWER", user("quiet"), *menus, ROOM], steps)])
    assert told(only) == []


async def test_only_administrators_lock_mute_and_kick() -> None:
    menus = [
        menu("7", "admin_kick_last"),
        menu("8", "admin_toggle_mute_participants"),
        menu("9", "admin_toggle_conference_lock"),
    ]
    admin = Party(
        0,
        ["ANSWER", *ADMIN, *menus, ROOM, RESULT],
        (
            Waits(3000),
            Keys("9"),
            Waits(1900),
            Keys("8"),
            Waits(1900),
            Keys("7"),
            Waits(1900),
            Keys("7"),
            Waits(3000),
            HangsUp(),
        ),
    )
    other = Party(
        1000,
        ["ANSWER", user("announce_only_user", "no"), *menus, ROOM, RESULT],
        (Waits(500), Keys("9"), Waits(100), Keys("8"), Waits(100), Keys("7"), Waits(20_000), HangsUp()),
    )
    late = stays(4500, 3000)
    first, second, third = await hold_with_menus(admin, other, late)
    assert told(third) == [("conf-locked", 0, 1100)]
    assert told(first) == [
        ("confbridge-join", 1000, 1300),
        ("conf-lockednow", 3100, 3700),
        ("conf-now-muted", 5100, 5900),
        ("confbridge-leave", 7100, 7800),
        # Alone, nobody else is there who could go.
        ("conf-errormenu", 9100, 10_000),
    ]
    assert told(second) == [
        ("confbridge-join", 0, 300),
        ("conf-errormenu", 1000, 1900),
        ("conf-now-muted", 4100, 4900),
        ("conf-kicked", 6100, 7100),
    ]
    assert outcome(second) == ("200 result=0", "200 result=1 (KICKED)")


async def test_a_marked_user_begins_the_conference_and_takes_along_whose_stay_ends_with_it() -> None:
    waiting = stays(0, 20_000, user("announce_only_user", "no"), user("wait_marked"), user("end_marked"))
    leader = stays(4000, 3000, user("announce_only_user", "no"), user("marked"))
    staying = stays(5000, 6000, user("quiet"))
    first, second, third = await hold_with_menus(waiting, leader, staying)
    assert first.heard == [
        ("conf-waitforleader", 0, 1300),
        ("confbridge-join", 1300, 1600),
        ("confbridge-conf-begin", 4000, 5200),
        ("conference", 5000, 7000),
        ("confbridge-join", 5200, 5500),
        ("conf-kicked", 7000, 8000),
    ]
    assert told(second) == [("confbridge-join", 1200, 1500)]
    assert told(third)[-3:] == [
        ("confbridge-leave", 2000, 2700),
        ("conf-leaderhasleft", 2700, 3800),
        ("confbridge-leave", 3800, 4500),
    ]
    assert outcome(first) == ("200 result=0", "200 result=1 (ENDMARKED)")


async def test_an_administrator_kicks_no_other_one() -> None:
    kicks = Party(
        0,
        ["ANSWER", *ADMIN, menu("7", "admin_kick_last"), ROOM, RESULT],
        (Waits(2000), Keys("7"), Waits(3000), HangsUp()),
    )
    first, second = await hold_with_menus(kicks, stays(1000, 3000, *ADMIN))
    assert told(first) == [("conf-errormenu", 2100, 3000)]
    assert outcome(second) == ("200 result=0", "200 result=1 (HANGUP)")
