"""Operators' lists as a call sees them: a list that cannot be asked is never a list without the value."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ringflow.accounts.value_lists.look_up import ValueLists
from ringflow.calls.clock import SystemClock
from ringflow.calls.list_look_ups import ListLookUps, ListUnavailable
from ringflow.store import Store


@dataclass
class World:
    value_lists: ValueLists | None
    clock: SystemClock = field(default_factory=SystemClock)


async def test_a_list_cannot_be_asked_where_there_is_none_and_where_its_database_is_gone() -> None:
    store = await Store.open("sqlite:///:memory:")
    await store.migrate()
    lists = ListLookUps(World(ValueLists(store, "GB")))  # type: ignore[arg-type]
    with pytest.raises(ListUnavailable, match="there is no list barred"):
        await lists.contains("barred", "441910000001")
    await store.close()
    with pytest.raises(ListUnavailable, match=r"list barred: .*it is closed"):
        await lists.contains("barred", "441910000001")
    with pytest.raises(ListUnavailable, match="no list is kept here"):
        await ListLookUps(World(None)).contains("barred", "441910000001")  # type: ignore[arg-type]
