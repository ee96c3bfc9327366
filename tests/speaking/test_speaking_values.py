"""Values said as dates, times, letters, telephone numbers and the like, in every language."""

from __future__ import annotations

import random
from zoneinfo import ZoneInfo

import pytest

from ringflow.errors import RingflowError
from ringflow.speaking import (
    Clock,
    Gender,
    Manner,
    SaidAs,
    Source,
    languages,
    load_language,
    prompts_needed,
    words_of,
)
from ringflow.speaking.phrases import MAX_ORDINAL
from ringflow.speaking.values import SAID_IN_PROMPTS

BERLIN = ZoneInfo("Europe/Berlin")


def said(value: object, said_as: str, language: str, **options: object) -> str:
    manner = Manner(SaidAs(said_as), language)
    for name, option in options.items():
        object.__setattr__(manner, name, option)
    return words_of(value, manner).text


DATES = {
    "en": (
        "Thursday the first of January twenty twenty-six",
        "the twenty-first of October",
        "the second of March nineteen oh five",
    ),
    "de": (
        "Donnerstag der erste Januar zweitausendsechsundzwanzig",
        "der einundzwanzigste Oktober",
        "der zweite März neunzehnhundertfünf",
    ),
    "es": (
        "jueves primero de enero de dos mil veintiséis",
        "veintiuno de octubre",
        "dos de marzo de mil novecientos cinco",
    ),
    "fr": (
        "jeudi premier janvier deux mille vingt-six",
        "vingt et un octobre",
        "deux mars mille neuf cent cinq",
    ),
    "ru": (
        "четверг первое января две тысячи двадцать шестого года",
        "двадцать первое октября",
        "второе марта тысяча девятьсот пятого года",
    ),
}


@pytest.mark.parametrize("language", languages())
def test_a_date_with_and_without_its_weekday_and_year(language: str) -> None:
    assert (
        said("2026-01-01", "date", language, weekday=True),
        said("2026-10-21", "date", language, year=False),
        said("1905-03-02", "date", language),
    ) == DATES[language]


TIMES = {
    "en": {
        "00:00": ("twelve midnight", "zero hundred hours"),
        "00:30": ("twelve thirty a.m.", "zero thirty"),
        "01:00": ("one a.m.", "one hundred hours"),
        "09:05": ("nine oh five a.m.", "nine oh five"),
        "12:00": ("twelve noon", "twelve hundred hours"),
        "15:21": ("three twenty-one p.m.", "fifteen twenty-one"),
    },
    "de": {
        "00:00": ("Mitternacht", "null Uhr"),
        "00:30": ("zwölf Uhr dreißig nachts", "null Uhr dreißig"),
        "01:00": ("ein Uhr nachts", "ein Uhr"),
        "09:05": ("neun Uhr fünf morgens", "neun Uhr fünf"),
        "12:00": ("zwölf Uhr mittags", "zwölf Uhr"),
        "15:21": ("drei Uhr einundzwanzig nachmittags", "fünfzehn Uhr einundzwanzig"),
    },
    "es": {
        "00:00": ("las doce de la noche", "las cero en punto"),
        "00:30": ("las doce y treinta de la madrugada", "las cero y treinta"),
        "01:00": ("la una de la madrugada", "la una en punto"),
        "09:05": ("las nueve y cinco de la mañana", "las nueve y cinco"),
        "12:00": ("las doce del mediodía", "las doce en punto"),
        "15:21": ("las tres y veintiuno de la tarde", "las quince y veintiuno"),
    },
    "fr": {
        "00:00": ("minuit", "zéro heure"),
        "00:30": ("douze heures trente du matin", "zéro heure trente"),
        "01:00": ("une heure du matin", "une heure"),
        "09:05": ("neuf heures cinq du matin", "neuf heures cinq"),
        "12:00": ("midi", "douze heures"),
        "15:21": ("trois heures vingt et une de l'après-midi", "quinze heures vingt et une"),
    },
    "ru": {
        "00:00": ("полночь", "ноль часов"),
        "00:30": ("двенадцать часов тридцать минут ночи", "ноль часов тридцать минут"),
        "01:00": ("один час ночи", "один час"),
        "09:05": ("девять часов пять минут утра", "девять часов пять минут"),
        "12:00": ("полдень", "двенадцать часов"),
        "15:21": ("три часа двадцать одна минута дня", "пятнадцать часов двадцать одна минута"),
    },
}


@pytest.mark.parametrize(
    ("language", "moment", "by_clocks"),
    [(language, moment, both) for language, times in TIMES.items() for moment, both in times.items()],
)
def test_a_time_by_a_clock_of_12_and_of_24_hours(
    language: str, moment: str, by_clocks: tuple[str, str]
) -> None:
    spoken = tuple(said(moment, "time", language, clock=clock) for clock in Clock)
    assert spoken == by_clocks
    assert said(moment, "time", language) == by_clocks[list(Clock).index(load_language(language).clock)]


@pytest.mark.parametrize(
    ("value", "day", "moment"),
    [
        ("2026-03-29T00:59:00Z", "Sunday the twenty-ninth of March", "one fifty-nine a.m."),
        ("2026-03-29T01:00:00Z", "Sunday the twenty-ninth of March", "three a.m."),
        ("2026-12-31T23:30:00Z", "Friday the first of January", "twelve thirty a.m."),
        ("2026-12-31T23:30:00", "Thursday the thirty-first of December", "eleven thirty p.m."),
        (1798759800, "Friday the first of January", "twelve thirty a.m."),
        ("1798759800", "Friday the first of January", "twelve thirty a.m."),
        (1798759800.9, "Friday the first of January", "twelve thirty a.m."),
        ("2026-12-31 18:30 America/New_York", "Friday the first of January", "twelve thirty a.m."),
        ("now", "Thursday the first of January", "one a.m."),
    ],
)
def test_a_moment_is_told_in_its_zone_on_both_sides_of_summer_time(
    value: object, day: str, moment: str
) -> None:
    assert said(value, "date", "en", zone=BERLIN, weekday=True, year=False) == day
    assert said(value, "time", "en", zone=BERLIN) == moment


DURATIONS = {
    "en": ("one day two hours three minutes and four seconds", "one hour", "twenty-one seconds"),
    "de": ("ein Tag zwei Stunden drei Minuten und vier Sekunden", "eine Stunde", "einundzwanzig Sekunden"),
    "es": ("un día dos horas tres minutos y cuatro segundos", "una hora", "veintiún segundos"),
    "fr": ("un jour deux heures trois minutes et quatre secondes", "une heure", "vingt et une secondes"),
    "ru": ("один день два часа три минуты четыре секунды", "один час", "двадцать одна секунда"),
}


@pytest.mark.parametrize("language", languages())
def test_a_length_of_time_leaves_out_what_there_is_none_of(language: str) -> None:
    spoken = tuple(said(seconds, "duration", language) for seconds in (93_784, 3_600.9, "21"))
    assert spoken == DURATIONS[language]
    assert said(0, "duration", language) == said(0.99, "duration", language)


LETTERS = {
    "en": "A B dash one two at X dot D E",
    "de": "A B Bindestrich eins zwei at X Punkt D E",
    "es": "A B guion uno dos arroba X punto D E",
    "fr": "A B tiret un deux arobase X point D E",
    "ru": "A B дефис один два собака X точка D E",
}
OWN_LETTERS = {"de": "Ä ß", "es": "Ñ", "fr": "É Ç", "ru": "Ж Ъ", "en": "E C"}


@pytest.mark.parametrize("language", languages())
def test_letters_are_spelt_in_the_alphabets_of_the_language(language: str) -> None:
    assert said("aB-12@x.de", "letters", language) == LETTERS[language]
    own = OWN_LETTERS[language]
    assert said("éç" if language == "en" else own.lower(), "letters", language) == own


NUMBERS = {
    "en": "plus three three, one, four two, six eight, five three, zero zero",
    "de": "plus drei drei, eins, vier zwei, sechs acht, fünf drei, null null",
    "es": "más tres tres, uno, cuatro dos, seis ocho, cinco tres, cero cero",
    "fr": "plus trente-trois, un, quarante-deux, soixante-huit, cinquante-trois, zéro zéro",
    "ru": "плюс тридцать три, один, сорок два, шестьдесят восемь, пятьдесят три, ноль ноль",
}


@pytest.mark.parametrize("language", languages())
def test_a_foreign_telephone_number_in_its_groups(language: str) -> None:
    for value in ("+33142685300", "33142685300", 33142685300):
        assert said(value, "telephone", language, country="GB") == NUMBERS[language]


@pytest.mark.parametrize(
    ("value", "country", "language", "text"),
    [
        ("+33142685300", "FR", "fr", "zéro un, quarante-deux, soixante-huit, cinquante-trois, zéro zéro"),
        ("442079460958", "GB", "en", "zero two zero, seven nine four six, zero nine five eight"),
        ("+16502530000", "US", "en", "six five zero, two five three, zero zero zero zero"),
        (
            "+74951234567",
            "RU",
            "ru",
            "восемь, четыреста девяносто пять, сто двадцать три, сорок пять, шестьдесят семь",
        ),
        ("112", "GB", "en", "one one two"),
        ("*21#", "GB", "en", "star two one hash"),
    ],
)
def test_a_number_of_the_country_is_said_as_it_is_dialled_there(
    value: str, country: str, language: str, text: str
) -> None:
    assert said(value, "telephone", language, country=country) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-3.25, "minus three point two five"),
        (0.1 + 0.2, "zero point three"),
        (12.0, "twelve"),
        ("-0.5", "minus zero point five"),
        ("007", "seven"),
        (2.50, "two point five"),
    ],
)
def test_a_number_with_decimals(value: object, text: str) -> None:
    assert said(value, "number", "en") == text


def test_numbers_of_a_gender_and_their_ordinals() -> None:
    assert said(21, "number", "es", gender=Gender.FEMININE) == "veintiuna"
    assert said(21, "ordinal", "es", gender=Gender.FEMININE) == "vigésima primera"
    assert said(1, "ordinal", "es", gender=Gender.MASCULINE) == "primer"
    assert said(13, "ordinal", "es", gender=Gender.MASCULINE) == "decimotercer"
    assert said(1, "ordinal", "fr", gender=Gender.FEMININE) == "première"
    assert said(21, "ordinal", "fr", gender=Gender.FEMININE) == "vingt et unième"
    assert said(3, "ordinal", "ru", gender=Gender.FEMININE) == "третья"
    assert said(2_000, "ordinal", "ru", gender=Gender.NEUTER) == "двухтысячное"
    assert said(21, "ordinal", "de", gender=Gender.FEMININE) == "einundzwanzigste"


@pytest.mark.parametrize(
    ("value", "said_as", "told"),
    [
        ("x", "date", "`x` is not a date: write it as 2026-12-31"),
        ("2026-02-30", "date", "`2026-02-30` is not a date"),
        ([1], "date", "a list is not a date"),
        ({}, "number", "an object is not a number"),
        (None, "time", "nothing is not a time"),
        (True, "number", "true or false is not a number"),
        ("1_000", "number", "`1_000` is not a number"),
        ("٣", "number", "is not a number"),
        ("1e5", "number", "is not a number"),
        ("1" * 20, "number", "is not a number"),
        (10**18, "number", "is not a number"),
        (float("nan"), "number", "is not a number"),
        (float("inf"), "date", "is not a date"),
        (1e300, "time", "is not a time"),
        (1e22, "digits", ""),
        ("25:00", "time", "`25:00` is not a time: write it as 15:30"),
        (-1, "duration", "a length of time is not below zero"),
        ("1:30", "duration", "`1:30` is not a length of time: write seconds"),
        (0, "ordinal", "ordinal numbers are said from 1 to 9999"),
        (MAX_ORDINAL + 1, "ordinal", "ordinal numbers are said from 1 to 9999"),
        (2.5, "ordinal", "`2.5` is not a whole number"),
        ("ab!", "letters", "character 3, '!', cannot be spelt in `en`"),
        ("日", "letters", "character 1"),
        ("", "letters", "one to 64 characters can be spelt, not 0"),
        ("call me", "telephone", "'c' is not a digit"),
        ("1.5 EUR", "money", "is in EUR, and USD is wanted"),
        ("much", "money", "`much` is not an amount"),
        (float("nan"), "money", "is not an amount"),
        ("1.1234567", "number", "at most 6 decimals"),
    ],
)
def test_what_cannot_be_said_so_is_refused_with_what_to_do(value: object, said_as: str, told: str) -> None:
    if not told:
        assert said(value, said_as, "en").startswith("one zero zero")
        return
    with pytest.raises(RingflowError) as caught:
        said(value, said_as, "en", currency="USD")
    assert told in str(caught.value)


def samples(said_as: SaidAs) -> list[object]:
    chance = random.Random(4)
    numbers: list[object] = [chance.randrange(10 ** chance.randrange(1, 9)) for _ in range(200)]
    match said_as:
        case SaidAs.ORDINAL:
            return [*range(1, 200), *range(900, 2_100), 3_000, 9_100, 9_999]
        case SaidAs.DATE:
            return [86_400 * n for n in range(0, 40_000, 13)]
        case SaidAs.TIME:
            return [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
        case SaidAs.LETTERS:
            return ["abcdefghijklmnopqrstuvwxyz", "0123456789-._@/*#+"]
        case SaidAs.TELEPHONE:
            return [
                f"+{chance.choice(['44', '1', '7', '33', '49'])}{chance.randrange(10**10)}"
                for _ in range(200)
            ]
        case SaidAs.NUMBER | SaidAs.MONEY:
            return [*range(2_002), -1, 1.25, *numbers]
        case _:
            return [*range(200), *numbers]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("said_as", SAID_IN_PROMPTS)
def test_whatever_is_said_is_among_the_prompts_that_are_needed_for_it(language: str, said_as: SaidAs) -> None:
    needed = prompts_needed(language, said_as).keys()
    for clock in (*Clock, None):
        for gender in (None, *Gender):
            manner = Manner(
                said_as, language, currency="GBP", gender=gender, clock=clock, weekday=True, country="FR"
            )
            for value in samples(said_as)[:: 1 if gender is clock is None else 37]:
                assert set(words_of(value, manner).prompts(Source.LIBRARY)) <= needed, value


@pytest.mark.parametrize("language", languages())
def test_every_prompt_is_needed_for_something(language: str) -> None:
    found = prompts_needed(language, *SAID_IN_PROMPTS, "balance", "minutes", "prices")
    assert found == prompts_needed(language)
