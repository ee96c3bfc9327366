"""`check` finds what a caller would hear, or not hear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ringflow.sounds import PromptLibrary, forms
from ringflow.sounds.codecs import encode
from ringflow.sounds.conversion import import_sound
from ringflow.sounds.inspection import check


@pytest.fixture
def good(library: PromptLibrary, record: Callable[..., Path]) -> PromptLibrary:
    import_sound(record(), "IVR/tone", library)
    (library.folder / "prompts.yaml").write_text("{}")
    (library.folder / ".gitignore").write_text("")
    return library


def found(library: PromptLibrary) -> list[tuple[str, str]]:
    assert all(problem.mend for problem in check(library))
    return [(str(Path(one.path).relative_to(library.folder)), one.what) for one in check(library)]


def test_what_was_imported_has_no_problems(good: PromptLibrary) -> None:
    assert check(good) == []


def test_missing_forms_are_named(good: PromptLibrary) -> None:
    good.path("IVR/tone", forms.G722).unlink()
    good.path("IVR/tone", forms.ALAW).unlink()

    ((path, what),) = found(good)
    assert path == "IVR/tone"
    assert what.startswith("is not stored as .alaw, .g722")


def test_forms_of_different_lengths_are_found(good: PromptLibrary) -> None:
    path = good.path("IVR/tone", forms.ULAW)
    path.write_bytes(path.read_bytes()[: -8_000 * 30 // 1000])

    ((_, what),) = found(good)
    assert what == "its forms differ in length: .ulaw 2.09 s, .alaw 2.12 s, .g722 2.12 s, .sln16 2.12 s"


def test_a_prompt_that_would_end_its_call_by_its_length_is_found(good: PromptLibrary) -> None:
    path = good.path("IVR/tone", forms.ULAW)
    content = path.read_bytes()
    path.write_bytes(content * (600 * forms.ULAW.bytes_per_s // len(content)))
    assert not any("ends its call" in what for _, what in found(good))
    path.write_bytes(content * (-(-660 * forms.ULAW.bytes_per_s // len(content))))
    assert "plays for 11.0 minutes, and a prompt of more than 10 ends its call" in [
        what for _, what in found(good)
    ]


@pytest.mark.parametrize(
    ("amplitude", "said"), [(0.0, "silent"), (0.004, "too quiet: -5"), (1.0, "clipped, or as good as")]
)
def test_a_bad_level_is_found_in_the_form_that_has_it(
    amplitude: float, said: str, good: PromptLibrary
) -> None:
    for form in forms.FORMS:
        path = good.path("IVR/tone", form)
        kept = path.read_bytes()
        time_s = np.arange(round(good.duration_s("IVR/tone") * form.sample_rate_hz)) / form.sample_rate_hz
        path.write_bytes(encode(amplitude * np.sin(2 * np.pi * 1_000 * time_s + 0.1), form))

        ((bad, what),) = found(good)
        assert bad == f"IVR/tone{form.extension}"
        assert what.startswith(said)
        path.write_bytes(kept)


def test_an_empty_or_broken_file_is_a_problem_and_not_a_crash(good: PromptLibrary) -> None:
    for form in forms.FORMS:
        good.path("IVR/tone", form).write_bytes(b"")
    assert [what for _, what in found(good)] == ["silent"] * 4

    good.path("IVR/tone", forms.SLN16).write_bytes(b"\1")
    good.path("IVR/tone", forms.G722).write_bytes(b"\1")
    assert len(found(good)) == 4


def test_strays_bad_names_and_leavings_are_found(good: PromptLibrary) -> None:
    (good.folder / "IVR" / "tone.wav").write_bytes(b"")
    (good.folder / "IVR" / "two words.ulaw").write_bytes(b"")
    (good.folder / "notes").write_text("")
    (good.folder / "IVR" / ".import-abc").mkdir()
    (good.folder / "IVR" / ".import-abc" / "new.ulaw").write_bytes(b"")

    assert found(good) == [
        ("IVR/.import-abc", "was left by an import that was ended"),
        ("IVR/tone.wav", "is none of the forms that Ringflow plays"),
        ("IVR/two words.ulaw", "`IVR/two words` cannot be the name of a prompt"),
        ("notes", "is none of the forms that Ringflow plays"),
    ]


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    (problem,) = check(PromptLibrary(tmp_path / "absent"))
    assert problem.what == "is not a folder"
