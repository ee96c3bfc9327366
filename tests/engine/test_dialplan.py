"""Calls through a dialplan that an older Ringflow wrote are rejected before they lose anything."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from ringflow.agi.request import AgiRequest
from ringflow.calls.digits import DIALPLAN_TIMERS, timers_of_dialplan
from ringflow.engine.dialplan import DIALPLAN_VERSION, OUTDATED, DialplanCheck
from ringflow.slots.ivr import Ivr

from .conftest import Place


def request(said: str | None, asterisk: str = "1750000000-1") -> AgiRequest:
    headers = {"agi_channel": "PJSIP/x-1", "agi_uniqueid": "1.1", "agi_extension": "1"}
    headers |= {"agi_arg_2": "5/3", "agi_arg_3": asterisk}
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


@pytest.mark.parametrize("asterisk", ["", "a b", "x" * 65, "../x"])
def test_a_call_that_does_not_say_which_asterisk_it_is_on_is_let_in_and_told_of_once(asterisk: str) -> None:
    check = DialplanCheck()
    with capture_logs() as logs:
        for _ in range(2):
            assert check.refuse(request(str(DIALPLAN_VERSION), asterisk)) is None
    assert [line["event"] for line in logs] == ["asterisk unnamed"]
    assert "which Asterisk" in check.detail
    assert not check.is_named
    assert check.refuse(request(str(DIALPLAN_VERSION))) is None
    assert check.is_named


@pytest.mark.parametrize(
    ("timers", "first_s", "between_s", "set_here"),
    [
        (DIALPLAN_TIMERS, 5.0, 3.0, []),
        (DIALPLAN_TIMERS, 4.0, 3.0, ["TIMEOUT(response)=4,TIMEOUT(digit)=3"]),
        (DIALPLAN_TIMERS, 5.0, 1.5, ["TIMEOUT(response)=5,TIMEOUT(digit)=1.5"]),
        ("7/2", 7.0, 2.0, []),
        # A dialplan of this version from before it set them.
        ("", 5.0, 3.0, ["TIMEOUT(response)=5,TIMEOUT(digit)=3"]),
    ],
)
async def test_timeouts_are_set_only_where_the_dialplan_has_not(
    place: Place, timers: str, first_s: float, between_s: float, set_here: list[str]
) -> None:
    asks = Ivr(
        slot="ivr",
        file="IVR/ivr-please",
        result="digits",
        attempts=1,
        first_digit_timeout=first_s,
        inter_digit_timeout=between_s,
    )
    called = await place.call(asks, timers=timers)
    commands = [line.split('"')[1] for line in called.wire if line.startswith("> EXEC MSet ")]
    assert commands == set_here
    # The prompt takes two seconds, and nobody keys anything.
    assert called.record.duration_ms == pytest.approx(2000 + first_s * 1000, abs=50)


@pytest.mark.parametrize("said", ["5", "5/", "five/3", "5/3/1", "5.5/3", "\u00b2/3", "-5/3", "1000/3"])
def test_timeouts_that_cannot_be_read_are_none(said: str) -> None:
    headers = {"agi_channel": "PJSIP/x-1", "agi_uniqueid": "1.1", "agi_extension": "1", "agi_arg_2": said}
    assert timers_of_dialplan(AgiRequest(headers)) is None
