"""What trunks are given of a number, and who may be dialled as keyed."""

from __future__ import annotations

import pytest

from ringflow.accounts.number_forms import can_be_keyed, check_as_keyed, in_form, is_among
from ringflow.accounts.trunks import Trunk
from ringflow.calls.dialled_number import DialledNumber, NumberPlan, could_be_dialled
from ringflow.errors import Refused

LONDON = "442079460018"


@pytest.mark.parametrize(
    "text", ["", "+", "++44", "44&", "4" * 33, "٤٤", "4\n", "²", "*98#", "-", "()", "44,1"]
)
def test_what_is_neither_a_number_nor_keys_can_be_dialled_in_no_country(text: str) -> None:
    assert not could_be_dialled(text)
    assert NumberPlan("US").routes(text, (Trunk("a", "PJSIP/{number}@a"),), as_keyed=True) == []


@pytest.mark.parametrize(
    ("number", "form", "country", "sent"),
    [
        (LONDON, "e164", "GB", LONDON),
        (LONDON, "+e164", "GB", f"+{LONDON}"),
        (LONDON, "00", "GB", f"00{LONDON}"),
        (LONDON, "00", "US", f"011{LONDON}"),
        (LONDON, "00", "AU", f"0011{LONDON}"),
        (LONDON, "00", "RU", f"810{LONDON}"),
        (LONDON, "national", "GB", "02079460018"),
        (LONDON, "national", "US", f"011{LONDON}"),
        ("12025550123", "national", "US", "2025550123"),
        ("14165550123", "national", "US", "4165550123"),
        ("390612345678", "national", "IT", "0612345678"),
        ("5491123456789", "national", "AR", "0111523456789"),
    ],
)
def test_a_number_is_written_as_the_trunk_wants_it(number: str, form: str, country: str, sent: str) -> None:
    assert in_form(number, form, country) == sent  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("112", ["112"], ["1120", "11", "012"]),
        ("1XX", ["100", "199"], ["10", "1000", "1*0"]),
        ("NZX", ["210", "999"], ["110", "200"]),
        ("*9X", ["*98"], ["98", "*9"]),
        ("9.", ["90", "9*1", "9123456"], ["9", "8123"]),
    ],
)
def test_patterns_are_those_of_a_dialplan(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    check_as_keyed([pattern])
    assert [is_among(text, ["000", pattern]) for text in fits] == [True] * len(fits)
    assert [is_among(text, ["000", pattern]) for text in fits_not] == [False] * len(fits_not)


@pytest.mark.parametrize("pattern", ["", "_1XX", "1!", "1.2", "+44", "[1-9]", "a", "1" * 33, "."])
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(Refused, match="write digits and"):
        check_as_keyed([pattern])


def test_each_trunk_gets_what_it_can_dial() -> None:
    carrier = Trunk("carrier", "PJSIP/{number}@carrier", number_form="+e164", number_prefix="9912")
    office = Trunk("office", "PJSIP/{number}@office", as_keyed=("1XX", "02079460018"))
    trunks = (carrier, office)
    plan = NumberPlan("GB")
    assert plan.routes("100", trunks, as_keyed=False) == [(office, DialledNumber("100", "100", "100", True))]
    assert plan.routes("02079460018", trunks, as_keyed=False) == [
        (carrier, DialledNumber("02079460018", LONDON, f"9912+{LONDON}")),
        (office, DialledNumber("02079460018", "02079460018", "02079460018", True)),
    ]
    both = plan.routes("*98", trunks, as_keyed=True)
    assert [(trunk.name, number.sent, number.rated) for trunk, number in both] == [
        ("carrier", "*98", "~*98"),
        ("office", "*98", "~*98"),
    ]
    assert plan.routes("999", trunks, as_keyed=False) == []
    assert can_be_keyed("999")


@pytest.mark.parametrize(
    ("form", "prefix", "configured", "own", "shown"),
    [
        (None, "", None, LONDON, None),
        (None, "", "+442079460018", LONDON, "+442079460018"),
        ("e164", "", None, LONDON, LONDON),
        ("+e164", "", "02079460018", None, f"+{LONDON}"),
        ("national", "", LONDON, None, "02079460018"),
        ("00", "77", None, LONDON, f"7700{LONDON}"),
        (None, "77", None, LONDON, f"77{LONDON}"),
        ("+e164", "", "100", LONDON, "100"),
        ("+e164", "", None, None, None),
    ],
)
def test_the_callers_number_has_a_form_of_its_own(
    form: str | None, prefix: str, configured: str | None, own: str | None, shown: str | None
) -> None:
    trunk = Trunk(
        "a",
        "PJSIP/{number}@a",
        number_form="national",
        number_prefix="1",
        caller_id_form=form,  # type: ignore[arg-type]
        caller_id_prefix=prefix,
    )
    assert NumberPlan("GB").caller_id(configured, own, trunk) == shown
