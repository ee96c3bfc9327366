"""Forms: what their fields are called and of which type, and the page that lists them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest

import ringflow.forms
from ringflow.forms.audit_entry import facts_form
from ringflow.forms.field import FIELDS, Kind
from ringflow.forms.reference import SECTIONS, example_of, form_types, forms_text
from ringflow.lab.one_call import CalleeForm, WireForm
from ringflow.ledger.rates.sheet_import import COLUMNS as RATE_COLUMNS
from ringflow.moments import Moment
from ringflow.records.export import COLUMNS
from ringflow.records.slot_export import SLOT_COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
UTC = ZoneInfo("UTC")


def all_forms() -> Iterator[type[Any]]:
    for module in pkgutil.iter_modules(ringflow.forms.__path__):
        found = importlib.import_module(f"ringflow.forms.{module.name}")
        for name, one in vars(found).items():
            if name.endswith("Form") and not name.startswith("_") and one.__module__ == found.__name__:
                yield one


LISTED = [section.form for section in SECTIONS]


def test_every_form_is_on_the_page() -> None:
    assert set(all_forms()) - set(LISTED) == set()
    assert PAGE.read_text() == forms_text(), "run `ringflow schema --forms --out docs/json.md --overwrite`"


@pytest.mark.parametrize("form", [*LISTED, CalleeForm, WireForm], ids=lambda form: form.__name__)
def test_a_field_has_the_type_of_its_name(form: type[Any]) -> None:
    hints = get_type_hints(form)
    for field in fields(form):
        assert kind_of(hints[field.name]) in kinds_for(FIELDS[field.name].kind), field.name


def test_no_field_is_in_milliseconds_or_millionths() -> None:
    assert [name for name in FIELDS if name.endswith(("_ms", "_micros", "_millionths"))] == []
    times = {name for name, field in FIELDS.items() if field.kind is Kind.TIME}
    assert times == {name for name in FIELDS if name == "at" or name.endswith("_at")}
    lengths = {name for name in FIELDS if name.endswith("_s")} - {"calls_per_s", "max_calls_per_s"}
    measured = {name for name, field in FIELDS.items() if field.kind is Kind.SECONDS}
    assert measured == {name for name in lengths if FIELDS[name].kind not in (Kind.MAP, Kind.NUMBERS)}


def test_columns_of_exports_are_fields() -> None:
    of_leg = {name for name in COLUMNS if name.startswith("leg_") and name not in FIELDS}
    assert {name for name in (*COLUMNS, *SLOT_COLUMNS) if name not in FIELDS} == of_leg
    assert {name.removeprefix("leg_") for name in of_leg} <= FIELDS.keys()
    assert set(RATE_COLUMNS) <= FIELDS.keys()


def test_an_example_has_every_field_of_its_form() -> None:
    for section in SECTIONS:
        example = example_of(section.form, section.example)
        assert example.keys() == form_types(section.form).keys()
        assert section.example.keys() <= example.keys(), section.title


def test_facts_of_the_audit_log_have_the_names_of_the_forms() -> None:
    card = {
        "id": "100000000007",
        "customer_id": 7,
        "credit_micros": 5_250_000,
        "currency": "USD",
        "expires_ms": 86_400_000,
        "created_ms": 1,
        "redeemed_ms": None,
    }
    assert facts_form(card, UTC) == {
        "id": "100000000007",
        "customer": 7,
        "credit": "5.25",
        "currency": "USD",
        "expires": "1970-01-01",
        "created_at": "1970-01-01T00:00:00.001Z",
        "redeemed_at": None,
    }
    assert facts_form({"price_micros": 12_500, "from_ms": 0, "until_ms": 1000}, UTC) == {
        "price": "0.0125",
        "from_at": None,
        "until_at": "1970-01-01T00:00:01.000Z",
    }
    assert facts_form({"multiplier_millionths": 1_100_000, "value_micros": None}, UTC) == {
        "multiplier": "1.1",
        "value": None,
    }
    assert facts_form({"balance": "5.00 USD", "movement": 3}, UTC) == {
        "balance": "5.00",
        "currency": "USD",
        "movement": 3,
    }
    assert facts_form({"credit_micros": 500_000_000, "currency": "JPY"}, UTC) == {
        "credit": "500",
        "currency": "JPY",
    }
    assert facts_form(None, UTC) is None


def kinds_for(kind: Kind) -> set[str]:
    match kind:
        case Kind.KEY:
            return {"int", "str"}
        case Kind.INTEGER:
            return {"int"}
        case Kind.SECONDS | Kind.NUMBER:
            return {"int", "float"}
        case Kind.BOOLEAN:
            return {"bool"}
        case Kind.TIME:
            return {"moment"}
        case Kind.TEXT | Kind.AMOUNT | Kind.DECIMAL | Kind.DAY:
            return {"str"}
        case Kind.TEXTS:
            return {"texts"}
        case Kind.OBJECTS:
            return {"objects"}
        case Kind.OBJECT | Kind.ANY:
            return {"object"}
        case Kind.MAP:
            return {"map"}
        case _:
            return set()


def kind_of(hint: Any) -> str:
    parts = [one for one in get_args(hint) if one is not NoneType]
    if NoneType in get_args(hint):
        return kind_of(parts[0])
    origin = get_origin(hint)
    if origin is tuple:
        return "texts" if parts[0] is str else "objects" if is_dataclass(parts[0]) else "?"
    if origin is dict or origin is Mapping:
        return "map"
    if isinstance(hint, type) and issubclass(hint, Moment):
        return "moment"
    if is_dataclass(hint):
        return "object"
    return hint.__name__ if isinstance(hint, type) else "?"
