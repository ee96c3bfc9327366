"""ConfBridge as the virtual Asterisk runs it: who is in a room, and what is announced to whom.

As apps/app_confbridge.c does. What a profile says comes from `CONFBRIDGE(user,OPTION)` and
`CONFBRIDGE(bridge,OPTION)` of the caller's channel, for there is no confbridge.conf here; the room has the
bridge profile of who opened it. Of a user's options these are followed: quiet, admin, pin, timeout,
announcement, announce_only_user, announce_user_count, announce_user_count_all, music_on_hold_when_empty,
marked, wait_marked and end_marked; of a bridge's max_members and the sounds; of a menu the keys, one or
several for an entry, and what they do. The names of callers, recordings and pictures are not.
"""

from __future__ import annotations

import asyncio
import re
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
    "participants_muted": "conf-now-muted",
    "participants_unmuted": "conf-now-unmuted",
    "error_menu": "conf-errormenu",
    "begin": "confbridge-conf-begin",
}
"""The sounds of a bridge that its profile does not name by `sound_...` (conf_get_sound)."""

PIN_TRIES = 3
MOST_PIN_KEYS = 80
FIRST_PIN_KEY_MS = 6000
"""How long `ast_app_getdata` waits for a key where it is given no time."""
NEXT_PIN_KEY_MS = 2000
NEXT_MENU_KEY_MS = 1000
"""How long a menu waits for the next key of a longer sequence (featuredigittimeout of features.conf)."""
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
        self.waiting: list[IncomingCall] = []
        """Who waits for a marked user."""
        self.locked = False
        self.muted = False
        """Whether all who are no administrators are to be silent."""
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

    def kick_last(self, by: IncomingCall) -> bool:
        """Have who came last leave, unless that is an administrator (action_kick_last)."""
        last = self.inside[-1] if self.inside else by
        if last is by or _profile(last).says("admin"):
            return False
        self.kicked.append(last)
        last.line.interrupt()
        return True

    def mute_participants(self) -> None:
        """Silence all who are no administrators, or let them speak again."""
        self.muted = not self.muted
        for one in self.inside:
            if not _profile(one).says("admin"):
                one.is_muted = self.muted

    def mark(self, call: IncomingCall) -> None:
        """A marked user is inside; the first one begins it for those who waited (transition_to_marked)."""
        self.marked.append(call)
        if len(self.marked) > 1 or not self.waiting:
            return
        for one in (*self.waiting,):
            self.waiting.remove(one)
            one.line.stops(Sound.MUSIC)
            self.enter(one)
        if not _profile(call).says("quiet"):
            self.announce(call, self.sound("begin"))

    def unmark(self, call: IncomingCall) -> None:
        """A marked user leaves; the last one takes those along whose stay ends with it (leave_marked)."""
        if call not in self.marked:
            return
        self.marked.remove(call)
        if self.marked:
            return
        self.ended += [one for one in self.inside if _profile(one).says("end_marked")]
        for one in self.inside:
            one.line.interrupt()
        if len(self.ended) < len(self.inside) and not _profile(call).says("quiet"):
            self.announce(call, self.sound("leader_has_left"))

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
        """Have all who are inside or wait hear a prompt, after those that were asked for before.

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
            hearing = [*self.inside, *self.waiting]
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
    waits = user.says("wait_marked") and not user.says("marked")
    if waits and not room.marked and isinstance(await call.play(room.sound("wait_for_leader")), HungUp):
        call.channel.set_variable("CONFBRIDGE_RESULT", "HANGUP")
        return
    call.is_muted = room.muted and not user.says("admin")
    if user.says("marked"):
        room.mark(call)
        # Who begins a conference waits until that is said, and does not hear it.
        if isinstance(await call.wait(max(room.free_ms, call.clock.monotonic_ms())), HungUp):
            call.channel.set_variable("CONFBRIDGE_RESULT", "HANGUP")
            room.unmark(call)
            return
    if not (waits and not room.marked):
        room.enter(call)
    else:
        room.waiting.append(call)
        if user.says("music_on_hold_when_empty"):
            call.line.starts(Sound.MUSIC, False)
    if not user.says("quiet"):
        room.announce(call, room.sound("join"))
    result = await _until_over(call, room, user, waits=waits)
    call.channel.set_variable("CONFBRIDGE_RESULT", result)
    if call in room.inside:
        room.leave(call)
    if call in room.waiting:
        room.waiting.remove(call)
    call.line.stops(Sound.MUSIC)
    if not user.says("quiet"):
        room.announce(call, room.sound("leave"))
        if result in HAVING_TO_LEAVE:
            await call.play(room.sound("kicked"))
    room.unmark(call)


HAVING_TO_LEAVE = frozenset({"KICKED", "ENDMARKED"})
"""The results of those who are told that they have to leave."""


async def _until_over(call: IncomingCall, room: Conference, user: UserProfile, *, waits: bool) -> str:
    """Be in the room, or wait for a marked user; return how that ended, as CONFBRIDGE_RESULT says it."""
    menu = Menu(call.channel.conference_profile("menu"))
    timeout_s = user.number("timeout")
    ends_ms = call.clock.monotonic_ms() + timeout_s * 1000 if timeout_s else None
    while True:
        if call in room.kicked:
            return "KICKED"
        if call in room.ended:
            return "ENDMARKED"
        if waits and not room.marked and call in room.inside:
            room.leave(call)
            room.waiting.append(call)
            if user.says("music_on_hold_when_empty"):
                call.line.starts(Sound.MUSIC, False)
        now_ms = call.clock.monotonic_ms()
        if ends_ms is not None and now_ms >= ends_ms:
            return "TIMEOUT"
        moments = (ends_ms, menu.gives_up_ms)
        event = await call.wait(min((one for one in moments if one is not None), default=None), menu.keys)
        if isinstance(event, HungUp):
            return "HANGUP"
        key = event.key if isinstance(event, KeyUp) else ""
        for action in menu.actions_of(key, call.clock.monotonic_ms()):
            if action == "leave_conference":
                return "DTMF"
            if isinstance(await _obey(call, room, menu, action), HungUp):
                return "HANGUP"


class Menu:
    """What keys do in a room: the entries of `CONFBRIDGE(menu,KEYS)`."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self.keys = "".join(sorted({key for keys in entries for key in keys}))
        self.gives_up_ms: int | None = None
        """When a longer sequence that has begun is given up; None: none has."""
        self._entries = entries
        self._keyed = ""

    def actions_of(self, key: str, now_ms: int) -> list[str]:
        """What is to be done after this key; empty: none came in time."""
        if not key and (self.gives_up_ms is None or now_ms < self.gives_up_ms):
            return []
        self._keyed += key
        self.gives_up_ms = None
        if key and self._keyed not in self._entries and self._goes_on():
            self.gives_up_ms = now_ms + NEXT_MENU_KEY_MS
            return []
        keyed, self._keyed = self._keyed, ""
        return self.at(keyed)

    def at(self, keyed: str) -> list[str]:
        """The actions of an entry, in order; none where there is no such entry."""
        return re.findall(r"[a-z_]+(?:\([^)]*\))?", self._entries.get(keyed, ""))

    def _goes_on(self) -> bool:
        return any(keys.startswith(self._keyed) for keys in self._entries)


async def _obey(call: IncomingCall, room: Conference, menu: Menu, action: str) -> HungUp | None:
    """What a key does (execute_menu_entry); volumes are heard by nobody here."""
    if action == "toggle_mute":
        call.is_muted = not call.is_muted
        return await _play_all(call, [room.sound("muted" if call.is_muted else "unmuted")])
    if action == "participant_count":
        return await _play_all(call, [*_count(room)])
    if action.startswith("playback("):
        return await _play_all(call, action[len("playback(") : -1].split("&"))
    if action.startswith("admin_"):
        return await _obey_admin(call, room, action)
    return None


async def _obey_admin(call: IncomingCall, room: Conference, action: str) -> HungUp | None:
    """What only administrators may; of the others only who would kick is told that it does not go."""
    is_admin = _profile(call).says("admin")
    if action == "admin_kick_last" and not (is_admin and room.kick_last(call)):
        return await _play_all(call, [room.sound("error_menu")])
    if not is_admin:
        return None
    if action == "admin_toggle_conference_lock":
        room.locked = not room.locked
        return await _play_all(call, [room.sound("locked_now" if room.locked else "unlocked_now")])
    if action == "admin_toggle_mute_participants":
        room.mute_participants()
        room.announce(call, room.sound("participants_muted" if room.muted else "participants_unmuted"))
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
