"""The certificate by which the HTTP port speaks TLS, read again when its files change.

A certificate of Let's Encrypt is renewed every two months by another program: connections from then on get
the new one, and nothing is to be restarted.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import structlog

from ringflow.errors import StartError

log = structlog.get_logger("ringflow.web")

LOOKED_EVERY_S = 5.0


class Certificate:
    """A certificate with its key, in two files (PEM). Raises `StartError` where they cannot be used.

    `now_s` never goes back.
    """

    def __init__(self, certificate: Path, key: Path, now_s: Callable[[], float]) -> None:
        self._certificate = certificate
        self._key = key
        self._now_s = now_s
        self._looked_at_s = now_s()
        self._state = self._files()
        try:
            self._context = self._read()
        except (OSError, ValueError) as error:
            raise StartError(f"{self._what(error)}; set http.tls.certificate and http.tls.key") from error

    def context(self) -> ssl.SSLContext:
        """Return what a connection that is made now speaks TLS by."""
        now_s = self._now_s()
        if now_s - self._looked_at_s >= LOOKED_EVERY_S:
            self._looked_at_s = now_s
            self._look()
        return self._context

    def _look(self) -> None:
        state = self._files()
        if state == self._state:
            return
        self._state = state
        try:
            self._context = self._read()
        except (OSError, ValueError) as error:
            # Another program may be half done with writing them: the old ones go on until it is.
            log.warning("TLS certificate not read again", detail=self._what(error))
        else:
            log.info("TLS certificate read again", file=str(self._certificate))

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A client that asks for another handshake again and again would cost us more than itself.
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["http/1.1"])
        # Without an answer OpenSSL would ask for a password on the terminal.
        context.load_cert_chain(self._certificate, self._key, password=lambda: b"")
        return context

    def _files(self) -> tuple[object, ...]:
        """What changes with the files; of one that is gone, that it is."""
        return tuple(_stamp(path) for path in (self._certificate, self._key))

    def _what(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError):
            why = (error.reason or "they cannot be read").replace("_", " ").lower()
            return f"certificate {self._certificate} and key {self._key} cannot be used: {why}"
        if isinstance(error, OSError):
            for path in (self._certificate, self._key):
                try:
                    path.read_bytes()
                except OSError as unread:
                    return f"{path} cannot be read: {unread.strerror or unread}"
        return f"certificate {self._certificate} and key {self._key} cannot be used: {error}"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
