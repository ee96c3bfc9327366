"""ConfBridge as the virtual Asterisk runs it: who is in a room, and what is announced to whom.

As apps/app_confbridge.c does. What a profile says comes from `CONFBRIDGE(user,OPTION)` and
`CONFBRIDGE(bridge,OPTION)` of the caller's channel, for there is no confbridge.conf here; the room has the
bridge profile of who opened it. Of a user's options these are followed: quiet, admin, pin, timeout,
announcement, announce_only_user, announce_user_count, announce_user_count_all, music_on_hold_when_empty,
marked, wait_marked and end_marked; of a bridge's max_members and the sounds; of a menu's single keys. The
names of callers are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from ringflow.simulator.clock import Companion, wait_until
from ringflow.simulator.incoming_call import GetData, IncomingCall
from ringflow.simulator.line import HungUp, KeyUp, Sound

SOUNDS: Mapping[str, str] = {
    "join": "confbridge-join",
    "leave": "confbridge-leave",
    "only_person": "conf-onlyperson",
    "only_one": "conf-onlyone",
    "there_are": "conf-thereare",
    "other_in_party": "conf-otherinparty",
    "locked": "conf-locked",
    "get_pin": "conf-getpin",
    "invalid_pin": "conf-invalidpin",
    "wait_for_leader": "conf-waitforleader",
    "leader_has_left": "conf-leaderhasleft",
    "kicked": "conf-kicked",
    "muted": "conf-muted",
    "unmuted": "conf-unmuted",
    "locked_now": "conf-lockednow",
    "unlocked_now": "conf-unlockednow",
}
"""The sounds of a bridge that its profile does not name by `sound_...` (conf_get_sound)."""

PIN_TRIES = 3
MOST_PIN_KEYS = 80
FIRST_PIN_KEY_MS = 6000
"""How long `ast_app_getdata` waits for a key where it is given no time."""
NEXT_PIN_KEY_MS = 2000
LOOKS_MS = 200
"""How often who is in a room looks whether somebody else has changed something for it."""
COMPANY = 2
"""From so many on somebody is heard in a room."""
TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
"""What Asterisk takes for true (ast_true)."""


class UserProfile:
    """What `CONFBRIDGE(user,...)` of a channel says."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def text(self, option: str) -> str:
        """An option as it was set, empty where it was not."""
        return self._options.get(option, "")

    def number(self, option: str) -> int:
        """An option that is a number, 0 where it is none."""
        text = self.text(option)
        return int(text) if text.isdecimal() else 0

    def says(self, option: str, otherwise: bool = False) -> bool:
        """An option that is true or false."""
        return self._options[option].lower() in TRUE if option in self._options else otherwise


class Conference:
    """A room; `profile` are the options of its bridge."""

    def __init__(self, profile: Mapping[str, str]) -> None:
        self.users: list[IncomingCall] = []
        """Who has joined, those too who are still told something before they hear the others."""
        self.inside: list[IncomingCall] = []
        """Who hears the room."""
        self.marked: list[IncomingCall] = []
        self.kicked: list[IncomingCall] = []
        self.ended: list[IncomingCall] = []
        """Whom the last marked user took along."""
        self.locked = False
        self.free_ms = 0
        """When all that was asked for is announced, by the clock."""
        self._profile = profile
        self._playing: set[asyncio.Task[None]] = set()

    def sound(self, kind: str) -> str:
        """The name of a sound, by its kind in `SOUNDS`."""
        return self._profile.get(f"sound_{kind}") or SOUNDS[kind]

    def figure(self, what: str) -> int:
        """What `CONFBRIDGE_INFO` says."""
        admins = sum(_profile(one).says("admin") for one in self.users)
        return {
            "parties": len(self.users),
            "admins": admins,
            "marked": len(self.marked),
            "locked": int(self.locked),
        }.get(what, 0)

    def kick_last(self) -> None:
        """Have who came last leave, unless that is an administrator (execute_menu_entry)."""
        if self.users and not _profile(self.users[-1]).says("admin"):
            self.kicked.append(self.users[-1])

    def unmark(self, call: IncomingCall) -> None:
        """A marked user leaves; the last one takes those along whose stay ends with it."""
        if call in self.marked:
            self.marked.remove(call)
            if not self.marked:
                self.ended += [one for one in self.users if _profile(one).says("end_marked")]

    @property
    def full(self) -> bool:
        """Whether nobody else may join but an administrator."""
        most = self._profile.get("max_members", "")
        return most.isdecimal() and 0 < int(most) <= len(self.users)

    def enter(self, call: IncomingCall) -> None:
        """One more hears the room."""
        self.inside.append(call)
        if len(self.inside) == COMPANY:
            self.inside[0].line.stops(Sound.MUSIC)
            self.inside[0].line.starts(Sound.CONFERENCE, False)
        if len(self.inside) >= COMPANY:
            call.line.starts(Sound.CONFERENCE, False)
        elif UserProfile(call.channel.conference_profile("user")).says("music_on_hold_when_empty"):
            call.line.starts(Sound.MUSIC, False)

    def leave(self, call: IncomingCall) -> None:
        """One less."""
        call.line.stops(Sound.MUSIC)
        call.line.stops(Sound.CONFERENCE)
        self.inside.remove(call)
        if len(self.inside) == COMPANY - 1:
            (alone,) = self.inside
            alone.line.stops(Sound.CONFERENCE)
            if UserProfile(alone.channel.conference_profile("user")).says("music_on_hold_when_empty"):
                alone.line.starts(Sound.MUSIC, False)

    def announce(self, call: IncomingCall, prompt: str) -> None:
        """Have all who are inside hear a prompt, after those that were asked for before.

        `call` asks for it, and does not wait for it. A prompt that is not there is left out.
        """
        length_ms = call.length_ms(prompt)
        if length_ms is None:
            return
        begins_ms = max(call.clock.monotonic_ms(), self.free_ms)
        self.free_ms = begins_ms + length_ms
        announcer = Companion(call.clock)
        task = asyncio.create_task(self._play(announcer, prompt, begins_ms, self.free_ms), name="announcer")
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _play(self, announcer: Companion, prompt: str, begins_ms: int, ends_ms: int) -> None:
        try:
            await announcer.until(begins_ms)
            hearing = [*self.inside]
            for call in hearing:
                call.hear(prompt)
            await announcer.until(ends_ms)
            for call in hearing:
                call.hear_no_more(prompt)
        finally:
            announcer.leave()


async def run_conference(call: IncomingCall, name: str) -> int:
    """`ConfBridge(name)`: in a room with the others who are there, until the caller hangs up."""
    call.answer()
    user = UserProfile(call.channel.conference_profile("user"))
    bridge = call.channel.conference_profile("bridge")
    call.channel.set_variable("CONFBRIDGE_RESULT", "FAILED")
    if not name:
        return -1
    if (pin := user.text("pin")) and not await _knows_pin(call, pin, Conference(bridge)):
        return -1
    room = call.exchange.conferences.get(name)
    if room is not None and (room.full or room.locked) and not user.says("admin"):
        await call.play(room.sound("locked"))
        return -1
    if room is None:
        room = call.exchange.conferences[name] = Conference(bridge)
    room.users.append(call)
    entered = await _told_at_entry(call, room, user)
    if entered:
        await _stay(call, room, user)
    room.users.remove(call)
    if not room.users:
        del call.exchange.conferences[name]
        # The room ends when its announcer has said all (destroy_conference_bridge).
        await wait_until(call.clock, room.free_ms)
    return 0 if entered else -1


async def _stay(call: IncomingCall, room: Conference, user: UserProfile) -> None:
    is_marked = user.says("marked")
    if is_marked:
        room.marked.append(call)
    waits = user.says("wait_marked") and not is_marked
    if waits and not room.marked and isinstance(await call.play(room.sound("wait_for_leader")), HungUp):
        call.channel.set_variable("CONFBRIDGE_RESULT", "HANGUP")
        return
    if not (waits and not room.marked):
        room.enter(call)
    elif user.says("music_on_hold_when_empty"):
        call.line.starts(Sound.MUSIC, False)
    if not user.says("quiet"):
        room.announce(call, room.sound("join"))
    result = await _until_over(call, room, user, waits=waits)
    call.channel.set_variable("CONFBRIDGE_RESULT", result)
    if call in room.inside:
        room.leave(call)
    call.line.stops(Sound.MUSIC)
    room.unmark(call)
    if result in _LAST_WORDS:
        await call.play(room.sound(_LAST_WORDS[result]))
    if not user.says("quiet"):
        room.announce(call, room.sound("leave"))


_LAST_WORDS = {"KICKED": "kicked", "ENDMARKED": "leader_has_left"}
"""What who has to leave is told."""


async def _until_over(call: IncomingCall, room: Conference, user: UserProfile, *, waits: bool) -> str:
    """Be in the room, or wait for a marked user; return how that ended, as CONFBRIDGE_RESULT says it."""
    menu = call.channel.conference_profile("menu")
    timeout_s = user.number("timeout")
    ends_ms = call.clock.monotonic_ms() + timeout_s * 1000 if timeout_s else None
    looks = bool(menu) or waits or user.says("end_marked")
    while True:
        if call in room.kicked:
            return "KICKED"
        if call in room.ended:
            return "ENDMARKED"
        if waits and bool(room.marked) is not (call in room.inside):
            call.line.stops(Sound.MUSIC)
            (room.enter if room.marked else room.leave)(call)
        now_ms = call.clock.monotonic_ms()
        if ends_ms is not None and now_ms >= ends_ms:
            return "TIMEOUT"
        until_ms = min((one for one in (ends_ms, now_ms + LOOKS_MS if looks else None) if one), default=None)
        event = await call.wait(until_ms, "".join(menu))
        if isinstance(event, HungUp):
            return "HANGUP"
        if isinstance(event, KeyUp) and menu[event.key] == "leave_conference":
            return "DTMF"
        if isinstance(event, KeyUp) and isinstance(await _obey(call, room, menu[event.key]), HungUp):
            return "HANGUP"


async def _obey(call: IncomingCall, room: Conference, action: str) -> HungUp | None:
    """What a key does (execute_menu_entry); volumes are heard by nobody here."""
    if action == "toggle_mute":
        call.is_muted = not call.is_muted
        return await _play_all(call, [room.sound("muted" if call.is_muted else "unmuted")])
    if action == "participant_count":
        return await _play_all(call, [*_count(room)])
    if action == "admin_toggle_conference_lock":
        room.locked = not room.locked
        return await _play_all(call, [room.sound("locked_now" if room.locked else "unlocked_now")])
    if action == "admin_kick_last":
        room.kick_last()
    return None


async def _knows_pin(call: IncomingCall, pin: str, bridge: Conference) -> bool:
    for _ in range(PIN_TRIES):
        ending, keyed = await call.get_data(
            [bridge.sound("get_pin")], MOST_PIN_KEYS, FIRST_PIN_KEY_MS, NEXT_PIN_KEY_MS, "#"
        )
        if ending is not GetData.FAILED and keyed.lower() == pin.lower():
            return True
        if isinstance(await call.play(bridge.sound("invalid_pin")), HungUp):
            break
    return False


async def _told_at_entry(call: IncomingCall, room: Conference, user: UserProfile) -> bool:
    """Say what only who joins is told, before the others are heard; False: the caller has hung up."""
    prompts: list[str] = []
    if announcement := user.text("announcement"):
        prompts.append(announcement)
    if user.says("announce_user_count"):
        prompts += _count(room)
    if isinstance(await _play_all(call, prompts), HungUp):
        return False
    if _announces_count_to_all(room, user):
        for prompt in _count(room):
            room.announce(call, prompt)
        # Who joins waits for it.
        if isinstance(await call.wait(max(room.free_ms, call.clock.monotonic_ms())), HungUp):
            return False
    alone = len(room.users) == 1 and not user.says("quiet") and user.says("announce_only_user", True)
    return not (alone and isinstance(await call.play(room.sound("only_person")), HungUp))


def _announces_count_to_all(room: Conference, user: UserProfile) -> bool:
    option = "announce_user_count_all"
    return user.says(option) or 0 < user.number(option) < len(room.users)


def _profile(call: IncomingCall) -> UserProfile:
    return UserProfile(call.channel.conference_profile("user"))


def _count(room: Conference) -> Iterator[str]:
    """How many others there are (announce_user_count)."""
    others = len(room.users) - 1
    if others == 1:
        yield room.sound("only_one")
    elif others > 1:
        yield room.sound("there_are")
        yield from say_number(others)
        yield room.sound("other_in_party")


def say_number(number: int) -> Iterator[str]:
    """The prompts of a number below 1,000,000, as Asterisk says it in English (ast_say_number_full_en)."""
    if number >= 1000:
        yield from say_number(number // 1000)
        yield "digits/thousand"
        number %= 1000
        if not number:
            return
    if number >= 100:
        yield f"digits/{number // 100}"
        yield "digits/hundred"
        number %= 100
        if not number:
            return
    if number > 20:
        yield f"digits/{number // 10 * 10}"
        number %= 10
        if not number:
            return
    yield f"digits/{number}"


async def _play_all(call: IncomingCall, prompts: list[str]) -> HungUp | None:
    for prompt in prompts:
        if isinstance(await call.play(prompt), HungUp):
            return HungUp()
    return None
