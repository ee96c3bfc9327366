"""Money over HTTP: moved once for each key, whatever is lost on the way."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from ringflow.store.api_tables import api_answers
from ringflow.store.ledger_tables import ledger_movements
from ringflow.web.rest.repetition import KEPT_MS, Repeatable

from .conftest import Api, Client

PAYMENT = {"kind": "pay_in", "customer": 42, "amount": "5.00", "reason": "cash"}


async def movements(api: Api) -> int:
    async with api.store.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(ledger_movements))).scalar_one()


async def test_a_payment_raises_the_credit_and_is_in_the_books(owner: Client) -> None:
    assert (await owner("GET", "/accounts/42")).json["balance"] == "0.00"
    paid = await owner("POST", "/movements:pay", PAYMENT)
    assert (paid.status, paid.json["amount"], paid.json["operator"]) == (201, "5.00", "admin")
    await owner(
        "POST", "/movements:pay", {**PAYMENT, "kind": "adjustment", "amount": "-1.50", "reason": "err"}
    )
    await owner("POST", "/customers", {"id": 50})
    moved = await owner(
        "POST", "/movements:transfer", {"customer": 42, "to": 50, "amount": "0.50", "reason": "gift"}
    )
    assert moved.status == 201
    assert (await owner("GET", "/accounts/42")).json["balance"] == "3.00"
    listed = await owner("GET", "/movements?customer=42")
    assert [one["amount"] for one in listed.json["items"]] == ["0.50", "1.50", "5.00"]


async def test_the_same_key_and_body_move_money_once_and_get_the_same_answer(api: Api, owner: Client) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = await owner("POST", "/movements:pay", PAYMENT, key)
    again = await owner("POST", "/movements:pay", PAYMENT, key)
    assert (again.status, again.text) == (first.status, first.text)
    assert await movements(api) == 1
    other = await owner("POST", "/movements:pay", {**PAYMENT, "amount": "6.00"}, key)
    assert (other.status, other.json["code"]) == (422, "request.key_reused")
    someone = await api.client(name="second")
    assert (await someone("POST", "/movements:pay", PAYMENT, key)).status == 201
    assert await movements(api) == 2


async def test_a_request_that_comes_many_times_at_once_is_done_once(api: Api, owner: Client) -> None:
    key = {"Idempotency-Key": "order-2"}
    answers = await asyncio.gather(*(owner("POST", "/movements:pay", PAYMENT, key) for _ in range(10)))
    assert {(one.status, one.text) for one in answers} == {(201, answers[0].text)}
    assert await movements(api) == 1


async def test_what_failed_may_be_tried_again_with_its_key(api: Api, owner: Client) -> None:
    key = {"Idempotency-Key": "order-3"}
    payment = {**PAYMENT, "customer": 77}
    assert (await owner("POST", "/movements:pay", payment, key)).status == 404
    await owner("POST", "/customers", {"id": 77})
    assert (await owner("POST", "/movements:pay", payment, key)).status == 201
    assert await movements(api) == 1


async def test_a_change_whose_answer_is_not_kept_is_not_made(
    api: Api, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> None:
        raise KeyError("the process ends here")

    key = {"Idempotency-Key": "order-4"}
    with monkeypatch.context() as patch:
        patch.setattr(Repeatable, "keep", killed)
        lost = await owner("POST", "/movements:pay", PAYMENT, key)
    assert (lost.status, lost.json["code"]) == (500, "request.failed")
    assert "the process ends here" not in lost.text
    assert await movements(api) == 0
    assert (await owner("POST", "/movements:pay", PAYMENT, key)).status == 201


async def test_a_key_is_good_for_a_day(api: Api, owner: Client) -> None:
    key = {"Idempotency-Key": "order-5"}
    await owner("POST", "/movements:pay", PAYMENT, key)
    async with api.store.writing() as connection:
        await connection.execute(update(api_answers).values(made_ms=api_answers.c.made_ms - KEPT_MS - 1))
    await owner("POST", "/movements:pay", PAYMENT, key)
    assert await movements(api) == 2


async def test_a_kind_of_payment_that_there_is_not_is_told_those_that_there_are(owner: Client) -> None:
    refused = await owner("POST", "/movements:pay", {**PAYMENT, "kind": "pay_inn"})
    assert refused.json["detail"] == (
        "`kind` must be 'pay_in', 'pay_out' or 'adjustment', not `pay_inn` (did you mean `pay_in`?)"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "5.001"}, "amount.too_fine"),
        ({"amount": "-5"}, "amount.negative"),
        ({"amount": "1e3"}, "amount.malformed"),
        ({"amount": 5}, "field.malformed"),
        ({"kind": "gift"}, "field.malformed"),
        ({"key": "card:1"}, "key.reserved"),
    ],
)
async def test_a_payment_that_cannot_be_read_moves_nothing(
    api: Api, owner: Client, change: dict[str, object], code: str
) -> None:
    came = await owner("POST", "/movements:pay", {**PAYMENT, **change})
    assert (came.status, came.json["code"]) == (422, code), came.text
    assert await movements(api) == 0


@pytest.mark.parametrize("key", ["", "x" * 201, "é"])
async def test_a_key_that_is_none_is_refused(owner: Client, key: str) -> None:
    came = await owner("POST", "/movements:pay", PAYMENT, {"Idempotency-Key": key})
    assert (came.status, came.json["code"]) == (422, "request.malformed_key")
