"""The language in which a caller is spoken to, and the prompts that there are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringflow.config import Config
from ringflow.errors import Problem, Refused
from ringflow.sounds.voices import GENERATED
from ringflow.speaking import LIBRARY_PREFIX, SaidAs, languages, load_language, prompts_needed

if TYPE_CHECKING:
    from ringflow.calls.event_stream import CallEvents
    from ringflow.calls.variables import Variables
    from ringflow.calls.world import CallWorld

OFFERS = "LANGUAGE"
"""The folder of the library with the prompts that offer a language, each in it: `LANGUAGE/es`."""

_OF_ONE_LANGUAGE = (LIBRARY_PREFIX, f"{GENERATED}/", f"{OFFERS}/")
"""Prompts below these were made for one language, which stands in their names."""


def variant_of(prompt: str, language: str) -> str:
    """The name in the library of what a prompt is in a language that is not the configuration's."""
    return f"{language}/{prompt}"


def has_variants(prompt: str) -> bool:
    """Whether there may be variants of a prompt in other languages."""
    return not prompt.startswith(_OF_ONE_LANGUAGE)


class CallLanguage:
    """The language of one call: the one that was chosen, else that of its app, else the configured one.

    What a caller hears is looked for in these languages, in that order. A prompt in no language's folder is
    in the configured one. `offered` are the languages that the app lists, none where it lists none.
    """

    def __init__(self, world: CallWorld, variables: Variables, call_events: CallEvents) -> None:
        self._world = world
        self._variables = variables
        self._events = call_events
        self._chosen: str | None = None
        self._of_app: str | None = None
        self.offered: tuple[str, ...] = ()
        variables.give_language(world.language)

    @property
    def code(self) -> str:
        """The code of the language, such as `en`."""
        return self._chosen or self._of_app or self._world.language

    def choose(self, code: str, how: str = "") -> None:
        """Speak this language from now on, whatever apps say. Raises `Refused` for one that is not spoken.

        `how` it was chosen stands in the call's record.
        """
        if code not in languages():
            load_language(code)
        self._chosen = code
        self._events.note("language", f"{code} ({how})" if how else code)
        self._variables.give_language(code)

    def enter_app(self, language: str | None, offered: tuple[str, ...] = ()) -> None:
        """The call is in an app with this language (None: it names none), which is for those `offered`."""
        self.offered = offered
        if language != self._of_app:
            self._of_app = language
            self._variables.give_language(self.code)

    def has_words(self, code: str) -> bool:
        """Whether numbers can be said in a language: their prompts are in the library."""
        if code == self._world.language:
            return True
        return self._world.has_prompt(next(iter(prompts_needed(code, SaidAs.DIGITS))))

    def prompt(self, name: str) -> str:
        """The name of a prompt's best variant for this call."""
        for code in (self._chosen, self._of_app):
            if code is None:
                continue
            if code == self._world.language or not has_variants(name):
                return name
            variant = variant_of(name, code)
            if self._world.has_prompt(variant):
                return variant
        return name

    def sound(self, name: str) -> str:
        """The same as Asterisk is told to play it."""
        return self._world.asterisk_prompt(self.prompt(name))


def wrong_language(config: Config) -> Problem | None:
    """What is wrong with the language that the configuration names."""
    try:
        load_language(config.language)
    except Refused as refused:
        return config.problem(("language",), f"`language`: {refused}", "write one of these")
    return None
