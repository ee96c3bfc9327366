"""What a call costs and how long it may last, as callers hear it in each language."""

from __future__ import annotations

import pytest

from ringflow.speaking import cost, free, languages, minutes_and_seconds, money, rate, say_cost, say_rate


@pytest.mark.parametrize(
    ("language", "micros", "currency", "text"),
    [
        ("en", 200_000, "USD", "one minute costs twenty cents"),
        ("en", 12_500, "USD", "one minute costs one point two five cents"),
        ("en", 3_300, "USD", "one minute costs zero point three three cents"),
        ("en", 1_234_500, "EUR", "one minute costs one euro and twenty-three point four five cents"),
        ("en", 2_000_000, "GBP", "one minute costs two pounds"),
        ("en", 12_500_000, "JPY", "one minute costs twelve point five yen"),
        ("en", 1_500, "BRL", "one minute costs zero point zero zero one five"),
        ("es", 12_500, "EUR", "un minuto cuesta uno coma dos cinco céntimos"),
        ("fr", 15_000, "USD", "une minute coûte un virgule cinq centimes"),
        ("de", 15_000, "EUR", "der Preis einer Minute: eins Komma fünf Cent"),
        ("ru", 1_000_000, "USD", "цена минуты: один доллар"),
        ("ru", 15_000, "RUB", "цена минуты: один запятая пять копейки"),
    ],
)
def test_a_rate_is_said_to_its_last_decimal(language: str, micros: int, currency: str, text: str) -> None:
    assert rate(micros, currency, language).text == text


@pytest.mark.parametrize(
    ("language", "micros", "text"),
    [
        ("en", 66_700, "this call cost six point six seven cents"),
        ("en", 0, "this call cost zero dollars"),
        ("es", 1_000_000, "esta llamada ha costado un dólar"),
        ("fr", 5_250_000, "cet appel a coûté cinq dollars et vingt-cinq centimes"),
        ("de", 1_010_000, "die Kosten dieses Gesprächs: ein Dollar und ein Cent"),
        ("ru", 5_000_000, "стоимость звонка: пять долларов"),
    ],
)
def test_what_a_call_cost_is_said_exactly(language: str, micros: int, text: str) -> None:
    assert cost(micros, "USD", language).text == text


@pytest.mark.parametrize(
    ("language", "seconds", "text"),
    [
        ("en", 330, "you have five minutes and thirty seconds"),
        ("en", 61, "you have one minute and one second"),
        ("en", 60, "you have one minute"),
        ("en", 59, "you have fifty-nine seconds"),
        ("en", -1, "you have zero seconds"),
        ("es", 122, "usted tiene dos minutos y dos segundos"),
        ("fr", 121, "vous avez deux minutes et une seconde"),
        ("de", 61, "Sie haben eine Minute und eine Sekunde"),
        ("ru", 325, "у вас пять минут двадцать пять секунд"),
        ("ru", 21, "у вас двадцать одна секунда"),
    ],
)
def test_the_time_is_said_to_the_second(language: str, seconds: int, text: str) -> None:
    assert minutes_and_seconds(seconds, language).text == text


@pytest.mark.parametrize("language", languages())
def test_a_free_call_is_said_to_be_free(language: str) -> None:
    assert len(free(language).units) == 1


@pytest.mark.parametrize("language", languages())
def test_a_rate_of_whole_minor_units_is_said_as_any_amount(language: str) -> None:
    said = money(1_250_000, "USD", language).prompts()
    assert say_rate(1_250_000, "USD", language)[-len(said) :] == said
    assert say_cost(1_250_000, "USD", language)[-len(said) :] == said
