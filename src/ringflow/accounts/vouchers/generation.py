"""Makes vouchers: all of them in one transaction. Their codes are handed out once and never kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ringflow.accounts.check_digit import draw_digits
from ringflow.accounts.fields import check_range, check_text
from ringflow.accounts.peppers import Peppers
from ringflow.accounts.vouchers.voucher import (
    MAX_MULTIPLIER_MILLIONTHS,
    WHOLE_MILLIONTHS,
    Kind,
)
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Refused
from ringflow.money import MAX_AMOUNT_MICROS, AmountError, Money, check_currency, parse_amount
from ringflow.store.statement import Statement

CODE_DIGITS = 16
MAX_COUNT = 100_000

_INSERT = Statement(
    "INSERT INTO vouchers (batch, code_digest, pepper, kind, value_micros, multiplier_millionths, currency, "
    "minimum_micros, status, expires_ms, operator, created_ms) SELECT :batch, v.digest, :pepper, :kind, "
    ":value_micros, :multiplier_millionths, :currency, :minimum_micros, 'available', :expires_ms, :operator, "
    ":now_ms FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING id, code_digest",
    rows={"digest": "text"},
    batch="text",
    pepper="text",
    kind="text",
    value_micros="bigint",
    multiplier_millionths="bigint",
    currency="text",
    minimum_micros="bigint",
    expires_ms="bigint",
    operator="text",
    now_ms="bigint",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What vouchers to make: exactly one of value, multiplier and addition.

    `minimum_micros`: the smallest payment with which a multiplier or an addition can be used.
    """

    batch: str
    currency: str
    count: int = 1
    value_micros: int | None = None
    multiplier_millionths: int | None = None
    addition_micros: int | None = None
    minimum_micros: int = 0
    expires_ms: int | None = None

    @property
    def kind(self) -> Kind:
        """What it gives."""
        if self.multiplier_millionths is not None:
            return "multiplier"
        return "value" if self.value_micros is not None else "addition"


async def generate(actor: Actor, plan: Plan, peppers: Peppers) -> list[tuple[int, str]]:
    """Make vouchers; gives each one's number and code. Raises `Refused` for a field that is wrong."""
    check_plan(plan, actor.now_ms)
    made: dict[int, str] = {}
    while len(made) < plan.count:
        digests = {
            peppers.newest.digest(code_message(code)): code
            for code in (draw_digits(CODE_DIGITS) for _ in range(plan.count - len(made)))
        }
        found = await _INSERT.run(
            actor.connection,
            [{"digest": digest} for digest in digests],
            batch=plan.batch,
            pepper=peppers.newest.version,
            kind=plan.kind,
            value_micros=plan.value_micros if plan.value_micros is not None else plan.addition_micros,
            multiplier_millionths=plan.multiplier_millionths,
            currency=plan.currency,
            minimum_micros=plan.minimum_micros,
            expires_ms=plan.expires_ms,
            operator=actor.principal.name,
            now_ms=actor.now_ms,
        )
        made |= {row.id: digests[row.code_digest] for row in found}
    await note(actor, Verb.GENERATE, f"voucher batch {plan.batch}", None, asdict(plan))
    return sorted(made.items())


def code_message(code: str) -> str:
    """What is digested of a code."""
    return f"ringflow-voucher-v1\n{code}"


def parse_multiplier(text: str) -> int:
    """Return a multiplier such as 1.1, which adds 10 %, in millionths. Raises `Refused`."""
    try:
        # Six decimals and no sign, as an amount has; the currency plays no part.
        return parse_amount(text, "USD", decimals=6)
    except AmountError as error:
        raise _malformed_multiplier() from error


def _malformed_multiplier() -> Refused:
    return Refused(
        "voucher.malformed_multiplier",
        "a multiplier is more than 1 and at most 10: 1.1 adds 10 % to a payment",
        ("multiplier",),
    )


def check_plan(plan: Plan, now_ms: int) -> None:
    """Raise `Refused` where such vouchers cannot be made."""
    check_text(plan.batch, "batch")
    check_range(plan.count, 1, MAX_COUNT, "count")
    check_currency(plan.currency)
    given = (plan.value_micros, plan.multiplier_millionths, plan.addition_micros)
    if sum(one is not None for one in given) != 1:
        raise Refused(
            "voucher.several_kinds", "a voucher has exactly one of a value, a multiplier and an addition"
        )
    amount = plan.value_micros if plan.value_micros is not None else plan.addition_micros
    most = Money(MAX_AMOUNT_MICROS, plan.currency)
    if amount is not None and not 0 < amount <= MAX_AMOUNT_MICROS:
        raise Refused(
            "amount.out_of_range",
            f"what a voucher gives is more than zero and at most {most}",
            low="0",
            high=str(most),
        )
    millionths = plan.multiplier_millionths
    if millionths is not None and not WHOLE_MILLIONTHS < millionths <= MAX_MULTIPLIER_MILLIONTHS:
        raise _malformed_multiplier()
    if not 0 <= plan.minimum_micros <= MAX_AMOUNT_MICROS:
        raise Refused(
            "amount.out_of_range", f"a minimum activation is from zero to {most}", low="0", high=str(most)
        )
    if plan.minimum_micros and plan.value_micros is not None:
        raise Refused(
            "voucher.minimum_without_payment", "a value needs no payment, so it can ask for no minimum"
        )
    if plan.expires_ms is not None and plan.expires_ms <= now_ms:
        raise Refused(
            "voucher.expires_in_the_past", "the vouchers would have expired already; choose a later day"
        )
