"""Broken flow files with what must be said about each, for the tests that try them."""

from __future__ import annotations

from textwrap import dedent

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings


class Library:
    """Two prompts."""

    names = ("IVR/ivr-please", "MISC/error")

    def exists(self, name: str) -> bool:
        return name in self.names

    def suggest(self, name: str) -> tuple[str, ...]:
        return tuple(one for one in self.names if one.lower()[:5] == name.lower()[:5])


WITH_TWO_PROMPTS = Surroundings(prompts=Library())


class Mistakes(dict[str, tuple[str, list[str]]]):
    """By name: a file `f.yaml`, and the lines that are said about it."""

    def add(self, name: str, text: str, *problems: str) -> None:
        assert name not in self
        self[name] = (dedent(text).lstrip("\n"), list(problems))

    def assert_told(self, name: str, surroundings: Surroundings = WITH_TWO_PROMPTS) -> None:
        text, expected = self[name]
        draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
        found = [str(problem) for problem in check_flows([draft], surroundings)]
        assert found == expected
