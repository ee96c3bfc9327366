"""Every error code is raised somewhere, with the same fields everywhere, and is on the page once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import ringflow
from ringflow.accounts.cards.refusal import CardRefused, Why
from ringflow.cli.failure import failure_lines, failure_object
from ringflow.cli.hints import HINTS
from ringflow.errors import Conflict, DocumentError, Forbidden, Problem, Refused, RefusedTogether, Unknown

SOURCE = Path(ringflow.__file__).parent
PAGE = SOURCE.parents[1] / "docs" / "errors.md"
CODE = re.compile(r"[a-z_]+\.[a-z_]+")
ROW = re.compile(r"\| `([a-z_.]+)` \| (\w*) ?\| ([^|]*)\| ([^|]+) \|", re.ASCII)
OF_SEVERAL = {"several", "start.impossible"}
"""Codes that an error has where it is given no other."""


def documented() -> list[tuple[str, str, tuple[str, ...]]]:
    """The rows of the page: code, kind and fields."""
    lines = PAGE.read_text("utf-8").partition("## Codes")[2].splitlines()
    rows = [row for line in lines if (row := ROW.fullmatch(line))]
    return [(row[1], row[2], tuple(re.findall(r"`(\w+)`", row[3]))) for row in rows]


@cache
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in SOURCE.rglob("*.py")]


@cache
def kinds() -> frozenset[str]:
    """The names of `Refused` and of all that is one."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"Refused"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return frozenset(found)


@cache
def with_own_code() -> frozenset[str]:
    """The names of the kinds that give themselves their code."""
    return frozenset(
        kind.name
        for tree in trees()
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef) and kind.name in kinds()
        for node in ast.walk(kind)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "super().__init__"
        and isinstance(node.args[0], ast.Constant)
    )


def refusing(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls that make an error with a code: `Refused("customer.unknown", ...)`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if coded(node) is not None and name in kinds() | {"super().__init__"}:
            yield node
        else:
            assert name not in kinds() - with_own_code(), ast.unparse(node)


def coded(call: ast.Call) -> str | None:
    for one in call.args[:2]:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and CODE.fullmatch(one.value):
            return one.value
    return None


def of_classes(tree: ast.Module) -> Iterator[str]:
    """The codes that a class of errors has for all of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                    yield str(ast.literal_eval(line.value))


def raised() -> dict[str, set[tuple[str, ...]]]:
    """The codes of the source, each with the fields that it is raised with."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for tree in trees():
        for call in refusing(tree):
            fields = tuple(one.arg for one in call.keywords if one.arg is not None)
            found.setdefault(str(coded(call)), set()).add(fields)
    return found


def test_every_code_stands_once_on_the_page_in_order() -> None:
    codes = [code for code, _, _ in documented()]
    assert len(codes) > 100
    assert codes == sorted(set(codes))


def test_every_code_is_raised_somewhere_and_every_one_that_is_raised_is_documented() -> None:
    general = {
        code for path in SOURCE.rglob("*.py") for code in of_classes(ast.parse(path.read_text("utf-8")))
    }
    assert {code for code, _, _ in documented()} == set(raised()) | general | OF_SEVERAL


def test_a_code_has_the_same_fields_wherever_it_is_raised() -> None:
    on_page = {code: fields for code, _, fields in documented()}
    differing = {code: fields for code, fields in raised().items() if fields != {on_page[code]}}
    assert differing == {}


def test_hints_speak_of_documented_codes_and_their_fields() -> None:
    on_page = {code: fields for code, _, fields in documented()}
    for code, text in HINTS.items():
        names = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert names <= set(on_page[code]), code


def test_no_service_speaks_of_the_options_of_a_command() -> None:
    """Neither an error with a code, nor a module that reads what somebody uploads."""
    spoken = []
    for path in SOURCE.rglob("*.py"):
        if path.parent.name in {"cli", "bench", "lab"}:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        reads_files = path.parent.name == "rates" or path.name in {"sheet_file.py", "bulk_import.py"}
        for part in [tree] if reads_files else refusing(tree):
            texts = [one.value for one in ast.walk(part) if isinstance(one, ast.Constant)]
            # espeak-ng's own options are nobody's face.
            spoken += [
                text
                for text in texts
                if isinstance(text, str) and re.search(r"(?<!espeak-ng )--[a-z]|`ringflow ", text)
            ]
    assert spoken == []


def test_a_setting_in_a_text_is_an_option_at_the_command_line() -> None:
    problem = Problem(
        "rates.csv", 1, 2, "the column `x` of ‹map› is not in the sheet", "‹save_map› keeps one"
    )
    error = DocumentError([problem])
    line = "rates.csv:1:2: the column `x` of --map is not in the sheet (--save-map keeps one)"
    assert failure_lines(error) == [line]
    found = failure_object(error)
    assert (found["message"], found["problems"]) == (
        line,
        [
            {
                **asdict(problem),
                "what": "the column `x` of --map is not in the sheet",
                "mend": "--save-map keeps one",
            }
        ],
    )


def test_an_error_for_people_is_a_line_with_the_commands_hint() -> None:
    error = Unknown("customer.unknown", "customer 9 does not exist", customer=9)
    assert failure_lines(error) == [
        "ringflow: customer 9 does not exist; `ringflow customer list` shows those that do"
    ]
    both = RefusedTogether([error, Refused("field.empty", "is empty", ("name",), field="name")])
    assert failure_lines(both) == [*failure_lines(error), "ringflow: is empty"]


def test_an_error_for_programs_has_its_code_and_fields() -> None:
    error = Refused("field.empty", "is empty", ("headers", "X-A"), field="X-A")
    assert failure_object(error) == {
        "code": "field.empty",
        "message": "is empty",
        "fields": {"field": "X-A"},
        "at": ["headers", "X-A"],
    }
    several = failure_object(RefusedTogether([error, error]))
    assert (several["code"], several["errors"]) == ("several", [failure_object(error)] * 2)
    faulty = failure_object(DocumentError([Problem("a.yaml", 3, 1, "is wrong", "write it right")]))
    assert faulty["problems"] == [
        {
            "path": "a.yaml",
            "line": 3,
            "column": 1,
            "what": "is wrong",
            "mend": "write it right",
            "code": "file",
        }
    ]


@pytest.mark.parametrize("kind", [Unknown, Conflict, Forbidden])
def test_an_error_in_other_words_keeps_its_kind_code_and_fields(kind: type[Refused]) -> None:
    error = kind("customer.unknown", "customer 9 does not exist", ("customer",), customer=9)
    other = error.reworded("no customer 9 for the DID")
    assert (type(other), other.code, other.at, dict(other.fields), str(other)) == (
        kind,
        "customer.unknown",
        ("customer",),
        {"customer": 9},
        "no customer 9 for the DID",
    )


def test_a_card_that_is_refused_has_a_word_for_flows_and_a_code_for_programs() -> None:
    error = CardRefused(Why.USED, "card.used", "card 5 is used", card="5")
    assert (error.why, error.code, dict(error.fields)) == ("used", "card.used", {"card": "5"})
