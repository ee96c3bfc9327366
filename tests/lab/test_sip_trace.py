"""SIPp's message trace is read whole, byte by byte, in both releases' forms."""

from __future__ import annotations

import pytest

from ringflow.errors import ProtocolViolation
from ringflow.lab.sip_trace import SipMessage, SipTraceReader, sip_user

INVITE = (
    b"INVITE sip:44@127.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP a;branch=1\r\nX-Customer-ID: 42\r\n"
    b"X-Long: one,\r\n two\r\n"
    b"X-Customer-ID: 43\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\nm=audio 4000 RTP/AVP 8 96\r\n"
)
OK = b"SIP/2.0 404 Not Found\r\nCSeq: 1 INVITE\r\n\r\n"


def record(message: bytes, old: bool, way: str) -> bytes:
    when, length = (
        ("2026-11-23 06:03:13.756445", f"({len(message)} bytes)")
        if old and way == "sent"
        else ("2026-11-23 06:03:13.756445", f"[{len(message)}] bytes")
        if old
        else ("2026-11-23T06:03:13.756445Z", f"[{len(message)}] bytes")
    )
    colon = " :" if way == "received" else ":"
    head = f"----------------------------------------------- {when}\nUDP message {way} {length}{colon}\n\n"
    return head.encode() + message + b"\n"


@pytest.mark.parametrize("old", [False, True], ids=["3.8", "3.6"])
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_messages_come_out_however_they_are_cut(old: bool, step: int) -> None:
    trace = record(INVITE, old, "sent") + record(OK, old, "received")
    reader, found = SipTraceReader(), list[SipMessage]()
    for begin in range(0, len(trace), step):
        found += reader.feed(trace[begin : begin + step])
    invite, reply = found
    assert (invite.sent, invite.method, invite.status, invite.uri) == (True, "INVITE", 0, "sip:44@127.0.0.1")
    assert invite.at == 1795413793.756445
    assert invite.header("via") == "SIP/2.0/UDP a;branch=1"
    assert invite.all_headers("X-Customer-ID") == ("42", "43")
    assert invite.header("X-Long") == "one, two"
    assert invite.audio_port() == 4000
    assert (reply.sent, reply.method, reply.status, reply.reason) == (False, "INVITE", 404, "Not Found")
    assert (reply.uri, reply.audio_port(), reply.header("X-None")) == ("", 0, "")


def test_an_unfinished_message_waits_for_its_rest() -> None:
    whole = record(OK, False, "received")
    reader = SipTraceReader()
    assert reader.feed(whole[:-10]) == []
    assert len(reader.feed(whole[-10:])) == 1


@pytest.mark.parametrize("junk", [b"x" * 300, record(b"", False, "sent").replace(b"[0]", b"[99999]")])
def test_what_is_no_trace_is_refused(junk: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        SipTraceReader().feed(junk)


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ('"x" <sip:44%2B1@h>;tag=1', "44%2B1"),
        ("sip:441@h:5060;user=phone", "441"),
        ("<sip:127.0.0.1>", ""),
        ("sips:a@b", "a"),
        ("tel:44", ""),
    ],
)
def test_the_user_of_an_address(address: str, user: str) -> None:
    assert sip_user(address) == user


REMARKS = b"""-----------------------------------------------
Dead call 92ba20cc received a UDP message:

SIP/2.0 200 OK\r
Content-Length:  0\r
\r

-----------------------------------------------
Unexpected UDP message received:

BYE sip:x SIP/2.0\r
\r

"""
DISCARDED = b"\nDiscarded message for new calls while quitting\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_remarks_on_messages_that_come_again_are_skipped(size: int) -> None:
    remarks = DISCARDED + REMARKS + DISCARDED * 2
    trace = record(OK, False, "received") + remarks + record(OK, False, "sent") + DISCARDED
    reader = SipTraceReader()
    found = [one for at in range(0, len(trace), size) for one in reader.feed(trace[at : at + size])]
    assert [message.sent for message in found] == [False, True]


def test_a_remark_without_an_end_is_refused() -> None:
    with pytest.raises(ProtocolViolation):
        SipTraceReader().feed(REMARKS + b"x" * 70_000)
