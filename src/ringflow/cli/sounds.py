"""`ringflow sounds`: prompts imported, spoken, listed, checked, and built from their texts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from ringflow.cli.output import Json, print_json, print_many
from ringflow.config import load_config
from ringflow.errors import DocumentError, Refused
from ringflow.lab.sound_packs import find_sound_pack
from ringflow.language_prompts import import_words, speak_words
from ringflow.moments import system_now_ms
from ringflow.sounds import PromptLibrary
from ringflow.sounds.conversion import ImportReport, import_sound
from ringflow.sounds.espeak import DEFAULT_VOICE, DEFAULT_WORDS_PER_MINUTE
from ringflow.sounds.inspection import check
from ringflow.sounds.prompt_texts import speak_texts
from ringflow.sounds.speech import say, speak
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import Voices
from ringflow.speaking import (
    Clock,
    Gender,
    Language,
    Manner,
    SaidAs,
    Source,
    load_language,
    voice_of,
    words_of,
)

DEFAULT_FOLDER = Path("sounds")

app = typer.Typer(help="Prompts: import, speak, list and check them.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="The folder of prompts.", show_default="sounds")
]
Name = Annotated[str, typer.Option("--as", metavar="NAME", help="The prompt's name, such as IVR/ivr-please.")]
Voice = Annotated[
    str | None,
    typer.Option(
        "--voice",
        help="A voice of espeak-ng, which `espeak-ng --voices` lists, or of the backend.",
        show_default=DEFAULT_VOICE,
    ),
]
Speaking = Annotated[
    str | None,
    typer.Option(
        "--speaking", metavar="LANGUAGE", help="Instead: what callers of this language need, such as `es`."
    ),
]
From = Annotated[
    Source,
    typer.Option(
        "--source", help="With `asterisk`: its sound pack's recordings, and speech for other words."
    ),
]
Pack = Annotated[
    Path | None,
    typer.Option(
        "--pack",
        metavar="FOLDER",
        help="The language's folder of Asterisk's sounds.",
        show_default="where Debian's packages have it, or fetched from there without root",
    ),
]
Missing = Annotated[bool, typer.Option("--missing", help="Only those that are not there yet.")]


@dataclass(frozen=True, slots=True)
class ListedPrompt:
    """A prompt as `list` prints it: how long it plays, and the extensions of its forms."""

    name: str
    duration_s: float
    forms: tuple[str, ...]


def open_library(folder: Path | None) -> PromptLibrary:
    """The library that a command works on: the folder given, or the default one."""
    return PromptLibrary(folder or DEFAULT_FOLDER)


@app.command("import")
def import_command(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="WAV, FLAC, OGG, Opus, MP3, AIFF, or a raw form of Asterisk's."),
    ],
    name: Name,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Make a prompt of a recording.

    It is levelled, and written in every form that Asterisk plays without transcoding.
    """
    _tell(import_sound(file, name, open_library(folder)), as_json)


@app.command("say")
def say_command(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the prompt says.")],
    name: Name,
    voice: Voice = None,
    speed: Annotated[
        int | None,
        typer.Option(
            "--speed", help="Words a minute, of espeak-ng.", show_default=str(DEFAULT_WORDS_PER_MINUTE)
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="CODE", help="Speak as flows do that language: see `speech`."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="A backend of `speech.backends`.")
    ] = None,
    ssml: Annotated[bool, typer.Option("--ssml", help="The text is SSML.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Speak a text and make it a prompt.

    By espeak-ng; with --language, --backend or --ssml by what `config.yaml` has for texts of flows.
    """
    library = open_library(folder)
    if language is None and backend is None and not ssml:
        words = DEFAULT_WORDS_PER_MINUTE if speed is None else speed
        done = say(text, name, library, voice or DEFAULT_VOICE, words)
    elif speed is not None:
        raise Refused(
            "option.missing",
            "--speed is about espeak-ng alone: for texts of flows it is `speech.words_per_minute`",
            option="--speed",
        )
    else:
        config = load_config(needed=False)
        utterance = Utterance(text, language or config.language, ssml, backend, voice)
        done = asyncio.run(speak(utterance, name, library, Voices.configured(config, voice_of)))
    _tell(done, as_json)


@app.command("words")
def words_command(
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What is said, such as 12.50.")],
    said_as: Annotated[SaidAs, typer.Option("--as", help="What it is.")],
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="One that numbers are said in.")
    ] = "en",
    currency: Annotated[str | None, typer.Option("--currency", metavar="CODE", help="With `money`.")] = None,
    gender: Annotated[Gender | None, typer.Option("--gender", help="With `number` and `ordinal`.")] = None,
    clock: Annotated[
        int | None, typer.Option("--clock", metavar="HOURS", help="With `time`: 12 or 24.")
    ] = None,
    weekday: Annotated[bool, typer.Option("--weekday", help="With `date`.")] = False,
    year: Annotated[bool, typer.Option("--year/--no-year", help="With `date`.")] = True,
) -> None:
    """Show the words in which a value is said.

    And the prompts that say them. Nothing is played.
    """
    if clock not in (None, *Clock):
        raise typer.BadParameter("a clock has 12 or 24 hours", param_hint="--clock")
    config = load_config(needed=False)
    manner = Manner(
        said_as,
        language,
        currency=currency,
        gender=gender,
        clock=None if clock is None else Clock(clock),
        weekday=weekday,
        year=year,
        zone=config.zone,
        country=config.country,
        now_s=system_now_ms() / 1000,
    )
    words = words_of(value, manner)
    typer.echo(words.text)
    typer.echo("\n".join(f"  {prompt}" for prompt in words.prompts()))


@app.command("list")
def list_command(folder: Folder = None, as_json: Json = False) -> None:
    """List the prompts with their lengths and forms."""
    library = open_library(folder)
    found = [
        ListedPrompt(
            name,
            round(library.duration_s(name), 3),
            tuple(form.extension.removeprefix(".") for form in library.forms(name)),
        )
        for name in library.names()
    ]
    print_many(found, ListedPrompt, as_json)


@app.command("check")
def check_command(folder: Folder = None, as_json: Json = False) -> None:
    """Find prompts that callers would not hear well.

    And files that are no prompts. Exits 1 where it finds one.
    """
    library = open_library(folder)
    problems = check(library)
    if problems and not as_json:
        raise DocumentError(problems)
    names = library.names()
    playing_s = sum(map(library.duration_s, names))
    if not as_json:
        typer.echo(f"prompts: {len(names)}, playing {playing_s:.1f} s: nothing wrong")
        return
    print_json({"prompt_count": len(names), "playing_s": round(playing_s, 3), "problems": problems})
    if problems:
        raise typer.Exit(1)


@app.command("build")
def build_command(
    missing: Missing = False,
    folder: Folder = None,
    speaking: Speaking = None,
    source: From = Source.LIBRARY,
    pack: Pack = None,
    as_json: Json = False,
) -> None:
    """Speak every text of `prompts.yaml`.

    With --speaking: instead, what one language needs: the words of numbers, and the texts of its folder.
    """
    library = open_library(folder)
    if pack is not None and source is not Source.ASTERISK:
        raise Refused("option.missing", "--pack goes with --source asterisk", option="--source")
    if speaking is not None:
        language = load_language(speaking)
        pack = pack or _find_pack(language) if source is Source.ASTERISK else None
        words = (
            speak_words(library, language, missing=missing)
            if pack is None
            else import_words(library, language, pack, missing=missing)
        )
        recorded = spoken = 0
        made = []
        for word in words:
            recorded += word.recorded
            spoken += not word.recorded
            if word.report is not None:
                made.append(word.report)
                report(word.report, as_json)
            elif not as_json:
                typer.echo(f"{word.name}: a pause")
        for one in speak_texts(library, missing=missing, language=language.code, voice=language.voice):
            spoken += 1
            made.append(one)
            report(one, as_json)
        if pack is not None and not as_json:
            typer.echo(f"{language.code}: {recorded} from {pack}, {spoken} spoken")
    elif source is not Source.LIBRARY:
        raise Refused(
            "option.missing",
            "--source is about the words of a language: name one with --speaking",
            option="--speaking",
        )
    else:
        made = []
        for one in speak_texts(library, missing=missing):
            made.append(one)
            report(one, as_json)
    if as_json:
        print_json([_rounded(one) for one in made])


def _find_pack(language: Language) -> Path:
    config = load_config()
    return find_sound_pack(language, config.path(config.state) / "lab" / "sound-packs")


def _tell(done: ImportReport, as_json: bool) -> None:
    if as_json:
        print_json(_rounded(done))
    else:
        report(done)


def _rounded(done: ImportReport) -> ImportReport:
    """Return the report with lengths as programs get them."""
    return replace(done, source_s=round(done.source_s, 3), duration_s=round(done.duration_s, 3))


def report(done: ImportReport, quiet: bool = False) -> None:
    """Say in one line what an import did; `quiet`: nothing, for JSON has it all."""
    if quiet:
        return
    extensions = " ".join(path.suffix for path in done.files)
    typer.echo(
        f"{done.name}: {done.duration_s:.2f} s, level {done.level_dbfs:.1f} dBFS ({done.gain_db:+.1f} dB), "
        f"peak {done.peak_dbfs:.1f} dBFS, as {extensions}"
    )
    for note in done.notes():
        typer.echo(f"{done.name}: {note}", err=True)
