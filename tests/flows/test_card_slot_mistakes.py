"""Mistakes in the slots that ask for cards, codes and passwords, and exactly what is said about each."""

from __future__ import annotations

import pytest

from ringflow.flows.surroundings import Surroundings

from .mistakes import Mistakes

MISTAKES = Mistakes()
mistake = MISTAKES.add

mistake(
    "a card before a code",
    """
    app: x
    slots:
      - slot: authenticate
        by: [card, code]
    """,
    "f.yaml:4:5: `code` is never tried after `card`, which asks whoever calls (write [code, card])",
)
mistake(
    "the service password among the ways",
    """
    app: x
    slots:
      - slot: authenticate
        by: [cli, password]
    """,
    (
        "f.yaml:4:5: `password` proves who was identified before, and finds nobody "
        "(write `password: required` beside the other ways)"
    ),
)
mistake(
    "a way that there is not",
    """
    app: x
    slots:
      - slot: authenticate
        by: [cli, codes]
    """,
    (
        "f.yaml:4:15: `by` must be 'cli', 'code', 'card', 'pin' or 'password', not `codes` "
        "(did you mean `code`?)"
    ),
)
mistake(
    "a number remembered of callers without a card",
    """
    app: x
    slots:
      - slot: authenticate
        by: [cli, code]
        remember: silent
    """,
    "f.yaml:5:15: only callers with a card are remembered (remove it)",
)
mistake(
    "a number remembered in a way that there is not",
    """
    app: x
    slots:
      - slot: authenticate
        remember: quietly
    """,
    "f.yaml:4:15: `remember` must be 'ask', 'silent' or 'forbidden', not `quietly` (write one of them)",
)
mistake(
    "the same announced twice",
    """
    app: x
    slots:
      - slot: authenticate
        announce: [balance, language, balance]
    """,
    "f.yaml:4:5: `balance` would be said twice (write it once)",
)
mistake(
    "something announced that there is not",
    """
    app: x
    slots:
      - slot: authenticate
        announce: [ballance]
    """,
    (
        "f.yaml:4:16: `announce` must be 'balance', 'expiry' or 'language', not `ballance` "
        "(did you mean `balance`?)"
    ),
)
mistake(
    "a password that is asked for and is not",
    """
    app: x
    slots:
      - slot: authenticate
        by: password
        password: no
    """,
    "f.yaml:5:15: a password is asked for, and is not (remove it)",
)
mistake(
    "no silences at all",
    """
    app: x
    slots:
      - slot: authenticate
        silences: 0
    """,
    "f.yaml:4:15: `silences` must be at least 1, not `0`",
)
mistake(
    "an exit that a calling number never takes",
    """
    app: x
    slots:
      - slot: authenticate
        by: cli
        on: {locked: hangup}
    """,
    "f.yaml:5:10: with these fields, authenticate does not end by `locked` (remove it)",
)
mistake(
    "a maximum below the minimum",
    """
    app: x
    slots:
      - slot: transfer_credit
        minimum: "5"
        maximum: "4.99"
    """,
    "f.yaml:5:14: maximum 4.99 is less than minimum 5 (write a larger one, or leave it out)",
)
mistake(
    "a maximum of nothing",
    """
    app: x
    slots:
      - slot: transfer_credit
        maximum: "0.00"
    """,
    "f.yaml:4:14: a maximum of nothing moves nothing (write a larger one, or leave it out)",
)
mistake(
    "an amount with a currency",
    """
    app: x
    slots:
      - slot: transfer_credit
        minimum: 5 USD
    """,
    "f.yaml:4:14: `minimum`: `5 USD` is not an amount (write one such as 5.00, without its currency)",
)
mistake(
    "an amount without quotes",
    """
    app: x
    slots:
      - slot: transfer_credit
        minimum: 5.00
    """,
    "f.yaml:4:14: `minimum` must be text, not `5.0` (put quotes around it)",
)
mistake(
    "a direction that there is not",
    """
    app: x
    slots:
      - slot: transfer_credit
        direction: from-card
    """,
    "f.yaml:4:16: `direction` must be 'from_card' or 'to_card', not `from-card` (did you mean `from_card`?)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_said_about_a_mistake(name: str) -> None:
    MISTAKES.assert_told(name, Surroundings())
