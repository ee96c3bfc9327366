"""A running server's calls are on record when it has stopped; and none are where that is wanted."""

from __future__ import annotations

import pytest

from ringflow.app import running
from ringflow.bench.load import run_load
from ringflow.bench.seed_call import KEYS
from ringflow.config import ChargingConfig, Config
from ringflow.store import Store
from ringflow.store.record_tables import call_legs, call_records, call_slots


@pytest.fixture
def config(server_config: Config) -> Config:
    return server_config.model_copy(update={"http": None, "charging": ChargingConfig(server="here")})


async def rows(config: Config) -> tuple[int, int, int]:
    store = await Store.open(config.database_url)
    async with store.reading() as connection:
        calls = (await connection.execute(call_records.select())).all()
        legs = (await connection.execute(call_legs.select())).all()
        slots = (await connection.execute(call_slots.select())).all()
    await store.close()
    assert {(call.server, call.outcome, call.customer_id) for call in calls} <= {("here", "completed", 42)}
    assert {(leg.dialled, leg.trunk, leg.talked_ms) for leg in legs} <= {(KEYS, "carrier", 4000)}
    return len(calls), len(legs), len(slots)


async def test_all_calls_are_on_record_when_the_server_has_stopped(config: Config) -> None:
    async with running(config) as application:
        result = await run_load(application.fastagi.port, calls=30, at_once=5)
        assert result.complete == 30
    assert await rows(config) == (30, 30, 60)


async def test_nothing_is_recorded_where_records_are_off(config: Config) -> None:
    async with running(config.model_copy(update={"records": None})) as application:
        await run_load(application.fastagi.port, calls=3, at_once=3)
    assert await rows(config) == (0, 0, 0)
