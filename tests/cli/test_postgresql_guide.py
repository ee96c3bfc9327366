"""docs/postgresql.md: its role and database are enough for Ringflow, and its dump can be restored."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.cli.conftest import Ran
from tests.conftest import LAB
from tests.lab.guide_pages import guide_fences

from ringflow.lab.postgres import find_postgres
from ringflow.store import Store

pytestmark = pytest.mark.postgres

NAME = "ringflow_guide"
PAGE = "postgresql.md"


def own_names(lines: str) -> str:
    """Give the page's role and database names of this test: the test server has a role `ringflow` already."""
    return re.sub(r"\bringflow\b", NAME, lines)


async def execute(server: str, statements: list[str]) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def make_tables(url: str) -> None:
    store = await Store.open(url)
    await store.migrate()
    await store.close()


def run_lines(lines: str, server: str, folder: Path) -> None:
    """Run the page's commands as PostgreSQL's superuser."""
    programs = find_postgres(LAB)
    url = make_url(server)
    environment = programs.environment() | {
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
    }
    for line in lines.splitlines():
        program, *arguments = shlex.split(line)
        command = [str(programs.folder / program), *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: {done.stderr}"


def test_a_database_made_by_the_guide_keeps_the_books_through_dump_and_restore(
    postgres_url: str, tmp_path: Path, ringflow: Callable[..., Ran]
) -> None:
    (sql,) = guide_fences(PAGE, "Create role and database", "sql")
    statements = [one for one in own_names(sql).split(";\n") if one.strip()]
    asyncio.run(execute(postgres_url, statements))
    server = make_url(postgres_url)
    own = server.set(
        drivername="postgresql", username=NAME, password="change-this-password", database=NAME
    ).render_as_string(hide_password=False)
    asyncio.run(make_tables(own))
    customer = ringflow("customer", "add", "A customer", "--id", "7", RINGFLOW_DATABASE__URL=own)
    assert customer.code == 0, customer.err
    paid = ringflow("ledger", "pay-in", "7", "5.00", "--reason", "cash", RINGFLOW_DATABASE__URL=own)
    assert paid.code == 0, paid.err

    dump, restore = guide_fences(PAGE, "Backup")
    run_lines(own_names(dump), postgres_url, tmp_path)
    later = ringflow("ledger", "pay-in", "7", "1.00", "--reason", "cash", RINGFLOW_DATABASE__URL=own)
    assert later.code == 0, later.err
    run_lines(own_names(restore), postgres_url, tmp_path)

    restored = make_url(own).set(database="ringflow_restored").render_as_string(hide_password=False)
    assert ringflow("ledger", "check", RINGFLOW_DATABASE__URL=restored).code == 0
    account = ringflow("ledger", "show", "7", "--json", RINGFLOW_DATABASE__URL=restored)
    assert account.json["balance"] == "5.00"
    again = ringflow("ledger", "pay-in", "7", "1.00", "--reason", "cash", RINGFLOW_DATABASE__URL=restored)
    assert again.code == 0, again.err
