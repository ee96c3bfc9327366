"""Which backend speaks a text, in which voice, and the name of the prompt that it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ringflow.config import ESPEAK, Config, SpeechBackendConfig, SpeechConfig
from ringflow.errors import Problem
from ringflow.sounds.espeak_backend import EspeakBackend
from ringflow.sounds.http_backend import HttpBackend
from ringflow.sounds.program_backend import PiperBackend, ProgramBackend
from ringflow.sounds.speech_backend import SpeechBackend, SpeechFailed
from ringflow.sounds.utterance import Utterance
from ringflow.wording import did_you_mean, known_words, quoted

GENERATED = "GENERATED"
"""The folder of the library in which spoken texts are."""

_NAME_DIGITS = 24


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """The backend that speaks a text, by its name, in a voice; None: the backend's own of the language."""

    name: str
    backend: SpeechBackend
    voice: str | None


class Voices:
    """The configured backends of speech, and espeak-ng. `voice_of` gives espeak-ng's voice of a language."""

    def __init__(
        self, speech: SpeechConfig, backends: Mapping[str, SpeechBackend], voice_of: Callable[[str], str]
    ) -> None:
        self._speech = speech
        espeak = EspeakBackend(voice_of, speech.words_per_minute)
        self._backends: dict[str, SpeechBackend] = {ESPEAK: espeak, **backends}

    @classmethod
    def configured(cls, config: Config, voice_of: Callable[[str], str]) -> Voices:
        """Those of a configuration."""
        backends = {name: _backend(one, config) for name, one in config.speech.backends.items()}
        return cls(config.speech, backends, voice_of)

    @property
    def limit_s(self) -> float:
        """How long a call waits for its text."""
        return self._speech.limit_s

    @property
    def kept(self) -> int:
        """How many spoken texts are kept."""
        return self._speech.kept

    @property
    def kept_bytes(self) -> int:
        """How large they may be together."""
        return round(self._speech.kept_mb * 1_000_000)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all backends."""
        return tuple(self._backends)

    def choose(self, utterance: Utterance) -> ChosenVoice:
        """What speaks a text. Raises `SpeechFailed` for an unknown backend, and one that has no SSML."""
        of_language = self._speech.languages.get(utterance.language)
        own = (of_language.backend if of_language else None) or self._speech.backend
        name = utterance.backend or own
        backend = self._backends.get(name)
        if backend is None:
            mend = did_you_mean(name, self._backends, f"there are {known_words(self._backends)}")
            raise SpeechFailed(f"there is no backend of speech {quoted(name)}: {mend}")
        if utterance.is_ssml and not backend.takes_ssml:
            raise SpeechFailed(f"the backend `{name}` has no SSML: write plain text, or name another backend")
        voice = of_language.voice if of_language is not None and name == own else None
        return ChosenVoice(name, backend, utterance.voice or voice)

    def prompt_name(self, utterance: Utterance) -> str:
        """The name of the prompt that a text becomes. Raises `SpeechFailed` as `choose` does."""
        chosen = self.choose(utterance)
        sounds_by = [chosen.name, chosen.backend.identity, chosen.voice, utterance.is_ssml, utterance.text]
        digest = hashlib.sha256(json.dumps(sounds_by).encode()).hexdigest()[:_NAME_DIGITS]
        return f"{GENERATED}/{utterance.language}/{digest}"

    def lacks(self, utterance: Utterance) -> tuple[str, str] | None:
        """Why a text like this cannot be spoken here, and what to do; None: nothing that is known."""
        try:
            chosen = self.choose(utterance)
        except SpeechFailed as error:
            what, _, mend = str(error).rpartition(": ")
            return what, mend
        return chosen.backend.lacks(utterance.language, chosen.voice)


def speech_problems(config: Config) -> Iterator[Problem]:
    """Backends that the configuration names and does not have."""
    known = (ESPEAK, *config.speech.backends)
    named = {("speech", "backend"): config.speech.backend} | {
        ("speech", "languages", code, "backend"): one.backend
        for code, one in config.speech.languages.items()
        if one.backend is not None
    }
    for location, name in named.items():
        if name not in known:
            mend = did_you_mean(name, known, f"there are {known_words(known)}")
            yield config.problem(location, f"there is no backend of speech {quoted(name)}", mend)
    if ESPEAK in config.speech.backends:
        what = f"`{ESPEAK}` is there without being configured"
        yield config.problem(("speech", "backends", ESPEAK), what, "give the backend another name")


def _backend(one: SpeechBackendConfig, config: Config) -> SpeechBackend:
    if one.http is not None:
        file = one.http.secret_file
        return HttpBackend(one.http, one, config.path(file) if file is not None else None)
    if one.piper is not None:
        models = {name: config.path(path) for name, path in one.piper.models.items()}
        return PiperBackend(one.piper, one, models)
    assert one.command is not None
    return ProgramBackend(one.command, one)
