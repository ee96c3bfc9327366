"""What a request says, read strictly: its JSON body and its parameters."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar, get_args

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ringflow.errors import Refused, RefusedTogether
from ringflow.plain_text import plain
from ringflow.web.rest.refusals import RequestRefused
from ringflow.wording import did_you_mean, in_words, quoted

MAX_BODY_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NUMBER = 2**63 - 1
"""The largest whole number that a database keeps."""
JSON_TYPE = "application/json"

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
"""RFC 3339, section 5.6."""

Model = TypeVar("Model", bound=BaseModel)


class Input(BaseModel):
    """What a request's body or its parameters may say: nothing else is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Patch(Input):
    """What is to be changed of a thing. Each field has `unchanged()` as its default."""

    def changes(self) -> dict[str, Any]:
        """Return the fields that the request names, with null where it says null."""
        return self.model_dump(exclude_unset=True)


def unchanged() -> Any:
    """Return the default of a patch's field: what the request does not name stays as it is.

    Not None: a field whose type has no None takes no null either.
    """
    return Field(default_factory=lambda: None)


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """Return the body of a request. Raises `Refused` with every field that is wrong."""
    if request.content_type != JSON_TYPE:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "request.unsupported_type",
            f"the body is to be JSON, with Content-Type: {JSON_TYPE}",
        )
    return read_json(JsonText.read(await read_bytes(request)), model)


async def read_bytes(request: web.Request) -> bytes:
    """Return the body of a request as it is. Raises `RequestRefused` for one that is too large."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise RequestRefused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "request.too_large",
            f"a body has at most {MAX_BODY_BYTES} bytes",
            most=MAX_BODY_BYTES,
        ) from error


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON, and the value that it says, with whole numbers such as 5.0 as 5.

    JSON Schema calls 5.0 an integer, and pydantic's strict reading does not.
    """

    raw: bytes
    value: Any

    @classmethod
    def read(cls, raw: bytes) -> JsonText:
        """Parse bytes. Raises `RequestRefused`: no JSON, or what cannot be kept."""
        value, whole_floats = _parsed(raw)
        return cls(json.dumps(value).encode() if whole_floats else raw, value)


def read_json(text: JsonText, model: type[Model]) -> Model:
    """Return what JSON says as a model. Raises `Refused` with every field that is wrong."""
    _refuse_unwritten_times(model, text.value if isinstance(text.value, dict) else {})
    # Strictly: `true` is no customer 1, and "5" no number.
    return checked(model, lambda: model.model_validate_json(text.raw, strict=True))


def _parsed(raw: bytes) -> tuple[Any, bool]:
    """Return what the bytes say, with whole numbers such as 5.0 as 5, and whether there are such."""
    whole_floats = False

    def number(text: str) -> int | float:
        nonlocal whole_floats
        found = float(text)
        if not found.is_integer() or abs(found) > MAX_NUMBER:
            return found
        whole_floats = True
        return int(found)

    try:
        value = json.loads(
            raw.decode(), parse_float=number, parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"it is not UTF-8 from byte {error.start} on") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise _malformed(f"it is deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _malformed(str(error)) from error
    refuse_unfit(value)
    return value, whole_floats


def read_query(request: web.Request, model: type[Model], known: Iterable[str] = ()) -> Model:
    """Return the parameters of a request that the model has; `known` ones are read elsewhere.

    Raises `Refused` with every parameter that is wrong, unknown, or given twice.
    """
    taken = {*known}
    given: dict[str, str] = {}
    refused = []
    for name, value in request.query.items():
        if name in given:
            text = f"parameter {quoted(name)} is given more than once"
            refused.append(Refused("request.repeated_parameter", text, (name,), parameter=name))
        elif name not in model.model_fields and name not in taken:
            near = did_you_mean(name, [*model.model_fields, *taken])
            text = f"there is no parameter {quoted(plain(name))}" + (f" ({near})" if near else "")
            refused.append(Refused("request.unknown_parameter", text, (name,), parameter=name))
        given[name] = value
    if refused:
        raise _together(refused)
    refuse_unfit(given)
    own = {name: value for name, value in given.items() if name in model.model_fields}
    _refuse_unwritten_times(model, own)
    found = checked(model, lambda: model.model_validate(own))
    refuse_unfit(dict(found))
    return found


def checked(model: type[Model], validate: Callable[[], Model]) -> Model:
    """Return what a validation by the model gives. Raises `Refused` with every field that is wrong."""
    try:
        return validate()
    except ValidationError as error:
        together: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
        for one in error.errors(include_url=False):
            together.setdefault(one["loc"], []).append(one)
        raise _together([_refusal(model, loc, of) for loc, of in together.items()]) from error


def _refuse_unwritten_times(model: type[BaseModel], given: Mapping[str, Any]) -> None:
    """Refuse what pydantic takes for a time and RFC 3339 does not, such as a number of seconds."""
    refused = [
        Refused(
            "field.malformed",
            f"`{name}` is no time with its offset (write one such as 2026-12-24T18:00:00Z)",
            (name,),
            field=name,
        )
        for name in _times(model)
        if isinstance(value := given.get(name), str | int | float) and not _TIME.match(str(value))
    ]
    if refused:
        raise _together(refused)


@cache
def _times(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of the fields that are times."""
    fields = model.model_fields.items()
    return tuple(name for name, one in fields if AwareDatetime in (one.annotation, *get_args(one.annotation)))


def _refusal(model: type[BaseModel], loc: tuple[int | str, ...], errors: list[ErrorDetails]) -> Refused:
    at = tuple(str(step) for step in loc)
    name = at[-1] if at else ""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        near = did_you_mean(name, model.model_fields) if len(at) == 1 else ""
        text = f"there is no field {quoted(plain(name))}" + (f" ({near})" if near else "")
        return Refused("field.unknown", text, at, field=name)
    if first["type"] == "missing":
        return Refused("field.missing", f"`{name}` is missing", at, field=name)
    if first["input"] is None:
        needed = name in model.model_fields and model.model_fields[name].is_required()
        mend = "give a value" if needed else "give a value, or leave it out"
        return Refused("field.malformed", f"`{name}` cannot be null ({mend})", at, field=name)
    what, mend = in_words(name, errors, {})
    if isinstance(first["input"], dict | list):
        # What helps with a file, such as quotes, is no help with JSON.
        mend = ""
    return Refused("field.malformed", f"{what} ({mend})" if mend else what, at, field=name)


def _together(refused: list[Refused]) -> Refused:
    return refused[0] if len(refused) == 1 else RefusedTogether(refused)


def _malformed(what: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.BAD_REQUEST, "request.malformed_json", f"the body cannot be read as JSON: {what}"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {quoted(plain(twice))} stands twice in one object")
    return found


def refuse_unfit(value: object, at: tuple[str, ...] = ()) -> None:
    """Refuse text and numbers that no database keeps, and what is nested without end."""
    if len(at) > MAX_DEPTH:
        raise _malformed(f"it is deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Refused("field.unfit_text", "text has no NUL and no half of a surrogate pair", at)
    elif isinstance(value, int | float):
        if abs(value) > MAX_NUMBER and (isinstance(value, int) or math.isinf(value)):
            name = at[-1] if at else ""
            raise Refused(
                "field.out_of_range",
                f"`{name}` is out of range; write a number from -{MAX_NUMBER} to {MAX_NUMBER}",
                at,
                field=name,
                low=-MAX_NUMBER,
                high=MAX_NUMBER,
            )
    elif isinstance(value, Mapping):
        for name, one in value.items():
            refuse_unfit(name, at)
            refuse_unfit(one, (*at, name))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            refuse_unfit(one, (*at, str(place)))
