"""Whom a call group rings, as flows write it: numbers, SIP URIs, telephones, and groups within a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ringflow.flows.number_text import could_be_uri, number_problems, uri_problems
from ringflow.flows.slot import ID_PATTERN, FieldProblem
from ringflow.flows.template import Template

MAX_MEMBERS = 50
MAX_WEIGHT = 1000


Strategy: TypeAlias = Literal["sequential", "round_robin", "weighted", "last_answered"]
"""In which order the members of a group are rung."""


class SingleMember(BaseModel):
    """Somebody who can be rung: exactly one of `number`, `uri` and `device`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Template | None = None
    """A number, dialled through the trunks."""
    as_keyed: bool = False
    """Whether `number` is dialled just as it is: an extension, a short code."""
    uri: Template | None = None
    """A SIP URI such as sip:desk@pbx.example.com; its host must be listed in `uri_hosts`."""
    device: Annotated[str, Field(pattern=ID_PATTERN, max_length=64)] | None = None
    """An endpoint of Asterisk's, such as the telephone of a SIP user."""
    timeout: Annotated[int, Field(ge=1, le=600)] | None = None
    """Seconds that this member may ring; without it the group's `timeout`."""
    weight: Annotated[int, Field(ge=1, le=MAX_WEIGHT)] = 1
    """With `strategy: weighted`: how often it is first, against the weights of the others."""

    @property
    def own_targets(self) -> list[str]:
        """The fields that say who it is."""
        return [name for name in ("number", "uri", "device") if getattr(self, name) is not None]

    def templates(self) -> Iterator[Template]:
        """The texts with variables."""
        yield from (one for one in (self.number, self.uri) if one is not None)

    def host(self) -> str:
        """The host of `uri`; empty where there is none, or a variable hides it."""
        host = self.uri.text.rpartition("@")[2] if self.uri and could_be_uri(self.uri) else ""
        return "" if "$" in host else host

    def problems(self, place: tuple[str | int, ...]) -> Iterator[FieldProblem]:
        """What is wrong with it. `place`: the steps to it from the field `members`."""
        targets = self.own_targets
        if len(targets) != 1:
            what = f"{' and '.join(targets)} are both given" if targets else "nobody is named"
            mend = "give one of number, uri and device"
            yield FieldProblem("members", what, mend, (*place, *targets[-1:]))
        if self.number is not None:
            mend = "write it as it is dialled, or + and the country's code"
            yield from _within(number_problems("members", self.number, mend), (*place, "number"))
        if self.uri is not None:
            yield from _within(uri_problems("members", self.uri), (*place, "uri"))
        if self.as_keyed and self.number is None:
            yield FieldProblem(
                "members", "there is no number to dial", "give it with `number`", (*place, "as_keyed")
            )


def _within(problems: Iterator[FieldProblem], place: tuple[str | int, ...]) -> Iterator[FieldProblem]:
    yield from (FieldProblem(one.field, one.what, one.mend, place) for one in problems)


def _written_short(value: object) -> object:
    """A number or a URI alone is a member."""
    if isinstance(value, str) and value.startswith(("sip:", "sips:")):
        return {"uri": value}
    return {"number": value} if isinstance(value, str | int) and not isinstance(value, bool) else value


ShortMember: TypeAlias = Annotated[
    SingleMember, BeforeValidator(_written_short, json_schema_input_type=SingleMember | str | int)
]


class Member(SingleMember):
    """A member of a group: somebody, or a group of its own with `members`."""

    members: Annotated[tuple[ShortMember, ...], Field(min_length=1, max_length=MAX_MEMBERS)] | None = None
    """A group of its own, which is rung in this one's place."""
    strategy: Strategy = "sequential"
    """With `members`: the order in which those are rung."""

    def templates(self) -> Iterator[Template]:
        """The texts with variables, of its own members too."""
        yield from super().templates()
        for one in self.members or ():
            yield from one.templates()

    def hosts(self) -> Iterator[str]:
        """The hosts of its URIs."""
        yield from filter(None, (self.host(), *(one.host() for one in self.members or ())))

    def problems(self, place: tuple[str | int, ...]) -> Iterator[FieldProblem]:
        """What is wrong with it, and with its own members."""
        if self.members is None:
            yield from super().problems(place)
            if "strategy" in self.model_fields_set:
                what, mend = "this member is no group", "remove it, or give the group's `members`"
                yield FieldProblem("members", what, mend, (*place, "strategy"))
            return
        for name in ("number", "uri", "device", "as_keyed", "timeout"):
            if name in self.model_fields_set:
                what = f"a group within the group has no `{name}`"
                yield FieldProblem("members", what, "give it to one of its members", (*place, name))
        for index, one in enumerate(self.members):
            yield from one.problems((*place, "members", index))


AnyMember: TypeAlias = Annotated[
    Member, BeforeValidator(_written_short, json_schema_input_type=Member | str | int)
]
