"""Batches of cards: made in bulk or not at all, and nobody else's PINs."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from sqlalchemy import func, select

from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.card import Filter, every_card
from ringflow.accounts.cards.generation import CHUNK, Plan, discard_batch, generate
from ringflow.accounts.cards.job import CardJob, JobState, SecretsList
from ringflow.accounts.check_digit import draw_digits, has_check_digit
from ringflow.accounts.lockout import Caller
from ringflow.accounts.peppers import parse_peppers
from ringflow.errors import Refused
from ringflow.store.card_tables import card_batches, cards

TEMPLATE = 7
HOME = Caller("carrier", "441910000001")
UNIT = 1_000_000


async def rows(mint: Any, table: Any) -> int:
    async with mint.store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_a_batch_larger_than_a_chunk_has_all_its_cards_and_nobody_elses_pins(mint: Any) -> None:
    made = await mint.make(count=CHUNK + 17, pin_length=4)
    assert len(dict(made)) == CHUNK + 17
    assert all(has_check_digit(card_id, 12) for card_id, _ in made)
    assert {len(pin) for _, pin in made} == {4}
    # Ten thousand PINs for five thousand cards: some are the same, and their digests are not.
    assert len({pin for _, pin in made}) < CHUNK
    async with mint.store.reading() as connection:
        digests = (await connection.execute(select(cards.c.pin_digest))).scalars().all()
    assert len(set(digests)) == CHUNK + 17
    pages = []
    async with mint.store.reading() as connection:
        async for page in every_card(connection, Filter(batch="spring")):
            pages.append([card.id for card in page])  # noqa: PERF401 -- an async generator
    assert [len(page) for page in pages] == [CHUNK, 17]
    assert [card_id for page in pages for card_id in page] == sorted(card_id for card_id, _ in made)


async def test_a_job_says_how_far_it_is_and_keeps_the_pins_before_the_cards_are_good(mint: Any) -> None:
    class Receiver(SecretsList):
        def keep(self) -> None:
            kept.append((job.state, job.made, len(self.secrets), job.batch))

    kept: list[Any] = []
    progress: list[int] = []
    receiver = Receiver()
    job = CardJob(mint.acting, Plan("spring", TEMPLATE, count=CHUNK + 3), mint.peppers, receiver)
    assert job.state is JobState.WAITING
    batch = await job.run(progress.append)
    assert progress == [CHUNK, CHUNK + 3]
    assert kept == [(JobState.RUNNING, CHUNK + 3, CHUNK + 3, None)]
    assert (job.state, job.batch) == (JobState.READY, batch)
    assert len(dict(receiver.secrets)) == await rows(mint, cards) == CHUNK + 3


async def test_a_job_whose_pins_cannot_be_kept_leaves_nothing(mint: Any) -> None:
    class Full(SecretsList):
        def keep(self) -> None:
            raise OSError("No space left on device")

    job = CardJob(mint.acting, Plan("spring", TEMPLATE, count=3), mint.peppers, Full())
    with pytest.raises(OSError, match="No space left"):
        await job.run()
    assert (job.state, job.made, job.batch) == (JobState.FAILED, 3, None)
    assert (await rows(mint, cards), await rows(mint, card_batches)) == (0, 0)


async def test_pins_that_open_alone_are_all_different_under_old_peppers_too(mint: Any) -> None:
    first = await mint.make("first", count=99, pin_length=8, pin_only=True)
    with pytest.raises(
        Refused, match="of 8 digits that open a card alone at most 900 may be given, and 99 are"
    ):
        await mint.make("too many", count=802, pin_length=8, pin_only=True)
    mint.peppers = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    second = await mint.make("second", count=801, pin_length=8, pin_only=True)
    assert len({pin for _, pin in first + second}) == 900
    for card_id, pin in (first[0], second[0]):
        found = await mint.desk(mint.peppers).authenticate(None, pin, HOME)
        assert isinstance(found, Admitted)
        assert found.card.id == card_id


async def test_a_pin_that_an_older_pepper_has_is_left_out_and_drawn_again(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((_, taken),) = await mint.make("first", pin_length=8, pin_only=True)
    mint.peppers = parse_peppers("v1:a-pepper-for-tests-only\nv2:another-pepper-for-tests", "the pepper")
    pins = iter([taken, "55555555"])
    monkeypatch.setattr("ringflow.accounts.cards.draw.draw_pins", lambda count, length: [next(pins)])
    ((_, pin),) = await mint.make("second", pin_length=8, pin_only=True)
    assert pin == "55555555"


async def test_a_number_of_a_card_that_is_there_is_drawn_again(
    mint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((taken, _),) = await mint.make("first")
    fresh = draw_digits(12)
    numbers = iter([taken, fresh])
    monkeypatch.setattr(
        "ringflow.accounts.cards.draw.draw_many_digits", lambda count, length: [next(numbers)]
    )
    assert [card_id for card_id, _ in await mint.make("second")] == [fresh]
    assert await rows(mint, cards) == 2


class Broken(Exception):
    pass


async def test_a_making_that_fails_leaves_nothing_and_its_name_is_free(mint: Any) -> None:
    delivered = 0

    def deliver(secrets: Any) -> None:
        nonlocal delivered
        if delivered:
            raise Broken
        delivered += len(secrets)

    with pytest.raises(Broken):
        await generate(mint.acting, Plan("x", 7, count=CHUNK + 1), mint.peppers, deliver)
    assert delivered == CHUNK
    assert (await rows(mint, cards), await rows(mint, card_batches)) == (0, 0)
    assert len(await mint.make("x")) == 1


async def test_what_a_killed_making_left_is_not_seen_and_can_be_discarded(mint: Any) -> None:
    made: list[Any] = []
    batch = await generate(mint.acting, Plan("x", 7, count=3), mint.peppers, made.extend)
    assert await mint.listed() == []
    with pytest.raises(Refused, match="being made now, or its making was killed"):
        await mint.make("x")
    assert await discard_batch(mint.acting, "x") == 3
    assert await rows(mint, cards) == 0
    with pytest.raises(Refused, match="discarded while"):
        await mint.open(batch)
    await mint.make("x")
    with pytest.raises(Refused, match="finished"):
        await discard_batch(mint.acting, "x")


async def test_a_making_that_was_discarded_by_another_does_not_go_on(mint: Any) -> None:
    made: list[Any] = []

    async def discard() -> None:
        await discard_batch(mint.acting, "x")

    def deliver(secrets: Any) -> None:
        made.extend(secrets)

    tasks: list[Any] = []
    work = generate(
        mint.acting,
        Plan("x", 7, count=10 * CHUNK),
        mint.peppers,
        deliver,
        lambda count: tasks.append(asyncio.ensure_future(discard())) if count == CHUNK else None,
    )
    with pytest.raises(Refused, match="discarded while"):
        await work
    await asyncio.gather(*tasks)
    assert (await rows(mint, cards), await rows(mint, card_batches)) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"customer_id": 9}, "customer 9 does not exist"),
        ({"credit_micros": -1}, "credit: from 0 to"),
        ({"credit_micros": 10**15 + 1}, "credit: from 0 to 1000000000.00 USD"),
        ({"count": 0}, "count 0 is out of range"),
        ({"count": 10**8}, "count 100000000 is out of range"),
        ({"pin_length": 3}, "PIN length 3 is out of range"),
        ({"pin_length": 13}, "PIN length 13 is out of range"),
        ({"pin_length": 7, "pin_only": True}, "PIN length 7 is out of range; write a number from 8 to 12"),
        ({"status": "used"}, "status `used` is not known"),
        ({"expires_ms": 1}, "expired already"),
        ({"name": " "}, "a batch needs a name"),
        ({"name": "a\nb"}, "write one line"),
    ],
)
async def test_a_plan_that_is_wrong_is_refused_and_nothing_is_made(
    mint: Any, fields: dict[str, Any], words: str
) -> None:
    plan = Plan(**{"name": "x", "customer_id": 7, **fields})
    with pytest.raises(Refused, match=re.escape(words)):
        await generate(mint.acting, plan, mint.peppers, lambda secrets: None)
    assert await rows(mint, card_batches) == 0
