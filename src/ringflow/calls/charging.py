"""What a leg may cost: credit held before dialling, a limit made from it, one exact charge after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from ringflow.calls.retry_queue import RetryQueue
from ringflow.errors import Refused
from ringflow.ledger.hold import Hold, NoCredit
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.rates.card import BelowCost
from ringflow.ledger.rates.margin import Margin
from ringflow.ledger.rates.quote import BlockedDestination, NoRate, Quote
from ringflow.ledger.settlement import Settlement
from ringflow.ledger.terms import Terms, affordable_ms, charge_micros, leg_charge_micros
from ringflow.money import MAX_AMOUNT_MICROS, Money
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.charging")

RINGING_AND_MORE_MS = 1_800_000
"""How much longer than the longest talk a hold may stand."""

LATE_MS = 500
"""How late Asterisk may end a talk that was limited."""

CLOSE_LIMIT_S = 5.0

NO_CREDIT = "not enough credit for the shortest talk"


@dataclass(frozen=True, slots=True)
class ChargingSettings:
    """`slice_ms`: how much talk is held for at most at a time. `longest_ms`: the longest talk.

    `warn_ms`: how long before its credit ends a caller is warned.
    """

    slice_ms: int = 3_600_000
    warn_ms: int = 60_000
    longest_ms: int = 14_400_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """A leg may be dialled: its hold pays for `limit_ms` of talk from the callee's answer.

    A talk may last for `longest_ms` if its hold is raised to that. `quoted`: what there was before the hold.
    `loss`: why the leg is below cost, though it may be dialled.
    """

    hold: Hold
    limit_ms: int
    longest_ms: int
    warn_ms: int
    quoted: Quote
    loss: str = ""

    @property
    def leg_id(self) -> str:
        """The leg's id in the ledger."""
        return self.hold.leg_id

    @property
    def whole(self) -> bool:
        """Whether the hold pays for the longest talk that may be."""
        return self.limit_ms >= self.longest_ms


class Denied(StrEnum):
    """Why a leg may not be dialled."""

    NO_CREDIT = "no_credit"
    NO_RATE = "no_rate"
    TOO_SHORT = "too_short"
    BLOCKED = "blocked"
    BELOW_COST = "below_cost"


@dataclass(frozen=True, slots=True)
class Denial:
    """A leg may not be dialled."""

    why: Denied
    reason: str


class Charging:
    """The calls' side of the ledger.

    A settlement that the database does not take now is repeated until it does; the hold stands meanwhile, so
    the credit cannot be spent twice. `left`: legs whose end only Asterisk knows.
    """

    def __init__(self, ledger: Ledger, settings: ChargingSettings | None = None) -> None:
        self.ledger = ledger
        self.retries = RetryQueue()
        self.left: set[str] = set()
        self._settings = settings or ChargingSettings()

    @property
    def longest_ms(self) -> int:
        """How long a leg may take at most, with its ringing and whatever else."""
        return self._settings.longest_ms + RINGING_AND_MORE_MS

    async def allow(
        self,
        leg_id: str,
        customer_id: int,
        number: str,
        most_ms: int | None = None,
        asterisk: str = "",
        token: str = "",
        *,
        trunk_with_card: str | None = None,
        least_ms: int = 0,
        most_micros: int | None = None,
    ) -> Allowance | Denial:
        """Hold what the leg may cost, for `most_ms` of talk at most. Raises `StoreGone`.

        Whatever this raises once the hold was asked for, the hold is owed its end: its commit may have come
        about, or may do so later.
        `asterisk`: the identity of the Asterisk that the leg lives on; `token`: what it shows to have it
        settled. `trunk_with_card`: the trunk, if it has a card of costs, below which it is not sold.
        `least_ms`: for how much talk the credit must be enough. `most_micros`: what the leg may cost at most.
        """
        settings = self._settings
        longest_ms = settings.longest_ms if most_ms is None else min(most_ms, settings.longest_ms)
        try:
            quoted = await self.ledger.quote(number, customer_id)
        except BlockedDestination as error:
            return Denial(Denied.BLOCKED, str(error))
        except NoRate as error:
            return Denial(Denied.NO_RATE, str(error))
        try:
            loss = await self._loss(quoted, trunk_with_card) if trunk_with_card is not None else ""
        except BlockedDestination as error:
            log.warning("trunk passed over", trunk=trunk_with_card, number=number, detail=str(error))
            return Denial(Denied.BELOW_COST, f"{trunk_with_card}: {error}")
        if loss and quoted.below_cost is BelowCost.REFUSE:
            return Denial(Denied.BELOW_COST, loss)
        if most_micros is not None and (within_ms := affordable_ms(quoted.terms, most_micros)) is not None:
            currency = quoted.terms.currency
            if quoted.least_micros > most_micros or within_ms < least_ms:
                shortest = Money(max(quoted.least_micros, charge_micros(quoted.terms, least_ms)), currency)
                why = (
                    f"the shortest talk costs {shortest}, and the flow allows {Money(most_micros, currency)}"
                )
                return Denial(Denied.TOO_SHORT, why)
            longest_ms = min(longest_ms, within_ms)
        enough_ms = quoted.affordable_ms
        if enough_ms is not None and enough_ms < least_ms and quoted.affordable:
            enough = f"the credit is enough for {enough_ms // 1000} s"
            return Denial(Denied.TOO_SHORT, f"{enough}, and the flow asks for {least_ms // 1000} s")
        if quoted.least_micros > MAX_AMOUNT_MICROS:
            return Denial(Denied.NO_CREDIT, NO_CREDIT)
        try:
            held = await self.ledger.hold(
                leg_id,
                customer_id,
                quoted.slice_micros(min(settings.slice_ms, longest_ms)),
                least_micros=quoted.least_micros,
                terms=quoted.terms,
                lasts_ms=self.longest_ms,
                asterisk=asterisk,
                token=token,
            )
        except Refused:
            raise
        except BaseException:
            self.retries.add(f"the end of leg {leg_id}", lambda: self.ledger.void(leg_id, customer_id))
            raise
        if isinstance(held, NoCredit):
            return Denial(Denied.NO_CREDIT, NO_CREDIT)
        paid_ms = _paid_ms(held, longest_ms)
        return Allowance(held, paid_ms, longest_ms, settings.warn_ms, quoted, loss)

    async def cost(self, number: str, trunk: str) -> Terms | None:
        """What the trunk's owner charges us for a call to the number; None: unknown, or blocked there.

        Raises `StoreGone`.
        """
        try:
            return await self.ledger.cost(number, trunk)
        except BlockedDestination:
            return None

    async def _loss(self, quoted: Quote, trunk: str) -> str:
        """Why a call through the trunk is below cost; empty where it is not, or where nobody can say.

        Amounts in two currencies cannot be compared; without a rate for the number its cost is not known.
        Raises `BlockedDestination` where the trunk's card blocks the number.
        """
        if quoted.below_cost is BelowCost.ALLOW:
            return ""
        buy = await self.ledger.cost(quoted.number, trunk)
        if buy is None or buy.currency != quoted.terms.currency:
            return ""
        margin = Margin(quoted.terms, buy)
        if not margin.below_cost:
            return ""
        what = "trunk passed over" if quoted.below_cost is BelowCost.REFUSE else "call below cost"
        mend = f"`ringflow rate compare '{quoted.card}' {trunk}` lists what loses money"
        log.warning(what, trunk=trunk, number=quoted.number, detail=str(margin), mend=mend)
        return f"{trunk} {margin}"

    def enough_ms(self, allowance: Allowance, *, prolonged: bool) -> int | None:
        """For how long the customer's credit is enough; None: for any talk that may be.

        A talk that is not `prolonged` has no more credit than its hold.
        """
        if not prolonged and not allowance.whole:
            return allowance.limit_ms
        enough_ms = allowance.quoted.affordable_ms
        return None if enough_ms is None or enough_ms >= self._settings.longest_ms else enough_ms

    async def raise_hold(self, allowance: Allowance, talked_ms: int) -> Allowance | None:
        """Hold the next slice too, after so much talk; None: there is no credit for a moment more.

        A customer who is not active any more has none. What is held then pays for the time of the warning and
        a slice. Raises `LegTaken`, `StoreGone`.
        """
        hold, terms = allowance.hold, allowance.hold.terms
        account = await self.ledger.account(hold.customer_id)
        if terms is None or account is None or not account.active:
            return None
        least_micros = charge_micros(terms, allowance.limit_ms + 1)
        # A transaction is only worth it where it may succeed; nothing is held above the largest amount.
        if account.available_micros < least_micros - hold.micros or least_micros > MAX_AMOUNT_MICROS:
            return None
        paid_ms = max(allowance.limit_ms, talked_ms + allowance.warn_ms)
        wanted = charge_micros(terms, min(paid_ms + self._settings.slice_ms, allowance.longest_ms))
        raised = await self.ledger.extend_hold(
            hold.leg_id, min(wanted, MAX_AMOUNT_MICROS), least_micros=least_micros
        )
        if isinstance(raised, NoCredit):
            return None
        return replace(allowance, hold=raised, limit_ms=_paid_ms(raised, allowance.longest_ms))

    async def end(self, allowance: Allowance, talked_ms: int) -> Settlement | None:
        """Charge a leg for its talk, once, and give the rest of the hold back. None: later, by itself."""
        leg_id = allowance.leg_id
        charge = leg_charge_micros(allowance.hold.terms, talked_ms, allowance.limit_ms)

        async def settle() -> Settlement:
            if talked_ms > 0:
                return await self.ledger.settle(leg_id, charge)
            return await self.ledger.release(leg_id)

        try:
            return await settle()
        except StoreGone as error:
            log.error("settlement late", leg=leg_id, talked_ms=talked_ms, detail=str(error))
            self.retries.add(f"the settlement of leg {leg_id}", settle)
            return None
        except Refused:
            raise
        except BaseException:
            # Cancelled while the answer was on its way.
            self.retries.add(f"the settlement of leg {leg_id}", settle)
            raise

    async def vacate(self, mark: str, limited: Iterable[str]) -> None:
        """Count a call nowhere any more; later, by itself, when the database is away.

        `limited`: where it was counted, or was to be.
        """
        subjects = tuple(limited)

        async def leave_it() -> None:
            await self.ledger.vacate(mark, subjects)

        try:
            await leave_it()
        except StoreGone:
            self.retries.add(f"the end of the counted call {mark}", leave_it)
        except BaseException:
            self.retries.add(f"the end of the counted call {mark}", leave_it)
            raise

    def leave(self, leg_id: str) -> None:
        """Asterisk's end of the leg was lost: its hangup handler settles it, or the reaper asks after it.

        The ledger is told, so that every server believes what Asterisk says of the leg.
        """
        log.warning("leg left to its hangup handler", leg=leg_id)
        self.left.add(leg_id)

        async def leave_it() -> None:
            await self.ledger.leave(leg_id)

        self.retries.add(f"the loss of leg {leg_id}", leave_it, at_once=True)

    async def close(self) -> None:
        """Wait a little for what is owed. The store stays open."""
        await self.retries.close(CLOSE_LIMIT_S)
        await self.ledger.close()


def _paid_ms(hold: Hold, longest_ms: int) -> int:
    """How long a talk, of the longest at most, a hold pays for."""
    return longest_ms if hold.paid_ms is None else min(hold.paid_ms, longest_ms)
