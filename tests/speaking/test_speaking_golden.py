"""Numbers against `golden/`: what is written, and which prompts are played, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.speaking import Gender, languages, number, say_number

GOLDEN = Path(__file__).parent / "golden"
COUNTED = {*range(31), *range(40, 70, 10), *range(70, 101), 101, 110, 200, 999, 1000, 1001, 1100, 2000, 21000}
LARGE = {10**6, 2 * 10**6, 10**9, 10**12, 10**15 - 1, -1, -21}
Line = tuple[Gender | None, int, str, tuple[str, ...]]


def read(language: str) -> list[Line]:
    lines = (GOLDEN / f"{language}.tsv").read_text("utf-8").splitlines()
    return [
        (None if kind == "counting" else Gender(kind), int(n), text, tuple(units.split()))
        for kind, n, text, units in (line.split("\t") for line in lines)
    ]


def test_every_language_has_a_golden_file_and_no_other_has() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(languages())


@pytest.mark.parametrize("language", languages())
def test_a_golden_file_counts_every_number_that_is_said_in_a_way_of_its_own(language: str) -> None:
    assert {n for gender, n, _, _ in read(language) if gender is None} >= COUNTED | LARGE


@pytest.mark.parametrize("language", languages())
def test_numbers_are_written_and_played_as_in_the_golden_file(language: str) -> None:
    for gender, n, text, units in read(language):
        assert number(n, language, gender).text == text, n
        assert say_number(n, language, gender) == tuple(f"SAY/{language}/{unit}" for unit in units), n
