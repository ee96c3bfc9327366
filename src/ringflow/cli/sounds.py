"""`ringflow sounds`: prompts imported, spoken, listed, checked, and built from their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, Field

from ringflow.cli.printing import Json, print_json, print_many
from ringflow.config import load_config
from ringflow.documents import Document, read_document
from ringflow.errors import DocumentError, Problem, Refused
from ringflow.lab.sound_packs import find_recordings, find_sound_pack
from ringflow.sounds import PromptLibrary, is_prompt_name
from ringflow.sounds.conversion import ImportReport, import_joined, import_sound
from ringflow.sounds.inspection import TEXTS_FILE, check
from ringflow.sounds.speech import (
    DEFAULT_VOICE,
    DEFAULT_WORDS_PER_MINUTE,
    MAX_TEXT_LENGTH,
    MAX_WORDS_PER_MINUTE,
    MIN_WORDS_PER_MINUTE,
    say,
)
from ringflow.speaking import Language, Source, load_language, prompts_needed
from ringflow.validation import check_model

DEFAULT_FOLDER = Path("sounds")

MOST_CLIPPED = 0.001
"""A part of a recording that nobody hears to be clipped: one hard consonant."""

app = typer.Typer(help="Prompts: import, speak, list and check them.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="The folder of prompts.", show_default="sounds")
]
Name = Annotated[str, typer.Option("--as", metavar="NAME", help="The prompt's name, such as IVR/ivr-please.")]
Voice = Annotated[str, typer.Option("--voice", help="A voice of espeak-ng; `espeak-ng --voices` lists them.")]
Speaking = Annotated[
    str | None,
    typer.Option(
        "--speaking", metavar="LANGUAGE", help="Instead: what numbers, money and minutes need, such as `es`."
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


class PromptText(BaseModel):
    """One entry of `sounds/prompts.yaml`: what a prompt says, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
    voice: str = DEFAULT_VOICE
    words_per_minute: Annotated[int, Field(ge=MIN_WORDS_PER_MINUTE, le=MAX_WORDS_PER_MINUTE)] = (
        DEFAULT_WORDS_PER_MINUTE
    )


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
    voice: Voice = DEFAULT_VOICE,
    speed: Annotated[int, typer.Option("--speed", help="Words a minute.")] = DEFAULT_WORDS_PER_MINUTE,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Speak a text with espeak-ng and make it a prompt."""
    _tell(say(text, name, open_library(folder), voice, speed), as_json)


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

    With --speaking: the words of one language instead.
    """
    library = open_library(folder)
    if pack is not None and source is not Source.ASTERISK:
        raise Refused("--pack goes with --source asterisk")
    if speaking is not None:
        language = load_language(speaking)
        if source is Source.ASTERISK:
            recordings = pack or _find_pack(language)
            done = build_from_pack(library, language, recordings, missing, as_json)
        else:
            done = build_by_speech(library, language, missing, as_json)
        if as_json:
            print_json([_rounded(one) for one in done])
        return
    if source is not Source.LIBRARY:
        raise Refused("--source is about the words of a language: name one with --speaking")
    document = read_document(library.folder / TEXTS_FILE).whole()
    problems, made = [], []
    for name, entry in read_texts(document).items():
        if missing and library.exists(name):
            continue
        try:
            made.append(say(entry.text, name, library, entry.voice, entry.words_per_minute))
            report(made[-1], as_json)
        except Refused as error:
            problems.append(document.problem((name,), str(error)))
        except DocumentError as error:
            problems += [document.problem((name,), one.what, one.mend) for one in error.problems]
    if problems:
        raise DocumentError(problems)
    if as_json:
        print_json([_rounded(one) for one in made])


def _find_pack(language: Language) -> Path:
    config = load_config()
    return find_sound_pack(language, config.path(config.state) / "lab" / "sound-packs")


def build_by_speech(
    library: PromptLibrary, language: Language, missing: bool, quiet: bool = False
) -> list[ImportReport]:
    """Speak all that a language needs to say numbers, money and minutes, in the voice that its file names."""
    made = []
    for name, text in prompts_needed(language.code).items():
        if not (missing and library.exists(name)):
            made.append(say(text, name, library, language.voice))
            report(made[-1], quiet)
    return made


def build_from_pack(
    library: PromptLibrary, language: Language, pack: Path, missing: bool, quiet: bool = False
) -> list[ImportReport]:
    """The same from the recordings of one of Asterisk's packs, and spoken where it has none."""
    recorded, made = 0, []
    for unit in language.units.values():
        if missing and library.exists(unit.name):
            continue
        recordings = find_recordings(pack, unit.pack)
        if recordings:
            made.append(import_joined(recordings, unit.name, library))
            recorded += 1
        else:
            made.append(say(unit.text, unit.name, library, language.voice))
        report(made[-1], quiet)
    if not quiet:
        typer.echo(f"{language.code}: {recorded} from {pack}, {len(made) - recorded} spoken")
    return made


def read_texts(document: Document) -> dict[str, PromptText]:
    """The texts in `prompts.yaml` by prompt name. Raises `DocumentError` with every problem in it."""
    if not isinstance(document.value, dict):
        raise DocumentError(
            [document.problem((), "is not a mapping of names to texts", "write NAME: {text: ...}")]
        )
    texts: dict[str, PromptText] = {}
    problems: list[Problem] = []
    for name, value in document.value.items():
        if not is_prompt_name(name):
            mend = "use letters, digits, `-`, `_` and `/`, such as IVR/ivr-please"
            problems.append(document.problem((f"{name}:key",), f"`{name}` is not a prompt name", mend))
        entry, found = check_model(PromptText, document, value, (name,))
        problems += found
        if entry:
            texts[name] = entry
    if problems:
        raise DocumentError(problems)
    return texts


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
    for note in _notes(done):
        typer.echo(f"{done.name}: {note}", err=True)


def _notes(done: ImportReport) -> Iterator[str]:
    if done.side is not None:
        what = f"the two sides of the recording cancel each other, so only its {done.side} side is taken"
        yield f"{what} (listen to it; to hear both, turn one side's polarity around and import it again)"
    if done.damaged:
        yield "the recording is damaged in places (listen to it, or copy or download it again)"
    if done.clipped > MOST_CLIPPED:
        what = f"{done.clipped:.1%} of the recording is cut off at full scale, and no level mends that"
        yield f"{what} (record it again, with less gain)"
