"""What cards are made of: check digits, numbers that nobody guesses, PINs, peppers."""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest

from ringflow.accounts.cards.draw import draw_cards
from ringflow.accounts.check_digit import draw_digits, draw_many_digits, has_check_digit, with_check_digit
from ringflow.accounts.peppers import Peppers, parse_peppers
from ringflow.accounts.randomness import draw_numbers
from ringflow.errors import StartError


def test_the_check_digit_is_luhns() -> None:
    assert with_check_digit("7992739871") == "79927398713"  # the example of the patent's page
    assert has_check_digit("79927398713", 11)
    for digits in [draw_digits(12), *draw_many_digits(200, 12)]:
        assert re.fullmatch("[1-9][0-9]{11}", digits)
        assert has_check_digit(digits, 12)
        for place in range(12):
            wrong = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
            assert not has_check_digit(wrong, 12)


@pytest.mark.parametrize(("length", "pin_only"), [(4, False), (8, True)])
def test_no_pin_begins_with_a_zero_that_a_spreadsheet_would_drop(length: int, pin_only: bool) -> None:
    pins = draw_cards(3000, length, pin_only, parse_peppers("v1:a-pepper-for-tests-only", "p")).pins
    assert {len(pin) for pin in pins} == {length}
    assert {pin[0] for pin in pins} == set("123456789")
    assert {pin[1] for pin in pins} == set("0123456789")


def test_what_is_drawn_does_not_show_its_pin() -> None:
    drawn = draw_cards(1, 12, False, parse_peppers("v1:a-pepper-for-tests-only", "p"))
    assert drawn.pins[0] not in repr(drawn)
    assert drawn.digests[0] not in repr(drawn)


def test_drawn_numbers_are_all_below_the_bound_and_each_comes_as_often_as_any_other() -> None:
    found = Counter(draw_numbers(30_000, 3))
    assert sorted(found) == [0, 1, 2]
    assert all(abs(count - 10_000) < 1_000 for count in found.values())  # more than ten standard deviations


def test_words_beyond_the_last_multiple_of_the_bound_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter([b"\xff" * 8 + bytes(8), (5).to_bytes(8, sys.byteorder)])
    monkeypatch.setattr("ringflow.accounts.randomness.os.urandom", lambda size: next(words))
    assert draw_numbers(2, 10) == [0, 5]  # 2^64 - 1 ends in 5: dropped, as 2^64 is no multiple of ten


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ("v1:short", "line 1: the secret is shorter than 16 bytes"),
        ("v1:0123456789abcdef\nv1:fedcba9876543210", "line 2 gives version v1 a second time"),
        ("v1:0123456789abcdef\nfedcba9876543210", "line 2 is not version:secret"),
        ("v 1:0123456789abcdef", "line 1 is not version:secret"),
    ],
)
def test_a_key_ring_that_is_wrong_is_refused_without_being_quoted(ring: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as raised:
        parse_peppers(ring, "the pepper")
    assert not re.search("0123|fedc", str(raised.value))


def test_a_digest_is_hmac_sha256_of_the_documented_message() -> None:
    ring: Peppers = parse_peppers("0123456789abcdef", "the pepper")
    assert ring.newest.version == "v1"
    # openssl dgst -sha256 -hmac 0123456789abcdef over "ringflow-card-pin-v1\n106367704080\n123456"
    (digest,) = ring.digests("ringflow-card-pin-v1\n106367704080\n123456")
    assert digest == "948f046f2d61ab8e495dc10ebed443891cd2f19452578054aec9ff8a0f72d88f"
