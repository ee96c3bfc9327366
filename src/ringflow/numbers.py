"""Telephone numbers in one form.

A number that identifies somebody is E.164 digits without the plus (ITU-T E.164: at most 15 digits, a country
code first). Networks, switches and people write the same number in several ways; `normalise_number` knows
them. The national numbering plans come from the phonenumbers library (Google's libphonenumber).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, ValidationResult

MAX_E164_DIGITS = 15
MAX_WRITTEN = 32

_WRITTEN = re.compile(r"\+?[0-9 ()-]+", re.ASCII)
_SEPARATORS = str.maketrans("", "", " ()-")
_EXTENSION = re.compile(r"[A-Za-z0-9_+*#.-]{1,64}", re.ASCII)
_COUNTRY_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
# Of a number: its country code, or its trunk prefix, and the digit after it.
_TELLING = 4


class _Plan(NamedTuple):
    """What tells a country's own numbers from foreign ones: their lengths and their trunk prefix.

    No trunk prefix is kept where it equals the country code (1 in North America): both readings agree.
    """

    longest: int
    lengths: frozenset[int]
    trunk_prefix: str


def normalise_number(text: str, country: str) -> str | None:
    """E.164 digits without plus, or None where `text` is not a telephone number.

    `country` is a two-letter code (ISO 3166-1) and decides how national forms are read. Understood are
    `+44...`, `0044...`, the country's own international prefix, its national form, and bare E.164 digits;
    where bare digits could be both, a valid national number wins. Spaces, hyphens, parentheses are dropped,
    any other character makes it no number. Possible lengths are required, assigned ranges are not: ranges are
    opened more often than libraries are updated.
    """
    if len(text) > MAX_WRITTEN:
        return None
    digits = text
    if not (text.isascii() and text.isdigit()):
        if not _WRITTEN.fullmatch(text):
            return None
        digits = text.translate(_SEPARATORS)
        if digits.startswith("+"):
            return _international(digits[1:])
    if _is_surely_e164(digits[:_TELLING], len(digits), country):
        return digits
    if digits.startswith("00"):
        return _international(digits[2:])
    if _is_surely_international(digits, len(digits), country):
        return _international(digits)
    return _either(digits, country)


def extension(text: str) -> str | None:
    """What Asterisk calls an extension (a number, a short number, a name), or None for anything else."""
    return text if _EXTENSION.fullmatch(text) else None


def _international(digits: str) -> str | None:
    """Digits that begin with a country code."""
    if _is_e164(digits, len(digits)):
        return digits
    if len(digits) > MAX_E164_DIGITS:
        return None
    # +44 (0)191 and +1 (1)202 keep a trunk prefix that E.164 drops; in Italy the zero belongs to the number.
    return _possible("+" + digits, None)


@lru_cache(maxsize=4096)
def _is_surely_e164(start: str, length: int, country: str) -> bool:
    """Whether so many bare digits, of which these are the first, are a full number and can be no other."""
    return _is_surely_international(start, length, country) and _is_e164(start, length)


def _is_e164(start: str, length: int) -> bool:
    """Whether so many digits, of which these are the first, are a country code and what may follow it."""
    code = _country_code(start)
    return length <= MAX_E164_DIGITS and length - len(code) in _lengths(code) and start[len(code)] != "0"


def _is_surely_international(start: str, length: int, country: str) -> bool:
    """Whether so many bare digits, of which these are the first, are too many for a number of the country."""
    plan = _plan(country)
    if start.startswith("0") or length <= plan.longest:
        return False
    own = plan.trunk_prefix and start.startswith(plan.trunk_prefix)
    return not (own and length - len(plan.trunk_prefix) in plan.lengths)


def _either(digits: str, country: str) -> str | None:
    """Bare digits, national or international: what is valid goes before what is merely possible."""
    national = _parse(digits, country)
    if national is not None and phonenumbers.is_valid_number(national):
        return _settled(national)
    foreign = _parse("+" + digits, None) if not digits.startswith("0") else None
    if foreign is not None and phonenumbers.is_valid_number(foreign):
        return _settled(foreign)
    return next((_settled(number) for number in (national, foreign) if number and _is_possible(number)), None)


def _possible(text: str, country: str | None) -> str | None:
    number = _parse(text, country)
    return _settled(number) if number is not None and _is_possible(number) else None


def _settled(number: phonenumbers.PhoneNumber) -> str | None:
    """E.164, or None for what would be read as another number once it is written in full.

    Of zeros in a row behind a country code each reading drops one as a trunk prefix: nobody has such numbers.
    """
    written = _e164(number)
    again = _parse("+" + written, None) if written is not None else None
    return written if again is not None and _e164(again) == written else None


def _parse(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None


def _is_possible(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _e164(number: phonenumbers.PhoneNumber) -> str | None:
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return digits if len(digits) <= MAX_E164_DIGITS else None


def _country_code(digits: str) -> str:
    """The country code that `digits` begin with, or nothing; no code is another's beginning."""
    for length in (1, 2, 3):
        if digits[:length] in _COUNTRY_CODES:
            return digits[:length]
    return ""


@lru_cache(maxsize=512)
def _lengths(code: str) -> frozenset[int]:
    """How many digits may follow a country code; none follow what is no code."""
    if not code:
        return frozenset()
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        metadata = PhoneMetadata.metadata_for_nongeo_region(int(code), None)
    else:
        metadata = PhoneMetadata.metadata_for_region(region, None)
    return frozenset(metadata.general_desc.possible_length if metadata and metadata.general_desc else ())


@lru_cache(maxsize=512)
def _plan(country: str) -> _Plan:
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None:
        raise ValueError(f"{country!r} is not a two-letter country code")
    code = str(metadata.country_code)
    lengths = _lengths(code)
    prefix = metadata.national_prefix or ""
    return _Plan(max(lengths), lengths, prefix if prefix != code else "")
