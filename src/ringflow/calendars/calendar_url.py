"""From where calendars may be fetched."""

from __future__ import annotations

from ringflow.errors import Forbidden, Refused
from ringflow.http_client.allowed_hosts import AllowedHosts, HostNotAllowed, UnusableUrl
from ringflow.plain_text import plain


def check_calendar_url(allowed: AllowedHosts, url: str) -> None:
    """Raise `Refused` for a URL that is none, and `Forbidden` for one that leads elsewhere."""
    try:
        allowed.check(url)
    except UnusableUrl:
        raise Refused(
            "calendar.malformed_url",
            f"`{plain(url)}` cannot be a calendar's URL; write one such as "
            "https://example.com/holidays.ics, without a name or a password in it",
            ("url",),
            url=plain(url),
        ) from None
    except HostNotAllowed as error:
        raise Forbidden(
            "calendar.host_not_allowed",
            f"calendars may not be fetched from {plain(error.host)}; list it in config.yaml: calendars.hosts",
            ("url",),
            host=plain(error.host),
        ) from None
