"""Amounts as callers hear them: genders, plural forms, signs, and what is below the minor unit."""

from __future__ import annotations

import pytest

from ringflow.errors import Refused
from ringflow.money import MAX_BALANCE_MICROS, AmountError
from ringflow.speaking import Source, balance, languages, money, say_balance, say_money

UNIT = 1_000_000
CENT = 10_000

AMOUNTS = [
    ("en", 5_250_000, "USD", "five dollars and twenty-five cents"),
    ("en", 1_010_000, "USD", "one dollar and one cent"),
    ("en", 0, "EUR", "zero euros"),
    ("en", 21 * UNIT + 2 * CENT, "GBP", "twenty-one pounds and two pence"),
    ("en", CENT, "GBP", "one penny"),
    ("en", -5_250_000, "USD", "minus five dollars and twenty-five cents"),
    ("es", UNIT, "EUR", "un euro"),
    ("es", UNIT, "GBP", "una libra"),
    ("es", 21 * UNIT, "USD", "veintiún dólares"),
    ("es", 31 * UNIT + 21 * CENT, "USD", "treinta y un dólares con veintiún centavos"),
    ("es", 100 * UNIT, "USD", "cien dólares"),
    ("es", 101 * UNIT, "USD", "ciento un dólares"),
    ("es", 521 * UNIT, "GBP", "quinientas veintiuna libras"),
    ("es", 200_000 * UNIT, "GBP", "doscientas mil libras"),
    ("es", 1_000_000 * UNIT, "USD", "un millón de dólares"),
    ("es", 1_000_001 * UNIT, "USD", "un millón un dólares"),
    ("es", -25 * CENT, "EUR", "menos veinticinco céntimos"),
    ("fr", UNIT, "EUR", "un euro"),
    ("fr", 0, "EUR", "zéro euro"),
    ("fr", 71 * UNIT + 80 * CENT, "EUR", "soixante et onze euros et quatre-vingts centimes"),
    ("fr", 1 * UNIT, "GBP", "une livre"),
    ("fr", 81 * UNIT, "GBP", "quatre-vingt-une livres"),
    ("fr", 5_250_000, "USD", "cinq dollars et vingt-cinq centimes"),
    ("fr", 1_000_000 * UNIT, "EUR", "un million d'euros"),
    ("fr", 2_000_000 * UNIT, "USD", "deux millions de dollars"),
    ("fr", 80_000 * UNIT, "USD", "quatre-vingt mille dollars"),
    ("de", UNIT, "EUR", "ein Euro"),
    ("de", 21 * UNIT + CENT, "EUR", "einundzwanzig Euro und ein Cent"),
    ("de", UNIT, "GBP", "ein Pfund"),
    ("de", 1 * CENT, "RUB", "eine Kopeke"),
    ("de", 2 * CENT, "RUB", "zwei Kopeken"),
    ("ru", UNIT, "RUB", "один рубль"),
    ("ru", 2 * UNIT + 2 * CENT, "RUB", "два рубля две копейки"),
    ("ru", 5 * UNIT + 5 * CENT, "RUB", "пять рублей пять копеек"),
    ("ru", 11 * UNIT + 12 * CENT, "RUB", "одиннадцать рублей двенадцать копеек"),
    ("ru", 21 * UNIT + 31 * CENT, "RUB", "двадцать один рубль тридцать одна копейка"),
    ("ru", 1_002 * UNIT, "RUB", "одна тысяча два рубля"),
    ("ru", 111 * UNIT, "USD", "сто одиннадцать долларов"),
    ("ru", 3 * UNIT, "JPY", "три иены"),
    ("ru", UNIT, "MXN", "одно песо"),
    ("ru", 0, "USD", "ноль долларов"),
]


@pytest.mark.parametrize(("language", "micros", "currency", "text"), AMOUNTS)
def test_an_amount_is_said(language: str, micros: int, currency: str, text: str) -> None:
    assert money(micros, currency, language).text == text


@pytest.mark.parametrize(
    ("language", "units"),
    [
        ("en", "5 dollars and 20 5 cents"),
        ("es", "5 dollars with 25 centavos"),
        ("fr", "5 dollars and 20 5 centimes"),
        ("de", "5 dollar and 5-and 20 cent"),
        ("ru", "5 dollar-many 20 5 cent-many"),
    ],
)
def test_five_dollars_and_twenty_five_cents_by_prompts(language: str, units: str) -> None:
    expected = tuple(f"SAY/{language}/{unit}" for unit in units.split())

    assert say_money(5_250_000, "USD", language) == expected


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (19_999, "one cent"),
        (9_999, "zero dollars"),
        (1_999_999, "one dollar and ninety-nine cents"),
        (-1, "minus one cent"),
        (-10_001, "minus two cents"),
        (-999_999, "minus one dollar"),
    ],
)
def test_what_is_below_a_cent_is_rounded_down_so_nobody_is_told_more_than_there_is(
    micros: int, text: str
) -> None:
    assert money(micros, "USD", "en").text == text


def test_a_currency_without_minor_units_has_none_said() -> None:
    assert money(1_500_999_999, "JPY", "en").text == "one thousand five hundred yen"
    assert money(-1, "JPY", "de").text == "minus ein Yen"


@pytest.mark.parametrize(
    ("language", "micros", "currency", "text"),
    [
        ("en", 5_050_000, "NGN", "five point zero five"),
        ("en", 5 * UNIT, "NGN", "five"),
        ("en", -500_000, "NGN", "minus zero point five zero"),
        ("fr", 1_234_000, "KWD", "un virgule deux trois quatre"),
        ("ru", 2_100_000, "NGN", "два запятая один ноль"),
    ],
)
def test_a_currency_without_words_is_said_as_a_decimal_number(
    language: str, micros: int, currency: str, text: str
) -> None:
    assert money(micros, currency, language).text == text


def test_a_code_that_is_no_currency_is_refused() -> None:
    with pytest.raises(AmountError, match="is not a currency"):
        money(UNIT, "usd", "en")


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD", "CLF", "NGN"])
def test_the_largest_balance_can_be_said(language: str, currency: str) -> None:
    assert money(MAX_BALANCE_MICROS, currency, language).units
    assert money(-MAX_BALANCE_MICROS, currency, language).units


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "your balance is one euro and fifty cents"),
        ("es", "su saldo es de un euro con cincuenta céntimos"),
        ("fr", "votre solde : un euro et cinquante centimes"),
        ("de", "Ihr Guthaben: ein Euro und fünfzig Cent"),
        ("ru", "ваш баланс один евро пятьдесят центов"),
    ],
)
def test_a_balance_is_a_sentence(language: str, text: str) -> None:
    said = balance(1_500_000, "EUR", language)

    assert said.text == text
    assert say_balance(1_500_000, "EUR", language)[0] == f"SAY/{language}/your-balance-is"
    assert say_balance(1_500_000, "EUR", language)[1:] == say_money(1_500_000, "EUR", language)


def test_words_that_the_pack_lacks_come_from_the_library() -> None:
    assert say_money(2_010_000, "USD", "en", source=Source.ASTERISK) == (
        "digits/2", "digits/dollars", "vm-and", "digits/1", "SAY/en/cent",
    )  # fmt: skip


def test_a_language_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="`xx` is not a language spoken here: there are de, en, es, fr, ru"):
        money(UNIT, "USD", "xx")
    with pytest.raises(Refused, match="is not a language"):
        money(UNIT, "USD", "../en")
