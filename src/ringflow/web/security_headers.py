"""Headers that keep browsers from doing harm with an answer: on every answer, whoever made it."""

from __future__ import annotations

from collections.abc import MutableMapping

SERVER = "Ringflow"
"""What the header `Server` says: not which libraries in which versions."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""Of a page, whose scripts and styles are files of ours."""
CONSOLE_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"] + "; media-src 'self' blob:",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=()",
}
"""Of the console, which plays prompts and records new ones."""
_ENCRYPTED = "max-age=31536000"
"""Browsers that came by TLS once come by nothing else for a year (RFC 6797)."""


def add_security_headers(headers: MutableMapping[str, str], encrypted: bool) -> None:
    """Add what is missing of an answer's headers; a page may have a policy of its own."""
    headers["Server"] = SERVER
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if encrypted:
        headers.setdefault("Strict-Transport-Security", _ENCRYPTED)
