"""Requests that schemathesis makes up from the document, right and wrong ones: all checks, every operation.

`make fuzz EXAMPLES=500` makes as many for each operation, and other ones each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
import schemathesis
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from ringflow.config import Config, DatabaseConfig
from ringflow.engine import remote_orders
from ringflow.web.api.routes import PREFIX, RESOURCES, api_document
from ringflow.web.rest.event_feed import EventFeed
from ringflow.web.rest.operation import Operation

from .conftest import served

EXAMPLES = int(os.environ.get("API_EXAMPLES", "0"))
FEW = 4
"""How many requests are made up at random for an operation, where nothing else is said."""

READINGS = frozenset({"field.malformed", "field.missing", "field.unknown", "request.malformed_json"})
"""What a request that the document allows is never refused for: what is wrong with it says a service."""

DOCUMENT: dict[str, Any] = api_document()

CHECKS = {
    # What needs a switch, or a part that is off, says so with 503: no fault of the server.
    "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
    # A condition that is missing is 428 here; which other requests are refused says `understood`.
    "missing_required_header": {"expected-statuses": ["400", "401", "403", "404", "422", "428"]},
    "positive_data_acceptance": {
        # One of two headers must be there for a PUT that replaces or makes: the document cannot say so.
        "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "428", "429", "503"]
    },
}


@schemathesis.check
def understood(ctx: Any, response: Any, case: Case[Any]) -> None:
    """A request that the document allows is never refused for how it is written."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 400:
        return
    code = response.json().get("code")
    assert code not in READINGS, f"the document allows what is refused: {response.text}"


@schemathesis.check
def keeps_silent(ctx: Any, response: Any, case: Case[Any]) -> None:
    """No answer shows how Ringflow is made."""
    # A request may say such a word itself, and an error quotes what it does not know.
    sent = unquote_plus(f"{response.request.url} {response.request.body!r}")
    # Sounds are no text.
    text = response.content.decode(errors="replace")
    for word in ("Traceback", "SELECT ", "INSERT ", "sqlalchemy", "asyncpg", "pydantic"):
        assert word not in text or word in sent, f"{word} in {text}"


def schema_of(operation: Operation, count: int = FEW, **phases: bool) -> Any:
    """The document with one path only, of whose operation requests are made up in these ways.

    A schema of all of them for each of some hundred tests would take gigabytes.
    """
    path = PREFIX + operation.path
    paths = {path: DOCUMENT["paths"][path]}
    document = {**DOCUMENT, "paths": paths, "components": _needed(paths)}
    config = SchemathesisConfig.from_dict(
        {
            "checks": CHECKS,
            # Of what is uploaded much is made up in vain.
            "suppress-health-check": ["filter_too_much"],
            "phases": {name: {"enabled": on} for name, on in phases.items()},
            "generation": {
                "deterministic": not EXAMPLES,
                "max-examples": EXAMPLES or count,
                "database": "none",
                "mode": "all",
            },
        }
    )
    return schemathesis.openapi.from_dict(document, config=config).include(method=operation.method)


def _needed(paths: Any) -> dict[str, Any]:
    """The components that these paths refer to, and those that these refer to."""
    there = DOCUMENT["components"]
    needed: dict[str, Any] = {"securitySchemes": there["securitySchemes"]}
    waiting = [json.dumps(paths)]
    while waiting:
        for kind, name in re.findall(r'"#/components/(\w+)/([^"/]+)"', waiting.pop()):
            if name not in needed.setdefault(kind, {}):
                needed[kind][name] = there[kind][name]
                waiting.append(json.dumps(there[kind][name]))
    return needed


class Server:
    """A server in a thread of its own, and the token of an administrator."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""
        self.token = ""

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with served(self._config) as api:
            self.url = f"http://127.0.0.1:{api.application.http_port}"
            self.token = await api.token()
            self._ready.set()
            await self._over.wait()

    def check(self, case: Case[Any]) -> None:
        """Send a request, and check the answer in every way."""
        case.call_and_validate(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            additional_checks=[understood, keeps_silent],
        )


@pytest.fixture(scope="module")
def config(
    tmp_path_factory: pytest.TempPathFactory,
    config_in: Callable[[Path], Config],
    with_own_files: Callable[[Config, Path], Config],
) -> Iterator[Config]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
        patch.setenv("RINGFLOW_PIN_PEPPER", "v1:a-pepper-for-tests-only")
        # Nobody has the calls that are made up.
        patch.setattr(remote_orders, "TAKEN_WITHIN_S", 0.01)
        folder = tmp_path_factory.mktemp("server")
        yield with_own_files(config_in(folder), folder)


@pytest.fixture(scope="module")
def on_sqlite(config: Config) -> Iterator[Server]:
    with Server(config) as server:
        yield server


@pytest.fixture(scope="module")
def on_postgresql(
    config: Config, postgres_database: Callable[[], AbstractContextManager[str]]
) -> Iterator[Server]:
    with (
        postgres_database() as url,
        Server(config.model_copy(update={"database": DatabaseConfig(url=url)})) as server,
    ):
        yield server


def on(server: str) -> Callable[..., None]:
    """What sends a request to one of the servers."""

    def send(case: Case[Any], request: pytest.FixtureRequest) -> None:
        request.getfixturevalue(server).check(case)

    return send


def made_up(server: str) -> Iterator[tuple[str, Any]]:
    """A test of each operation. Those of one function have one name, which is one test to pytest-xdist."""
    on_sqlite = server == "on_sqlite"
    for resource in RESOURCES:
        for one in resource.operations:
            if one.returns is EventFeed or (one.upload is not None and not on_sqlite):
                # A feed never ends: tests of its own read it. What is uploaded has nothing of a database.
                continue
            if one.upload is None:
                # On PostgreSQL what differs is values, not how requests are read.
                own = schema_of(one, examples=True, coverage=on_sqlite, fuzzing=True)
            else:
                # What is uploaded is read by a process of its own: each takes a second or more.
                own = schema_of(one, 1, examples=False, coverage=False, fuzzing=True)
            yield f"test_{one.name}_answers_as_described_{server}", own.parametrize()(on(server))


globals().update(made_up("on_sqlite"))
globals().update({name: pytest.mark.postgres(test) for name, test in made_up("on_postgresql")})
