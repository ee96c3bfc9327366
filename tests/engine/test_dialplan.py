"""Calls through a dialplan that an older Ringflow wrote are rejected before they lose anything."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from ringflow.agi.request import AgiRequest
from ringflow.engine.dialplan import DIALPLAN_VERSION, OUTDATED, DialplanCheck

from .conftest import Place


def request(said: str | None) -> AgiRequest:
    headers = {"agi_channel": "PJSIP/x-1", "agi_uniqueid": "1.1", "agi_extension": "1"}
    return AgiRequest(headers if said is None else headers | {"agi_arg_1": said})


@pytest.mark.parametrize("said", [None, "", "1", str(DIALPLAN_VERSION - 1), "two", "-9", "²", "99999"])
def test_an_older_version_or_none_is_refused(said: str | None) -> None:
    check = DialplanCheck()
    assert check.refuse(request(said)) == OUTDATED
    assert not check.is_current


@pytest.mark.parametrize("version", [DIALPLAN_VERSION, DIALPLAN_VERSION + 1])
def test_this_version_and_a_newer_one_are_let_in(version: int) -> None:
    check = DialplanCheck()
    assert check.refuse(request(str(version))) is None
    assert check.detail == f"version {version}"


async def test_a_call_through_an_old_dialplan_is_a_503_on_record_and_one_line_in_the_log(
    place: Place,
) -> None:
    with capture_logs() as logs:
        calls = [await place.call(dialplan="1") for _ in range(2)]
    for called in calls:
        assert (called.sip_code, called.record.outcome) == (503, "rejected")
        assert called.record.reason == "Dialplan Outdated"
        assert called.legs == ()
    complaints = [line for line in logs if line["event"] == "dialplan outdated"]
    # An engine of its own carries each call, and each has said so once.
    assert [(line["has"], line["needs"]) for line in complaints] == [(1, DIALPLAN_VERSION)] * 2
    assert "ringflow asterisk config" in complaints[0]["mend"]


def test_a_version_that_is_too_old_is_said_once() -> None:
    check = DialplanCheck()
    with capture_logs() as logs:
        for said in ("1", None, "1"):
            check.refuse(request(said))
    assert len(logs) == 1
