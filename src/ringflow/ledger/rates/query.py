"""The queries that quotes are made of: every rate that fits a number, by index, the longest prefix first.

Each row ends with the card and one of its rates; a card that has none for the number gives one row without.
The first row is the one that counts.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.types import Text

from ringflow.ledger.channel_limits import CUSTOMER_SUBJECT
from ringflow.ledger.credit import SPENDABLE
from ringflow.ledger.rates.prefix import MAX_PREFIX_LENGTH
from ringflow.store import LookUp
from ringflow.store.ledger_tables import ledger_accounts, rate_assignments, rate_cards, rates
from ringflow.store.tables import customers

PREFIX_LENGTHS = range(1, MAX_PREFIX_LENGTH + 1)

# NULL where no account was opened yet.
_accounts = ledger_accounts.alias("a")
_spendable = text(SPENDABLE).bindparams(bindparam("day", type_=BigInteger))
_CARD_COLUMNS = (
    rate_cards.c.name,
    rate_cards.c.currency,
    rate_cards.c.decimals,
    rate_cards.c.rounding,
)
_RATE_COLUMNS = (
    rates.c.prefix,
    rates.c.price_micros,
    rates.c.connection_micros,
    rates.c.minimum_s,
    rates.c.increment_s,
    rates.c.grace_s,
    rates.c.destination,
    rates.c.blocked,
)
_LONGEST_FIRST = func.length(rates.c.prefix).desc()
_PREFIXES = [f"prefix_{length}" for length in PREFIX_LENGTHS]
_default_card = rate_cards.alias("default_card")
_now = bindparam("now_ms", type_=BigInteger)
_subject = bindparam("subject", type_=Text)
_default_id = (
    select(_default_card.c.id)
    .where(_default_card.c.is_default, _default_card.c.currency == customers.c.currency)
    .scalar_subquery()
)


def _in_effect(has_prefix: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        (rates.c.card_id == rate_cards.c.id)
        & has_prefix
        & (rates.c.from_ms <= _now)
        & or_(rates.c.until_ms.is_(None), rates.c.until_ms > _now)
    )


def _with_account_and_card(
    asked: Select[tuple[int, str]] | Select[tuple[()]], subject: ColumnElement[str]
) -> Select[tuple[object, ...]]:
    """`asked` selects from `customers`."""
    return (
        asked.add_columns(customers.c.currency, _spendable, rate_cards.c.below_cost, *_CARD_COLUMNS)
        .outerjoin(_accounts, _accounts.c.customer_id == customers.c.id)
        .outerjoin(rate_assignments, rate_assignments.c.subject == subject)
        .outerjoin(rate_cards, rate_cards.c.id == func.coalesce(rate_assignments.c.card_id, _default_id))
    )


_one_of_prefixes = rates.c.prefix.in_([bindparam(name, type_=Text) for name in _PREFIXES])
FOR_CUSTOMER = LookUp(
    _with_account_and_card(
        select().select_from(customers).where(customers.c.id == bindparam("customer_id", type_=Integer)),
        _subject,
    )
    .add_columns(*_RATE_COLUMNS)
    .outerjoin(rates, _in_effect(_one_of_prefixes))
    .order_by(_LONGEST_FIRST),
    ["customer_id", "subject", "now_ms", "day", *_PREFIXES],
)

FOR_TRUNK = LookUp(
    select(*_CARD_COLUMNS, *_RATE_COLUMNS)
    .select_from(rate_assignments)
    .join(rate_cards, rate_cards.c.id == rate_assignments.c.card_id)
    .outerjoin(rates, _in_effect(_one_of_prefixes))
    .where(rate_assignments.c.subject == _subject)
    .order_by(_LONGEST_FIRST),
    ["subject", "now_ms", *_PREFIXES],
)


@cache
def for_customers() -> LookUp:
    """The query for many numbers, on PostgreSQL only.

    `asked` is JSON: objects with `customer_id` and `number`, which begin each row.
    """
    # Imported here, so that commands on SQLite do not load this dialect.
    from sqlalchemy.dialects.postgresql import array

    asked = (
        func.json_to_recordset(cast(bindparam("asked", type_=Text), JSON))
        .table_valued(column("customer_id", Integer), column("number", Text))
        .render_derived(name="v", with_types=True)
    )
    # An array is looked up in the index; a list of expressions would be compared with every rate of the card.
    prefixes = array(
        [func.substr(asked.c.number, literal_column("1"), literal_column(str(one))) for one in PREFIX_LENGTHS]
    )
    # A query of its own for each number: joined to all at once, the rates would be read from the first to
    # the last where PostgreSQL takes those who ask for many.
    best = (
        select(*_RATE_COLUMNS)
        .where(_in_effect(rates.c.prefix == any_(prefixes)))
        .order_by(_LONGEST_FIRST)
        .limit(literal_column("1"))
        .correlate(asked, rate_cards)
        .lateral("best")
    )
    return LookUp(
        _with_account_and_card(
            select(asked.c.customer_id, asked.c.number)
            .select_from(asked)
            .join(customers, customers.c.id == asked.c.customer_id),
            literal_column(f"'{CUSTOMER_SUBJECT}'") + cast(customers.c.id, Text),
        )
        .add_columns(*best.c)
        .outerjoin(best, true()),
        ["asked", "now_ms", "day"],
    )
