from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.accounts.written_number import read_number
from ringflow.errors import Refused
from ringflow.numbers import normalise_number


@pytest.mark.parametrize(
    "text",
    [
        "441910000001", "tel:+44-191-000-0001", "TEL:+441910000001", "tel:+44(191)0000001;ext=3;npdi",
        "tel:0000001;phone-context=+44191", "tel:+441910000001;phone-context=+1", "callto:+441910000001",
        "sip:+441910000001@example.com;user=phone", "<sips:+441910000001@example.com>;tag=1",
        "Ann <441910000001>", '"Ann, Bob; Carl" <tel:+44-191-000-0001>', "<441910000001>",
        "441910000001 <441910000001>", "441910000001 (Ann)", "Ann 441910000001", "Ann: +44 191 000 0001",
        "Ann (441910000001)", "44.191.000.0001", "+44.191.000.0001", "(+44) 191 000 0001",
        "[44] 191 000 0001",
        "+44\u00a0191\u2011000\u20110001", "\u202a+441910000001\u202c", "\uff14\uff14191\uff10000001",
        "\u0664\u0664\u0661\u0669\u0661\u0660\u0660\u0660\u0660\u0660\u0660\u0661",
        "441910000001.0", "'441910000001", '="441910000001"', " 441910000001\t", "+44 191/000 0001",
    ],
)  # fmt: skip
def test_what_stands_around_a_number_is_taken_off(text: str) -> None:
    assert read_number(text, "US") == "441910000001"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            (text, "what a spreadsheet makes of a long number")
            for text in ("4.4191E+11", "4,4191e11", "4E11")
        ),
        *(
            (text, "holds more than one number")
            for text in (
                *("441910000001;441910000002", "441910000001, 441910000002", "441910000001\n441910000002"),
                *("441910000001 or 441910000002", "tel:+441910000001,tel:+441910000002", "441,910,000,001"),
                "441910000001|441910000002",
            )
        ),
        ("441910000002 <441910000001>", "holds two different numbers"),
        *(
            (text, "is not a telephone number")
            for text in (
                *("", "bob", "anonymous", "tel:", "<>", "Ann <>", "1-800-FLOWERS", "+44 191 000 0001 ext 5"),
                *("44191000000.", "4419100000[01]", "4419100000[0-1]", "44191.*", "^44", "4419100000(1)?"),
                *("tel:01910000001;phone-context=example.com", "441910000001/441910000002", "5550100"),
                *("441910000001 441910000002", "4" * 300),
            )
        ),
    ],
)
def test_what_is_not_one_whole_number_is_refused_and_says_why(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_number(text, "US")


@given(st.text())
def test_any_text_gives_a_number_in_e164_or_is_refused(text: str) -> None:
    try:
        number = read_number(text, "US")
    except Refused:
        return
    assert normalise_number("+" + number, "US") == number


@given(st.from_regex(r"\A\+?[0-9 ()-]{1,20}\Z"))
def test_what_networks_write_is_read_as_before(text: str) -> None:
    number = normalise_number(text, "GB")
    if number is not None:
        assert read_number(text, "GB") == number
