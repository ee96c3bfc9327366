"""The running server seen over HTTP: alive, ready part by part, and counting."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import select

from ringflow.agi.overload import OverloadControl
from ringflow.app import open_application, running
from ringflow.bench.load import run_load
from ringflow.bench.seed_call import CLI, DID
from ringflow.config import Config, FastAgiConfig, HttpConfig
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import StartError
from ringflow.store.record_tables import call_records

from .conftest import asking

GREETING = (
    f"agi_network: yes\nagi_channel: x\nagi_uniqueid: 1.1\nagi_callerid: {CLI}\nagi_extension: {DID}\n"
    f"agi_arg_1: {DIALPLAN_VERSION}\nagi_arg_2: \nagi_arg_3: 1750000000-1\n\n"
).encode()


async def test_calls_are_counted_by_app_outcome_and_exit(config: Config) -> None:
    async with running(config) as application, asking(application) as http:
        result = await run_load(application.fastagi.port, calls=3, at_once=2)
        assert (result.complete, result.failed) == (3, 0)
        async with http.get("/metrics") as answer:
            text = await answer.text()
    assert 'ringflow_calls_total{app="calling_card",outcome="completed"} 3.0' in text
    assert 'ringflow_slot_exits_total{app="calling_card",exit="done",slot="ivr"} 3.0' in text
    assert 'ringflow_legs_total{status="answered",trunk="carrier"} 3.0' in text
    assert "ringflow_key_to_dial_seconds_count 3.0" in text
    assert "ringflow_live_calls 0.0" in text
    assert "ringflow_event_loop_lag_seconds_bucket" in text
    assert "ringflow_fastagi_errors_total" in text


async def test_ready_names_every_part_and_runs_without_ami(config: Config) -> None:
    async with running(config) as application, asking(application) as http:
        async with http.get("/readyz") as answer:
            assert answer.status == 200
            parts = (await answer.json())["parts"]
        assert {name: part["ready"] for name, part in parts.items()} == {
            "database": True,
            "fastagi": True,
            "load": True,
            "ami": False,
            "asterisk": False,
            "flows": True,
            "dialplan": True,
            "ledger": True,
            "servers": True,
            "records": True,
            "calendars": True,
        }
        assert parts["ami"] == {"ready": False, "required": False, "detail": "not configured"}
        async with http.get("/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_calls_refused_for_their_rate_are_on_record_and_counted(config: Config) -> None:
    fastagi = config.fastagi.model_copy(update={"max_calls_per_s": 0.1})
    limited = config.model_copy(update={"fastagi": fastagi})
    async with running(limited) as application, asking(application) as http:
        result = await run_load(application.fastagi.port, calls=5, at_once=1)
        assert (result.complete, result.failed) == (3, 2)
        async with http.get("/metrics") as answer:
            text = await answer.text()
        assert application.records is not None
        await application.records.recorder.written()
        async with application.core.store.reading() as connection:
            rows = (
                await connection.execute(
                    select(call_records.c.did, call_records.c.cli, call_records.c.reject_sip).where(
                        call_records.c.reason == "Calls Per Second Full"
                    )
                )
            ).all()
    assert [tuple(row) for row in rows] == [(DID, CLI, 503)] * 2
    assert 'ringflow_rejects_total{reason="Calls Per Second Full",sip="503"} 2.0' in text
    assert 'ringflow_calls_total{app="none",outcome="rejected"} 2.0' in text
    assert 'ringflow_new_calls_limit{asterisk="127.0.0.1"} 0.1' in text
    assert 'ringflow_fastagi_errors_total{kind="overloaded"} 2.0' in text


async def test_the_limits_of_the_configuration_are_those_of_the_server(config: Config) -> None:
    fastagi = config.fastagi.model_copy(update={"max_lag_ms": 35.0, "max_calls_per_s": 7.0})
    for wanted, lag_s, rate in (
        (config, 0.02, None),
        (config.model_copy(update={"fastagi": fastagi}), 0.035, 7),
    ):
        async with running(wanted) as application:
            settings = application.fastagi.settings
            assert (settings.max_lag_s, settings.max_calls_per_s) == (lag_s, rate)


async def test_an_overloaded_asterisk_shows_and_is_not_required(config: Config) -> None:
    async with running(config) as application, asking(application) as http:
        load = application.fastagi.loads["192.0.2.7"] = OverloadControl(0.02, None, clock=lambda: 0.0)
        load.overloaded, load.lag_s = True, 0.25
        async with http.get("/readyz") as answer:
            part = (await answer.json())["parts"]["load"]
            assert (answer.status, part["ready"], part["required"]) == (200, False, False)
            assert "192.0.2.7" in part["detail"]
        async with http.get("/metrics") as answer:
            text = await answer.text()
    assert 'ringflow_asterisk_lag_seconds{asterisk="192.0.2.7"} 0.25' in text
    assert 'ringflow_new_calls_limit{asterisk="192.0.2.7"} 1.0' in text


async def test_an_outdated_dialplan_shows_with_its_mend_and_takes_no_other_asterisk_down(
    config: Config,
) -> None:
    async with running(config) as application, asking(application) as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", application.fastagi.port)
        writer.write(GREETING.replace(f"agi_arg_1: {DIALPLAN_VERSION}\n".encode(), b""))
        assert await reader.readline() == b'EXEC PJSIPHangup "503"\n'
        writer.close()
        async with http.get("/readyz") as answer:
            assert answer.status == 200
            part = (await answer.json())["parts"]["dialplan"]
    assert (part["ready"], part["required"]) == (False, False)
    assert part["detail"].startswith(f"version 1 is older than {DIALPLAN_VERSION}: run `ringflow asterisk")


async def test_a_server_whose_database_is_gone_is_alive_and_not_ready(config: Config) -> None:
    async with running(config) as application, asking(application) as http:
        await application.core.store.close()
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert not (await answer.json())["parts"]["database"]["ready"]
        async with http.get("/healthz") as answer:
            assert answer.status == 200


async def test_a_configured_ami_that_is_away_makes_the_server_not_ready(with_ami: Config) -> None:
    async with running(with_ami) as application, asking(application) as http:
        async with http.get("/readyz") as answer:
            part = (await answer.json())["parts"]["ami"]
            assert answer.status == 503
        assert (part["ready"], part["required"]) == (False, True)


async def test_a_taken_port_is_one_clear_line(config: Config) -> None:
    async with running(config) as application:
        http = HttpConfig(port=application.http_port)
        charging = config.charging.model_copy(update={"server": "another"})
        config = config.model_copy(update={"charging": charging})
        other = await open_application(config.model_copy(update={"http": http}))
        with pytest.raises(
            StartError, match=r"HTTP port 127\.0\.0\.1:\d+ cannot be opened: .*; set http.port"
        ):
            await other.start()
        await other.stop()
        fastagi = FastAgiConfig(port=application.fastagi.port)
        third = await open_application(config.model_copy(update={"fastagi": fastagi}))
        with pytest.raises(StartError) as raised:
            await third.start()
        assert "\n" not in str(raised.value)
        await third.stop()
        fourth = await open_application(config.model_copy(update={"http": http, "fastagi": fastagi}))
        with pytest.raises(StartError) as raised:
            await fourth.start()
        first, second = str(raised.value).split("\n")
        assert "RINGFLOW_HTTP__PORT" in first
        assert "RINGFLOW_FASTAGI__PORT" in second
        await fourth.stop()


async def test_a_server_of_a_living_ones_name_is_refused_and_one_after_it_is_not(config: Config) -> None:
    async with running(config) as application:
        second = await open_application(
            application.core.config.model_copy(update={"database": config.database})
        )
        with pytest.raises(StartError, match=r"another server named .* lives"):
            await second.start()
        await second.stop()
        assert await application._name.is_ours()
    async with running(config):
        pass


async def test_a_server_without_its_ami_secret_lets_go_of_the_database(
    with_ami: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGFLOW_AMI_SECRET")
    before = set(threading.enumerate())
    with pytest.raises(StartError, match="the AMI secret: no secret is given"):
        await open_application(with_ami)
    # Each connection to SQLite has a thread; those of the event loop's own pool stay.
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in left if not name.startswith("asyncio_")]


async def test_stopping_waits_for_the_call_in_progress(config: Config) -> None:
    application = await open_application(config)
    await application.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", application.fastagi.port)
    writer.write(GREETING)
    assert (await reader.readline()).startswith(b"EXEC MSet")
    stopping = asyncio.create_task(application.stop())
    await asyncio.sleep(0)
    writer.write(b"200 result=-1\n")
    await asyncio.wait_for(stopping, 60)
    assert (
        application.metrics.registry.get_sample_value(
            "ringflow_calls_total", {"app": "calling_card", "outcome": "abandoned"}
        )
        == 1.0
    )
    writer.close()
