"""An INVITE with Replaces (RFC 3891): somebody takes a caller's place in a talk, as a telephone can do.

It is sent by hand: SIPp plays calls of its own, and this one belongs to the dialog of another.
"""

from __future__ import annotations

import asyncio
import secrets

HOST = "127.0.0.1"


class Replacement(asyncio.DatagramProtocol):
    """One such call. `status`: the final response to it, once there is one; it ends when Asterisk ends it."""

    def __init__(self, did: str, sip_port: int, replaces: str) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._to = f"<sip:{did}@{HOST}:{sip_port}>"
        self._target = f"sip:{did}@{HOST}:{sip_port}"
        self._replaces = replaces
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._transport: asyncio.DatagramTransport | None = None
        self._address = (HOST, sip_port)

    async def send(self) -> None:
        """Send the INVITE."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        # The sound may go anywhere: nobody listens.
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            "m=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        self._request(
            "INVITE", self._to, f"Replaces: {self._replaces}", "Content-Type: application/sdp", body=sdp
        )

    def datagram_received(self, data: bytes, address: tuple[str | int, ...]) -> None:
        """Acknowledge a final response, and agree to whatever Asterisk asks."""
        head, *lines = data.decode("utf-8", "replace").partition("\r\n\r\n")[0].split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        if not head.startswith("SIP/2.0 "):
            same = [
                f"{name}: {headers[name]}"
                for name in ("Via", "From", "To", "Call-ID", "CSeq")
                if name in headers
            ]
            self._write("SIP/2.0 200 OK", *same)
            return
        status = int(head.split()[1])
        if status < 200 or not headers.get("CSeq", "").endswith("INVITE"):
            return
        self._request("ACK", headers["To"])
        if not self.status.done():
            self.status.set_result(status)

    def close(self) -> None:
        """Say no more."""
        if self._transport is not None:
            self._transport.close()

    def _request(self, method: str, to: str, *more: str, body: str = "") -> None:
        assert self._transport is not None
        port = self._transport.get_extra_info("sockname")[1]
        own = f"sip:replacing@{HOST}:{port}"
        self._write(
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK{secrets.token_hex(6)}",
            f"From: <{own}>;tag={self._tag}", f"To: {to}", f"Call-ID: {self._call_id}", f"CSeq: 1 {method}",
            f"Contact: <{own}>", "Max-Forwards: 70", *more,
            body=body,
        )  # fmt: skip

    def _write(self, *lines: str, body: str = "") -> None:
        assert self._transport is not None
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body])
        self._transport.sendto(text.encode(), self._address)
