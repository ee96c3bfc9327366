"""Nothing leaves us that Asterisk would read as something else."""

from __future__ import annotations

import pytest

from ringflow.ami.actions import (
    ApplicationTarget,
    DialplanTarget,
    absolute_timeout_fields,
    get_variable_fields,
    hangup_fields,
    originate_fields,
)
from ringflow.ami.messages import check_fields, parse_message, plain_message
from ringflow.errors import ProtocolViolation


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "\r\nAction: Command", "x\r\n\r\n"])
@pytest.mark.parametrize("shape", ["value", "key", "one of several"])
def test_line_breaks_and_nul_are_refused_anywhere(bad: str, shape: str) -> None:
    fields: dict[str, str | list[str]] = {
        "value": {"Action": "Ping", "Channel": f"SIP/1{bad}"},
        "key": {"Action": "Ping", f"Chan{bad}": "1"},
        "one of several": {"Action": "Ping", "Variable": ["A=1", f"B=2{bad}"]},
    }[shape]  # type: ignore[assignment]
    with pytest.raises(ProtocolViolation):
        check_fields(fields)


@pytest.mark.parametrize("key", ["", "A b", "A: B", "A:", "1st", "Ä"])
def test_a_key_is_one_word(key: str) -> None:
    with pytest.raises(ProtocolViolation, match="not a key"):
        check_fields({key: "1"})


def test_the_refusal_does_not_tell_the_value() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        check_fields({"Secret": "hunter\r\n2"})
    assert str(caught.value) == "the value of Secret has a line break or a NUL in it"


def test_a_line_is_refused_from_the_length_at_which_asterisk_cuts_it() -> None:
    check_fields({"Data": "x" * 1016})
    check_fields({"Data": "é" * 508})
    with pytest.raises(ProtocolViolation, match="a line of 1023 bytes"):
        check_fields({"Data": "x" * 1017})
    with pytest.raises(ProtocolViolation, match="a line of 1024 bytes"):
        check_fields({"Data": "é" * 509})


def test_more_lines_than_asterisk_takes_are_refused() -> None:
    check_fields({"Variable": ["A=1"] * 128})
    with pytest.raises(ProtocolViolation, match="129 lines"):
        check_fields({"Action": "Originate", "Variable": ["A=1"] * 128})


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="not Unicode"):
        check_fields({"Data": "\udcff"})


def test_a_key_that_comes_twice_keeps_both_values() -> None:
    message = parse_message("Event: TestEvent\r\nState: A\r\nExten: <unknown>\r\nState: B\r\nno colon")
    assert message is not None
    plain = plain_message(message)
    assert plain.fields == {"event": "TestEvent", "state": "A\nB", "exten": "<unknown>"}
    assert (plain.event, plain.text("STATE"), plain.text("Exten"), plain.text("Gone")) == (
        "TestEvent", "A\nB", "", "",
    )  # fmt: skip


def test_what_is_neither_event_nor_response_is_nothing() -> None:
    assert parse_message("Hello: world") is None


def test_variables_keep_commas_quotes_and_backslashes() -> None:
    fields = originate_fields(
        "Local/1@lab", DialplanTarget("lab", "wait"), "Bob <123>", {"A": 'x,"y"\\z', "__B": ""}, 1.0005
    )
    assert fields == {
        "Action": "Originate", "Channel": "Local/1@lab", "Async": "true", "Timeout": "1001",
        "Context": "lab", "Exten": "wait", "Priority": "1", "CallerID": "Bob <123>",
        "Variable": ['"A=x,\\"y\\"\\\\z"', '"__B="'],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "A B", "A=B", 'A"', "CALLERID(num)", "1A", "A,B"])
def test_a_variable_has_a_name_and_nothing_more(name: str) -> None:
    with pytest.raises(ProtocolViolation, match="variable's name"):
        originate_fields("Local/1@lab", ApplicationTarget("Wait", "1"), "", {name: "1"}, 1)


def test_more_variables_than_originate_takes_are_refused() -> None:
    with pytest.raises(ProtocolViolation, match="65 variables"):
        originate_fields("Local/1@lab", ApplicationTarget("Wait"), "", {f"V{n}": "" for n in range(65)}, 1)


@pytest.mark.parametrize("channel", ["", "/.*/", "/^PJSIP/"])
def test_a_regular_expression_is_no_channel(channel: str) -> None:
    with pytest.raises(ProtocolViolation, match="does not name one channel"):
        hangup_fields(channel, 16)
    with pytest.raises(ProtocolViolation, match="does not name one channel"):
        absolute_timeout_fields(channel, 5)
    with pytest.raises(ProtocolViolation, match="does not name one channel"):
        get_variable_fields(channel, "A")


@pytest.mark.parametrize(
    ("seconds", "sent"), [(0.001, "0.001"), (1, "1.000"), (59.2006, "59.201"), (3600, "3600.000")]
)
def test_an_absolute_timeout_is_sent_to_the_millisecond(seconds: float, sent: str) -> None:
    assert absolute_timeout_fields("PJSIP/a-1", seconds)["Value"] == sent


@pytest.mark.parametrize("seconds", [0, 0.0004, -1, float("inf"), float("nan"), 2**31])
def test_an_absolute_timeout_that_is_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ProtocolViolation):
        absolute_timeout_fields("PJSIP/a-1", seconds)


@pytest.mark.parametrize("cause", [-1, 128])
def test_a_cause_is_a_q850_cause(cause: int) -> None:
    with pytest.raises(ProtocolViolation, match=r"not a Q\.850 cause"):
        hangup_fields("PJSIP/a-1", cause)
