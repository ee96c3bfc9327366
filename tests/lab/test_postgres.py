"""A throwaway PostgreSQL is one that SQLAlchemy can use, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from ringflow.lab.postgres import INSTALLED, temporary_postgres

FOLDER = Path(__file__).parents[2] / ".ringflow" / "lab"


async def ask(url: str) -> tuple[str, Path]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            version = (await connection.execute(text("select version()"))).scalar_one()
            data = (await connection.execute(text("show data_directory"))).scalar_one()
            return str(version), Path(data)
    finally:
        await engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("installed", [INSTALLED, None], ids=["installed", "fetched"])
async def test_a_temporary_server_answers_and_is_gone_afterwards(installed: Path | None) -> None:
    with temporary_postgres(FOLDER, installed) as url:
        version, data = await ask(url)
        assert version.startswith("PostgreSQL ")
        assert data.is_dir()
        wrong = url.replace("ringflow:", "ringflow:not-", 1)
        with pytest.raises(Exception, match="password authentication failed"):
            await ask(wrong)
    assert not data.exists()
    with pytest.raises((OSError, OperationalError)):
        await ask(url)
