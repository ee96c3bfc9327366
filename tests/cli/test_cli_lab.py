"""What `ringflow lab call` says of the record of its call."""

from __future__ import annotations

import pytest

from ringflow.cli.lab_call import record_command
from ringflow.lab import LabCaller


@pytest.mark.parametrize(
    ("caller", "command"),
    [
        (
            LabCaller("18005550100", "441910000001"),
            "ringflow record list --did 18005550100 --cli 441910000001 --limit 1",
        ),
        (
            LabCaller("18005550100", "anonymous", anonymous=True),
            "ringflow record list --did 18005550100 --limit 1",
        ),
    ],
)
def test_a_call_that_the_running_server_took_is_found_by_its_did_and_cli(
    caller: LabCaller, command: str
) -> None:
    assert record_command(None, caller) == command
