"""Command lines and arguments are taken apart as Asterisk does it; Ringflow's own quoting survives that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.agi.wire import command_line
from ringflow.simulator.command_line import MAX_WORDS, split_arguments, split_command, split_options

LINES = {
    "ANSWER": ["ANSWER"],
    "SET VARIABLE a b": ["SET", "VARIABLE", "a", "b"],
    "  SET\t VARIABLE ": ["SET", "VARIABLE"],
    'STREAM FILE x ""': ["STREAM", "FILE", "x", ""],
    'EXEC Dial "PJSIP/44@a,60,g"': ["EXEC", "Dial", "PJSIP/44@a,60,g"],
    "EXEC Read a b": ["EXEC", "Read", "a", "b"],
    r'V "a \"b\" \\c"': ["V", r'a "b" \c'],
    r"V a\ b": ["V", "a b"],
    'V "a"b': ["V", "ab"],
    'V a"b c"d': ["V", "ab cd"],
    'V "open': ["V", "open"],
    "": [],
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_split_as_parse_args_does(line: str) -> None:
    assert split_command(line) == LINES[line]


def test_words_beyond_asterisks_limit_are_dropped() -> None:
    assert len(split_command("x " * 200)) == MAX_WORDS


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126)), min_size=1, max_size=6))
def test_what_ringflow_quotes_asterisk_reads_back(values: list[str]) -> None:
    line = command_line("VERBOSE", *values).decode()
    assert line.endswith("\n")
    assert split_command(line[:-1]) == ["VERBOSE", *values]


ARGUMENTS = {
    "": [],
    "a,b,,d": ["a", "b", "", "d"],
    "PJSIP/44@a,60,gb(x^s^1)L(1000:500)": ["PJSIP/44@a", "60", "gb(x^s^1)L(1000:500)"],
    "a(b,c),d": ["a(b,c)", "d"],
    '"a,b",c': ["a,b", "c"],
    r"a\,b,c": ["a,b", "c"],
}


@pytest.mark.parametrize("text", ARGUMENTS)
def test_arguments_are_split_outside_of_brackets_and_quotes(text: str) -> None:
    assert split_arguments(text) == ARGUMENTS[text]


def test_options_carry_what_stands_in_brackets() -> None:
    assert split_options("gb(ringflow-leg^s^1)U(x)f(44)L(1000)t") == {
        "g": "", "b": "ringflow-leg^s^1", "U": "x", "f": "44", "L": "1000", "t": "",
    }  # fmt: skip
    assert split_options("t(*#)e") == {"t": "*#", "e": ""}
    assert split_options("a(b(c)d") == {"a": "b(c)d"}
