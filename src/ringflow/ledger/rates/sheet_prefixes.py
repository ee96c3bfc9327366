"""The prefixes in the cells of a rate sheet: single ones, lists, ranges, and what is ambiguous refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ringflow.errors import Refused
from ringflow.ledger.rates.prefix import AS_KEYED, rate_prefix
from ringflow.ledger.rates.sheet_cells import DASHES, EXPONENT, THOUSANDS, CellError
from ringflow.numbers import same_country, trunk_zero
from ringflow.wording import quoted

MAX_RANGE = 1000

_FLOAT = re.compile(r"([0-9]+)\.0+")

_LIST = re.compile(r"\s*[;,/|\n]\s*")

_RANGE = re.compile(r"(\+?[0-9 ]+?)\s*-\s*(\+?[0-9 ]+)")

_CLASS = re.compile(r"(\+?[0-9]+)\[([0-9-]+)\]")


def read_prefixes(text: str, country: str, field: str = "prefix") -> list[str]:
    """The prefixes of a cell: one, a list (`20;30`), a range (`4477-4479`), an ending (`447[1-9]`).

    With the field `area` they are what follows a country's code, and may be of any length.
    """
    text = text.translate(DASHES).removeprefix("'").strip()
    if not text:
        raise CellError(field, f"{field} is empty", "write one, or leave the row out")
    if EXPONENT.fullmatch(text):
        raise CellError(
            field,
            f"{field} {quoted(text)}: which digits? A spreadsheet has shortened the number",
            "format the column as text and enter them again",
        )
    if text.startswith(AS_KEYED) and field == "prefix":
        return [_whole(text, country)]
    if THOUSANDS.fullmatch(text):
        joined = text.replace(",", "")
        raise CellError(
            field,
            f"{field} {quoted(text)}: one number with separators of thousands, or a list?",
            f"write {joined}, or {text.replace(',', ';')}",
        )
    parts = _LIST.split(text)
    if len(parts) > 1:
        _check_list(text, parts, field)
    return list(dict.fromkeys(prefix for part in parts for prefix in _part(part, country, field)))


def joined_prefixes(code: str, areas: Sequence[str], country: str) -> list[str]:
    """Each area behind its country's code. Raises `CellError` for a zero that only its country dials."""
    for area in areas:
        if area.startswith("0") and trunk_zero(code):
            raise CellError(
                "area",
                f"area {quoted(area)}: is its 0 dialled from abroad? Behind +{code} no number begins with 0",
                f"write {area.lstrip('0') or 'what follows the 0'}",
            )
    return [_whole(code + area, country) for area in areas]


def _part(text: str, country: str, field: str) -> list[str]:
    ending = _CLASS.fullmatch(text)
    if ending is not None:
        return [_one(ending[1] + digit, country, field) for digit in _digits_of(ending[2], text, field)]
    limits = _RANGE.fullmatch(text)
    if limits is not None:
        if (found := _range(limits[1], limits[2], country, field)) is not None:
            return found
        if field == "area" or len(limits[1].strip(" +")) >= len(limits[2].strip()):
            raise CellError(
                field,
                f"{field} {quoted(text)}: a range, or one number?",
                "write both ends of a range in full, the smaller one first, such as 4477-4479",
            )
    return [_one(text, country, field)]


def _range(first: str, last: str, country: str, field: str) -> list[str] | None:
    """Every prefix of a range; None where it is none."""
    start, end = _one(first, country, field), _one(last, country, field)
    if len(start) != len(end) or start >= end:
        return None
    if field == "prefix" and not same_country(start, end):
        return None
    count = int(end) - int(start) + 1
    if count > MAX_RANGE:
        raise CellError(
            field, f"{field} {quoted(f'{first}-{last}')} is a range of {count}", f"write at most {MAX_RANGE}"
        )
    return [f"{number:0{len(start)}d}" for number in range(int(start), int(end) + 1)]


def _digits_of(written: str, text: str, field: str) -> list[str]:
    found = ""
    for one in re.findall(r"[0-9]-[0-9]|[0-9]|-", written):
        if one == "-" or one[0] > one[-1]:
            raise CellError(field, f"{field} {quoted(text)}: which digits?", "write them as 447[1-36]")
        found += "".join(map(str, range(int(one[0]), int(one[-1]) + 1)))
    return list(found)


def _one(text: str, country: str, field: str) -> str:
    whole = _FLOAT.fullmatch(text)
    digits = whole[1] if whole is not None else text
    if field == "prefix":
        _check_spaces(digits, field)
        return _whole(digits, country)
    bare = digits.replace(" ", "").replace("-", "").replace("(", "").replace(")", "")
    if field == "country":
        code = _whole(digits, country)
        if not bare or len(code) > 4:
            raise CellError(field, f"country {quoted(text)}: write a country's code such as 44")
        return code
    if not (bare.isascii() and bare.isdigit()):
        raise CellError(field, f"{field} {quoted(text)}: write digits, such as 20, 20;30 or 20-29")
    return bare


def _check_spaces(text: str, field: str) -> None:
    """Refuse what may be a list with spaces in it: `4477 4478`, not `44 7911` or `447 911`."""
    groups = text.split()
    if len(groups) > 1 and all(same_country(groups[0], one) for one in groups[1:]):
        joined, listed = "".join(groups), ";".join(groups)
        what = f"{field} {quoted(text)}: one number with spaces, or a list?"
        raise CellError(field, what, f"write {joined}, or {listed}")


def _whole(text: str, country: str) -> str:
    try:
        prefix = rate_prefix(text, country)
    except Refused as error:
        raise CellError("prefix", str(error)) from None
    code = trunk_zero(prefix)
    if code and prefix[len(code) :].startswith("0"):
        raise CellError(
            "prefix",
            f"prefix {quoted(text)}: is the 0 behind {code} dialled from abroad? "
            "No number there begins with it",
            f"write {code + prefix[len(code) :].lstrip('0')}",
        )
    return prefix


def _check_list(text: str, parts: Sequence[str], field: str) -> None:
    mend = "write each in full, such as 6138;6139"
    if any(re.search(r"[0-9] +[0-9]", part) for part in parts):
        raise CellError(field, f"{field} {quoted(text)}: does what stands first belong to each?", mend)
    if field == "prefix" and any(len(part) < len(parts[0]) for part in parts[1:]):
        shorter = next(part for part in parts[1:] if len(part) < len(parts[0]))
        raise CellError(
            field, f"{field} {quoted(text)}: is {quoted(shorter)} whole, or the end of a longer one?", mend
        )
