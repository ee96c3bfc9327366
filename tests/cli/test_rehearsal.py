"""A call that is rehearsed before it is made finds all that the rehearsal used up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.cli.call import carry
from ringflow.cli.rehearsal import rehearsing
from ringflow.config import load_config
from ringflow.simulator.callee import Callee
from ringflow.simulator.caller import CallerStep, Hears, Keys
from ringflow.simulator.carrying import Arrival

ROOT = Path(__file__).parents[2]
RING = "v1:a-pepper-for-tests-only"


def test_a_rehearsal_opens_a_card_and_leaves_it_as_it_was(
    ringflow: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = (ROOT / "config.yaml").read_text("utf-8")
    (tmp_path / "config.yaml").write_text(
        f"{demo}\nflows: {ROOT / 'app_flows'}\nsounds: {{folder: {ROOT / 'sounds'}}}\n"
    )
    ringflow("customer", "add", "Template", "--id", "7")
    made = ringflow("card", "generate", "--customer", "7", "--json", RINGFLOW_PIN_PEPPER=RING)
    (card,) = json.loads(made.out)["cards"]
    keys = (card["id"], f"{card['pin']}#", "1", "441234567890#")
    steps: list[CallerStep] = [step for one in keys for step in (Hears(None), Keys(one))]
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", RING)
    monkeypatch.setenv("RINGFLOW_SECURITY_KEY", "a secret for tests only")
    config = load_config(tmp_path / "config.yaml", {})
    for _ in range(2):
        with rehearsing(config) as rehearsed:
            called = asyncio.run(carry(rehearsed, Arrival("18005550102", "441910000099"), steps, (Callee(),)))
        assert called.record.customer == 43
        assert [leg.dialled for leg in called.record.legs] == ["441234567890"]
    assert ringflow("card", "show", card["id"], "--json").json["status"] == "available"
    assert ringflow("cli", "list", "--json").json == []
