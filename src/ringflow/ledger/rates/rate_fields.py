"""The fields of one rate as a request has them: typed, with amounts as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from ringflow.errors import Refused, RefusedTogether
from ringflow.ledger.rates.sheet_cells import MAX_SECONDS, CellError, read_amount, read_destination

_LEAST = {"minimum_s": 1, "increment_s": 1, "grace_s": 0}


class RateFields(TypedDict, total=False):
    """What of a rate is to be what; what is not there stays. `until_ms` None: the rate has no end."""

    price: str
    connection: str
    minimum_s: int
    increment_s: int
    grace_s: int
    until_ms: int | None
    destination: str
    blocked: bool


def read_fields(fields: RateFields, currency: str) -> dict[str, object]:
    """Return the columns that change, and to what. A price opens a destination that was blocked.

    Raises `Refused` with every field that is wrong.
    """
    refused: list[Refused] = []
    found: dict[str, object] = {}
    for field, value in fields.items():
        try:
            found |= _columns(field, value, currency)
        except Refused as error:
            refused.append(error)
    if refused:
        raise refused[0] if len(refused) == 1 else RefusedTogether(refused)
    if "price" in fields and "blocked" not in fields:
        found["blocked"] = False
    return found


def _columns(field: str, value: object, currency: str) -> dict[str, object]:
    if field in ("price", "connection"):
        return {f"{field}_micros": _read(field, lambda: read_amount(str(value), currency, "point", field))}
    if field == "destination":
        return {field: _read(field, lambda: read_destination(str(value)))}
    if field in _LEAST:
        assert isinstance(value, int)
        least = _LEAST[field]
        if not least <= value <= MAX_SECONDS:
            raise Refused(
                "field.out_of_range",
                f"{field} {value} is out of range; write a number from {least} to {MAX_SECONDS}",
                (field,),
                field=field,
                low=least,
                high=MAX_SECONDS,
            )
    return {field: value}


def _read(field: str, read: Callable[[], int | str]) -> int | str:
    try:
        return read()
    except CellError as error:
        mend = f" ({error.mend})" if error.mend else ""
        raise Refused("field.malformed", f"{error.what}{mend}", (field,), field=field) from None
