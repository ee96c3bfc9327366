"""What the names of a rate sheet's columns mean, as carriers write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringflow.money import CURRENCY_DIGITS

FIELDS = {
    "prefix": "the beginning of numbers, with the country's code",
    "country": "a country's code, such as 44, to be put before `area`",
    "area": "what follows the country's code",
    "destination": "the name of what the prefix leads to",
    "country_name": "a country's name, to be put before `destination`",
    "price": "for a minute, in the card's currency",
    "price_second": "for a second, instead of `price`",
    "price_cents": "for a minute, in hundredths of the currency's unit, instead of `price`",
    "connection": "a fee for each answered call",
    "minimum": "seconds that are charged at least",
    "increment": "seconds, or minimum and increment as 60/6",
    "grace": "seconds of a talk that are free if it lasts no longer",
    "from": "the day or moment from which the rate counts",
    "until": "the day or moment from which it does not count any more",
    "last_day": "the last day on which it counts, instead of `until`",
    "status": "open or blocked",
    "currency": "must be the card's in every row",
}
"""What a column can be, and what a row's cell there says."""

IGNORE = "ignore"

PRICES = ("price", "price_second", "price_cents")

ENDS = "end"
"""A column with an end of which nobody says whether it is the last day: a question, not a field."""

_NAMES: dict[str, str] = {
    "prefix": "prefix|prefixes|code|codes|dial code|dial codes|dialcode|dialing "
    "code|dialling code|dial prefix|"
    "dialed digits|dialled digits|destination code|destination prefix|dest "
    "code|dest prefix|dst code|dst prefix|"
    "breakout|breakouts|breakout code|digits|number prefix|code prefix|full code|full prefix|dialing prefix|"
    "dialling prefix|dnis|dnis prefix|called prefix|b number|number|destination "
    "number|e 164|e164|e164 prefix|"
    "country code area code|prefix code|rate prefix",
    "country": "country code|countrycode|cc|country prefix|country dial code|country dialing code|"
    "country dialling code|country codes",
    "area": "area code|areacode|area|area codes|city code|city codes|region code|ndc|national code|"
    "national destination code|sub code|subcode|network code|npa",
    "destination": "destination|destinations|destination name|description|dest|dest name|name|zone|zone name|"
    "location|country destination|destination description|rate name|area name|"
    "breakout name|code name|route name|"
    "prefix name|dst|dst name|country description|country region|destination country|country operator",
    "country_name": "country|country name",
    "price": "price|prices|rate|rates|cost|charge|tariff|voice rate|sell rate|selling rate|sell price|"
    "new rate|new price|buy rate|buy price|current rate|current price|call rate|rate value|amount|ppm|"
    "call price|call cost|unit price|termination rate|minute rate|minute "
    "price|minute cost|rate1|r1|your rate",
    "connection": "connection|connection fee|connect fee|connection charge|connect charge|connect cost|setup|"
    "setup fee|set up fee|setup charge|call setup|call setup fee|connectcost|connectfee|flag fall|flagfall|"
    "connection cost|connection price|connect rate",
    "minimum": "minimum|min duration|minimum duration|minimum seconds|minimum "
    "time|min time|initial increment|"
    "first increment|initial increments|interval 1|interval1|initial interval|first interval|initial period|"
    "initial block|min interval|minimum length|initial|min|minimum billing|min increment|minimum increment|"
    "initial billing increment|includedseconds",
    "increment": "increment|increments|billing increment|billing increments|"
    "billing|billing interval|interval|"
    "next increment|next increments|subsequent increment|subsequent increments|"
    "interval n|intervaln|interval 2|"
    "next interval|additional increment|additional increments|subsequent "
    "interval|billing cycle|billing scheme|"
    "billing rule|billing unit|charging interval|charging|billing block|pulse|"
    "block|rounding|increment interval|"
    "subsequent billing increment|billing method|billing step|incr",
    "grace": "grace|grace period|grace time|free seconds|grace seconds",
    "from": "from|from at|from date|effective|effective date|effective from|effective start|"
    "effective start date|effective since|valid from|start date|start|startdate|eff date|effdate|"
    "activation date|date from|begin date|effectivedate|effective on|activation|starting date|eff|"
    "valid from date",
    "until": "until|until at|until date",
    "last_day": "last day|last day of validity",
    ENDS: "end date|enddate|valid to|valid until|valid till|expiry|expiry date|expires|expires on|expiration|"
    "expiration date|to|to date|end|effective to|effective until|effective till|effective end|"
    "effective end date|date to|till|termination date|valid through|valid "
    "thru|effective through|valid to date",
    "status": "status|availability|blocked|barred|state|change|change type|action|rate status|comment code|"
    "change status|rate change|indicator|code status|enabled|active",
    "currency": "currency|curr|ccy|currency code",
    IGNORE: "region|continent|comment|comments|note|notes|remark|remarks|iso|"
    "iso code|iso2|iso3|country iso|no|"
    "id|row|line|mcc|mnc|mccmnc|route|route type|quality|previous rate|old rate|prev rate|old price|"
    "previous price|last rate|asr|acd|type|network|operator|carrier|vendor|supplier|provider|"
    "trunk|lcr|preference|priority|date added|last change|last changed|change date|sr no|s no|sno|nr|num|"
    "time zone|timezone|product|service|tier|difference|diff|trend",
}

_MEANING = {name: meaning for meaning, names in _NAMES.items() for name in names.split("|")}

_SYMBOLS = {"$": "$", "€": "EUR", "£": "GBP", "¥": "JPY"}

_MINUTE = frozenset(["minute", "minutes", "min", "mins", "mn"])

_SECOND = frozenset(["second", "seconds", "sec", "secs", "s"])

_CENTS = frozenset(["cent", "cents", "ct", "cts", "penny", "pence", "¢"])

_FILLER = frozenset(["per", "in", "the", "of", "a", "for", "by"])

_WORDS = re.compile(r"[^\W_]+|[$€£¥¢%#]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column's name says: the field, and of a price its currency and whether it is in cents."""

    field: str
    currency: str = ""


def meaning_of(name: str) -> Meaning | None:
    """What a column's name says to somebody who knows such sheets; None where it says nothing sure."""
    # CamelCase is two words, and so is what is written with _, / or a line break.
    words = [word.casefold() for word in _WORDS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]
    phrase = " ".join(words)
    if phrase in _MEANING:
        return Meaning(_MEANING[phrase])
    if phrase.replace(" ", "") in _MEANING:
        return Meaning(_MEANING[phrase.replace(" ", "")])
    currency = next((code for word in words if (code := _currency(word))), "")
    units = {unit for word in words for unit, known in _UNITS.items() if word in known}
    known = _MINUTE | _SECOND | _CENTS | _FILLER
    left = [word for word in words if word not in known and not _currency(word)]
    core = " ".join(left)
    found = _MEANING.get(core) if left else "price" if currency or units & {"minute", "cents"} else None
    if found == "price" or (found is not None and "rate" in left and found in PRICES):
        if "second" in units and "minute" not in units:
            return Meaning("price_second", currency) if "cents" not in units else None
        return Meaning("price_cents" if "cents" in units else "price", currency)
    if found == "connection" and "cents" not in units:
        return Meaning("connection", currency)
    if found in ("minimum", "increment", "grace"):
        return Meaning(found) if units == {"second"} else None
    return Meaning(found) if found == "from" and not units and not currency else None


_UNITS = {"minute": _MINUTE, "second": _SECOND, "cents": _CENTS}


def currency_fits(said: str, currency: str) -> bool:
    """Whether a sheet that says `$`, or a code, may be of the card's currency."""
    return said == currency or (said == "$" and currency in DOLLARS)


DOLLARS = frozenset(
    [
        "USD",
        "AUD",
        "BBD",
        "BMD",
        "BND",
        "BSD",
        "BZD",
        "CAD",
        "FJD",
        "GYD",
        "HKD",
        "JMD",
        "KYD",
        "LRD",
        "NAD",
        "NZD",
        "SBD",
        "SGD",
        "SRD",
        "TTD",
        "TWD",
        "XCD",
    ]
)


def _currency(word: str) -> str:
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    # `all`, `top`, `try`, `mad` and others are words too, and no such currency is named without a price.
    return word.upper() if word.upper() in CURRENCY_DIGITS and word not in _WORDS_TOO else ""


_WORDS_TOO = frozenset(["all", "top", "try", "mad", "cup", "bob", "lak", "mop", "mop", "sos"])
