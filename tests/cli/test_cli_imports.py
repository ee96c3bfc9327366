"""Which libraries a command leaves alone, so that a short one starts quickly."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
CONFIG = f"""
flows: {ROOT}/app_flows
sounds: {{folder: {ROOT}/sounds}}
customers: [{{id: 42, clis: ["441910000001"]}}]
dids: [{{number: "18005550100", app: calling_card}}]
trunks: [{{name: carrier, dial: "PJSIP/{{number}}@carrier", rated: upstream}}]
"""
SERVER = ["aiohttp", "panoramisk", "ringflow.app", "ringflow.web"]
AUDIO = ["numpy", "pydub", "soundfile", "soxr"]
OTHERS = ["alembic", "asyncpg", "openpyxl", "quickjs", "sqlalchemy.dialects.postgresql"]
CALLS = ["ringflow.calls.call", "ringflow.engine", "ringflow.slots"]
RUN = """
import gc, sys
from ringflow.cli import main
try:
    main()
finally:
    assert gc.isenabled() and gc.get_freeze_count() > 10_000
    print("LOADED", *sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "without"),
    [
        ("did list", [*SERVER, "prometheus_client", *AUDIO, *OTHERS, *CALLS, "ringflow.flows", "structlog"]),
        ("check", [*SERVER, "prometheus_client", *AUDIO, *OTHERS, "ringflow.calls.call", "ringflow.engine"]),
        ("call 18005550100 --from 441910000001 --keys 441234567890#", [*SERVER, *AUDIO, *OTHERS]),
    ],
)
def test_a_short_command_loads_no_library_that_it_has_no_use_for(
    words: str, without: list[str], ringflow: Callable[..., Any]
) -> None:
    Path("config.yaml").write_text(CONFIG)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *words.split()],
        env=os.environ | {"RINGFLOW_SECURITY_KEY": "0123456789abcdef0123456789abcdef"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    loaded = set(ran.stdout.partition("LOADED")[2].split())
    assert "ringflow.config" in loaded
    assert sorted(loaded.intersection(without)) == []
