"""The settings that a server runs with, each with where its value comes from. Secrets are masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from ringflow.config import Config
from ringflow.documents import Document, Location
from ringflow.errors import StartError
from ringflow.store.address import read_address

MASK = "***"

DECLARED = ("customers", "dids", "trunks")
"""What `config.yaml` declares and the database has: their own lists show it."""


class Origin(StrEnum):
    """Where the value of a setting comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name as in `http.port`, its value as JSON has it, and where that was written.

    `written_in` is the file with the line, or the variable of the environment; None for a default.
    """

    name: str
    value: object
    origin: Origin
    written_in: str | None


def settings_in_force(config: Config) -> list[Setting]:
    """Return all settings but the declarations, in the order of their names."""
    document = config.document
    found = [
        Setting(".".join(map(str, at)), value, *_origin(document, at))
        for at, value in _leaves(config, ())
        if at[0] not in DECLARED
    ]
    return sorted(found, key=lambda one: one.name)


def _leaves(model: BaseModel, at: Location) -> Iterator[tuple[Location, object]]:
    shown = model.model_dump(mode="json")
    for name in type(model).model_fields:
        inner = (*at, name)
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, inner)
        elif isinstance(value, Mapping) and any(isinstance(one, BaseModel) for one in value.values()):
            for key, one in value.items():
                yield from _leaves(one, (*inner, key))
        else:
            yield inner, _masked(inner, shown[name])


def _origin(document: Document, at: Location) -> tuple[Origin, str | None]:
    # A value beside what is written, as of `http: {port: 0}`, is a default.
    if at not in document.places:
        return Origin.DEFAULT, None
    source = document.source(at)
    if source != document.path:
        return Origin.ENVIRONMENT, source
    line, _ = document.place(at)
    return Origin.FILE, f"{document.path}:{line}"


def _masked(at: Location, value: object) -> object:
    """Return a value without what may be a secret in it."""
    if value is None:
        return None
    if at == ("database", "url"):
        return _without_password(str(value))
    if at[:2] == ("speech", "backends"):
        # Operators may write a key of the service into any of these.
        match at[-1]:
            case "headers" if isinstance(value, dict):
                return dict.fromkeys(value, MASK)
            case "body":
                return MASK
            case "command" if isinstance(value, list):
                return [value[0], *(MASK for _ in value[1:])]
            case "url":
                return _without_query(str(value))
    return value


def _without_password(url: str) -> str:
    try:
        return read_address(url).shown
    except StartError:
        return MASK


def _without_query(url: str) -> str:
    address, question_mark, _ = url.partition("?")
    return address + (question_mark and f"?{MASK}")
