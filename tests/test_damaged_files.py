"""The shipped files, damaged in one place: what is said stands there, and is in our words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringflow.documents import parse_document
from ringflow.errors import DocumentError, Problem
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

PROJECT = Path(__file__).parents[1]
FILES = ("app_flows/calling_card.yaml", "app_flows/prepaid_card.yaml", "config.yaml")


def damages(line: str) -> Iterator[str]:
    yield f" {line}"
    yield f"  {line}"
    yield line.removeprefix(" ")
    yield line.replace(": ", ":", 1)
    yield line.replace(":", "", 1)
    yield line.replace("- ", "-", 1)
    yield line.replace("- ", "", 1)
    yield line.replace("  ", "\t", 1)
    for at, sign in enumerate(line):
        if sign in "\"'[]{},":
            yield line[:at] + line[at + 1 :]
    first = len(line) - len(line.lstrip())
    for sign in "\"'[]{},:*&%@`!|>":
        yield line[:first] + sign + line[first:]


def damaged(text: str) -> Iterator[tuple[int, str, str]]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            for instead in dict.fromkeys(damages(line)):
                if instead != line:
                    yield number + 1, instead, "\n".join([*lines[:number], instead, *lines[number + 1 :]])


def problems_of(name: str, text: str) -> list[Problem]:
    if name != "config.yaml":
        draft = draft_from_bytes(text.encode(), slot_types(), name)
        return check_flows([draft], Surroundings(other_apps=True))
    try:
        return list(parse_document(text, name).problems)
    except DocumentError as error:
        return list(error.problems)


@pytest.mark.parametrize("name", FILES)
def test_one_damage_is_told_beside_it_and_never_in_the_words_of_the_parser(name: str) -> None:
    for number, line, text in damaged((PROJECT / name).read_text("utf-8")):
        found = problems_of(name, text)
        assert not any("not YAML" in problem.what for problem in found), (line, found)
        near = [problem for problem in found if abs(problem.line - number) <= 2]
        assert near or not found or "id" in line, (number, line, found)
