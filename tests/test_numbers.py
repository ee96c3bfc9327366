from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from ringflow.numbers import (
    dialled_number,
    extension,
    international_prefix,
    national_form,
    normalise_number,
    number_prefix,
)

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+441910000001", "US", "441910000001"),
        ("441910000001", "US", "441910000001"),
        ("441910000001", "GB", "441910000001"),
        ("01910000001", "GB", "441910000001"),
        ("00441910000001", "US", "441910000001"),
        ("00441910000001", "GB", "441910000001"),
        ("011441910000001", "US", "441910000001"),
        ("+44 (0)191 000-0001", "US", "441910000001"),
        ("18005550100", "US", "18005550100"),
        ("8005550100", "US", "18005550100"),
        ("(800) 555-0100", "US", "18005550100"),
        ("18005550100", "GB", "18005550100"),
        ("84951234567", "RU", "74951234567"),
        ("74951234567", "RU", "74951234567"),
        ("030123456", "DE", "4930123456"),
        ("4930123456", "DE", "4930123456"),
        ("0612345678", "IT", "390612345678"),
        ("+390612345678", "US", "390612345678"),
        ("+88235421234", "US", "88235421234"),
        ("4915123456789", "DE", "4915123456789"),
        ("0011441910000001", "AU", "441910000001"),
        ("00441910000001", "AU", "441910000001"),
        ("010441910000001", "JP", "441910000001"),
        ("0015441910000001", "BR", "441910000001"),
        ("001441910000001", "HK", "441910000001"),
        ("810441910000001", "RU", "441910000001"),
        ("0441910000001", "WS", "441910000001"),
    ],
)
def test_every_way_of_writing_a_number_gives_its_e164_digits(text: str, country: str, expected: str) -> None:
    assert normalise_number(text, country) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "0", "00", "100", "5550100", "anonymous", "unknown", "Alice", "4" * 16, "+999123456789",
        "441910000001\n", "441910000001&SIP/evil", "4419100,00001", '"441910000001"', "44191000000\xb9",
        "٤٤١٩١٠٠٠٠٠٠١", "441910000001;ext=1", "sip:441910000001@example.com", "++441910000001",
        "44+1910000001", "\x00441910000001", "1" * 100_000, "+" * 33, "$" + "{EXTEN}", "44191０000001",
    ],
)  # fmt: skip
def test_what_is_no_number_is_none(text: str) -> None:
    assert normalise_number(text, "US") is None


def test_an_unknown_country_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="XX"):
        normalise_number("18005550100", "XX")


@given(st.text(), st.sampled_from(REGIONS))
def test_any_text_gives_e164_digits_or_none(text: str, country: str) -> None:
    number = normalise_number(text, country)
    assert number is None or (number.isascii() and number.isdigit() and 0 < len(number) <= 15)


@given(st.from_regex(r"\A\+?[0-9 ()-]{1,20}\Z"), st.sampled_from(REGIONS))
def test_a_normalised_number_stays_as_it_is_when_written_in_full(text: str, country: str) -> None:
    number = normalise_number(text, country)
    if number is not None:
        assert normalise_number("+" + number, country) == number
        plan = PhoneMetadata.metadata_for_region(country)
        if plan is not None and plan.international_prefix == "00":
            assert normalise_number("00" + number, country) == number


@given(st.from_regex(r"\A[1-9][0-9]{10,14}\Z"))
@example("441910000001")
@example("440191000000")
def test_bare_digits_too_many_for_a_national_number_are_read_as_if_they_had_their_plus(digits: str) -> None:
    assert normalise_number(digits, "US") == normalise_number("+" + digits, "US")


def test_zeros_in_a_row_behind_a_country_code_are_no_number() -> None:
    assert normalise_number("310000000", "AC") is None


@given(st.from_regex(r"\A[1-9][0-9]{6,14}\Z"))
@example("115002000000")
def test_the_quick_way_for_full_numbers_agrees_with_phonenumbers(digits: str) -> None:
    ours = normalise_number("+" + digits, "US")
    try:
        number = phonenumbers.parse("+" + digits, None)
    except phonenumbers.NumberParseException:
        assert ours is None
        return
    if phonenumbers.is_valid_number(number):
        formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert ours == formatted[1:]


@pytest.mark.parametrize("region", REGIONS)
def test_the_three_forms_of_each_countrys_example_number_are_one(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert normalise_number("+" + e164, region) == e164
    assert normalise_number("00" + e164, region) == e164
    assert normalise_number(national.replace(".", "").replace("/", ""), region) == e164


@pytest.mark.parametrize("text", ["100", "alice", "*98", "0", "*", "#", "+18005550100", "_9.", "a-b"])
def test_an_extension_is_any_name_that_a_dialplan_has(text: str) -> None:
    assert extension(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "h", "s", "T", ".a", "-a", "a b", "a,b", "a&b", "a" * 65, "é", "a\n", "$" + "{x}", "a/b", "a'"],
)
def test_other_text_is_no_extension(text: str) -> None:
    assert extension(text) is None


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("112", "DE", None),
        ("116000", "IT", None),
        ("911", "US", None),
        ("5550100", "US", None),
        ("02800", "NO", "4702800"),
        ("01910000001", "GB", "441910000001"),
    ],
)
def test_a_short_number_is_nobodys_number_behind_a_country_code(
    text: str, country: str, expected: str | None
) -> None:
    assert dialled_number(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("44", "US", "44"),
        ("+44", "US", "44"),
        ("0044", "US", "44"),
        ("01144", "US", "44"),
        (" 44 (191) ", "GB", "44191"),
        ("001144", "AU", "44"),
        ("01044", "JP", "44"),
        ("81090", "RU", "81090"),
        ("1", "US", "1"),
        ("441910000001", "US", "441910000001"),
        *((text, "US", None) for text in ("", "+", "0", "00", "011", "0191", "000", "4a", "+0", "1" * 16)),
        ("01144", "GB", None),
    ],
)
def test_each_way_of_writing_the_beginning_of_a_number_gives_its_digits(
    text: str, country: str, expected: str | None
) -> None:
    assert number_prefix(text, country) == expected


@pytest.mark.parametrize("region", REGIONS)
def test_the_national_form_is_what_phonenumbers_prints_and_reads_back(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    printed = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = "".join(filter(str.isdigit, printed))
    assert national_form(e164, region) == digits
    assert normalise_number(digits, region) == e164
    assert national_form("88235421234", region) is None


def test_a_possible_number_of_no_known_range_has_its_trunk_prefix_in_the_national_form() -> None:
    assert national_form("441000000000", "GB") == "01000000000"


def test_the_international_prefix_is_the_countrys_own() -> None:
    countries = ("US", "GB", "AU", "JP", "RU", "BR", "FI")
    assert [international_prefix(one) for one in countries] == ["011", "00", "0011", "010", "810", "00", "00"]


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("+5215512345678", "525512345678"),
        ("+52 044 55 1234 5678", "525512345678"),
        ("+52 01 55 1234 5678", "525512345678"),
        ("+551187654321", "5511987654321"),
        ("+551137654321", "551137654321"),
        ("+22990011234", "2290190011234"),
        ("+2290190011234", "2290190011234"),
        ("+551170003659", "551170003659"),  # eight digits are in use for these still
    ],
)
def test_old_forms_of_countries_that_renumbered_are_those_of_today(old: str, today: str) -> None:
    for country in ("US", "GB", "DE"):
        assert normalise_number(old, country) == today
    assert normalise_number(old.removeprefix("+"), "US") == today


@pytest.mark.parametrize("country", ["MX", "BR", "BJ"])
def test_valid_numbers_of_countries_that_renumbered_stay_as_they_are(country: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(country, kind)
        assert example is not None
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert normalise_number(number, "US") == number[1:]
