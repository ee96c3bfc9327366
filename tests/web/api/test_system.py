"""Status, servers and settings over HTTP."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from ringflow import __version__
from ringflow.asterisk.findings import Finding, Severity
from ringflow.asterisk.watch import AsteriskWatch
from ringflow.config import AmiConfig, Config
from ringflow.store.ledger_tables import ledger_servers

from .conftest import Api, Client, served


async def test_the_status_says_part_by_part_how_the_server_is(api: Api, owner: Client) -> None:
    status = (await owner("GET", "/status")).json
    assert (status["ready"], status["version"], status["findings"]) == (True, __version__, None)
    assert status["server"] == api.application.core.config.charging.server
    parts = {one["name"]: one for one in status["parts"]}
    assert parts["database"] == {
        "name": "database",
        "ready": True,
        "required": True,
        "detail": api.store.shown,
    }
    assert parts["ami"]["required"] is False


async def test_the_status_has_what_endangers_calls_on_asterisk_the_worst_first(
    server_config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = server_config.model_copy(update={"ami": AmiConfig(port=1, secret_env="RINGFLOW_TEST_AMI")})
    monkeypatch.setenv("RINGFLOW_TEST_AMI", "a secret for tests")
    async with served(config) as api:
        owner = await api.client()
        status = (await owner("GET", "/status")).json
        assert (status["findings"], status["ready"]) == (None, False)
        watch = api.application.asterisk
        assert isinstance(watch, AsteriskWatch)
        watch.findings = [
            Finding(Severity.NOTE, "rtp.conf", "few ports", "rtpend=20000"),
            Finding(Severity.SERIOUS, "pjsip.conf", "no allow", "allow=ulaw"),
        ]
        found = (await owner("GET", "/status")).json["findings"]
    assert [one["severity"] for one in found] == ["serious", "note"]
    assert found[0] == {
        "severity": "serious",
        "where": "pjsip.conf",
        "what": "no allow",
        "change": "allow=ulaw",
    }


async def test_the_servers_of_the_database_are_listed_and_a_silent_one_is_not_alive(
    api: Api, owner: Client
) -> None:
    (server,) = (await owner("GET", "/servers")).json["items"]
    assert server["name"] == api.application.core.config.charging.server
    assert (server["alive"], server["asterisk"]) == (True, None)
    async with api.store.writing() as connection:
        await connection.execute(update(ledger_servers).values(ended_ms=1))
    (server,) = (await owner("GET", "/servers")).json["items"]
    assert server["alive"] is False


async def test_the_settings_say_where_they_come_from(owner: Client) -> None:
    settings = {one["name"]: one for one in (await owner("GET", "/settings")).json["settings"]}
    assert settings["http.max_connections"] == {
        "name": "http.max_connections",
        "current": 200,
        "origin": "default",
        "written_in": None,
    }
    assert settings["records.keep_days"]["current"] == 400
