"""`ringflow bench beside`: calls are timed alone and beside a load that is there."""

from __future__ import annotations

from pathlib import Path

from ringflow.bench.api_beside import measure_beside

PROJECT = Path(__file__).parents[2]


def test_calls_are_timed_alone_and_beside_requests_and_an_import() -> None:
    alone, beside = measure_beside(
        PROJECT, calls=3, calls_per_s=10, rounds=1, connections=2, rates=600, limited=False
    )
    assert [len(one.key_to_dial_ms) for one in (alone, beside)] == [3, 3]
    assert (alone.failed, beside.failed) == (0, 0)
    assert (alone.answers.total(), alone.imports_s) == (0, [])
    assert beside.answers[200] > 0
    assert set(beside.answers) == {200}
    assert len(beside.imports_s) >= 1
