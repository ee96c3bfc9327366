"""Moments as people write them: a date, a date with its time, or so long ago."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from ringflow.config import load_config
from ringflow.errors import Refused
from ringflow.moments import ms_in, system_now_ms
from ringflow.plain_text import plain

_AGO = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment_ms(text: str | None, option: str) -> int | None:
    """Milliseconds since 1970 of `2026-07-01`, `2026-07-01T06:00+02:00` or `24h` (ago). Raises `Refused`.

    Where no offset is written, it is in the operator's time zone (`timezone:`).
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return system_now_ms() - int(ago[1]) * _SECONDS[ago[2]] * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            "option.malformed",
            f"{option} {plain(text)}: write a date such as 2026-07-01, or 24h for a day ago",
            option=option,
        ) from None
    return ms_in(moment, operator_zone())


def operator_zone() -> ZoneInfo:
    """The time zone in which people read and write times: `timezone:` of the configuration."""
    return load_config(needed=False).zone


def period_ms(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """The period that `--since` and `--until` name. Raises `Refused`, also where it ends before it begins."""
    since_ms, until_ms = moment_ms(since, "--since"), moment_ms(until, "--until")
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        raise Refused(
            "option.malformed",
            f"--until {plain(until or '')} is not after --since {plain(since or '')}; "
            "--until is the first moment that no longer counts",
            option="--until",
        )
    return since_ms, until_ms
