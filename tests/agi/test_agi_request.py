"""The headers of a call as its properties."""

from __future__ import annotations

import pytest

from ringflow.agi.request import AgiRequest

NEEDED = {"agi_channel": "PJSIP/a-1", "agi_uniqueid": "1.1", "agi_extension": "100"}


def request(**headers: str) -> AgiRequest:
    return AgiRequest({**NEEDED, **headers})


def test_a_whole_request() -> None:
    call = request(
        agi_callerid="441910000001",
        agi_calleridname="Jo",
        agi_callingpres="3",
        agi_network_script="call",
        agi_arg_1="one",
        agi_arg_2="",
        agi_arg_4="behind a gap",
    )
    assert (call.channel, call.unique_id, call.extension) == ("PJSIP/a-1", "1.1", "100")
    assert (call.caller_id, call.script) == ("441910000001", "call")
    assert (call.presentation, call.is_withheld) == (3, False)
    assert call.arguments == ("one", "")


@pytest.mark.parametrize("nothing", ["unknown", ""])
def test_what_asterisk_does_not_know_is_none(nothing: str) -> None:
    assert request(agi_callerid=nothing).caller_id is None


@pytest.mark.parametrize(
    ("presentation", "is_withheld"),
    [("0", False), ("3", False), ("31", False), ("32", True), ("35", True), ("64", False), ("67", False)],
)
def test_anonymous_is_what_the_caller_restricted(presentation: str, is_withheld: bool) -> None:
    assert request(agi_callingpres=presentation).is_withheld is is_withheld


@pytest.mark.parametrize(
    ("version", "max_line_bytes"),
    [
        ("16.28.0~dfsg-0+deb11u4", 2048),
        ("20.6.0", 2048),
        ("22.9.9", 2048),
        ("22.10.0~dfsg", 8192),
        ("23.0.0", 8192),
        ("certified/20.7", 2048),
        ("", 2048),
    ],
)
def test_the_longest_line_depends_on_the_version(version: str, max_line_bytes: int) -> None:
    assert request(agi_version=version).max_line_bytes == max_line_bytes


def test_a_request_cannot_be_changed() -> None:
    headers = dict(NEEDED)
    call = AgiRequest(headers)
    headers["agi_extension"] = "900"
    assert call.extension == "100"
    with pytest.raises(TypeError):
        call.headers["agi_extension"] = "900"  # type: ignore[index]


@pytest.mark.parametrize(
    ("privacy", "is_withheld"),
    [
        *((value, True) for value in ("id", "user;id", " USER ; critical", "header")),
        *((value, False) for value in ("none", "", "session", "identity")),
    ],
)
def test_a_callers_privacy_header_withholds_the_number(privacy: str, is_withheld: bool) -> None:
    assert request(agi_callingpres="0", agi_arg_4=privacy).is_withheld is is_withheld


@pytest.mark.parametrize(
    ("called", "did"),
    [("18005550100;npdi", "18005550100"), ("1800;npdi=yes;rn=1", "1800"), ("alice;x", "alice"), (";x", "")],
)
def test_parameters_behind_the_number_that_is_called_are_no_part_of_it(called: str, did: str) -> None:
    assert request(agi_extension=called).extension == did
