"""A running server's calls are on record when it has stopped; and none are where that is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.app import running
from ringflow.bench.load import CLI, DID, KEYS, run_load
from ringflow.config import Config
from ringflow.documents import Document
from ringflow.store import Store
from ringflow.store.record_tables import call_legs, call_records, call_slots

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
    return Config.model_validate(
        {
            "flows": PROJECT / "app_flows",
            "sounds": {"folder": PROJECT / "sounds"},
            "fastagi": {"port": 0, "drain_s": 1},
            "http": None,
            "charging": {"server": "here"},
            "customers": [{"id": 42, "clis": [CLI]}],
            "dids": [{"number": DID, "app": "calling_card"}],
            "trunks": [{"name": "carrier", "dial": "PJSIP/{number}@carrier", "rated": "upstream"}],
        }
    ).written_in(Document(str(tmp_path / "config.yaml"), None, {}))


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
