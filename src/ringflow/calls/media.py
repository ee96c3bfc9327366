"""What a caller hears and keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.conference import RoomEnd, RoomOrder, confer
from ringflow.calls.digits import (
    FIRST_DIGIT_TIMEOUT_S,
    INTER_DIGIT_TIMEOUT_S,
    KEYS_VARIABLE,
    Collected,
    Collection,
    Collector,
    Secret,
)
from ringflow.calls.echo import echo
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.key_options import KeyOptions
from ringflow.calls.language import CallLanguage
from ringflow.calls.music import NoMusic, look_for_class, start_music, stop_music
from ringflow.calls.orders import CallOrders, Redirected
from ringflow.calls.outcome import Ending
from ringflow.calls.playback import play_sound
from ringflow.calls.prompt import Circumstances, Prompt, Sayable, Unsayable, prompts_of, shown
from ringflow.calls.recorded_sound import SHOWN, recording_named
from ringflow.calls.variables import Variables
from ringflow.calls.world import CallWorld
from ringflow.plain_text import plain
from ringflow.sounds.library import MAX_NAME_LENGTH, is_prompt_name

log = structlog.get_logger("ringflow.calls")

LONGEST_WAIT_MS = 5000
"""For how long a call that waits does not look for operators' orders."""


@dataclass(frozen=True, slots=True)
class Played:
    """How playing ended: `key` stopped it, there was no such sound, or it came to its end."""

    key: str = ""
    is_missing: bool = False


class Media:
    """The caller's side of one call. Every verb may raise `ChannelGone` and `Redirected`."""

    def __init__(
        self,
        session: AgiSession,
        world: CallWorld,
        variables: Variables,
        call_events: CallEvents,
        orders: CallOrders,
        language: CallLanguage,
    ) -> None:
        self._session = session
        self._orders = orders
        self._world = world
        self._language = language
        self._variables = variables
        self._events = call_events
        self._collector = Collector(session, world.clock, world.missing_mend)
        self._has_early_media = False

    async def answer(self) -> None:
        """Answer, once; a slot does so only when the caller has to hear something."""
        if not self._events.history.answered:
            await self._session.answer()
            self._tell_answered()

    async def play(self, *prompts: Prompt) -> None:
        """Play prompts one after the other; keys are ignored. What cannot be said is noted and left out."""
        await self.answer()
        await self._play_all(prompts)

    async def _play_all(self, prompts: Sequence[Prompt]) -> None:
        for prompt in await self._names(prompts):
            await self.obey()
            await self._play(prompt)
        await self.obey()

    async def play_early(self, *prompts: Prompt) -> None:
        """Play prompts to a caller who is not answered (SIP 183); to one who is, play them as any other."""
        await self.begin_early_media()
        await self._play_all(prompts)

    async def begin_early_media(self) -> None:
        """Open the way for sound before the answer, once: without it nothing that is played is heard."""
        if not (self._events.history.answered or self._has_early_media):
            await self._session.execute("Progress")
            self._has_early_media = True
            self._events.note("early_media")

    async def wait(self, length_ms: int, keys: str = "") -> str:
        """Let time pass; one of `keys` ends it, and is returned. Keys that do not are lost."""
        ends_ms = self._world.clock.monotonic_ms() + length_ms
        while (left_ms := ends_ms - self._world.clock.monotonic_ms()) > 0:
            await self.obey()
            # In pieces, so that an operator's order does not wait for the end.
            key = await self._session.wait_for_digit(min(left_ms, LONGEST_WAIT_MS))
            if key and key in keys:
                self._events.emit(events.DigitsCollected, key, Ending.OPTION)
                return key
        await self.obey()
        return ""

    async def say(self, words: Sayable) -> bool:
        """Say something to its end; False, with nothing played, where it cannot be said, which is noted.

        A text is made before the call is answered.
        """
        await self.obey()
        names = await self._said(words)
        if names is None:
            return False
        await self.play(*names)
        return True

    async def obey(self) -> None:
        """Do what an operator has ordered. Raises `Redirected`."""
        while (prompt := self._orders.next_prompt()) is not None:
            await self.answer()
            await self._play(self._language.prompt(prompt))
        await self._orders.obey()

    async def play_until(self, prompt: Prompt, end_keys: str = "", *, keep_key: bool = False) -> Played:
        """Play a prompt, a recording or words, to the end or to one of `end_keys`.

        With `keep_key` the key begins the next input, if that is asked for soon and takes keys in its prompt.
        """
        if keep_key and (kept := self._collector.kept_key()):
            # The caller was ahead of the prompt before this one already.
            return Played(key=kept)
        await self.answer()
        for name in await self._names([prompt]):
            await self.obey()
            shown, sound = self._named(name)
            if sound is None:
                self._events.emit(events.PromptMissing, shown)
                return Played(is_missing=True)
            self._events.emit(events.PromptPlayed, shown)
            key = await self._collector.listen(sound, end_keys)
            if key is None:
                self._events.emit(events.PromptMissing, shown)
                return Played(is_missing=True)
            if key:
                await self._tell_key(key, keep_key=keep_key)
                return Played(key=key)
        await self.obey()
        return Played()

    async def music(self, music_class: str, length_ms: int, end_keys: str = "") -> str:
        """Play music on hold; returns the key that ended it. Raises `NoMusic`."""
        await self.answer()
        await self.obey()
        self._events.note("music", music_class)
        await start_music(self._session, music_class)
        try:
            key = await self.wait(length_ms, end_keys)
        except Redirected:
            await stop_music(self._session)
            raise
        await stop_music(self._session)
        return key

    async def look_for_music(self, music_class: str) -> None:
        """Raise `NoMusic` where Asterisk has no such class of music."""
        await look_for_class(self._session, music_class)

    async def confer(self, order: RoomOrder) -> RoomEnd:
        """Let the caller talk with the others in a room. Raises `NoConference`."""
        await self.answer()
        await self.obey()
        self._events.note("conference", f"{order.room}{', as a moderator' if order.moderator else ''}")
        ended = await confer(self._session, order)
        self._events.note("conference_left", ended.value)
        await self.obey()
        return ended

    @asynccontextmanager
    async def music_meanwhile(self, music_class: str) -> AsyncIterator[None]:
        """Play music on hold for the time of the block. A class that is not there is noted: nothing plays."""
        await self.answer()
        await self.obey()
        try:
            await start_music(self._session, music_class)
        except NoMusic as error:
            self._events.note("no_music", str(error))
            yield
            return
        self._events.note("music", music_class)
        yield
        await stop_music(self._session)

    async def echo(self, end_key: str, longest_ms: int) -> None:
        """Let the caller hear himself until a key, or for so long. Raises `NoEcho`."""
        await self.answer()
        await self.obey()
        self._events.note("echo")
        await echo(self._session, self._world.echo, end_key, longest_ms)
        await self.obey()

    async def _tell_key(self, key: str, *, keep_key: bool) -> None:
        if keep_key:
            # Told of with the input that it begins, which may be a secret.
            self._collector.keep_key(key)
        else:
            self._events.emit(events.DigitsCollected, key, Ending.OPTION)
        await self.obey()

    async def _play(self, prompt: str) -> None:
        self._events.emit(events.PromptPlayed, prompt)
        sound = self._world.asterisk_prompt(prompt)
        if not await play_sound(self._session, sound, self._world.missing_mend):
            self._events.emit(events.PromptMissing, prompt)

    def _named(self, name: str) -> tuple[str, str | None]:
        """What records have of a name, and what Asterisk is told to play; None: it names no sound.

        Whoever reads a record may not hear a recording for that. A name that leads elsewhere is none.
        """
        recording_id = recording_named(name)
        if recording_id is not None:
            recordings = self._world.recordings
            return SHOWN, None if recordings is None else recordings.folder.sound(recording_id)
        if is_prompt_name(name):
            return name, self._world.asterisk_prompt(name)
        return plain(name)[:MAX_NAME_LENGTH], None

    async def collect(
        self,
        *prompts: Prompt,
        max_digits: int,
        terminators: str = "#",
        first_digit_timeout_s: float = FIRST_DIGIT_TIMEOUT_S,
        inter_digit_timeout_s: float = INTER_DIGIT_TIMEOUT_S,
        barge_in: bool = True,
        fixed_length: bool = False,
        options: KeyOptions | None = None,
        secret: Secret = False,
    ) -> Collected:
        """Play prompts and take digits until a terminator, `max_digits`, or silence.

        More than `max_digits` end as `Ending.TOO_LONG`; with `fixed_length` they belong to the next input.
        `options` are sequences of keys that mean something by themselves; `max_digits` is then how many other
        digits are taken, and may be 0.
        `secret` ones (PINs, codes of vouchers) stand masked in events and in the call's record.
        """
        await self.obey()
        if barge_in:
            # `Read` answers by itself (app_read.c): a command less for Asterisk.
            self._tell_answered()
        else:
            await self.answer()
        # A caller who was ahead of the prompt before this one does not hear this one either.
        is_ahead = barge_in and self._collector.kept_key() != ""
        names = [] if is_ahead else await self._names(prompts)
        for name in names:
            self._events.emit(events.PromptPlayed, name)
        collection = Collection(
            sounds=tuple(self._world.asterisk_prompt(name) for name in names),
            max_digits=max_digits,
            terminators=terminators,
            first_digit_timeout_s=first_digit_timeout_s,
            inter_digit_timeout_s=inter_digit_timeout_s,
            barge_in=barge_in,
            fixed_length=fixed_length,
            options=options,
        )
        collected = await self._collector.collect(collection)
        if collected.late_terminator:
            self._events.note("late_terminator", "ignored")
        hidden = secret(collected.digits) if callable(secret) else secret
        written = events.MASKED if hidden and collected.digits else collected.digits
        self._events.emit(events.DigitsCollected, written, collected.ending)
        if hidden:
            # Asterisk would show it to whoever asks for the channel's variables.
            await self._session.set_variable(KEYS_VARIABLE, "")
        await self.obey()
        return collected

    async def _names(self, prompts: Sequence[Prompt]) -> list[str]:
        """The library's names of prompts, those of words that are made for this call among them."""
        names: list[str] = []
        for prompt in prompts:
            if isinstance(prompt, str):
                names.append(self._language.prompt(prompt))
                continue
            names += await self._said(prompt) or ()
        return names

    async def _said(self, prompt: Sayable) -> Sequence[str] | None:
        """The library's prompts that say it; None, which is noted, where it cannot be said."""
        world = self._world
        circumstances = Circumstances(world.zone, world.country, world.clock.now_s())
        try:
            speech = prompt.speech(self._variables, circumstances)
            names = await prompts_of(speech, world.voice)
        except Unsayable as error:
            self._events.note("not_said", str(error))
            log.warning("not said", slot=self._events.place.slot, detail=str(error))
            return None
        self._events.note("said", shown(speech))
        return names

    def _tell_answered(self) -> None:
        if not self._events.history.answered:
            self._events.emit(events.CallAnswered)
