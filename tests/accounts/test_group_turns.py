"""Whose turn it is in a call group: kept for all servers, whatever becomes of the members and the clock."""

from __future__ import annotations

import pytest

from ringflow.accounts.group_turns import GroupTurns
from ringflow.store import Store

MEMBERS = ("1 a", "2 b", "3 c")


class Clock:
    now_ms = 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns(store: Store, clock: Clock) -> GroupTurns:
    return GroupTurns(store, lambda: clock.now_ms)


async def test_each_call_begins_with_the_next_member_also_on_another_server(
    store: Store, turns: GroupTurns, clock: Clock
) -> None:
    assert await turns.take("g", MEMBERS) == MEMBERS
    assert await GroupTurns(store, lambda: clock.now_ms).take("g", MEMBERS) == ("2 b", "3 c", "1 a")
    assert await turns.take("g", MEMBERS) == ("3 c", "1 a", "2 b")
    assert await turns.take("other", MEMBERS) == MEMBERS
    assert await turns.take("g", MEMBERS) == MEMBERS


async def test_a_clock_that_was_set_back_does_not_stop_the_turns(turns: GroupTurns, clock: Clock) -> None:
    await turns.take("g", MEMBERS)
    clock.now_ms = 10
    assert (await turns.take("g", MEMBERS))[0] == "2 b"
    assert (await turns.take("g", MEMBERS))[0] == "3 c"
    assert (await turns.take("g", MEMBERS))[0] == "1 a"


async def test_the_turns_go_on_where_a_member_is_gone_or_new(turns: GroupTurns) -> None:
    await turns.take("g", MEMBERS)
    await turns.take("g", MEMBERS)
    assert await turns.take("g", ("1 a", "2 c", "3 d")) == ("2 c", "3 d", "1 a")
    assert (await turns.take("g", ("1 x",))) == ("1 x",)


async def test_who_answered_the_longest_ago_comes_first_and_who_never_did_before(
    turns: GroupTurns, clock: Clock
) -> None:
    assert list(await turns.longest_ago("g", MEMBERS)) == list(MEMBERS)
    await turns.answered("g", "1 a")
    clock.now_ms = 2000
    await turns.answered("g", "2 b")
    assert list(await turns.longest_ago("g", MEMBERS)) == ["3 c", "1 a", "2 b"]
    clock.now_ms = 3000
    await turns.answered("g", "1 a")
    assert list(await turns.longest_ago("g", MEMBERS)) == ["3 c", "2 b", "1 a"]
