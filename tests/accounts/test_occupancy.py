from __future__ import annotations

import asyncio

from ringflow.accounts.admission import Admission, Rejection
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.occupancy import Occupancy, Seat

CUSTOMER_FULL = Rejection(486, "Customer Channels Full")
DID_FULL = Rejection(486, "DID Channels Full")


def admission(customer: Customer | None, did: Did) -> Admission:
    return Admission(did, customer, None, "")


def admit(occupancy: Occupancy, one: Admission) -> Seat:
    seat = occupancy.admit(one)
    assert isinstance(seat, Seat)
    return seat


def test_a_customer_has_as_many_calls_as_channels() -> None:
    occupancy = Occupancy()
    call = admission(Customer(1, channels=2), Did("100", "a"))
    first, second = admit(occupancy, call), admit(occupancy, call)
    assert occupancy.admit(call) == CUSTOMER_FULL
    assert occupancy.of_customer(1) == 2
    first.release()
    third = admit(occupancy, call)
    assert occupancy.admit(call) == CUSTOMER_FULL
    second.release()
    third.release()
    assert (occupancy.of_customer(1), occupancy.of_did("100")) == (0, 0)


def test_a_did_has_as_many_calls_as_channels_whoever_calls() -> None:
    occupancy = Occupancy()
    did = Did("100", "a", channels=2)
    admit(occupancy, admission(None, did))
    admit(occupancy, admission(Customer(1), did))
    assert occupancy.admit(admission(Customer(2), did)) == DID_FULL
    assert occupancy.of_did("100") == 2
    assert occupancy.of_customer(2) == 0  # who was rejected is not counted


def test_the_limit_is_the_one_in_force_when_the_call_arrives() -> None:
    occupancy = Occupancy()
    did = Did("100", "a")
    for _ in range(3):
        admit(occupancy, admission(Customer(1), did))
    assert occupancy.admit(admission(Customer(1, channels=3), did)) == CUSTOMER_FULL
    admit(occupancy, admission(Customer(1, channels=4), did))


def test_a_seat_is_given_back_once_however_the_call_ends() -> None:
    occupancy = Occupancy()
    call = admission(Customer(1, channels=1), Did("100", "a"))
    try:
        with admit(occupancy, call) as seat:
            assert occupancy.of_customer(1) == 1
            raise KeyError
    except KeyError:
        pass
    seat.release()
    assert occupancy.of_customer(1) == 0
    admit(occupancy, call)


async def test_calls_in_the_same_instant_never_pass_the_limit() -> None:
    occupancy = Occupancy()
    call = admission(Customer(1, channels=10), Did("100", "a"))
    most = 0

    async def run() -> bool:
        nonlocal most
        seat = occupancy.admit(call)
        if isinstance(seat, Rejection):
            return False
        with seat:
            most = max(most, occupancy.of_customer(1))
            await asyncio.sleep(0)
        return True

    admitted = sum(await asyncio.gather(*[run() for _ in range(200)]))
    assert (most, admitted, occupancy.of_customer(1)) == (10, 10, 0)
