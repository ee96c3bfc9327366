"""Calls on record over HTTP."""

from __future__ import annotations

import pytest

from ringflow.moments import system_now_ms
from ringflow.rights import Right
from ringflow.store.record_tables import call_records

from .conftest import Api

CALL = "01a"


@pytest.fixture
async def recorded(api: Api) -> Api:
    cells = {"call_id": CALL, "server": "here", "started_ms": system_now_ms(), "duration_ms": 1500}
    async with api.store.writing() as connection:
        await connection.execute(
            call_records.insert().values(**cells, did="18005550100", outcome="abandoned", reason="")
        )
    return api


async def test_the_money_of_a_call_is_for_whom_may_see_money(recorded: Api) -> None:
    owner = await recorded.client()
    whole = (await owner("GET", f"/calls/{CALL}")).json
    assert (whole["holds"], whole["movements"]) == ([], [])
    ended = {"at_s": 1.5, "slot": "", "event": "ended", "detail": "abandoned"}
    assert whole["transcript"] == [ended]
    narrow = await recorded.client(name="narrow", rights=frozenset({Right.CALLS_READ}))
    seen = (await narrow("GET", f"/calls/{CALL}")).json
    assert (seen["holds"], seen["movements"]) == (None, None)
    assert seen["transcript"] == [ended]


async def test_calls_of_an_app_are_counted(recorded: Api) -> None:
    owner = await recorded.client()
    assert (await owner("GET", "/calls?count=capped&limit=1")).json["count"] == 1
    assert (await owner("GET", "/calls?count=capped&limit=1&app=other")).json["count"] == 0
