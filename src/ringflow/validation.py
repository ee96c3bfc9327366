"""Values of a document, checked by pydantic models: every problem with its place and its mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ringflow.documents import Document, Location, Value
from ringflow.errors import Problem, ProblemCode
from ringflow.wording import did_you_mean, in_words, is_about_kind, known_words, nearest, quoted

_OF_A_KEY = "[key]"
"""What ends the location of pydantic's complaints about a key of a mapping."""

Model = TypeVar("Model", bound=BaseModel)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(json_schema_extra={"type": ["string", "integer"]})]
"""Text that may be written as a number: `number: 18005550100` needs no quotes."""


def check_model(
    model: type[Model],
    document: Document,
    value: Value,
    location: Location = (),
    pattern_mends: Mapping[str, str] | None = None,
    homes: Mapping[str, str] | None = None,
) -> tuple[Model | None, list[Problem]]:
    """Validate `value`, which stands at `location`; gives the model, or every problem with its position.

    `pattern_mends` says in words what a regular expression of the model asks for, and `homes` where keys
    belong that may be written beside those of the model.
    """
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        complaints = _complaints(error, document, location)
        misspelt = set(_misspelt(model, document, complaints))
        return None, [
            _explain(model, document, full, errors, pattern_mends or {}, homes or {})
            for (full, missing), errors in complaints.items()
            if (full, missing) not in misspelt
        ]


def wrong_locations(
    model: type[BaseModel], document: Document, value: Value, location: Location = ()
) -> set[Location]:
    """Where inside `value`, which stands at `location`, something is that the model does not take.

    What lacks something is wrong itself; but of `value` that is not said.
    """
    try:
        model.model_validate(value)
    except ValidationError as error:
        return {full for full, _ in _complaints(error, document, location)} - {location}
    return set()


def _complaints(
    error: ValidationError, document: Document, location: Location
) -> dict[tuple[Location, str], list[ErrorDetails]]:
    """What pydantic complains of, by the location in the document and the name of what is missing there."""
    # A value that may be of several kinds has a complaint from each of them; they are one problem.
    together: dict[tuple[Location, str], list[ErrorDetails]] = {}
    for one in error.errors(include_url=False):
        rest = tuple(one["loc"])
        full = _written(document, location, rest)
        missing = str(rest[-1]) if one["type"] == "missing" else ""
        together.setdefault((full, missing), []).append(one)
    # Where a complaint is about something inside of a value, that value is of the right kind; and a list is
    # called too short because its entries are not right.
    entered = {full[:length] for full, _ in together for length in range(len(full))}
    return {
        (full, missing): errors
        for (full, missing), errors in together.items()
        if full not in entered or not all(is_about_kind(one) or one["type"] == "too_short" for one in errors)
    }


def _misspelt(
    model: type[BaseModel],
    document: Document,
    complaints: Mapping[tuple[Location, str], list[ErrorDetails]],
) -> Iterator[tuple[Location, str]]:
    """The missing keys that stand there misspelt, or whose own keys do: only what is written is a problem."""
    missing = {(full, name) for full, name in complaints if name}
    for (full, _), errors in complaints.items():
        if full and errors[0]["type"] == "extra_forbidden":
            loc = tuple(errors[0]["loc"])
            near = nearest(str(full[-1]), _known_keys(model, loc[:-1]))
            meant = [near] if near else _groups_with(model, document, full) if len(loc) == 1 else []
            yield from ((full[:-1], name) for name in meant if (full[:-1], name) in missing)


def _explain(
    model: type[BaseModel],
    document: Document,
    full: Location,
    errors: list[ErrorDetails],
    pattern_mends: Mapping[str, str],
    homes: Mapping[str, str],
) -> Problem:
    loc = tuple(errors[0]["loc"])
    name = _name_of(full) if loc else ""
    if errors[0]["type"] == "extra_forbidden":
        known = _known_keys(model, loc[:-1])
        home = homes.get(name) or (None if nearest(name, known) else _home(model, document, full))
        if home is not None and len(loc) == 1:
            return document.key_problem(
                full,
                f"{quoted(name)} does not belong here",
                f"write it {home}",
                code=ProblemCode.KEY_MISPLACED,
            )
        mend = " ".join(part for part in (did_you_mean(name, known), _listed(known)) if part)
        return document.key_problem(full, f"unknown key {quoted(name)}", mend, code=ProblemCode.KEY_UNKNOWN)
    if errors[0]["type"] == "missing":
        return document.problem(
            full, f"`{loc[-1]}` is missing", f"add `{loc[-1]}:`", code=ProblemCode.KEY_MISSING
        )
    if loc[-1:] == (_OF_A_KEY,):
        # The mapping's name, and not the key's: the words say which key it is.
        return document.key_problem(
            full, *in_words(_name_of(full[:-1]), errors, pattern_mends), code=ProblemCode.VALUE_WRONG
        )
    return document.problem(full, *in_words(name, errors, pattern_mends), code=ProblemCode.VALUE_WRONG)


def _name_of(full: Location) -> str:
    return next((step for step in reversed(full) if isinstance(step, str)), "")


def _home(model: type[BaseModel], document: Document, full: Location) -> str | None:
    """Where a key belongs that stands beside the groups of settings of which some have it."""
    groups = _groups_with(model, document, full)
    return f"under {' or '.join(f'`{name}:`' for name in groups)}, indented" if groups else None


def _groups_with(model: type[BaseModel], document: Document, full: Location) -> list[str]:
    """The groups of settings that have a key; the one that is written, where that is one of them."""
    key = str(full[-1])
    groups = [
        name
        for name, info in _fields(model).items()
        if any(key in _fields(inner) for inner in _models_in(info.annotation))
    ]
    written = [name for name in groups if (*full[:-1], name) in document.places]
    return written if len(written) == 1 else groups


def _listed(known: set[str]) -> str:
    return f"known here: {known_words(known)}" if known else "remove it"


def _written(document: Document, location: Location, rest: Location) -> Location:
    # Unions and validators put names of their own into `loc`; only what stands in the file leads anywhere.
    for step in rest:
        if (*location, step) in document.places:
            location = (*location, step)
    return location


def _known_keys(model: type[BaseModel], steps: Location) -> set[str]:
    """The keys of the model that `steps` lead to; empty where they lead to none, or to several."""
    is_key = False
    for step in steps:
        # A value that may be of several kinds has the name of the model between the fields' names.
        if not isinstance(step, str) or step == model.__name__:
            continue
        if is_key:
            is_key = False
            continue
        info = next((info for key, info in _fields(model).items() if key == step), None)
        inner = list(_models_in(info.annotation)) if info else []
        if len(inner) != 1:
            return set()
        model = inner[0]
        # Of a mapping to models the next step is a key that the file's author chose.
        is_key = info is not None and _is_mapping(info.annotation)
    return set(_fields(model))


def _is_mapping(annotation: object) -> bool:
    return get_origin(annotation) is dict or any(_is_mapping(inner) for inner in get_args(annotation))


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
