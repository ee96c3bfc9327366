"""Prompts are found by name, measured by size, and never looked for outside of their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.errors import Refused
from ringflow.sounds import PromptLibrary, forms, is_prompt_name

GOOD_NAMES = ["welcome", "IVR/ivr-please", "a/b_c/9", "A" * 128]
BAD_NAMES = [
    "", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".x", "a.ulaw", "-x", "a/-b", "a b", "a\n", "a\0", "é",
    "a&b", "a,b", "${x}", "A" * 129,
]  # fmt: skip


@pytest.fixture
def stocked(library: PromptLibrary) -> PromptLibrary:
    library.replace("IVR/ivr-please", {forms.ULAW: bytes(8_000), forms.SLN16: bytes(32_000)})
    library.replace("MISC/error", {forms.G722: bytes(4_000)})
    return library


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_is_one(name: str) -> None:
    assert is_prompt_name(name)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_no_prompt_and_cannot_be_asked_about(name: str, stocked: PromptLibrary) -> None:
    assert not is_prompt_name(name)
    assert not stocked.exists(name)
    for ask in (stocked.duration_s, stocked.forms, lambda one: stocked.replace(one, {})):
        with pytest.raises(Refused, match="not a prompt name"):
            ask(name)


@given(st.text())
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("/srv/sounds")
    try:
        path = PromptLibrary(folder).path(name, forms.ULAW)
    except Refused:
        return
    assert ".." not in path.parts
    assert path.is_relative_to(folder)


def test_names_have_no_extension_and_come_sorted(stocked: PromptLibrary) -> None:
    (stocked.folder / "prompts.yaml").write_text("")
    (stocked.folder / "MISC" / "notes.txt").write_text("")
    (stocked.folder / "MISC" / "bad name.ulaw").write_bytes(b"")

    assert stocked.names() == ("IVR/ivr-please", "MISC/error")
    assert stocked.forms("IVR/ivr-please") == (forms.ULAW, forms.SLN16)
    assert stocked.exists("MISC/error")
    assert not stocked.exists("MISC/notes")
    assert not stocked.exists("MISC")


def test_a_library_without_a_folder_is_empty(library: PromptLibrary) -> None:
    assert library.names() == ()
    assert not library.exists("welcome")
    assert library.suggest("welcome") == ()


def test_the_length_is_that_of_the_file_as_it_is_now(stocked: PromptLibrary) -> None:
    assert stocked.duration_s("IVR/ivr-please") == 1.0
    assert stocked.duration_s("MISC/error") == 0.5

    stocked.replace("MISC/error", {forms.G722: bytes(12_000)})

    assert stocked.duration_s("MISC/error") == 1.5


def test_a_prompt_that_is_not_there_is_refused_with_near_names(stocked: PromptLibrary) -> None:
    with pytest.raises(Refused, match=r"no prompt `IVR/ivr-plese` in .*: did you mean `IVR/ivr-please`\?"):
        stocked.duration_s("IVR/ivr-plese")


@pytest.mark.parametrize("asked", ["ivr/IVR-Please", "IVR/ivr-please.ulaw", "IVR/ivrplease"])
def test_near_names_disregard_case_and_extension(asked: str, stocked: PromptLibrary) -> None:
    assert stocked.suggest(asked) == ("IVR/ivr-please",)


def test_nothing_is_suggested_for_what_is_far(stocked: PromptLibrary) -> None:
    assert stocked.suggest("zzzzzz") == ()


def test_stored_files_may_be_read_by_asterisk(stocked: PromptLibrary) -> None:
    ordinary = stocked.folder / "ordinary"
    ordinary.write_bytes(b"")

    assert stocked.path("MISC/error", forms.G722).stat().st_mode == ordinary.stat().st_mode
