"""Telephone numbers as people keep them in lists: `tel:` links, `Ann <441910000001>`, dots and brackets.

`numbers.normalise_number` reads what networks send and takes nothing but the signs of a number. Here what
stands around the number is taken off first. What could be two numbers, or only a part of one, is refused:
a number that is read wrongly lets a stranger call on a customer's account.
"""

from __future__ import annotations

import re
import unicodedata

from ringflow.errors import Refused
from ringflow.numbers import normalise_number
from ringflow.plain_text import plain

MAX_TEXT = 200

_AROUND = re.compile(r"(?P<before>[^<>]*)<(?P<inside>[^<>]+)>(?:;[^<>]*)?")
_NAME_BEHIND = re.compile(r"(?P<number>[^()]*[0-9][^()]*)\([^()0-9]*[^\W\d][^()0-9]*\)")
_NAME_BEFORE = re.compile(r"[^0-9+(<>]*[^\W\d_][^0-9+(<>]*?(?:[\s:]\s*|(?=\())(?P<number>[+(0-9][^A-Za-z]*)")
_URI = re.compile(r"(?P<scheme>tel|sips?|callto)\s*:\s*(?://)?(?P<rest>.*)", re.IGNORECASE)
_SHORTENED = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+]?[0-9]+")
_CELL_OF_A_NUMBER = re.compile(r"([0-9]{6,})[.,]0{1,2}")
_SEVERAL = re.compile(r"[0-9)]\s*(?:[;,|&]|\bor\b|\band\b|\n)\s*[+(]?[0-9]")
# Between digits only: the last dot of `44191000000.` and the brackets of `4419100000[01]` are a pattern's.
_DOT = re.compile(r"(?<=[0-9) ])\.(?=[0-9( ])")
_SLASH = re.compile(r"([+0-9() -]{2,7}) ?/ ?([0-9 -]{4,})")
_SQUARE = re.compile(r"\[(\+?[0-9 ]+)\](.*)")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"), "-")


def read_number(text: str, country: str) -> str:
    """The E.164 digits of the one number that `text` holds. Raises `Refused`, with what is wrong with it.

    `country` is a two-letter code (ISO 3166-1) and reads national forms, as in `normalise_number`.
    """
    number = normalise_number(text, country)
    if number is not None:
        return number
    cleaned = _cleaned(text[: MAX_TEXT + 1])
    if len(text) > MAX_TEXT or not cleaned:
        raise Refused(
            "number.malformed",
            f"`{plain(text)}` is not a telephone number: write one, with its country code",
            number=text,
        )
    return _number(cleaned, text, country)


def _cleaned(text: str) -> str:
    """The text with digits, spaces and dashes of all scripts as ASCII, without quotes and invisible signs."""
    text = unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES)
    signs = []
    for sign in text:
        if unicodedata.category(sign) == "Cf":
            continue
        digit = unicodedata.decimal(sign, None)
        signs.append(sign if sign.isascii() or digit is None else str(digit))
    text = "".join(signs).strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]  # a spreadsheet's way to keep digits as text
    return text.removeprefix("'").strip(" '\"")


def _number(text: str, whole: str, country: str) -> str:
    shown = plain(whole)
    if _SHORTENED.fullmatch(text):
        raise Refused(
            "number.cut_by_spreadsheet",
            f"`{shown}` is what a spreadsheet makes of a long number, and its last digits are lost: format "
            "the column as text, and write all digits",
            number=text,
        )
    if around := _AROUND.fullmatch(text):
        inside = _number(around["inside"].strip(), whole, country)
        before = normalise_number(around["before"].strip(" '\""), country)
        if before not in (None, inside):
            raise Refused("number.several", f"`{shown}` holds two different numbers: write one", number=text)
        return inside
    if uri := _URI.fullmatch(text):
        return _number_of_uri(uri["scheme"].lower(), uri["rest"], whole, country)
    if named := _NAME_BEHIND.fullmatch(text) or _NAME_BEFORE.fullmatch(text):
        return _number(named["number"].strip(), whole, country)
    if _SEVERAL.search(text):
        raise Refused(
            "number.several", f"`{shown}` holds more than one number: write each by itself", number=text
        )
    if cell := _CELL_OF_A_NUMBER.fullmatch(text):
        text = cell[1]
    number = normalise_number(_without_separators(text), country)
    if number is not None:
        return number
    if any(sign.isalpha() for sign in text):
        raise Refused(
            "number.malformed",
            f"`{shown}` is not a telephone number: write its digits alone, with the country code, or a name "
            "around them as in Ann <441910000001>",
            number=text,
        )
    raise Refused(
        "number.malformed",
        f"`{shown}` is not a telephone number: write its country code too, as in +441910000001",
        number=text,
    )


def _without_separators(text: str) -> str:
    text = _DOT.sub("", text)
    if text.startswith("(+"):
        text = "+(" + text[2:]
    if around := _SQUARE.fullmatch(text):
        text = around[1] + around[2]
    if slashed := _SLASH.fullmatch(text):
        text = slashed[1] + slashed[2]
    return " ".join(text.split())


def _number_of_uri(scheme: str, rest: str, whole: str, country: str) -> str:
    """The number of a URI: `tel:` (RFC 3966), or the user part of `sip:` (RFC 3261, 19.1.6)."""
    user = rest if scheme in ("tel", "callto") else rest.partition("@")[0]
    digits, *parameters = user.split(";")
    if any(sign in digits for sign in ",&|") or any(re.match(r"\s*\+?[0-9]", one) for one in parameters):
        raise Refused(
            "number.several",
            f"`{plain(whole)}` holds more than one number: write each by itself",
            number=whole,
        )
    context = next((one[14:] for one in parameters if one.lower().startswith("phone-context=+")), "")
    if context and not digits.startswith("+"):
        # RFC 3966, 5.1.4: a local number is unique within the global number that its context begins.
        digits = context + digits
    return _number(digits.replace("%20", " ").strip(), whole, country)
