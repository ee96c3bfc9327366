"""Bytes in, whole messages out, however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.ami.frames import MAX_MESSAGE_BYTES, FrameReader
from ringflow.errors import ProtocolViolation

STREAM = (
    "Asterisk Call Manager/11.0.0\r\n"
    "Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
    "\r\n"
    "Event: Newchannel\r\nCallerIDName: Zoë 電話\r\nExten: \r\n\r\n"
    "Event: Hangup\r\nCause: 16\r\n\r\n"
).encode()
MESSAGES = [
    "Response: Success\r\nMessage: Authentication accepted",
    "Event: Newchannel\r\nCallerIDName: Zoë 電話\r\nExten: ",
    "Event: Hangup\r\nCause: 16",
]


def read_pieces(*pieces: bytes) -> list[str]:
    reader = FrameReader()
    return [text for piece in pieces for text in reader.feed(piece)]


def test_several_messages_in_one_read_come_out_one_by_one() -> None:
    assert read_pieces(STREAM) == MESSAGES


def test_byte_by_byte_gives_the_same_messages() -> None:
    assert read_pieces(*(bytes([byte]) for byte in STREAM)) == MESSAGES


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_cut_anywhere_changes_nothing(cut: int) -> None:
    assert read_pieces(STREAM[:cut], STREAM[cut:]) == MESSAGES


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cuts_change_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    assert read_pieces(*pieces) == MESSAGES


def test_an_unfinished_message_is_kept_back() -> None:
    assert read_pieces(STREAM[:-2]) == MESSAGES[:-1]


def test_bytes_that_are_not_utf_8_do_not_lose_the_message() -> None:
    assert read_pieces(b"Asterisk Call Manager/9\r\nEvent: X\r\nName: \xff\xe9\r\n\r\n") == [
        "Event: X\r\nName: \ufffd\ufffd"
    ]


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"H",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x01",
        b"Asterisk Kall",
    ],
)
def test_a_peer_that_is_not_ami_is_told_from_its_first_wrong_byte(garbage: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="not Asterisk's manager interface"):
        read_pieces(garbage)


def test_a_greeting_without_end_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="manager interface"):
        read_pieces(*[b"Asterisk Call Manager" + b"/" * 100, b"1" * 200])


def test_a_message_without_end_is_refused_at_the_limit() -> None:
    reader = FrameReader()
    start = b"Asterisk Call Manager/11.0.0\r\n"
    assert list(reader.feed(start + b"x" * MAX_MESSAGE_BYTES)) == []
    with pytest.raises(ProtocolViolation, match=f"longer than {MAX_MESSAGE_BYTES} bytes"):
        list(reader.feed(b"x"))


def test_what_came_before_a_message_too_long_is_given_first() -> None:
    feed = FrameReader().feed(
        b"Asterisk Call Manager/11.0.0\r\nEvent: A\r\n\r\n" + b"x" * (MAX_MESSAGE_BYTES + 1) + b"\r\n\r\n"
    )
    assert next(feed) == "Event: A"
    with pytest.raises(ProtocolViolation):
        next(feed)
