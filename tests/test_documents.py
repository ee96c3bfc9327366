"""YAML 1.2 with positions, and pydantic's complaints in an author's words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from ringflow.documents import Value, parse_document, read_document
from ringflow.errors import DocumentError
from ringflow.validation import check_model


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(pattern="^[a-z]+$", min_length=2)]
    count: Annotated[int, Field(ge=1, le=9)] = 1
    ratio: Annotated[float, Field(gt=0)] = 1.0
    loud: bool = False
    kind: Literal["cat", "dog"] = "cat"
    inner: Inner | None = None
    entries: Annotated[tuple[int, ...], Field(min_length=1)] = (1,)
    file: str | tuple[str, ...] = ""
    headers: dict[str, str] = Field(default_factory=dict)


SCALARS: list[tuple[str, Value]] = [
    ("no", "no"),
    ("Yes", "Yes"),
    ("on", "on"),
    ("12:30", "12:30"),
    ("010", "010"),
    ("00", "00"),
    ("0", 0),
    ("-5", -5),
    ("18005550100", 18005550100),
    ("+441910000001", "+441910000001"),
    ("0x1f", "0x1f"),
    ("0o17", "0o17"),
    ("1_000", "1_000"),
    ("2001-12-14", "2001-12-14"),
    ("1.5", 1.5),
    ("1e3", 1000.0),
    ("1e999", "1e999"),
    (".inf", ".inf"),
    ("true", True),
    ("FALSE", False),
    ("~", None),
    ("", None),
    ("null", None),
    ("'null'", "null"),
    ('"5"', "5"),
    ("!!str 5", "5"),
    ("=", "="),
    ("1" * 5000, "1" * 5000),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[text[:20] for text, _ in SCALARS])
def test_a_scalar_is_what_yaml_1_2_says_and_dialled_digits_stay_text(text: str, value: Value) -> None:
    found = parse_document(f"a: {text}", "f").value
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


UNREADABLE = [
    (
        "a:\n  é: 1\n\tc: 2\n",
        "f:3:1: a tab stands here (indent with spaces, not with tabs)",
    ),
    (
        "\ufeffé:\r\n\t- 1\r\n",
        "f:2:1: a tab stands here (indent with spaces, not with tabs)",
    ),
    (
        "a: [1\nb: 2\n",
        "f:1:4: the `[` here is not closed (write ])",
    ),
    (
        'a:\n  b: "c\n',
        'f:2:6: the quote that begins here is not closed (write " at the end of the value)',
    ),
    ("---\na\n---\nb\n", "f:3:1: a second document begins here (keep one in a file, and remove `---`)"),
    ("a: *x\n", 'f:1:4: text that begins with * needs quotes (write "*x")'),
    ("? [a]\n: b\n", "f:1:3: a key must be a word (text that begins with [ or { needs quotes)"),
    ("<<: {a: 1}\n", "f:1:1: merge keys (<<) are not part of YAML 1.2 (write the keys out)"),
    ("a: é\nb: é\x07\n", "f:2:5: not YAML: control characters are not allowed"),
    ("a: &x [*x]\n", "f:1:4: deeper than 64 levels, or more than 500000 values"),
    ("[" * 100_000, "f:1:65: deeper than 64 levels, or more than 500000 values"),
    ("{a: " * 50_000, "f:1:257: deeper than 64 levels, or more than 500000 values"),
]


@pytest.mark.parametrize(("text", "problem"), UNREADABLE, ids=[text[:12] for text, _ in UNREADABLE])
def test_text_that_cannot_be_read_is_one_problem_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(text, "f")
    assert str(caught.value) == problem


def test_aliases_that_double_at_every_level_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(DocumentError, match="more than 500000 values"):
        parse_document("\n".join(lines), "f")


def test_keys_given_twice_and_tags_are_told_and_leave_the_rest_to_be_read() -> None:
    document = parse_document("a: 1\na: 2\nb: {c: !foo [1], c: 2}\n", "f")
    assert [str(problem) for problem in document.problems] == [
        "f:2:1: the key `a` stands here a second time (keep one of them)",
        "f:3:8: the tag `!foo` is not known (remove it)",
        "f:3:18: the key `c` stands here a second time (keep one of them)",
    ]
    assert document.value == {"a": 1, "b": {"c": [1]}}
    with pytest.raises(DocumentError, match="second time"):
        document.whole()


COMPLAINTS = [
    (
        "nam: x\n",
        [
            (
                "f:1:1: unknown key `nam` (did you mean `name`? "
                "known here: count, entries, file, headers, inner, kind, loud, name, ratio)"
            ),
        ],
    ),
    ("name: ab\ninner: {prt: 1}\n", ["f:2:9: unknown key `prt` (did you mean `port`? known here: port)"]),
    ("name: 5\n", ["f:1:7: `name` must be text, not `5` (put quotes around it)"]),
    ("name: Ab\n", ["f:1:7: `name` cannot be `Ab` (it must match ^[a-z]+$)"]),
    (
        "name: #\n",
        ["f:1:1: `name` has no value (write one, or remove the key; # begins a comment unless in quotes)"],
    ),
    ("name: a\n", ["f:1:7: `name` must have at least 2 characters"]),
    ("name: ab\ncount: many\n", ["f:2:8: `count` must be a whole number, not `many` (write digits only)"]),
    ("name: ab\ncount: 1.5\n", ["f:2:8: `count` must be a whole number, not `1.5` (write digits only)"]),
    ("name: ab\ncount: 0\n", ["f:2:8: `count` must be at least 1, not `0`"]),
    ("name: ab\ncount: 10\n", ["f:2:8: `count` must be at most 9, not `10`"]),
    ("name: ab\nratio: 0\n", ["f:2:8: `ratio` must be more than 0, not `0`"]),
    ("name: ab\nloud: maybe\n", ["f:2:7: `loud` must be true or false, not `maybe`"]),
    ("name: ab\nkind: cow\n", ["f:2:7: `kind` must be 'cat' or 'dog', not `cow` (write one of them)"]),
    ("name: ab\ninner: 5\n", ["f:2:8: `inner` must be a mapping, not `5` (write `key: value` lines)"]),
    ("name: ab\nentries: []\n", ["f:2:1: `entries` must have at least 1 entry"]),
    (
        "name: ab\nentries:\n  - 1\n  - x\n",
        ["f:4:5: `entries` must be a whole number, not `x` (write digits only)"],
    ),
    ("name: ab\nfile: 5\n", ["f:2:7: `file` must be text or a list, not `5`"]),
    (
        "name: ab\nheaders: {X-A: [1]}\n",
        ["f:2:11: `X-A` must be text, not a list (text that begins with [ or { needs quotes)"],
    ),
    ("- name\n", ["f:1:1: must be a mapping, not a list (write `key: value` lines)"]),
]


@pytest.mark.parametrize(("text", "problems"), COMPLAINTS, ids=[text[:24] for text, _ in COMPLAINTS])
def test_a_value_that_a_model_refuses_is_told_with_its_place_and_mend(text: str, problems: list[str]) -> None:
    document = parse_document(text, "f")
    model, found = check_model(Outer, document, document.value)
    assert model is None
    assert sorted(str(problem) for problem in found) == sorted(problems)


def test_a_value_that_a_model_takes_has_no_problem() -> None:
    document = parse_document("name: ab\ninner: {port: 5}\n", "f")
    model, found = check_model(Outer, document, document.value)
    assert found == []
    assert model == Outer(name="ab", inner=Inner(port=5))


def test_a_pattern_can_be_explained_in_words() -> None:
    document = parse_document("name: Ab\n", "f")
    _, found = check_model(Outer, document, document.value, pattern_mends={"^[a-z]+$": "use small letters"})
    assert [str(problem) for problem in found] == ["f:1:7: `name` cannot be `Ab` (use small letters)"]


def test_a_hostile_value_is_quoted_on_one_short_line() -> None:
    document = parse_document('name: ab\ncount: "\\e[31m\\n' + "x" * 200 + '"\n', "f")
    _, found = check_model(Outer, document, document.value)
    assert found[0].what == "`count` must be a whole number, not `?[31m?" + "x" * 54 + "...`"


def test_a_file_that_is_not_there_is_a_problem_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "no.yaml", shown_as="no.yaml")
    assert str(caught.value) == "no.yaml: cannot be read: No such file or directory"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "a.yaml", shown_as="a.yaml")
    assert str(caught.value) == "a.yaml: is a pipe, not a file"


def test_bytes_that_are_not_utf_8_are_told_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: caf\xe9\n".encode("latin-1"))
    with pytest.raises(DocumentError) as caught:
        read_document(path, shown_as="f")
    assert str(caught.value) == "f:2:7: is not UTF-8 (save it as UTF-8)"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(DocumentError, match="larger than 1000000 bytes"):
        read_document(path)


@given(st.text() | st.text(alphabet="-[]{}:,#&*!|>'\"%@` \nab01"))
def test_any_text_gives_a_value_or_a_document_error(text: str) -> None:
    try:
        document = parse_document(text, "f")
        problems = check_model(Outer, document, document.value)[1]
    except DocumentError as error:
        problems = list(error.problems)
    assert problems or isinstance(document.value, dict)
    assert all(problem.what and str(problem).isprintable() for problem in problems)
