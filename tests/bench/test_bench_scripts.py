"""`ringflow bench scripts`: calls are whole, hostile scripts hostile, and each run is counted once."""

from __future__ import annotations

from pathlib import Path

from ringflow.bench.scripts import measure_killed_runs, measure_script_calls

PROJECT = Path(__file__).parents[2]


def test_calls_with_and_without_a_script_and_beside_hostile_ones_are_whole() -> None:
    times = measure_script_calls(PROJECT, calls=10, calls_per_s=50, hostile=True, realtime=False)
    assert [(one.name, len(one.call_ms), one.failed) for one in times] == [
        ("without a script", 10, 0),
        ("with a script", 10, 0),
        ("alone", 10, 0),
        ("beside hostile scripts", 9, 0),
        ("with a hostile script", 1, 0),
    ]
    # The call waits until its script is ended.
    assert times[4].share_ms(0.5) >= 500


def test_runs_whose_processes_are_killed_are_each_counted_once() -> None:
    found = measure_killed_runs(runs=60, seed=1, kill_every_s=0.5, warm_up=10)
    assert (found.failures, found.counted, found.processes[0]) == ([], 60, found.processes[1])
    assert found.killed > 0
