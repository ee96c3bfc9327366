"""The configuration: every problem with its place, the environment over the file, secrets elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from ringflow.config import Config, load_config, read_secret
from ringflow.errors import ConfigError, StartError

PROJECT = Path(__file__).parents[1]


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_every_problem_is_named_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'country: XX\nfastagi: {port: 70000, alow: []}\ndids:\n  - app: x\nuri_dial: "PJSIP/x&{uri}"\n',
    )
    with pytest.raises(ConfigError) as raised:
        load_config(path, {})
    places = [(problem.line, problem.column) for problem in raised.value.problems]
    assert places == [(1, 10), (2, 17), (2, 24), (4, 5), (5, 11)]
    text = str(raised.value)
    assert "`XX` is not a country (use a two-letter code such as GB or US)" in text
    assert "unknown key `alow`" in text
    assert "`number` is missing" in text


def test_the_environment_wins_over_the_file_and_is_read_by_the_same_rules(tmp_path: Path) -> None:
    path = write(tmp_path, "http: {port: 1000}\n")
    config = load_config(
        path,
        {"RINGFLOW_HTTP__PORT": "2000", "RINGFLOW_DATABASE__URL": "sqlite:///x.db", "RINGFLOW_NONSENSE": "1"},
    )
    assert config.http is not None
    assert config.http.port == 2000
    assert config.database_url == f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(ConfigError, match="port"):
        load_config(path, {"RINGFLOW_HTTP__PORT": "many"})


def test_paths_are_relative_to_the_file_and_not_to_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "flows: here\n")
    monkeypatch.chdir("/")
    config = load_config(path, {})
    assert config.path(config.flows) == tmp_path / "here"
    assert config.asterisk_sounds == str(tmp_path / "sounds")


def test_a_named_file_that_is_missing_is_a_problem_and_no_file_at_all_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml", {})
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}).fastagi.port == 4573


def test_a_secret_comes_from_the_environment_or_a_file_and_is_asked_for_by_name(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(StartError, match=rf"the key: no secret is given; set K or write it to {file}"):
        read_secret("K", file, "the key", {})
    file.write_text("from a file, long enough\n")
    assert read_secret("K", file, "the key", {}) == "from a file, long enough"
    assert (
        read_secret("K", file, "the key", {"K": "from the environment, long"}) == "from the environment, long"
    )
    with pytest.raises(StartError, match="shorter than 16 bytes") as raised:
        read_secret("K", None, "the key", {"K": "short"})
    assert "short " not in str(raised.value).replace("shorter", "")


def group(annotation: object) -> type[BaseModel] | None:
    """The part of the configuration that a field holds, if it is one: `X`, or `X | None`."""
    options = [annotation] if get_origin(annotation) is tuple else [annotation, *get_args(annotation)]
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def setting_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        inner = group(field.annotation)
        names += setting_names(inner, f"{name}.") if inner else [f"{prefix}{name}"]
    return names


def test_the_page_names_every_setting() -> None:
    page = (PROJECT / "docs" / "configuration.md").read_text()
    missing = [name for name in setting_names(Config) if name != "folder" and f"`{name}`" not in page]
    assert missing == []
