"""The configuration: every problem with its place, the environment over the file, secrets elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from ringflow.config import Config, load_config
from ringflow.errors import ConfigError, StartError
from ringflow.secret import read_secret

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
        {"RINGFLOW_HTTP__PORT": "2000", "RINGFLOW_DATABASE__URL": "sqlite:///x.db"},
    )
    assert config.http is not None
    assert config.http.port == 2000
    assert config.database_url == f"sqlite:///{tmp_path}/x.db"
    assert load_config(path, {"RINGFLOW_HTTP": "null"}).http is None
    with pytest.raises(ConfigError, match="RINGFLOW_COUNTRY:1:1: `country` has no value"):
        load_config(path, {"RINGFLOW_COUNTRY": ""})


def test_the_folder_of_the_file_cannot_be_set_in_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2:1: `folder` does not belong here"):
        load_config(write(tmp_path, "country: GB\nfolder: /srv\n"), {})


def test_paths_are_relative_to_the_file_and_not_to_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "flows: here\n")
    monkeypatch.chdir("/")
    config = load_config(path, {})
    assert config.path(config.flows) == tmp_path / "here"
    assert config.asterisk_sounds == str(tmp_path / "sounds")


def test_a_missing_file_is_a_problem_unless_defaults_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml", {})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=rf"{tmp_path}/config.yaml: is not there .*--config FILE"):
        load_config(None, {})
    assert load_config(None, {}, needed=False).fastagi.port == 4573


def test_what_the_environment_says_wrongly_is_told_of_its_variable(tmp_path: Path) -> None:
    path = write(tmp_path, "country: GB\nhttp: {port: x}\n")
    with pytest.raises(ConfigError) as raised:
        load_config(
            path,
            {"RINGFLOW_FASTAGI__PROT": "1", "RINGFLOW_LOG__LEVEL": "loud", "RINGFLOW_DIDS": "[{app: a}]"},
        )
    assert [f"{one.path}:{one.line}:{one.column}" for one in raised.value.problems] == [
        f"{path}:2:14",
        "environment variable RINGFLOW_DIDS:1:2",
        "environment variable RINGFLOW_FASTAGI__PROT:1:1",
        "environment variable RINGFLOW_LOG__LEVEL:1:1",
    ]
    text = str(raised.value)
    assert "unknown key `prot` (did you mean `port`?" in text
    assert "`level` must be 'debug', 'info', 'warning' or 'error', not `loud`" in text


def test_a_variable_with_our_prefix_that_is_no_setting_is_named_and_those_of_secrets_are_known(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "impersonation: {key_env: RINGFLOW_MY_KEY}\n")
    known = {
        "RINGFLOW_MY_KEY": "x",
        "RINGFLOW_SECURITY_KEY": "x",
        "RINGFLOW_PEPPERS": "x",
        "RINGFLOW_CARDS__PEPPER_ENV": "RINGFLOW_PEPPERS",
        "RINGFLOW_OPERATOR": "ann",
        "RINGFLOW_CONFIG": str(path),
        "OTHER": "x",
    }
    assert load_config(path, known).impersonation.key_env == "RINGFLOW_MY_KEY"
    with pytest.raises(ConfigError) as raised:
        load_config(path, {**known, "RINGFLOW_HTPP__PORT": "80"})
    (problem,) = raised.value.problems
    assert problem.path == "environment variable RINGFLOW_HTPP__PORT"
    assert (problem.what, problem.mend) == ("names no setting", "did you mean `RINGFLOW_HTTP__PORT`?")


def test_a_secret_comes_from_the_environment_or_a_file_and_is_asked_for_by_name(tmp_path: Path) -> None:
    file = tmp_path / "key"

    def read(environ: dict[str, str], file: Path | None = file) -> str:
        return read_secret("K", file, "the key", "ringflow key generate", environ)

    with pytest.raises(StartError) as raised:
        read({})
    assert str(raised.value) == (
        f"the key: no secret is given; set K or write it to {file} (`ringflow key generate` makes one)"
    )
    file.write_text("from a file, long enough\n")
    assert read({}) == "from a file, long enough"
    assert read({"K": "from the environment, long"}) == "from the environment, long"
    with pytest.raises(StartError, match="shorter than 16 bytes") as raised:
        read({"K": "short"}, None)
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
    missing = [name for name in setting_names(Config) if f"`{name}`" not in page]
    assert missing == []
