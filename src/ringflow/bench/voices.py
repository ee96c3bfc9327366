"""The sound of many calls from one socket: silence every 20 ms, and keys as RFC 4733 events in between.

SIPp plays keys from raw sockets only, which needs root. Sound that comes in is never read: the kernel drops
it for next to nothing, so a load of calls costs what it sends.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ringflow.lab.sound import ALAW_PAYLOAD, EVENT_PAYLOAD, EVENTS, PACKET_MS, SAMPLES_PER_MS

TONE_MS = 80
GAP_MS = 60

_SILENCE = b"\xd5" * (PACKET_MS * SAMPLES_PER_MS)
_RTP = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VERSION = 0x80
_MARKER = 0x80
_END = 0x80
_VOLUME = 10
_END_REPEATS = 3

LastKey = Callable[[float], None]


class Packet(NamedTuple):
    """What differs from packet to packet; `stamp` is in samples."""

    payload_type: int
    marker: bool
    stamp: int
    payload: bytes
    ends_keys: bool = False


class Voices:
    """One UDP socket of 127.0.0.1 that speaks for every call of one side."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._voices: list[Voice] = []

    @property
    def port(self) -> int:
        """The port that the SDP of all of these calls names."""
        return int(self._socket.getsockname()[1])

    def speak_to(
        self, port: int, keys: str = "", keys_at_ms: int = 0, last_key: LastKey | None = None
    ) -> Voice:
        """Speak to this loopback port from now on; press `keys` from `keys_at_ms` on.

        `last_key` is told the moment, in epoch seconds, at which the end of the last key was sent.
        """
        voice = Voice(self._socket, port, _script(keys, keys_at_ms), last_key)
        self._voices.append(voice)
        voice.step()
        return voice

    def close(self) -> None:
        """Fall silent in every call."""
        for voice in self._voices:
            voice.stop()
        self._socket.close()


class Voice:
    """One call's stream of packets; it plans its own next packet."""

    def __init__(
        self, out: socket.socket, port: int, script: Iterator[list[Packet]], last_key: LastKey | None
    ) -> None:
        self._out = out
        self._target = ("127.0.0.1", port)
        self._script = script
        self._last_key = last_key
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._next: asyncio.TimerHandle | None = None

    def step(self) -> None:
        """Send what is due now; called every 20 ms."""
        for packet in next(self._script):
            self._sequence = (self._sequence + 1) & 0xFFFF
            second = packet.payload_type | (_MARKER if packet.marker else 0)
            head = _RTP.pack(_VERSION, second, self._sequence, packet.stamp & 0xFFFFFFFF, self._source)
            now = time.time()
            self._out.sendto(head + packet.payload, self._target)
            if packet.ends_keys and self._last_key is not None:
                self._last_key(now)
        self._due += PACKET_MS / 1000
        self._next = self._loop.call_at(self._due, self.step)

    def stop(self) -> None:
        """Send nothing any more."""
        if self._next is not None:
            self._next.cancel()


def _script(keys: str, keys_at_ms: int) -> Iterator[list[Packet]]:
    """The packets of every 20 ms: silence, the keys one after the other, and silence for ever."""
    tick = 0
    for _ in range(keys_at_ms // PACKET_MS):
        yield [_silence(tick)]
        tick += 1
    for place, key in enumerate(keys, start=1):
        yield from _key(EVENTS[key], tick, last=place == len(keys))
        tick += TONE_MS // PACKET_MS
        for _ in range(GAP_MS // PACKET_MS):
            tick += 1
            yield [_silence(tick)]
    while True:
        tick += 1
        yield [_silence(tick)]


def _key(event: int, tick: int, last: bool) -> Iterator[list[Packet]]:
    """An event as RFC 4733 has it: one timestamp, a growing duration, and its end three times over."""
    stamp = _stamp(tick)
    for held_ms in range(PACKET_MS, TONE_MS + 1, PACKET_MS):
        payload = _EVENT.pack(event, _VOLUME, held_ms * SAMPLES_PER_MS)
        yield [Packet(EVENT_PAYLOAD, held_ms == PACKET_MS, stamp, payload)]
    end = _EVENT.pack(event, _END | _VOLUME, TONE_MS * SAMPLES_PER_MS)
    yield [Packet(EVENT_PAYLOAD, False, stamp, end, last and not repeat) for repeat in range(_END_REPEATS)]


def _silence(tick: int) -> Packet:
    return Packet(ALAW_PAYLOAD, tick == 0, _stamp(tick), _SILENCE)


def _stamp(tick: int) -> int:
    return tick * PACKET_MS * SAMPLES_PER_MS
