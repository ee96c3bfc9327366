"""Tables on terminals of a width, and in pipes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from ringflow.cli.output import lay_out
from ringflow.forms.did import DidForm

Run = Callable[..., Any]
CONTROL = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(ringflow: Run, columns: int, *words: str) -> list[str]:
    printed = ringflow(*words, FORCE_COLOR="1", COLUMNS=str(columns)).out
    return [line.rstrip() for line in CONTROL.sub("", printed).splitlines()]


@pytest.fixture
def dids(ringflow: Run) -> Run:
    """The command line with two DIDs."""
    for number in ("18005550100", "18005550101"):
        assert ringflow("did", "add", number, "calling_card").code == 0
    return ringflow


def test_a_table_that_has_room_is_a_line_for_each_with_every_word_whole(dids: Run) -> None:
    for columns in (100, 140, 200):
        lines = on_terminal(dids, columns, "did", "list")
        assert all(len(line) <= columns for line in lines)
        assert [line.split()[:3] for line in lines[-2:]] == [
            ["18005550100", "calling_card", "cli"],
            ["18005550101", "calling_card", "cli"],
        ]


def test_a_table_too_wide_for_the_terminal_is_a_field_on_each_line(dids: Run) -> None:
    lines = on_terminal(dids, 60, "did", "list")
    assert [line.split() for line in lines[:3]] == [
        ["number", "18005550100"],
        ["app", "calling_card"],
        ["identify", "cli"],
    ]
    end = lines.index("")
    assert end == len(fields(DidForm))
    assert lines[end + 1].split() == ["number", "18005550101"]


def test_what_few_have_is_a_column_only_where_one_of_them_has_it(dids: Run) -> None:
    assert "script" not in dids("did", "list", COLUMNS="200").out
    assert dids("did", "set", "18005550101", "--script", "pinless").code == 0
    head, _, first, second = dids("did", "list", COLUMNS="200").out.splitlines()
    assert "script" in head.split()
    assert "vars" not in head.split()
    assert [line[head.index("script") :].split()[0] for line in (first, second)] == ["-", "pinless"]


def test_in_a_pipe_each_is_one_line_however_wide(ringflow: Run) -> None:
    name = "A customer of a long name, " * 7
    ringflow("customer", "add", name, "--id", "7")
    lines = ringflow("customer", "list", COLUMNS="80").out.splitlines()
    assert len(lines) == 3
    assert name in lines[2]
    shown = ringflow("customer", "show", "7", COLUMNS="80").out.splitlines()
    assert len(shown) == len(json.loads(ringflow("customer", "show", "7", "--json").out))
    assert name in shown[1]


@pytest.mark.parametrize(
    ("room", "laid_out"),
    [
        (None, ([7, 9], 2)),
        (40, ([7, 9], 2)),
        (18, ([7, 9], 2)),
        (16, ([7, 7], 2)),
        (10, ([3, 5], 2)),
        (9, ([3, 5], 1)),
        (8, None),
    ],
)
def test_columns_shrink_to_their_longest_word_and_no_further(
    room: int | None, laid_out: tuple[list[int], int] | None
) -> None:
    assert lay_out([["a b", "c"], ["one two", "three\nfour five"]], room) == laid_out
