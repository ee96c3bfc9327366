"""RFC 4733 keys, packet by packet."""

from __future__ import annotations

import asyncio
import struct

from ringflow.lab.sound import Sound


class Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[tuple[float, bytes]] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.packets.append((asyncio.get_running_loop().time(), data))


async def record(sign: str, tone_ms: int) -> list[tuple[float, int, bool, int, int, int, bytes]]:
    """Time, payload type, marker, sequence, timestamp, source, payload of every packet that a key makes."""
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
    sound = await Sound.open()
    sound.speak_to(transport.get_extra_info("sockname")[1])
    await sound.key(sign, tone_ms)
    await asyncio.sleep(0.05)  # the silence after the key is a part of what is asserted
    await sound.close()
    transport.close()
    found = []
    for at, data in listener.packets:
        _, second, sequence, stamp, source = struct.unpack("!BBHII", data[:12])
        found.append((at, second & 0x7F, bool(second & 0x80), sequence, stamp, source, data[12:]))
    return found


async def test_a_40_ms_key_is_two_packets_and_its_end_three_times() -> None:
    packets = await record("#", 40)
    events = [packet for packet in packets if packet[1] == 96]
    payloads = [struct.unpack("!BBH", packet[6]) for packet in events]
    assert payloads == [(11, 10, 160), (11, 10, 320), *[(11, 0x8A, 320)] * 3]
    assert [packet[2] for packet in events] == [True, False, False, False, False]
    assert len({packet[4] for packet in events}) == 1, "one key is one timestamp"
    assert 0.035 < events[-1][0] - events[0][0] < 0.09
    sequences = [packet[3] for packet in packets]
    assert sequences == list(range(sequences[0], sequences[0] + len(packets)))
    assert len({packet[5] for packet in packets}) == 1


async def test_silence_follows_a_key_and_begins_with_a_marker() -> None:
    packets = await record("0", 60)
    last_event = max(index for index, packet in enumerate(packets) if packet[1] == 96)
    silence = packets[last_event + 1 :]
    assert silence
    assert [packet[1] for packet in silence] == [8] * len(silence)
    assert [packet[2] for packet in silence] == [True] + [False] * (len(silence) - 1)
    assert silence[0][6] == b"\xd5" * 160
    assert all(struct.unpack("!BBH", packet[6])[0] == 0 for packet in packets[:last_event] if packet[1] == 96)
