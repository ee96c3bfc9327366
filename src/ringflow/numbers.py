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
# Not a single letter: Asterisk itself goes to `h` at a hang-up, to `s`, `i`, `t` and others elsewhere.
_EXTENSION = re.compile(r"[0-9_+*#][A-Za-z0-9_+*#.-]{0,63}|[A-Za-z][A-Za-z0-9_+*#.-]{1,63}", re.ASCII)
COUNTRY_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
"""Those that are assigned (ITU-T E.164); no one of them begins another."""

_ANY_SUBSCRIBER = "2345678"
"""What a subscriber's number in North America may look like."""

# Of a number: its country code, or its trunk prefix, and the digit after it.
_TELLING = 4


_RENUMBERED = {
    # Mexico, 2019: 1 after the country code, and 044, 045, 01 within the country, are no longer dialled.
    52: (re.compile(r"(?:0?1|04[45])([2-9][0-9]{9})"), r"\1"),
    # Brazil, 2016: a 9 before the eight digits of mobile numbers.
    55: (re.compile(r"([1-9][0-9])([6-9][0-9]{7})"), r"\g<1>9\2"),
    # Benin, 2024: 01 before the eight digits of all numbers.
    229: (re.compile(r"([2-9][0-9]{7})"), r"01\1"),
}
"""By country code: an old form of national numbers, which networks still send, and the form of today."""

_RENUMBERED_CODES = frozenset(map(str, _RENUMBERED))
_ARGENTINE_MOBILE = re.compile(r"549?([1-9][0-9]{9})")
_MEXICAN = re.compile(r"52([2-9][0-9]{9})")

_COSTLY = frozenset(
    {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
)

# No short number (emergency, directory, voice mail) of any country is longer.
_MAX_SHORT = 6
_DEFAULT_INTERNATIONAL_PREFIX = "00"  # ITU-T E.164, 7.3


class _Plan(NamedTuple):
    """What tells a country's own numbers from foreign ones: code, lengths, and what is dialled first.

    No trunk prefix is kept where it equals the country code (1 in North America): both readings agree.
    `international_prefix` is dialled before a foreign number; where there are several it is the usual one.
    `sole_prefix` is the same where there is no other and no national number begins with it, else empty.
    """

    code: str
    longest: int
    lengths: frozenset[int]
    trunk_prefix: str
    international_prefix: str
    sole_prefix: str


def normalise_number(text: str, country: str) -> str | None:
    """E.164 digits without plus, or None where `text` is not a telephone number.

    `country` is a two-letter code (ISO 3166-1) and decides how national forms are read. Understood are
    `+44...`, the country's own international prefix (`01144...` in the US), `0044...`, its national form, and
    bare E.164 digits. Where several readings are possible a valid number goes before a merely possible one,
    and then one that the country's own prefixes make goes before others. A national number without its trunk
    prefix comes last, unless the country writes it so. Spaces, hyphens, parentheses are dropped,
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
    plan = _plan(country)
    if plan.sole_prefix and digits.startswith(plan.sole_prefix):
        foreign = digits[len(plan.sole_prefix) :]
        if _is_e164(foreign, len(foreign)):
            return foreign
    elif _is_surely_international(digits, len(digits), country):
        return _international(digits)
    return _either(digits, country)


def dialled_number(text: str, country: str) -> str | None:
    """E.164 digits of what a caller or a flow dials, or None where it names no telephone that all can reach.

    As `normalise_number`, but for short numbers of the country, such as 112 or 116000: nobody can be reached
    by their digits behind a country code, so they are None too.
    """
    number = normalise_number(text, country)
    if number is None or len(text) > _MAX_SHORT or not text.isdigit():
        return number
    return None if _is_short(text, number, country) else number


def international_prefix(country: str) -> str:
    """The digits that are dialled before a foreign number: 011 in the US, 00 in most countries.

    Where callers choose among several, or among carriers, the usual one, or 00 if there is none.
    """
    return _plan(country).international_prefix


def national_form(number: str, country: str) -> str | None:
    """An E.164 number as it is dialled within its country, such as 01910000001; None for a foreign number."""
    if not number.startswith(_plan(country).code):
        return None
    parsed = _parse("+" + number, None)
    assert parsed is not None, f"{number} is not in E.164"
    shown = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    bare = phonenumbers.national_significant_number(parsed)
    # Numbers of ranges that the library does not know come without their trunk prefix.
    forms = ("".join(filter(str.isdigit, shown)), _plan(country).trunk_prefix + bare)
    return next((form for form in forms if normalise_number(form, country) == number), None)


def identifying_form(number: str) -> str:
    """The form of an E.164 number by which it identifies its caller.

    Argentina's mobile numbers are +54 9 11 ... from abroad and 11 ... at home, so carriers send them with
    the 9 and without. No two subscribers differ in it alone: identification leaves it out. It stays where a
    number is dialled, shown or recorded.
    """
    plain = _ARGENTINE_MOBILE.fullmatch(number) if number.startswith("549") else None
    return f"54{plain[1]}" if plain else number


def equivalent_forms(number: str) -> tuple[str, ...]:
    """The forms in which one E.164 number is written, its own first: patterns for either find it."""
    if number.startswith("54") and (plain := _ARGENTINE_MOBILE.fullmatch(number)):
        return tuple(dict.fromkeys((number, f"54{plain[1]}", f"549{plain[1]}")))
    if number.startswith("52") and (plain := _MEXICAN.fullmatch(number)):
        return number, f"521{plain[1]}"
    return (number,)


def possible_lengths() -> dict[str, frozenset[int]]:
    """Of each country code, how many digits may follow it in one of the `equivalent_forms` of a number."""
    lengths = {code: _lengths(code) for code in COUNTRY_CODES}
    return lengths | {"52": lengths["52"] | {11}}


def number_prefix(text: str, country: str) -> str | None:
    """The beginning of E.164 numbers that `text` names, or None where it names none.

    Written as `44`, `+44`, `0044`, or with the country's own international prefix. Country codes do not begin
    with 0, so what does is an international prefix or a national form, of which nobody knows where it ends.
    """
    if len(text) > MAX_WRITTEN or not _WRITTEN.fullmatch(text):
        return None
    digits = text.translate(_SEPARATORS)
    if digits.startswith("+"):
        digits = digits[1:]
    elif digits.startswith("0"):
        own = _plan(country).international_prefix
        known = (own, _DEFAULT_INTERNATIONAL_PREFIX)
        prefix = next((one for one in known if digits.startswith(one)), None)
        if prefix is None:
            return None
        digits = digits[len(prefix) :]
    is_prefix = 0 < len(digits) <= MAX_E164_DIGITS and not digits.startswith("0")
    return digits if is_prefix else None


def is_country(code: str) -> bool:
    """Whether it is the two-letter code, in capitals, of a country that has telephone numbers."""
    return code in phonenumbers.SUPPORTED_REGIONS


def same_country(one: str, other: str) -> bool:
    """Whether two beginnings of E.164 numbers are behind the same country code."""
    code = _country_code(one)
    return bool(code) and code == _country_code(other)


def country_of(number: str) -> str | None:
    """The country (ISO 3166-1) of E.164 digits; None where no country has them.

    Countries that share a code are told apart by the ranges they have, in North America by the area code;
    where those do not tell, it is the country that the code is mainly of.
    """
    parsed = _parse(f"+{number}", None)
    if parsed is None or parsed.country_code is None:
        return None
    country = phonenumbers.region_code_for_number(parsed)
    if country is None and number.startswith("1"):
        # Of digits that are nobody's number the area code still tells.
        anybody = _parse(f"+{number[:4]}{_ANY_SUBSCRIBER}", None)
        country = phonenumbers.region_code_for_number(anybody) if anybody is not None else None
    country = country or phonenumbers.region_code_for_country_code(parsed.country_code)
    return country if country in phonenumbers.SUPPORTED_REGIONS else None


def costs_extra(number: str) -> bool:
    """Whether calls to these E.164 digits are known to cost more than to a line: premium and the like."""
    parsed = _parse(f"+{number}", None)
    return parsed is None or phonenumbers.number_type(parsed) in _COSTLY


def trunk_zero(digits: str) -> str:
    """The country code that E.164 digits begin with, if 0 is only dialled before numbers within that country.

    Empty for other countries: in Italy, the Ivory Coast and others the 0 belongs to the number.
    """
    code = _country_code(digits)
    return code if _has_trunk_zero(code) else ""


def is_written_number(text: str) -> bool:
    """Whether the text has the signs of a telephone number only, in whatever country."""
    return len(text) <= MAX_WRITTEN and _WRITTEN.fullmatch(text) is not None and any(map(str.isdigit, text))


def extension(text: str) -> str | None:
    """What the shipped dialplan takes for a DID (a number, a short number, a name), or None."""
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
    """Whether so many digits, of which these are the first, are a country code and what may follow it.

    Not of countries that have renumbered: there it takes all digits to tell the old form.
    """
    code = _country_code(start)
    if code in _RENUMBERED_CODES:
        return False
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
    # This one takes the country's own international and national prefixes off.
    national, foreign = _parse(digits, country), None
    if digits.startswith(_DEFAULT_INTERNATIONAL_PREFIX):
        foreign = _parse("+" + digits[len(_DEFAULT_INTERNATIONAL_PREFIX) :], None)
    elif not digits.startswith("0"):
        foreign = _parse("+" + digits, None)
    readings = (national, foreign)
    if national is not None and _lacks_trunk_prefix(national, digits, country):
        readings = (foreign, national)
    numbers = [number for number in readings if number is not None]
    valid = next((number for number in numbers if phonenumbers.is_valid_number(number)), None)
    if valid is not None:
        return _settled(valid)
    return next((_settled(number) for number in numbers if _is_possible(number)), None)


def _lacks_trunk_prefix(national: phonenumbers.PhoneNumber, digits: str, country: str) -> bool:
    """Whether these digits are a national number without the trunk prefix that it is always written with.

    In Germany 49151... and 33612... are numbers in full: those of the country are 049151... and 033612...
    """
    bare = phonenumbers.national_significant_number(national)
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if digits != bare or metadata is None or not _plan(country).trunk_prefix:
        return False
    for written in metadata.number_format:
        leading = written.leading_digits_pattern
        if (not leading or re.match(leading[-1], bare)) and re.fullmatch(written.pattern or "", bare):
            optional = written.national_prefix_optional_when_formatting
            return bool(written.national_prefix_formatting_rule) and not optional
    return True


def _is_short(text: str, number: str, country: str) -> bool:
    """Whether these digits are a short number of the country, and no valid number besides."""
    parsed = _parse("+" + number, None)
    if parsed is not None and phonenumbers.is_valid_number(parsed):
        return False
    keyed = _parse(text, country)
    return keyed is not None and phonenumbers.is_valid_short_number_for_region(keyed, country)


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
        return _today(phonenumbers.parse(text, country))
    except phonenumbers.NumberParseException:
        return None


def _today(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """The same number in the form of today, where its country has renumbered and this is the old form."""
    old = _RENUMBERED.get(number.country_code or 0)
    if old is None or phonenumbers.is_valid_number(number):
        return number
    bare = phonenumbers.national_significant_number(number)
    if not old[0].fullmatch(bare):
        return number
    renewed = phonenumbers.parse(f"+{number.country_code}{old[0].sub(old[1], bare)}", None)
    return renewed if phonenumbers.is_valid_number(renewed) else number


def _is_possible(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _e164(number: phonenumbers.PhoneNumber) -> str | None:
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    return digits if len(digits) <= MAX_E164_DIGITS else None


def _country_code(digits: str) -> str:
    """The country code that `digits` begin with, or nothing; no code is another's beginning."""
    for length in (1, 2, 3):
        if digits[:length] in COUNTRY_CODES:
            return digits[:length]
    return ""


@lru_cache(maxsize=512)
def _has_trunk_zero(code: str) -> bool:
    """Whether all countries of a country code dial 0 before their national numbers."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)] if code else ()
    metadata = [PhoneMetadata.metadata_for_region(region, None) for region in regions]
    return bool(metadata) and all(one is not None and one.national_prefix == "0" for one in metadata)


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
    trunk_prefix = metadata.national_prefix or ""
    # A regular expression of all there are, and of several the usual one; `~` in it is a wait for a tone.
    written = metadata.international_prefix or ""
    usual = "".join(filter(str.isdigit, metadata.preferred_international_prefix or ""))
    prefix = written if written.isdigit() else usual or _DEFAULT_INTERNATIONAL_PREFIX
    is_sole = prefix == written and prefix.startswith("0") and prefix != trunk_prefix
    return _Plan(
        code=code,
        longest=max(lengths),
        lengths=lengths,
        trunk_prefix=trunk_prefix if trunk_prefix != code else "",
        international_prefix=prefix,
        sole_prefix=prefix if is_sole else "",
    )
