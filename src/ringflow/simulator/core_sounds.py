"""Asterisk's own English recordings that ConfBridge and Queue play by themselves, with their lengths.

Those of asterisk-core-sounds-en 1.6.1, by which Debian's Asterisk 16 and 22 speak.
"""

from __future__ import annotations

from collections.abc import Mapping

LENGTHS_MS: Mapping[str, int] = {
    "conf-errormenu": 1440, "conf-now-muted": 1880, "conf-now-unmuted": 2120, "confbridge-conf-begin": 1840,
    "beep": 440, "conf-adminmenu-162": 20980, "conf-adminmenu-18": 21700, "conf-getpin": 2400,
    "conf-hasjoin": 1780, "conf-hasleft": 1780, "conf-invalidpin": 2660, "conf-kicked": 2380,
    "conf-leaderhasleft": 2280, "conf-locked": 1760, "conf-lockednow": 1780, "conf-muted": 1400,
    "conf-onlyone": 3260, "conf-onlyperson": 3160, "conf-otherinparty": 2160,
    "conf-placeintoconf": 2400, "conf-thereare": 1380, "conf-unlockednow": 1900, "conf-unmuted": 1500,
    "conf-usermenu-162": 18600, "conf-waitforleader": 2840, "confbridge-join": 380,
    "confbridge-leave": 380, "confbridge-begin-leader": 3020, "confbridge-binaural-off": 2660,
    "confbridge-binaural-on": 2260, "queue-callswaiting": 2480, "queue-holdtime": 2800,
    "queue-minute": 840, "queue-minutes": 880, "queue-periodic-announce": 7840, "queue-quantity1": 2140,
    "queue-quantity2": 2660, "queue-reporthold": 1100, "queue-seconds": 1120, "queue-thankyou": 1600,
    "queue-thereare": 2260, "queue-youarenext": 5380, "vm-rec-name": 4300, "digits/0": 880,
    "digits/1": 920, "digits/2": 760, "digits/3": 840, "digits/4": 820, "digits/5": 840,
    "digits/6": 900, "digits/7": 840, "digits/8": 700, "digits/9": 860, "digits/10": 660,
    "digits/11": 980, "digits/12": 820, "digits/13": 940, "digits/14": 1060, "digits/15": 1160,
    "digits/16": 1200, "digits/17": 1220, "digits/18": 1100, "digits/19": 1240, "digits/20": 940,
    "digits/30": 920, "digits/40": 960, "digits/50": 1240, "digits/60": 1040, "digits/70": 1040,
    "digits/80": 840, "digits/90": 1040, "digits/hundred": 860, "digits/thousand": 900,
}  # fmt: skip


def core_sound_s(name: str) -> float | None:
    """For how long one of them plays, in seconds; None: it is none of them."""
    length_ms = LENGTHS_MS.get(name)
    return None if length_ms is None else length_ms / 1000
