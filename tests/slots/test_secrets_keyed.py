"""PINs and codes that callers key are found nowhere afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog

from ringflow.calls.digits import KEYS_VARIABLE
from ringflow.config import load_config
from ringflow.simulator.judgement import play
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.simulator.stage import Stage

HERE = Path(__file__).parent
SECRETS = ("482913", "48291357", "5555000011112222", "111111")


@pytest.mark.parametrize("name", ["authenticate", "redeem", "transfer_credit"])
async def test_no_secret_is_in_a_record_a_log_or_a_variable(name: str) -> None:
    async with Stage.open(load_config(HERE.parent.parent / "config.yaml", {})) as stage:
        for case in read_scenarios(HERE / f"{name}.yaml"):
            with structlog.testing.capture_logs() as logged:
                judgement = await play(case, stage)
            assert judgement.calls
            record = judgement.calls[0].record
            kept = repr(record) + json.dumps(logged, default=str)
            assert not [secret for secret in SECRETS if secret in kept], case.label


@pytest.mark.parametrize(
    ("use", "noted"),
    [
        ('{slot: audio, file: "IVR/${code}", on: {failed: next}}', "not_played"),
        ('{slot: condition, cases: [{if: {before: "${code}"}, to: next}]}', "not_compared"),
        ('{slot: language, to: "${code}", on: {unknown: next}}', "unknown_language"),
        ('{slot: wait, seconds: "${code}", on: {failed: next}}', "not_waited"),
    ],
    ids=["the name of a prompt", "a moment", "a language", "a length of time"],
)
async def test_a_secret_that_a_flow_uses_where_the_record_would_have_it_is_not_used(
    tmp_path: Path, use: str, noted: str
) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(
        f"""
flow:
  - {{slot: ivr, file: IVR/ivr-please, max: 6, secret: true, result: keyed}}
  - {{slot: set, variables: {{code: "x${{keyed}}"}}}}
  - {use}
scenarios:
  - name: a secret is used
    caller: [{{hears: IVR/ivr-please}}, {{keys: "482913"}}]
    expect: {{outcome: completed}}
""",
        "utf-8",
    )
    async with Stage.open(load_config(HERE.parent.parent / "config.yaml", {})) as stage:
        (case,) = read_scenarios(file)
        with structlog.testing.capture_logs() as logged:
            judgement = await play(case, stage)
    kept = repr(judgement.calls[0].record) + json.dumps(logged, default=str)
    assert noted in kept
    assert "482913" not in kept


async def test_asterisk_forgets_a_secret_right_after_it_was_keyed() -> None:
    cases = {case.scenario.name: case for case in read_scenarios(HERE / "authenticate.yaml")}
    async with Stage.open(load_config(HERE.parent.parent / "config.yaml", {})) as stage:
        judgement = await play(cases["a PIN may open a card alone"], stage)

    assert judgement.calls
    wire = judgement.calls[0].carried.wire
    told = next(at for at, line in enumerate(wire) if "48291357" in line)
    assert f'SET VARIABLE "{KEYS_VARIABLE}" ""' in wire[told + 1]
