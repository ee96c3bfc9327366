"""The kinds of problems that programs know by name are on the page for programs, each once."""

from __future__ import annotations

import re
from pathlib import Path

from ringflow.errors import ProblemCode

PAGE = Path(__file__).parents[2] / "docs" / "api-flows.md"


def test_every_code_of_problems_is_on_the_page_once() -> None:
    table = PAGE.read_text("utf-8").partition("## Problems")[2].partition("## Pictures")[0]
    named = [
        code for row in re.findall(r"^\| (`.*?) \|", table, re.M) for code in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(named) == sorted(ProblemCode)
