"""In which order trunks are tried, and after which ends of an attempt the next one is."""

from __future__ import annotations

import pytest

from ringflow.accounts.trunks import Trunk
from ringflow.calls.outcome import Leg, LegStatus
from ringflow.calls.outgoing_legs import in_order_of_cost, tries_next_trunk
from ringflow.ledger.terms import Terms

CARRIER = Trunk("carrier", "PJSIP/{number}@carrier")
UNALLOCATED, REJECTED, CHANGED, INVALID_FORMAT = 1, 21, 22, 28
NO_CIRCUIT, NO_ROUTE = 34, 3


def ended(status: LegStatus, cause: int, sip_code: int | None) -> Leg:
    return Leg("441234567890", "carrier", status, hangup_cause=cause, sip_code=sip_code)


def test_the_cheapest_trunk_is_tried_first_and_one_of_another_currency_or_of_no_known_cost_last() -> None:
    dear, cheap = Terms("USD", 50_000), Terms("USD", 10_000, connection_micros=5_000)
    assert in_order_of_cost([dear, cheap]) == [1, 0]
    assert in_order_of_cost([None, dear, Terms("EUR", 20_000), cheap]) == [3, 1, 0, 2]
    assert in_order_of_cost([dear, dear, None]) == [0, 1, 2]


@pytest.mark.parametrize("code", [404, 410, 484, 604])
def test_a_wrong_number_is_not_tried_through_the_next_trunk(code: int) -> None:
    assert not tries_next_trunk(CARRIER, ended(LegStatus.UNAVAILABLE, UNALLOCATED, code))


@pytest.mark.parametrize("cause", [UNALLOCATED, REJECTED, CHANGED, INVALID_FORMAT])
@pytest.mark.parametrize("status", [LegStatus.CONGESTION, LegStatus.UNAVAILABLE])
def test_a_wrong_number_of_a_trunk_that_is_not_sip_is_not_tried_through_the_next_one(
    status: LegStatus, cause: int
) -> None:
    assert not tries_next_trunk(CARRIER, ended(status, cause, None))


@pytest.mark.parametrize(
    ("status", "cause", "code"),
    [
        (LegStatus.BUSY, 17, 486),
        (LegStatus.BUSY, 17, None),
        (LegStatus.NO_ANSWER, 19, 480),
        (LegStatus.NO_ANSWER, 0, None),
        (LegStatus.CONGESTION, REJECTED, 603),
        (LegStatus.ANSWERED, 16, 200),
        (LegStatus.NO_CREDIT, 0, None),
    ],
)
def test_what_the_callee_or_the_credit_says_is_the_last_word(
    status: LegStatus, cause: int, code: int | None
) -> None:
    assert not tries_next_trunk(CARRIER, ended(status, cause, code))


@pytest.mark.parametrize(
    ("status", "cause", "code"),
    [
        (LegStatus.CONGESTION, NO_CIRCUIT, 503),
        (LegStatus.CONGESTION, NO_CIRCUIT, None),
        (LegStatus.UNAVAILABLE, NO_ROUTE, None),
        (LegStatus.UNAVAILABLE, 0, None),
        (LegStatus.CONGESTION, REJECTED, 403),
        (LegStatus.NO_ANSWER, 0, 408),
        (LegStatus.BELOW_COST, 0, None),
    ],
)
def test_a_trunk_that_is_out_of_order_gives_way_to_the_next_one(
    status: LegStatus, cause: int, code: int | None
) -> None:
    assert tries_next_trunk(CARRIER, ended(status, cause, code))
