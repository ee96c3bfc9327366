"""SIPp's scenarios for one call: a caller of Ringflow, and a callee behind a trunk.

SIPp's XML has no way to be told something during a call but by SIP itself. So whoever runs it sends it an
`INFO` with the call's own Call-ID from outside, and the scenario takes that for "hang up now". A `MESSAGE`
with a `Refer-To` is "ask for this transfer now": the scenario sends it on in a REFER.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

from ringflow.lab.sip_trace import SipMessage

MAX_CALL_MS = 600_000
RETRANSMIT_MS = 500

# Sequence numbers of a dialog grow (RFC 3261, 12.2.1.1), and each scenario may ask for one transfer. Without
# a subscription (RFC 4488) the response to the REFER tells what came of it; with one, two NOTIFYs come at
# once, and SIPp loses the second.
_REFER_CSEQ, _BYE_CSEQ = 2, 3
_REFER = (
    f"CSeq: {_REFER_CSEQ} REFER", "Contact: <sip:lab@[local_ip]:[local_port]>", "Supported: norefersub",
    "Refer-Sub: false", "Refer-To:[$refer]",
)  # fmt: skip
_REFER_REFUSED = (400, 403, 404, 481, 500, 503, 603)

# What may stand in the user part of a SIP URI as it is (RFC 3261, 25.1: unreserved and user-unreserved).
_USER = "-_.!~*'()&=+$,;?/"
_FINAL_ERRORS = range(400, 700)


class Behaviour(Enum):
    """What a callee does with a call."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "noanswer"
    CONGESTION = "congestion"
    REFUSE = "refuse"
    TRYING = "trying"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class LabCallee:
    """A callee behind one trunk: rings for `answers_after_ms`, then does what `behaviour` says.

    Busy and congestion are 486 and 503; one that refuses does so with a `code` of its own. These three ring
    before it only with `rings_first`. One that is trying says 100 and nothing more, a silent one nothing.
    With `early_media` sound comes instead of ringing. `hangs_up_after_ms` counts from its answer; with None
    it stays. `keys` are pressed `keys_after_ms` after its answer.
    """

    behaviour: Behaviour = Behaviour.ANSWER
    answers_after_ms: int = 200
    hangs_up_after_ms: int | None = None
    code: int = 0
    rings_first: bool = False
    early_media: bool = False
    keys: str = ""
    keys_after_ms: int = 0

    @property
    def progresses(self) -> bool:
        """Whether it says more than 100 before its final response."""
        if self.behaviour is Behaviour.TRYING:
            return False
        return self.refusal is None or self.rings_first or self.early_media

    @property
    def refusal(self) -> str | None:
        """The status line of the response with which it refuses, if it does."""
        lines = {
            Behaviour.BUSY: "486 Busy Here",
            Behaviour.CONGESTION: "503 Service Unavailable",
            Behaviour.REFUSE: f"{self.code} Refused",
        }
        return lines.get(self.behaviour)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a scenario must know of its call: `call_id` and the port of its sound."""

    call_id: str
    audio_port: int


def caller_scenario(
    dialogue: Dialogue,
    did: str,
    cli: str,
    display_name: str,
    anonymous: bool,
    headers: tuple[str, ...] = (),
) -> str:
    """A caller that dials `did`, stays until told to go, and takes any refusal. `cli` empty: no number.

    Raises `ValueError`.
    """
    # Numbers are encoded below, so that they may hold anything.
    for text in (display_name, *headers):
        if any(sign in text for sign in "[]\r\n\0"):
            raise ValueError(f"SIPp cannot send {text!r}")
    # Without a number there is no user part, and so no `@`.
    user = "anonymous@" if anonymous else f"{quote(cli, safe=_USER)}@" if cli else ""
    host = "anonymous.invalid" if anonymous else "[local_ip]:[local_port]"
    quoted = display_name.replace("\\", "\\\\").replace('"', '\\"')
    name = '"Anonymous" ' if anonymous else f'"{quoted}" ' if display_name else ""
    sender = f"From: {name}<sip:{user}{host}>;tag=c[call_number]"
    target = f"sip:{quote(did, safe=_USER)}@[remote_ip]:[remote_port]"
    privacy = ["Privacy: id"] if anonymous else []
    via = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"
    rest = ["Call-ID: [call_id]", "Max-Forwards: 70"]
    invite = [
        f"INVITE {target} SIP/2.0", via, sender, f"To: <{target}>", *rest, "CSeq: 1 INVITE",
        "Contact: <sip:lab@[local_ip]:[local_port]>", *privacy, *headers,
    ]  # fmt: skip
    refused_ack = [f"ACK {target} SIP/2.0", "[last_Via:]", sender, "[last_To:]", *rest, "CSeq: 1 ACK"]
    cancel = [f"CANCEL {target} SIP/2.0", "[last_Via:]", sender, f"To: <{target}>", *rest, "CSeq: 1 CANCEL"]
    answered_ack = ["ACK [$contact] SIP/2.0", via, sender, "To:[$to]", *rest, "CSeq: 1 ACK"]
    bye = ["BYE [$contact] SIP/2.0", via, sender, "To:[$to]", *rest, f"CSeq: {_BYE_CSEQ} BYE"]
    refer = ["REFER [$contact] SIP/2.0", via, sender, "To:[$to]", *rest, *_REFER]
    parts = [
        _send(_with_sdp(invite, dialogue), retransmit=True),
        _label("waiting"),
        *(_receive(response=code, optional=True, next_label="waiting") for code in (100, 180, 181, 183)),
        _receive(request="INFO", optional=True, next_label="cancel"),
        *(_receive(response=code, optional=True, next_label="refused") for code in _FINAL_ERRORS),
        _receive(response=200, save={"to": "To:"}),
        _send(answered_ack),
        *_conversation(dialogue, bye, refer, MAX_CALL_MS),
        _label("refused"),
        _send(refused_ack, next_label="over"),
        _label("cancel"),
        # The branch of a CANCEL is that of its INVITE; `hang_up_request` has it too.
        _send(cancel, retransmit=True),
        _label("cancelled"),
        _receive(response=200, optional=True, next_label="cancelled"),
        _receive(response=487),
        _send(refused_ack),
        _label("over"),
    ]
    return _document("caller", "to,contact,refer", parts)


def callee_scenario(dialogue: Dialogue, callee: LabCallee) -> str:
    """A callee that takes one INVITE and does what it is for."""
    reply = [
        "[last_Via:]",
        "[last_From:]",
        "[last_To:];tag=a[call_number]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
    ]
    contact = "Contact: <sip:lab@[local_ip]:[local_port]>"
    bye = [
        "BYE [$contact] SIP/2.0", "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
        "From:[$to];tag=a[call_number]", "To:[$from]", "Call-ID: [call_id]", "Max-Forwards: 70",
        f"CSeq: {_BYE_CSEQ} BYE",
    ]  # fmt: skip
    refer = ["REFER [$contact] SIP/2.0", *bye[1:-1], *_REFER]
    saved = {"from": "From:", "to": "To:", "cseq": "CSeq:"}
    parts = [_receive(request="INVITE", save=saved)]
    if callee.behaviour is Behaviour.SILENT:
        # It takes every INVITE that is sent again, until it is stopped.
        parts += [_label("silence"), _receive(request="INVITE", next_label="silence")]
        return _document("callee", "from,to,cseq,contact", parts)
    parts.append(_send(["SIP/2.0 100 Trying", *reply]))
    final_ms = callee.answers_after_ms if callee.refusal or callee.behaviour is Behaviour.ANSWER else None
    # CANCEL's replies differ: 200 answers the CANCEL, 487 the INVITE, whose To and CSeq were kept.
    gone = [
        "SIP/2.0 487 Request Terminated", "[last_Via:]", "[last_From:]", "To:[$to];tag=a[call_number]",
        "[last_Call-ID:]", "CSeq:[$cseq]",
    ]  # fmt: skip
    final = [
        f"SIP/2.0 {callee.refusal or '200 OK'}", "[last_Via:]", "[last_From:]", "To:[$to];tag=a[call_number]",
        "[last_Call-ID:]", "CSeq:[$cseq]",
    ]  # fmt: skip
    if final_ms != 0:
        if callee.early_media:
            parts.append(_send(_with_sdp(["SIP/2.0 183 Session Progress", *reply, contact], dialogue)))
        elif callee.progresses:
            parts.append(_send(["SIP/2.0 180 Ringing", *reply, contact]))
        parts += [
            _receive(request="CANCEL", timeout_ms=final_ms or MAX_CALL_MS, timeout_label="final"),
            _send(["SIP/2.0 200 OK", *reply]),
            _send(gone, retransmit=True),
            _receive(request="ACK", next_label="over"),
        ]
    parts.append(_label("final"))
    if callee.refusal is not None:
        parts += [_send(final, retransmit=True), _receive(request="ACK"), _label("over")]
        return _document("callee", "from,to,cseq,contact", parts)
    parts += [
        _send(_with_sdp([*final, contact], dialogue), retransmit=True),
        _receive(request="ACK"),
        *_conversation(dialogue, bye, refer, callee.hangs_up_after_ms or MAX_CALL_MS),
        _label("over"),
    ]
    return _document("callee", "from,to,cseq,contact,refer", parts)


def _conversation(dialogue: Dialogue, bye: list[str], refer: list[str], hang_up_ms: int) -> list[str]:
    """From the ACK on: stay, agree to every re-INVITE, ask for transfers, and end by either side's BYE."""
    reply = ["SIP/2.0 200 OK", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"]
    contact = "Contact: <sip:lab@[local_ip]:[local_port]>"
    return [
        _label("talk"),
        # SIPp looks at the timeout of the first message of such a group.
        _receive(
            request="INFO", optional=True, next_label="hangup", timeout_ms=hang_up_ms, timeout_label="hangup"
        ),
        _receive(request="INVITE", optional=True, next_label="agree"),
        _receive(request="MESSAGE", optional=True, next_label="refer", save={"refer": "Refer-To:"}),
        _receive(request="BYE"),
        _label("left"),
        _send(reply, next_label="over"),
        _label("agree"),
        _send(_with_sdp([*reply, contact], dialogue), retransmit=True),
        _receive(request="ACK", next_label="talk"),
        _label("refer"),
        _send(refer),
        *(_receive(response=code, optional=True, next_label="talk") for code in _REFER_REFUSED),
        _receive(request="BYE", optional=True, next_label="left"),
        _receive(response=200),
        # A transfer that is accepted is the end of the call for who asked for it (RFC 5589, 6.1).
        _label("hangup"),
        _send(bye, retransmit=True),
        # Both sides may hang up at once: then a BYE comes before the reply to ours.
        _label("leaving"),
        _receive(request="BYE", optional=True, next_label="crossed"),
        _receive(response=481, optional=True, next_label="over"),
        _receive(response=200, next_label="over"),
        _label("crossed"),
        _send(reply, next_label="leaving"),
    ]


def _with_sdp(lines: list[str], dialogue: Dialogue) -> list[str]:
    return [
        *lines, "Content-Type: application/sdp", "Content-Length: [len]", "",
        "v=0", "o=lab 1 1 IN IP4 [local_ip]", "s=-", "c=IN IP4 [local_ip]", "t=0 0",
        f"m=audio {dialogue.audio_port} RTP/AVP 8 0 96",
        "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-16",
        "a=ptime:20", "a=sendrecv",
    ]  # fmt: skip


def _send(lines: Iterable[str], retransmit: bool = False, next_label: str | None = None) -> str:
    text = list(lines)
    if "" not in text:
        text += ["Content-Length: 0", ""]
    attributes = f' retrans="{RETRANSMIT_MS}"' if retransmit else ""
    attributes += f' next="{next_label}"' if next_label else ""
    body = "\n".join(text) + "\n"
    return f"<send{attributes}><![CDATA[\n{body}]]></send>"


def _label(name: str) -> str:
    return f'<label id="{name}"/>'


def _receive(
    request: str | None = None,
    response: int | None = None,
    optional: bool = False,
    next_label: str | None = None,
    timeout_ms: int | None = None,
    timeout_label: str | None = None,
    save: dict[str, str] | None = None,
) -> str:
    attributes = f' request="{request}"' if request else f' response="{response}"'
    if optional:
        attributes += ' optional="true"'
    if next_label:
        attributes += f' next="{next_label}"'
    if timeout_ms is not None and timeout_label:
        attributes += f' timeout="{timeout_ms}" ontimeout="{timeout_label}"'
    kept = [
        f'<ereg regexp=".*" search_in="hdr" header="{header}" assign_to="{name}"/>'
        for name, header in (save or {}).items()
    ]
    if save and "refer" not in save:
        kept.append(
            '<ereg regexp="sip:[-a-zA-Z0-9_.:@+%]+" search_in="hdr" header="Contact:" assign_to="contact"/>'
        )
    action = f"<action>{''.join(kept)}</action>" if kept else ""
    return f"<recv{attributes}>{action}</recv>"


def _document(name: str, variables: str, parts: list[str]) -> str:
    # SIPp refuses a scenario in which a variable is set and never read; not every path reads all of them.
    body = "\n".join([*parts, f'<Reference variables="{variables}"/>'])
    return f'<?xml version="1.0" encoding="utf-8"?>\n<scenario name="{name}">\n{body}\n</scenario>\n'


def hang_up_request(invite: SipMessage) -> bytes:
    """The `INFO` that tells the scenario of the call with this INVITE to hang up now."""
    return _order("INFO", invite)


def transfer_request(invite: SipMessage, refer_to: str) -> bytes:
    """The `MESSAGE` that tells the scenario of the call with this INVITE to send a REFER now."""
    return _order("MESSAGE", invite, f"Refer-To: {refer_to}")


def _order(method: str, invite: SipMessage, *headers: str) -> bytes:
    same = [f"{name}: {invite.header(name)}" for name in ("Via", "From", "To", "Call-ID")]
    lines = [
        f"{method} sip:lab@127.0.0.1 SIP/2.0", *same, f"CSeq: 99 {method}", "Max-Forwards: 70", *headers,
        "Content-Length: 0", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()
