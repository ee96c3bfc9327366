"""The settings in force: each with its value and where that comes from, and no secret among them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from ringflow.config import load_config
from ringflow.setting_origins import Origin, Setting, settings_in_force


def settings(folder: Path, text: str, **environ: str) -> dict[str, Setting]:
    file = folder / "config.yaml"
    file.write_text(dedent(text))
    return {one.name: one for one in settings_in_force(load_config(file, environ))}


def test_a_value_comes_from_the_file_the_environment_or_nowhere(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        """\
        http:
          port: 8081
          max_connections: 7
        ami: null
        """,
        RINGFLOW_HTTP__PORT="9090",
        RINGFLOW_COUNTRY="GB",
    )
    variable = "environment variable RINGFLOW_HTTP__PORT"
    assert found["http.port"] == Setting("http.port", 9090, Origin.ENVIRONMENT, variable)
    file = f"{tmp_path / 'config.yaml'}:3"
    assert found["http.max_connections"] == Setting("http.max_connections", 7, Origin.FILE, file)
    assert found["http.host"] == Setting("http.host", "127.0.0.1", Origin.DEFAULT, None)
    assert (found["country"].value, found["country"].origin) == ("GB", Origin.ENVIRONMENT)
    assert (found["ami"].value, found["ami"].origin) == (None, Origin.FILE)
    assert found["fastagi.allow"].value == ["127.0.0.0/8", "::1/128"]


def test_a_group_that_a_variable_sets_leaves_the_rest_of_it_to_the_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, "http: {max_connections: 7}", RINGFLOW_HTTP="{port: 9090}")
    assert found["http.port"].origin is Origin.ENVIRONMENT
    assert (found["http.max_connections"].value, found["http.max_connections"].origin) == (
        200,
        Origin.DEFAULT,
    )


def test_what_is_declared_is_no_setting(tmp_path: Path) -> None:
    found = settings(tmp_path, "customers: [{id: 42, name: A}]\ntrunks: [{name: a, dial: PJSIP/x}]")
    assert [name for name in found if name.startswith(("customers", "dids", "trunks"))] == []


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("database.url", "postgresql://user:***@host/database"),
        ("speech.backends.cloud.http.url", "https://host/say?***"),
        ("speech.backends.cloud.http.headers", {"X-Key": "***"}),
        ("speech.backends.cloud.http.body", "***"),
        ("speech.backends.own.command", ["say", "***", "***"]),
        ("speech.backends.own.ssml", False),
        ("speech.languages.es.voice", "lucia"),
    ],
)
def test_secrets_are_masked(tmp_path: Path, setting: str, shown: object) -> None:
    found = settings(
        tmp_path,
        """\
        database: {url: "postgresql://user:hunter2@host/database"}
        speech:
          languages:
            es: {backend: cloud, voice: lucia}
          backends:
            cloud:
              http:
                url: "https://host/say?key=hunter2"
                headers: {X-Key: hunter2}
                body: {api_key: hunter2, text: "{text}"}
            own: {command: [say, --key, hunter2]}
        """,
    )
    assert found[setting].value == shown
    assert "hunter2" not in repr(found)
