"""A caller in a room with others, by Asterisk's `ConfBridge`.

A room is on one Asterisk. Its profile is made call by call with `CONFBRIDGE(...)`, so that nothing need stand
in confbridge.conf; that of the bridge is what who opened the room brought. Asterisk says FAILED of a room
that is full and of one that is locked, so both are asked for before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ringflow.agi.session import AgiSession
from ringflow.errors import ChannelGone, CommandRefused, RingflowError

PREFIX = "ringflow-"
"""Before the name of a room, so that it is none of the operator's own rooms."""

MENU = {
    "0": "toggle_mute",
    "1": "decrease_talking_volume",
    "2": "reset_talking_volume",
    "3": "increase_talking_volume",
    "4": "decrease_listening_volume",
    "5": "reset_listening_volume",
    "6": "increase_listening_volume",
    "*": "participant_count",
    "#": "leave_conference",
}
MODERATORS_MENU = {
    "7": "admin_kick_last",
    "8": "admin_toggle_mute_participants",
    "9": "admin_toggle_conference_lock",
}
"""What keys do in a room, by the names of confbridge.conf."""


class NoConference(RingflowError):
    """Asterisk has no rooms."""


class RoomEnd(StrEnum):
    """How a caller's stay in a room ended, or why there was none."""

    LEFT = "left"
    ENDED = "ended"
    """The last moderator left."""
    TIME = "time"
    KICKED = "kicked"
    FULL = "full"
    LOCKED = "locked"


_ENDS = {
    "DTMF": RoomEnd.LEFT,
    "ENDMARKED": RoomEnd.ENDED,
    "TIMEOUT": RoomEnd.TIME,
    "KICKED": RoomEnd.KICKED,
}
"""By CONFBRIDGE_RESULT."""


@dataclass(frozen=True, slots=True)
class RoomOrder:
    """How a caller comes into a room. Sounds are as Asterisk is told to play them; empty: none is said.

    `most`: how many may be inside, moderators not counted out; None: any number. `longest_s` None: any time.
    `waits`: until a moderator is there; `ends`: with the last moderator. `music_class` empty: no music.
    """

    room: str
    moderator: bool = False
    most: int | None = None
    waits: bool = False
    ends: bool = False
    longest_s: int | None = None
    quiet: bool = False
    keys: bool = True
    music_class: str = ""
    join_sound: str = ""
    leave_sound: str = ""
    wait_sound: str = ""

    @property
    def name(self) -> str:
        """The room's name for Asterisk."""
        return f"{PREFIX}{self.room}"

    def options(self) -> Iterator[tuple[str, str]]:
        """What `CONFBRIDGE(...)` is set to. What an earlier room of this call had set is forgotten first."""
        for profile in ("user", "bridge", "menu"):
            yield f"{profile},clear", "yes"
        yield "user,announce_only_user", "no"
        if self.moderator:
            yield "user,admin", "yes"
            yield "user,marked", "yes"
        elif self.waits:
            yield "user,wait_marked", "yes"
        if self.ends and not self.moderator:
            yield "user,end_marked", "yes"
        if self.quiet:
            yield "user,quiet", "yes"
        if self.longest_s is not None:
            yield "user,timeout", str(self.longest_s)
        if self.music_class:
            yield "user,music_on_hold_when_empty", "yes"
            yield "user,music_on_hold_class", self.music_class
        if self.most is not None:
            yield "bridge,max_members", str(self.most)
        sounds = {
            "join": self.join_sound,
            "leave": self.leave_sound,
            "wait_for_leader": self.wait_sound,
        }
        yield from ((f"bridge,sound_{kind}", sound) for kind, sound in sounds.items() if sound)
        if self.keys:
            menu = MENU | (MODERATORS_MENU if self.moderator else {})
            yield from ((f"menu,{key}", action) for key, action in menu.items())


async def confer(session: AgiSession, order: RoomOrder) -> RoomEnd:
    """Let the caller be in the room. Raises `NoConference`, `ChannelGone`."""
    if (shut := await _shut(session, order)) is not None:
        return shut
    for option, value in order.options():
        await session.set_variable(f"CONFBRIDGE({option})", value)
    try:
        await session.execute("ConfBridge", order.name, hangup_is_data=True, timeout_s=None)
    except CommandRefused as error:
        raise NoConference(str(error)) from error
    result = await session.get_full_variable("${CONFBRIDGE_RESULT}")
    if session.hung_up or result == "HANGUP":
        raise ChannelGone("result")
    if (ended := _ENDS.get(result or "")) is not None:
        return ended
    # Somebody else came in first, or locked it.
    if (shut := await _shut(session, order)) is not None:
        return shut
    raise NoConference(f"Asterisk says {result or 'nothing'} of the room: load bridge_softmix, see its log")


async def _shut(session: AgiSession, order: RoomOrder) -> RoomEnd | None:
    """Why the caller may not come in now; None: the door is open."""
    asked = ("locked", "parties")
    expression = "|".join(f"${{CONFBRIDGE_INFO({one},{order.name})}}" for one in asked)
    locked, _, parties = (await session.get_full_variable(expression) or "").partition("|")
    if not parties.isdecimal():
        raise NoConference("Asterisk has no app_confbridge")
    if order.moderator:
        return None
    if locked.isdecimal() and int(locked):
        return RoomEnd.LOCKED
    return RoomEnd.FULL if order.most is not None and int(parties) >= order.most else None
