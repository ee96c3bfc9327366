"""Requests that hold only for what their sender has seen: ETag, If-Match, If-None-Match (RFC 9110)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus

from ringflow.forms.json_value import json_value
from ringflow.web.rest.content import Content
from ringflow.web.rest.refusals import RequestRefused


def entity_tag(form: object) -> str:
    """Return the entity tag of a thing as it is shown: the same for as long as it is shown the same.

    Of a form that names `VOLATILE` fields the tag has two parts. The first is the same for as long as nobody
    edits the thing: a change is conditional on that one alone, or nobody could edit a customer who calls.
    """
    if isinstance(form, Content):
        return form.entity_tag
    shown = json_value(form)
    volatile: frozenset[str] = getattr(type(form), "VOLATILE", frozenset())
    if not volatile or not isinstance(shown, dict):
        return f'"{_digest(shown)}"'
    edited = {name: value for name, value in shown.items() if name not in volatile}
    return f'"{_digest(edited)}.{_digest(shown)}"'


def _digest(shown: object) -> str:
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _edited(tag: str) -> str:
    """Return the part of a tag that edits change."""
    return tag.strip('"').partition(".")[0]


@dataclass(frozen=True, slots=True)
class Replaces:
    """What a PUT replaces: the states that `If-Match` names, or nothing, by `If-None-Match: *`."""

    match: IfMatch | None

    @classmethod
    def read(cls, if_match: str | None, if_none_match: str | None) -> Replaces:
        """Read the headers. Raises `RequestRefused` where there is neither, or both."""
        if if_match is not None and if_none_match is None:
            return cls(IfMatch.read(if_match))
        if if_match is not None or (if_none_match or "").strip() != "*":
            raise RequestRefused(
                HTTPStatus.PRECONDITION_REQUIRED,
                "request.no_condition",
                "say in If-Match which state is replaced, or by If-None-Match: * that there is none yet",
            )
        return cls(None)

    def require(self, found: object | None) -> None:
        """Raise `RequestRefused` where another thing is there, or none. Call it within the change."""
        if self.match is None and found is not None:
            raise RequestRefused(
                HTTPStatus.PRECONDITION_FAILED,
                "request.there_already",
                "it is there already: read it, and say in If-Match that it is to be replaced",
                (),
                {"ETag": entity_tag(found)},
            )
        if self.match is not None and found is None:
            raise RequestRefused(
                HTTPStatus.PRECONDITION_FAILED,
                "request.gone",
                "it is not there any more: where it is still wanted, make it anew by If-None-Match: *",
            )
        if self.match is not None:
            self.match.require(found)


@dataclass(frozen=True, slots=True)
class IfMatch:
    """What a change of a thing is conditional on: the entity tags that the request names, or any (`*`)."""

    tags: tuple[str, ...]

    @classmethod
    def read(cls, header: str | None) -> IfMatch:
        """Read the header. Raises `RequestRefused` where there is none."""
        if header is None:
            raise RequestRefused(
                HTTPStatus.PRECONDITION_REQUIRED,
                "request.no_condition",
                "say in If-Match which state is to be changed: the ETag with which it was read",
            )
        return cls(tuple(one.strip() for one in header.split(",")))

    def require(self, form: object) -> None:
        """Raise `RequestRefused` where the thing is not as the sender saw it. Call it within the change."""
        tag = entity_tag(form)
        if "*" not in self.tags and _edited(tag) not in map(_edited, self.tags):
            raise RequestRefused(
                HTTPStatus.PRECONDITION_FAILED,
                "request.outdated",
                "it was changed meanwhile: read it again, and repeat the change where it is still wanted",
                (),
                {"ETag": tag},
            )


def is_known(header: str | None, tag: str) -> bool:
    """Return whether the sender has this state already, by If-None-Match."""
    if header is None:
        return False
    named = {one.strip().removeprefix("W/") for one in header.split(",")}
    return "*" in named or tag in named
