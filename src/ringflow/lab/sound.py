"""The sound of one side of a call: RTP over UDP, silence and keys out, bursts of sound and keys in.

SIPp's own `play_dtmf` writes raw packets, which only root may do. Here an ordinary socket sends them.
Keys are telephone events of RFC 4733 (payload type 96, 8000 Hz): the first packet has the marker, an update
follows every 20 ms, and the end is sent three times.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from dataclasses import dataclass
from typing import cast

PACKET_MS = 20
SAMPLES_PER_MS = 8
EVENT_PAYLOAD = 96
ALAW_PAYLOAD = 8
_SIGNS = "0123456789*#ABCD"
EVENTS = {sign: code for code, sign in enumerate(_SIGNS)}
# Asterisk sends nothing while it is silent; shorter gaps than this are the network's.
BURST_GAP_MS = 100

# A tone of 500 Hz, as loud as A-law has it, of more values than silence.
_ALAW_SPEECH = bytes(
    (0x20 + at % 16) | (0x80 if at % 16 < 8 else 0) for at in range(PACKET_MS * SAMPLES_PER_MS)
)
_ALAW_SILENCE = b"\xd5" * (PACKET_MS * SAMPLES_PER_MS)
HEAD_BYTES = 12
"""Of an RTP packet, before its payload."""

_VOLUME = 10
_EVENT_END = 0x80
# An RTP packet with a telephone event: time stamp; event, flags and volume, length in samples.
_EVENT_PACKET = struct.Struct("!4xI4xBBH")
_END_REPEATS = 3
_MAX_SILENT_VALUES = 8


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of RTP from the other side, in epoch seconds."""

    begins: float
    ends: float
    packets: int


@dataclass(frozen=True, slots=True)
class HeardKey:
    """A key that came from the other side, as a telephone event."""

    key: str
    length_ms: int


class Sound(asyncio.DatagramProtocol):
    """One UDP socket on loopback; knows where to send once the other side's SDP is known.

    `heard`, `keys` and `voice` are what came: stretches of sound, keys, and the sound itself (G.711 A-law);
    `voiced` are the stretches that are not silence.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.voiced: list[Heard] = []
        self.keys: list[HeardKey] = []
        self.voice = bytearray()
        self._last_key_stamp: int | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._target: tuple[str, int] | None = None
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._began = time.monotonic()
        self._silence: asyncio.Task[None] | None = None
        self._keying = False
        self._speaks = False
        self._speech_ends = 0.0

    @classmethod
    async def open(cls) -> Sound:
        """A socket on a free port of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        return protocol

    @property
    def port(self) -> int:
        """The port that our SDP names."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Called by asyncio: sound from the other side."""
        now = time.time()
        payload_type = data[1] & 0x7F if len(data) >= HEAD_BYTES else None
        if payload_type == EVENT_PAYLOAD and len(data) >= _EVENT_PACKET.size:
            self._hear_key(data)
        elif payload_type == ALAW_PAYLOAD:
            self.voice += data[HEAD_BYTES:]
            # Silence is one value over and over, with a little noise once it was mixed with other sound.
            if len(set(data[HEAD_BYTES:])) > _MAX_SILENT_VALUES:
                _add(self.voiced, now)
        _add(self.heard, now)

    def _hear_key(self, data: bytes) -> None:
        stamp, event, flags, samples = _EVENT_PACKET.unpack_from(data)
        # Every packet of a key has the time of its beginning; the one that ends it is sent three times.
        if flags & _EVENT_END and stamp != self._last_key_stamp and event < len(_SIGNS):
            self._last_key_stamp = stamp
            self.keys.append(HeardKey(_SIGNS[event], samples // SAMPLES_PER_MS))

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio: the other side's port is closed already, which is how calls end."""

    def speak_to(self, port: int) -> None:
        """Send silence to this loopback port from now on, as a telephone does that nobody speaks into."""
        self._target = ("127.0.0.1", port)
        if self._silence is None:
            self._silence = asyncio.get_running_loop().create_task(self._send_silence())

    def speak(self, length_ms: int) -> None:
        """Send a tone for so long, where silence would be sent."""
        self._speech_ends = time.monotonic() + length_ms / 1000

    def fall_silent(self) -> None:
        """Send nothing from now on; keys are still sent."""
        if self._silence is not None:
            self._silence.cancel()

    async def key(self, sign: str, tone_ms: int) -> None:
        """Press one of ``0123456789*#ABCD`` for `tone_ms`."""
        event = EVENTS[sign]
        self._keying = True
        try:
            began = time.monotonic()
            stamp = self._stamp()
            for held_ms in [*range(PACKET_MS, tone_ms, PACKET_MS), tone_ms]:
                self._send_event(event, stamp, min(held_ms, tone_ms), first=held_ms == PACKET_MS, last=False)
                await asyncio.sleep(max(0.0, began + held_ms / 1000 - time.monotonic()))
            for _ in range(_END_REPEATS):
                self._send_event(event, stamp, tone_ms, first=False, last=True)
        finally:
            self._keying = False
            self._speaks = False

    async def close(self) -> None:
        """Stop sending and free the port."""
        self.fall_silent()
        if self._silence is not None:
            await asyncio.gather(self._silence, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    async def _send_silence(self) -> None:
        due = time.monotonic()
        while True:
            if not self._keying:
                payload = _ALAW_SPEECH if time.monotonic() < self._speech_ends else _ALAW_SILENCE
                self._send(ALAW_PAYLOAD, self._stamp(), not self._speaks, payload)
                self._speaks = True
            due = max(due + PACKET_MS / 1000, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _send_event(self, event: int, stamp: int, held_ms: int, *, first: bool, last: bool) -> None:
        payload = struct.pack("!BBH", event, (_EVENT_END if last else 0) | _VOLUME, held_ms * SAMPLES_PER_MS)
        self._send(EVENT_PAYLOAD, stamp, first, payload)

    def _send(self, payload_type: int, stamp: int, marker: bool, payload: bytes) -> None:
        if self._transport is None or self._target is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        second = payload_type | (0x80 if marker else 0)
        head = struct.pack("!BBHII", 0x80, second, self._sequence, stamp, self._source)
        self._transport.sendto(head + payload, self._target)

    def _stamp(self) -> int:
        return int((time.monotonic() - self._began) * 1000 * SAMPLES_PER_MS) & 0xFFFFFFFF


def _add(stretches: list[Heard], now: float) -> None:
    last = stretches[-1] if stretches else None
    if last is not None and (now - last.ends) * 1000 < BURST_GAP_MS:
        stretches[-1] = Heard(last.begins, now, last.packets + 1)
    else:
        stretches.append(Heard(now, now, 1))
