"""Databases for tests (SQLite files, a PostgreSQL server of our own), and a configured server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy import make_url
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from ringflow.bench.seed_call import CLI, DID
from ringflow.config import Config
from ringflow.documents import Document
from ringflow.errors import StartError
from ringflow.lab.postgres import temporary_postgres
from ringflow.private_folder import make_private_folder
from ringflow.store import Store
from ringflow.store.address import read_address

# A new example is for whoever develops, not for who waits for CI; nor is the machine's speed a fault there.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")

PROJECT = Path(__file__).parent.parent
LAB = PROJECT / ".ringflow" / "lab"
TEMPLATE = "ringflow_template"

_numbers = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true nothing may be missing: a skip is a failure, and keeps its reason."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing may be skipped: {report.longrepr}"
    return report


PLAYED_TOGETHER = (
    "test_both_worlds.py",
    "test_heard_real.py",
    "test_languages_real.py",
    "test_slots_real.py",
)
"""Files of the lab whose tests look at calls that are made once for all of them, on each release."""


class _TogetherWherePlayed(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/browser/"):
            # They share a server and a browser.
            return file
        if not file.endswith(PLAYED_TOGETHER):
            return nodeid
        released = (one for one in ("forky", "bullseye") if re.search(rf"[\[-]{one}[\]-]", test))
        return f"{file}[{next(released, '')}]"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Give each worker a test at a time, or all of those that were played together."""
    return _TogetherWherePlayed(config, log)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server. Where there is none its tests are skipped, by name."""
    server = temporary_postgres(LAB)
    try:
        url = server.__enter__()
    except StartError as error:
        pytest.skip(f"PostgreSQL is missing: {error}")
    try:
        yield url
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: str) -> str:
    """A migrated database to copy: a copy takes a fifth of the time that migrations take."""
    _run(lambda: _administer(postgres_url, f"CREATE DATABASE {TEMPLATE}"))
    _run(lambda: _migrate(_named(postgres_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _run(lambda: _migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with _postgres_database(request.getfixturevalue("postgres_url"), "template1") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(
    postgres_url: str, _postgres_template: str
) -> Callable[[], AbstractContextManager[str]]:
    """What makes a PostgreSQL database with all tables and nothing in them, for a block."""
    return lambda: _postgres_database(postgres_url, _postgres_template)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and nothing in them."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_template"), tmp_path / "ringflow.db")
        yield f"sqlite:///{tmp_path}/ringflow.db"
        return
    server, template = (request.getfixturevalue(name) for name in ("postgres_url", "_postgres_template"))
    with _postgres_database(server, template) as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store with all tables and nothing in them, on each database in turn."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


NO_LIMITS = {
    "per_token_per_s": None,
    "per_address_per_s": None,
    "wrong_tokens_per_minute": 100_000,
    "public_per_minute": 100_000,
}
"""Tests ask as quickly as they can."""


@pytest.fixture
def server_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_in: Callable[[Path], Config]
) -> Config:
    """A server of the shipped flows, on free ports, with one customer, DID and trunk."""
    monkeypatch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
    return config_in(tmp_path)


@pytest.fixture(scope="session")
def config_in(_sqlite_template: Path) -> Callable[[Path], Config]:
    """What makes the configuration of such a server in a folder, and its database with all tables."""

    def make(folder: Path) -> Config:
        config = _config_in(folder)
        path = read_address(config.database_url).path
        if path is not None and not path.exists():
            make_private_folder(path.parent)
            shutil.copy(_sqlite_template, path)
        return config

    return make


@pytest.fixture(scope="session")
def with_own_files() -> Callable[[Config, Path], Config]:
    """What makes a configuration one whose flows and prompts may be changed: copies of the shipped ones."""

    def copied(config: Config, folder: Path) -> Config:
        shutil.copytree(PROJECT / "app_flows", folder / "app_flows")
        shutil.copytree(PROJECT / "sounds", folder / "sounds", ignore=shutil.ignore_patterns("GENERATED"))
        sounds = config.sounds.model_copy(update={"folder": folder / "sounds"})
        return config.model_copy(update={"flows": folder / "app_flows", "sounds": sounds})

    return copied


def _config_in(folder: Path) -> Config:
    return Config.model_validate(
        {
            "flows": PROJECT / "app_flows",
            "sounds": {"folder": PROJECT / "sounds"},
            "fastagi": {"port": 0, "drain_s": 1},
            "http": {"port": 0, "limits": NO_LIMITS},
            "customers": [{"id": 42, "clis": [CLI]}],
            "dids": [{"number": DID, "app": "calling_card"}],
            "trunks": [{"name": "carrier", "dial": "PJSIP/{number}@carrier", "rated": "upstream"}],
        }
    ).read_from(Document(str(folder / "config.yaml"), None, {}))


@contextmanager
def _postgres_database(server: str, template: str) -> Iterator[str]:
    """A database for the block: were it left, the end of a run would write and delete thousands of files."""
    name = f"ringflow_{next(_numbers)}"
    _run(lambda: _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _named(server, name)
    _run(lambda: _administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


def _named(server: str, database: str) -> str:
    return make_url(server).set(database=database).render_as_string(hide_password=False)


async def _administer(server: str, statement: str) -> None:
    connection = await asyncpg.connect(
        make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    await connection.execute(statement)
    await connection.close()


async def _migrate(url: str) -> None:
    opened = await Store.open(url)
    await opened.migrate()
    await opened.close()


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())
