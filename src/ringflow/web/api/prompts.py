"""Prompts over HTTP: listed, listened to, uploaded, spoken and deleted."""

from __future__ import annotations

import asyncio
from functools import partial

from pydantic import Field
from sqlalchemy import Text, column

from ringflow.actor import Actor, Principal
from ringflow.audit import Verb, note
from ringflow.calls.language import has_variants, variant_of
from ringflow.errors import Conflict, Unknown
from ringflow.flows.uses import SlotPlace, places
from ringflow.forms.prompt import (
    ImportedPromptForm,
    PromptDetailForm,
    PromptForm,
    imported_prompt_form,
    prompt_detail_form,
    prompt_form,
)
from ringflow.rights import Right
from ringflow.sounds.conversion import ImportReport, import_sound
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.sound_file import SoundFormat, sound_file
from ringflow.sounds.speech import speak
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import GENERATED, Voices
from ringflow.speaking import LIBRARY_PREFIX, languages, voice_of
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.rest.conditions import IfMatch, Replaces
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.raw_body import RawBody, Upload
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("prompts", "/prompts", "Prompts: sounds that flows play, by their names in the library.")

PROMPTS = Listing("prompts", {"name": (column("name", Text),)}, "name")
SUFFIXES = {
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/vnd.wave": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/aiff": ".aiff",
    "audio/basic": ".ulaw",
    "application/octet-stream": ".wav",
}
"""What is taken, and how a file of the kind ends. What a file without a type is, its beginning says."""
MAX_SOUND_BYTES = 60_000_000
"""Five minutes of stereo at 48,000 samples/s."""
MAX_TEXT = 5000
_MADE = (LIBRARY_PREFIX, f"{GENERATED}/")
"""Below these stand the words of numbers, and what flows have said: thousands."""


class PromptQuery(Input):
    """Which prompts."""

    q: str | None = None
    """A part of the name, in any capitals."""
    language: str | None = None
    """Only variants in this language."""
    words: bool = False
    """Also the words of numbers, and what texts of flows were spoken."""


class Format(Input):
    """In which format a prompt is heard."""

    format: SoundFormat = SoundFormat.WAV


class Deletion(Input):
    """Whether a prompt is deleted that is in use."""

    used: bool = False
    """Also where flows play it."""


class SpokenText(Input):
    """A text that is to be spoken as a prompt."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    language: str | None = None
    """null: that of the configuration."""
    ssml: bool = False
    """The text is SSML."""
    backend: str | None = None
    """One of `speech.backends`; null: the one that the language has."""
    voice: str | None = None


@RESOURCE.get(Right.SOUNDS_READ, listing=PROMPTS)
async def list_prompts(services: Services, query: PromptQuery, asked: PageRequest) -> Page[PromptForm]:
    """List the prompts of the library with their lengths and forms."""
    library = _library(services)

    def find() -> Page[PromptForm]:
        page = page_of_all(PROMPTS, ((one, one) for one in library.names() if _wanted(one, query)), asked)
        return page.map(lambda name: _form(library, name))

    return await asyncio.to_thread(find)


@RESOURCE.get(Right.SOUNDS_READ, "/{name}", tagged=True)
async def show_prompt(services: Services, name: str) -> PromptDetailForm:
    """Return a prompt, the languages that have a variant of it, and the slots that play it.

    In the path the `/` of its name is written %2F.
    """
    return await _detail(services, name)


@RESOURCE.get(Right.SOUNDS_READ, "/{name}/sound", media=tuple(one.content_type for one in SoundFormat))
async def listen_to_prompt(services: Services, name: str, query: Format) -> Content:
    """Return a prompt as a sound that browsers play."""
    library = _library(services)
    data = await asyncio.to_thread(sound_file, library, name, query.format)
    return Content(data, query.format.content_type, version=f"{library.version(name)}-{query.format}")


@RESOURCE.put(Right.SOUNDS_CHANGE, "/{name}/sound", upload=Upload(tuple(SUFFIXES), MAX_SOUND_BYTES))
async def upload_prompt(
    services: Services, principal: Principal, name: str, replaces: Replaces, body: RawBody
) -> ImportedPromptForm:
    """Make a prompt of a recording: it is levelled, and written in every form that Asterisk plays.

    `If-Match` names the `ETag` of the prompt that it replaces; `If-None-Match: *` makes a new one. A call
    that plays it finishes the version that it began with.
    """
    version = await _replaced(services, name, replaces)
    path = await asyncio.to_thread(body.path, SUFFIXES[body.content_type])
    library = PromptLibrary(_library(services).folder, version)
    work = partial(import_sound, path, name, library, "the recording")
    async with services.conversions:
        done = await asyncio.to_thread(work)
    return await _noted(services, principal, done, "recording")


@RESOURCE.put(Right.SOUNDS_CHANGE, "/{name}/speech")
async def speak_prompt(
    services: Services, principal: Principal, name: str, replaces: Replaces, body: SpokenText
) -> ImportedPromptForm:
    """Speak a text and make it a prompt, by the voice that flows have for the language.

    `If-Match` and `If-None-Match` are those of an upload.
    """
    version = await _replaced(services, name, replaces)
    config = services.config
    utterance = Utterance(body.text, body.language or config.language, body.ssml, body.backend, body.voice)
    library = PromptLibrary(_library(services).folder, version)
    voices = Voices.configured(config, voice_of)
    async with services.conversions:
        # It converts as well, which must not keep calls waiting.
        done = await asyncio.to_thread(lambda: asyncio.run(speak(utterance, name, library, voices)))
    return await _noted(services, principal, done, "text")


@RESOURCE.delete(Right.SOUNDS_CHANGE, "/{name}")
async def delete_prompt(actor: Actor, services: Services, name: str, match: IfMatch, query: Deletion) -> None:
    """Delete a prompt that no flow plays, or with `used=true` any."""
    found = await _detail(services, name)
    match.require(found)
    if found.used_in and not query.used:
        apps = sorted({one.app for one in found.used_in})
        text = f"prompt {name} is played by {', '.join(apps)}"
        raise Conflict("prompt.in_use", text, prompt=name, apps=apps)
    await asyncio.to_thread(_library(services).delete, name, found.version)
    await note(actor, Verb.DELETE, f"prompt {name}", {"duration_s": found.duration_s}, None)


async def _noted(
    services: Services, principal: Principal, done: ImportReport, source: str
) -> ImportedPromptForm:
    form = imported_prompt_form(done)
    async with services.opener(principal)() as actor:
        facts = {"source": source, "duration_s": form.duration_s}
        await note(actor, Verb.IMPORT, f"prompt {done.name}", None, facts)
    return form


async def _replaced(services: Services, name: str, replaces: Replaces) -> str | None:
    """The version that is replaced. Raises `RequestRefused` where another one is there."""
    if _library(services).version(name) is None:
        replaces.require(None)
        return None
    found = await _detail(services, name)
    replaces.require(found)
    return found.version


async def _detail(services: Services, name: str) -> PromptDetailForm:
    library = _library(services)
    version = library.version(name)
    if version is None:
        raise Unknown("prompt.unknown", library.missing(name), prompt=name)
    drafts, _ = await asyncio.to_thread(services.flows.library.folder.drafts)
    code, _, rest = name.partition("/")
    played = rest if code in languages() else name
    used: list[SlotPlace] = [
        *places(drafts.values(), lambda slot: any(prompt == played for _, prompt in slot.prompts()))
    ]
    others = languages() if has_variants(played) else ()
    there = [one for one in others if library.exists(variant_of(played, one))]
    spoken = {one for draft in drafts.values() if draft.settings for one in draft.settings.languages or ()}
    lacking = sorted(spoken & {*others} - {*there, services.config.language})
    return prompt_detail_form(_form(library, name), there, lacking, used, version)


def _form(library: PromptLibrary, name: str) -> PromptForm:
    return prompt_form(name, library.duration_s(name), library.forms(name))


def _wanted(name: str, query: PromptQuery) -> bool:
    if query.language is not None and not name.startswith(f"{query.language}/"):
        return False
    if not query.words and name.startswith(_MADE):
        return False
    return query.q is None or query.q.lower() in name.lower()


def _library(services: Services) -> PromptLibrary:
    config = services.config
    return PromptLibrary(config.path(config.sounds.folder))
