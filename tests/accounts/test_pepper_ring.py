"""A running server takes over what is written to the file of peppers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ringflow.accounts.caller_accounts import CallerAccounts
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.directory import Directory
from ringflow.accounts.pepper_file import add_pepper
from ringflow.accounts.peppers import PepperRing, parse_peppers
from ringflow.accounts.vouchers.generation import Plan, generate
from ringflow.accounts.vouchers.redemption import Redeemed
from ringflow.errors import StartError
from ringflow.secret import replace_secret

from .conftest import COUNTRY, HOME

ENV = "RINGFLOW_PEPPER_OF_THIS_TEST"


def accounts_of_callers_on(mint: Any, file: Path) -> CallerAccounts:
    ring = PepperRing(ENV, file)
    return CallerAccounts(
        mint.store, Directory(mint.store, COUNTRY), COUNTRY, ring.current, lambda: mint.now_ms
    )


def ring_in(file: Path) -> Any:
    return parse_peppers(file.read_text("ascii"), "the pepper")


async def test_cards_open_under_the_first_pepper_and_the_next_without_a_restart(
    mint: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pin.pepper"
    caller_accounts = accounts_of_callers_on(mint, file)
    with pytest.raises(StartError, match="need the pepper"):
        await caller_accounts.open_card("106367704080", "1234", HOME)

    for batch, version in (("first", "v1"), ("second", "v2"), ("third", "v3")):
        assert add_pepper(file) == version
        mint.peppers = ring_in(file)
        ((card_id, pin),) = await mint.make(batch)
        ((_, alone),) = await mint.make(f"{batch} alone", pin_length=12, pin_only=True)
        assert isinstance(await caller_accounts.open_card(card_id, pin, HOME), Admitted)
        assert isinstance(await caller_accounts.open_card(None, alone, HOME), Admitted)


async def test_voucher_codes_are_taken_under_a_new_pepper_without_a_restart(
    mint: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pin.pepper"
    add_pepper(file)
    caller_accounts = accounts_of_callers_on(mint, file)
    await mint.customer(42)
    for batch in ("first", "second"):
        async with mint.acting() as actor:
            plan = Plan(batch, "USD", 1, value_micros=5_000_000)
            ((_, code),) = await generate(actor, plan, ring_in(file))
        assert isinstance(await caller_accounts.redeem_voucher(code, 42, HOME), Redeemed)
        add_pepper(file)


async def test_a_pepper_that_is_taken_out_of_the_file_opens_nothing_any_more(
    mint: Any, tmp_path: Path
) -> None:
    file = tmp_path / "pin.pepper"
    add_pepper(file)
    mint.peppers = ring_in(file)
    ((card_id, pin),) = await mint.make()
    caller_accounts = accounts_of_callers_on(mint, file)
    replace_secret(file, "v9:another-pepper-for-tests\n")
    assert await caller_accounts.open_card(card_id, pin, HOME) == Refusal(Why.WRONG_PIN)


@pytest.mark.parametrize(
    "spoil", [lambda file: file.write_text("v1:short"), os.unlink], ids=["short", "gone"]
)
def test_a_file_that_becomes_unusable_is_logged_once_and_the_ring_before_stays(
    tmp_path: Path, spoil: Any
) -> None:
    file = tmp_path / "pin.pepper"
    add_pepper(file)
    ring = PepperRing(ENV, file)
    before = ring.current()
    spoil(file)
    with capture_logs() as logs:
        assert ring.current() is before
        assert ring.current() is before
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("secret not taken over, the one before stays in use", "error")
    ]
    replace_secret(file, "v7:another-pepper-for-tests\n")
    after = ring.current()
    assert after is not None
    assert after.newest.version == "v7"


def test_a_ring_from_the_environment_is_not_exchanged_by_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV, "v5:a-pepper-for-tests-only")
    file = tmp_path / "pin.pepper"
    ring = PepperRing(ENV, file)
    add_pepper(file)
    current = ring.current()
    assert current is not None
    assert current.newest.version == "v5"
