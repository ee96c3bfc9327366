from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringflow.accounts.security_key import SecurityKeys
from ringflow.errors import Refused

PAGE = Path(__file__).parents[2] / "docs" / "security-key.md"
SECRET = "an example of a secret, not for use"
KEYS = SecurityKeys(SECRET)
NOW = 1_767_225_600


def test_the_documented_vector_is_what_is_made() -> None:
    vector = dict(
        re.findall(
            r"^\| (secret|customer|server|seconds|message|key) \| `(.*)` \|$", PAGE.read_text("utf-8"), re.M
        )
    )
    made = SecurityKeys(vector["secret"]).make(
        int(vector["customer"]), vector["server"], int(vector["seconds"])
    )
    assert made == vector["key"]
    message = bytes.fromhex(vector["message"])
    assert message == b"ringflow-cx-sec-v1\n42\ncarrier.example.net\n1767225600"
    by_hand = hmac.new(vector["secret"].encode(), message, hashlib.sha256).hexdigest()
    assert made == f"v1.{vector['seconds']}.{by_hand}"


@pytest.mark.parametrize("age_s", [0, 1, 300, -30])
def test_a_genuine_key_is_taken_within_its_time(age_s: int) -> None:
    KEYS.verify(KEYS.make(42, "carrier", NOW), 42, "carrier", NOW + age_s)


@pytest.mark.parametrize(
    ("age_s", "message"), [(301, "expired key: 301 s old, at most 300"), (-31, "future: 31 s")]
)
def test_a_genuine_key_is_refused_outside_its_time(age_s: int, message: str) -> None:
    with pytest.raises(Refused, match=message):
        KEYS.verify(KEYS.make(42, "carrier", NOW), 42, "carrier", NOW + age_s)


def test_age_and_skew_are_the_verifiers_choice() -> None:
    key = KEYS.make(42, "carrier", NOW)
    KEYS.verify(key, 42, "carrier", NOW + 3600, max_age_s=3600)
    with pytest.raises(Refused, match="expired"):
        KEYS.verify(key, 42, "carrier", NOW + 1, max_age_s=0)
    with pytest.raises(Refused, match="future"):
        KEYS.verify(key, 42, "carrier", NOW - 1, skew_s=0)


@pytest.mark.parametrize(("customer", "server"), [(43, "carrier"), (42, "carrier2"), (4, "2\ncarrier")])
def test_a_key_for_somebody_else_is_forged(customer: int, server: str) -> None:
    key = KEYS.make(42, "carrier", NOW)
    with pytest.raises(Refused, match=r"forged|server: write"):
        KEYS.verify(key, customer, server, NOW)


def test_a_key_of_another_secret_or_with_another_time_is_forged() -> None:
    with pytest.raises(Refused, match="forged"):
        SecurityKeys(SECRET + "!").verify(KEYS.make(42, "carrier", NOW), 42, "carrier", NOW)
    renewed = KEYS.make(42, "carrier", NOW - 1000).replace(str(NOW - 1000), str(NOW))
    with pytest.raises(Refused, match="forged"):
        KEYS.verify(renewed, 42, "carrier", NOW)


@given(st.integers(min_value=0, max_value=63), st.sampled_from("0123456789abcdef"))
def test_any_other_digit_makes_it_forged(index: int, digit: str) -> None:
    key = KEYS.make(42, "carrier", NOW)
    at = len(key) - 64 + index
    other = key[:at] + digit + key[at + 1 :]
    if other != key:
        with pytest.raises(Refused, match="forged"):
            KEYS.verify(other, 42, "carrier", NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1",
        "v1..",
        f"v1.{NOW}",
        f"v2.{NOW}." + "0" * 64,
        f"v1.{NOW}." + "0" * 63,
        f"v1.{NOW}." + "0" * 65,
        f"v1.{NOW}." + "A" * 64,
        f"v1.0{NOW}." + "0" * 64,
        f"v1.-{NOW}." + "0" * 64,
        f"v1.{NOW}." + "0" * 64 + "\n",
        f" v1.{NOW}." + "0" * 64,
        "v1." + "9" * 5000 + "." + "0" * 64,
        "v1.١." + "0" * 64,
        "\x00",
        "v1.+1." + "0" * 64,
    ],
)
def test_other_text_is_malformed(text: str) -> None:
    with pytest.raises(Refused, match="malformed"):
        KEYS.verify(text, 42, "carrier", NOW)


@given(st.text())
def test_no_text_is_ever_taken_for_a_key(text: str) -> None:
    with pytest.raises(Refused):
        KEYS.verify(text, 42, "carrier", NOW)


@pytest.mark.parametrize("server", ["", "a b", "a\nb", "é", "x" * 256])
def test_a_server_without_a_proper_name_gets_no_key(server: str) -> None:
    with pytest.raises(Refused, match="server"):
        KEYS.make(42, server, NOW)
