"""The wire as bytes and values: whole, byte by byte, in any pieces, with more behind, cut off anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.agi.reply import Reply, parse_reply, shown
from ringflow.agi.request import AgiRequest
from ringflow.agi.wire import (
    ENDED,
    HANGUP_LINE,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_LINE_BYTES,
    MAX_NOTICES,
    MAX_USAGE_BYTES,
    NEED_DATA,
    AgiParser,
    Event,
)
from ringflow.errors import ProtocolViolation

BLOCK = (
    b"agi_network: yes\n"
    b"agi_channel: PJSIP/a-1\n"
    b"agi_uniqueid: 1.1\n"
    b'agi_calleridname: J\xc3\xb6rg ("x", y) & <z>\n'
    b"agi_extension: 100\n"
    b"agi_arg_1: \n"
    b"\n"
)
REQUEST = AgiRequest(
    {
        "agi_network": "yes",
        "agi_channel": "PJSIP/a-1",
        "agi_uniqueid": "1.1",
        "agi_calleridname": 'Jörg ("x", y) & <z>',
        "agi_extension": "100",
        "agi_arg_1": "",
    }
)
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\n"
    b" Usage: HANGUP [<channelname>]\n"
    b"HANGUP\n"
    b"\n"
    b"200 result=1\n"
    b"520 End of proper usage.\n"
)

REPLIES: list[tuple[bytes, list[Event]]] = [
    (b"200 result=0\n", [Reply(200, "0")]),
    (b"200 result=-1\r\n", [Reply(200, "-1")]),
    (b"200 result=\n", [Reply(200, "")]),
    (b"200 result=123*\n", [Reply(200, "123*")]),
    (b"200 result=12 (timeout)\n", [Reply(200, "12", "timeout")]),
    (b"200 result= (timeout)\n", [Reply(200, "", "timeout")]),
    (b"200 result=1 ()\n", [Reply(200, "1", "")]),
    (b"200 result=1 (a (b) c) d)\n", [Reply(200, "1", "a (b) c) d")]),
    (b"200 result=1 (x) endpos=9)\n", [Reply(200, "1", "x) endpos=9")]),
    (b"200 result=1 (\xe9t\xe9)\n", [Reply(200, "1", "été")]),
    (b"200 result=1 (\xc5\x81)\n", [Reply(200, "1", "Ł")]),
    (b"200 result=0 endpos=11520\n", [Reply(200, "0", None, "endpos=11520")]),
    (b"200 result=35 (dtmf) endpos=8000\n", [Reply(200, "35", "dtmf", "endpos=8000")]),
    (b"200 result=0 Gosub complete\n", [Reply(200, "0", None, "Gosub complete")]),
    (b"100 result=0 Trying...\n200 result=0\n", [Reply(200, "0")]),
    (b"100 Trying...\n200 result=0\n", [Reply(200, "0")]),
    (b"510 Invalid or unknown command\n", [Reply(510, "", None, "Invalid or unknown command")]),
    (
        b"511 Command Not Permitted on a dead channel or intercept routine\n",
        [Reply(511, "", None, "Command Not Permitted on a dead channel or intercept routine")],
    ),
    (
        b"520 Invalid command syntax.  Proper usage not available.\n",
        [Reply(520, "", None, "Invalid command syntax.  Proper usage not available.")],
    ),
    (
        USAGE,
        [
            Reply(
                520,
                "",
                None,
                "Invalid command syntax.  Proper usage follows:\n Usage: HANGUP [<channelname>]\n"
                "HANGUP\n\n200 result=1",
            )
        ],
    ),
    (b"HANGUP\n", [HANGUP_LINE]),
    (b"HANGUP\r\n200 result=-1\nHANGUP\n", [HANGUP_LINE, Reply(200, "-1"), HANGUP_LINE]),
]
TABLE: list[tuple[bytes, list[Event]]] = [
    (BLOCK, [REQUEST]),
    (BLOCK.replace(b"\n", b"\r\n"), [REQUEST]),
    *[(BLOCK + data, [REQUEST, *events]) for data, events in REPLIES],
    (BLOCK + b"".join(data for data, _ in REPLIES), [REQUEST, *(e for _, es in REPLIES for e in es)]),
]
WHOLE, WHOLE_EVENTS = TABLE[-1]


def events_left(parser: AgiParser) -> list[Event]:
    found: list[Event] = []
    while (event := parser.next_event()) not in (NEED_DATA, ENDED):
        found.append(event)
    return found


def read(*chunks: bytes) -> list[Event]:
    parser = AgiParser()
    found: list[Event] = []
    for chunk in chunks:
        parser.feed(chunk)
        found += events_left(parser)
    assert parser.next_event() is NEED_DATA
    parser.feed_eof()
    assert parser.next_event() is ENDED
    return found


@pytest.mark.parametrize(("data", "events"), TABLE)
def test_bytes_read_at_once(data: bytes, events: list[Event]) -> None:
    assert read(data) == events


@pytest.mark.parametrize(("data", "events"), TABLE)
def test_bytes_read_one_by_one(data: bytes, events: list[Event]) -> None:
    assert read(*[data[at : at + 1] for at in range(len(data))]) == events


@pytest.mark.parametrize(("data", "events"), TABLE)
@pytest.mark.parametrize("behind", [b"2", b"200 result=1", b"HANGU", b"520-no end\nhere\n"])
def test_what_is_not_whole_behind_it_changes_nothing(data: bytes, events: list[Event], behind: bytes) -> None:
    assert read(data + behind) == events


@pytest.mark.parametrize(("data", "events"), TABLE[:-1])
def test_cut_off_at_any_point_it_gives_what_was_whole_and_the_end(data: bytes, events: list[Event]) -> None:
    for cut in range(len(data)):
        found = read(data[:cut])
        assert found == events[: len(found)]
        assert len(found) < len(events)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=60))
def test_any_pieces_give_the_same_events(cuts: list[int]) -> None:
    points = [0, *sorted(cuts), len(WHOLE)]
    assert read(*[WHOLE[a:b] for a, b in pairwise(points)]) == WHOLE_EVENTS


def retained(parser: AgiParser) -> int:
    headers = sum(len(name) + len(value) for name, value in (parser._headers or {}).items())
    return len(parser._data) + headers + sum(len(line) for line in parser._usage or [])


LINES = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([b"HANGUP", b"200 result=1", b"520-x", b"", b"100 T", b"agi_a: b", b"agi_c:d"]),
    st.sampled_from([b"x" * MAX_LINE_BYTES, b"520-" + b"y" * 8000]),
)


@given(st.booleans(), st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b""])), max_size=40))
def test_no_bytes_raise_anything_else_or_grow_beyond_the_bounds(
    in_call: bool, lines: list[tuple[bytes, bytes]]
) -> None:
    parser = AgiParser()
    violation = ""
    if in_call:
        parser.feed(BLOCK)
    try:
        for line, end in lines:
            parser.feed(line + end)
            events_left(parser)
            assert parser.buffered_bytes < MAX_LINE_BYTES
            assert retained(parser) < MAX_LINE_BYTES + MAX_HEADER_BYTES + MAX_USAGE_BYTES
    except ProtocolViolation as error:
        violation = str(error)
    if violation:
        assert violation.isascii()
        assert len(violation) < 1000
        parser.feed(b"200 result=1\n")
        with pytest.raises(ProtocolViolation) as again:
            parser.next_event()
        assert str(again.value) == violation


def endless(line: bytes, rows: int) -> bytes:
    return b"".join(line.replace(b"%d", str(row).encode()) for row in range(rows))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"GET / HTTP/1.1\r\n", "not an agi_ header"),
        (b"\n", "agi_channel is missing"),
        (b"\x16\x03\x01\x02\x00\x01\n", "not an agi_ header"),
        (b"agi_channel PJSIP/a\n", "not an agi_ header"),
        (b"agi_network: yes\nX-CX-Sec: forged\n", "not an agi_ header"),
        (b"x" * (MAX_LINE_BYTES - 1), "8192 bytes or more"),
        (b"agi_x: " + b"y" * (MAX_LINE_BYTES - 8) + b"\n", "8192 bytes or more"),
        (b"agi_callerid: 1\nagi_extension: 9\nagi_extension: 1\n", "agi_extension' comes twice"),
        (endless(b"agi_arg_%d: x\n", MAX_HEADERS + 1), "more than 256 headers"),
        (endless(b"agi_arg_%d: " + b"x" * 8000 + b"\n", 9), "65536 bytes"),
        (BLOCK.replace(b"agi_extension: 100\n", b""), "agi_extension is missing"),
        (BLOCK.replace(b"agi_uniqueid: 1.1\n", b"agi_uniqueid: \n"), "agi_uniqueid is missing"),
        (BLOCK.replace(b"yes", b"yes\nagi_callingpres: 1e"), "agi_callingpres is '1e'"),
        (BLOCK + b"\n", "not a reply: ''"),
        (BLOCK + b"agi_calleridname: after an early end\n", "not a reply"),
        (BLOCK + b"OK\n", "not a reply: 'OK'"),
        (BLOCK + b"200 OK\n", "without a result"),
        (BLOCK + b"2000 result=1\n", "not a reply"),
        (BLOCK + b"\xb2\xb0\xb0 result=1\n", "not a reply"),
        (BLOCK + b"200 result=1 (never closed\n", "not closed"),
        (BLOCK + b"HANGUP\n" * (MAX_NOTICES + 1), "lines without a reply"),
        (BLOCK + b"100 Trying...\n" * (MAX_NOTICES + 1), "lines without a reply"),
        (BLOCK + b"520-x\n" + b"\n" * (MAX_USAGE_BYTES + 1), "520 block"),
        (BLOCK + b"y" * MAX_LINE_BYTES, "8192 bytes or more"),
    ],
)
def test_what_is_not_fastagi_is_the_peers_violation(data: bytes, complaint: str) -> None:
    parser = AgiParser()
    parser.feed(data)
    with pytest.raises(ProtocolViolation, match=complaint):
        events_left(parser)


def test_the_longest_lines_pass() -> None:
    value = "v" * (MAX_LINE_BYTES - 2 - len("200 result=1 ()"))
    longest = f"200 result=1 ({value})\n".encode()
    assert len(longest) == MAX_LINE_BYTES - 1
    assert read(BLOCK + longest) == [REQUEST, Reply(200, "1", value)]


def test_a_call_may_have_more_hangup_lines_than_the_bound_when_replies_come_between() -> None:
    found = read(BLOCK + b"100 T\n200 result=0\n" * (MAX_NOTICES + 1))
    assert len(found) == MAX_NOTICES + 2


def test_a_reply_as_values() -> None:
    assert parse_reply("200 result=51").number == 51
    assert parse_reply("200 result=1 (digit) digit=3 endpos=20").fields == {"digit": "3", "endpos": "20"}
    with pytest.raises(ProtocolViolation, match="'1#' is not a number"):
        _ = parse_reply("200 result=1#").number


def test_a_peers_text_is_shown_as_bounded_ascii() -> None:
    assert shown("a\n\x1b[2J'é") == '"a\\n\\x1b[2J\'\\xe9"'
    assert shown(b"\x00\xff") == "'\\x00\\xff'"
    assert len(shown("x" * 9999)) < 210
