"""The forms of prompts, and of what an import did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringflow.flows.uses import SlotPlace
from ringflow.forms.flow import SlotPlaceForm, slot_place_form
from ringflow.sounds.conversion import ImportReport
from ringflow.sounds.forms import FORMS, Form


@dataclass(frozen=True, slots=True)
class PromptForm:
    """A prompt of the library: how long it plays, and in which forms it is stored."""

    name: str
    duration_s: float
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptDetailForm:
    """A prompt with the languages that have a variant of it, and the slots that play it."""

    name: str
    duration_s: float
    forms: tuple[str, ...]
    forms_missing: tuple[str, ...]
    languages: tuple[str, ...]
    languages_missing: tuple[str, ...]
    used_in: tuple[SlotPlaceForm, ...]
    version: str


@dataclass(frozen=True, slots=True)
class ImportedPromptForm:
    """What was made of a recording or a text. `remarks` say what no import can correct."""

    name: str
    source_s: float
    duration_s: float
    gain_db: float
    level_dbfs: float
    peak_dbfs: float
    clipped: float
    side: str | None
    damaged: bool
    remarks: tuple[str, ...]


def prompt_form(name: str, duration_s: float, stored: Sequence[Form]) -> PromptForm:
    """Return a prompt as it stands in a list."""
    return PromptForm(name, round(duration_s, 3), tuple(map(_extension, stored)))


def prompt_detail_form(
    prompt: PromptForm,
    languages: Sequence[str],
    lacking: Sequence[str],
    used: Sequence[SlotPlace],
    version: str,
) -> PromptDetailForm:
    """Return a prompt as it is shown by itself."""
    return PromptDetailForm(
        name=prompt.name,
        duration_s=prompt.duration_s,
        forms=prompt.forms,
        forms_missing=tuple(one for one in map(_extension, FORMS) if one not in prompt.forms),
        languages=tuple(languages),
        languages_missing=tuple(lacking),
        used_in=tuple(map(slot_place_form, used)),
        version=version,
    )


def imported_prompt_form(done: ImportReport) -> ImportedPromptForm:
    """Return what an import did as it is shown."""
    return ImportedPromptForm(
        name=done.name,
        source_s=round(done.source_s, 3),
        duration_s=round(done.duration_s, 3),
        gain_db=done.gain_db,
        level_dbfs=done.level_dbfs,
        peak_dbfs=done.peak_dbfs,
        clipped=done.clipped,
        side=done.side,
        damaged=done.damaged,
        remarks=tuple(done.notes()),
    )


def _extension(form: Form) -> str:
    return form.extension.removeprefix(".")
