"""A server of the shipped flows over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from ringflow.app import Application
from ringflow.config import AmiConfig, Config

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def config(server_config: Config) -> Config:
    return server_config


@pytest.fixture
def with_ami(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same with a manager interface that nobody answers."""
    monkeypatch.setenv("RINGFLOW_AMI_SECRET", "another secret for tests")
    return config.model_copy(update={"ami": AmiConfig(port=1)})


@asynccontextmanager
async def asking(application: Application) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://127.0.0.1:{application.http_port}") as session:
        yield session
