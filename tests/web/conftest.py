"""A server of the shipped flows over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from ringflow.app import Application
from ringflow.bench.load import CLI, DID
from ringflow.config import AmiConfig, Config
from ringflow.documents import Document

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
    return Config.model_validate(
        {
            "flows": PROJECT / "app_flows",
            "sounds": {"folder": PROJECT / "sounds"},
            "fastagi": {"port": 0, "drain_s": 1},
            "http": {"port": 0},
            "customers": [{"id": 42, "clis": [CLI]}],
            "dids": [{"number": DID, "app": "calling_card"}],
            "trunks": [{"name": "carrier", "dial": "PJSIP/{number}@carrier", "rated": "upstream"}],
        }
    ).written_in(Document(str(tmp_path / "config.yaml"), None, {}))


@pytest.fixture
def with_ami(config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same with a manager interface that nobody answers."""
    monkeypatch.setenv("RINGFLOW_AMI_SECRET", "another secret for tests")
    return config.model_copy(update={"ami": AmiConfig(port=1)})


@asynccontextmanager
async def asking(application: Application) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"http://127.0.0.1:{application.http_port}") as session:
        yield session
