"""What a leg may cost: credit held before dialling, a limit made from it, one exact charge after."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from ringflow.accounts.trunks import Trunk
from ringflow.calls.owing import Owing
from ringflow.ledger.held import find_hold
from ringflow.ledger.hold import Hold, NoCredit, Settlement
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.rates import NoRate, quote
from ringflow.ledger.terms import affordable_ms, charge_micros
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.charging")

RINGING_AND_MORE_MS = 1_800_000
"""How much longer than the longest talk a hold may stand."""

LATE_MS = 500
"""How late Asterisk may end a talk that was limited."""

CLOSE_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class ChargingSettings:
    """`slice_ms`: how much talk is held for at most before a leg is dialled. `longest_ms`: the longest talk.

    `warn_ms`: how long before its credit ends a caller hears a tone.
    """

    slice_ms: int = 3_600_000
    warn_ms: int = 60_000
    longest_ms: int = 14_400_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """A leg may be dialled: its hold pays for `limit_ms` of talk from the callee's answer."""

    hold: Hold
    limit_ms: int
    warn_ms: int

    @property
    def leg_id(self) -> str:
        """The leg's id in the ledger."""
        return self.hold.leg_id

    @property
    def limited_by_credit(self) -> bool:
        """Whether the talk ends where the hold is spent, and not only at the longest talk that there is."""
        terms = self.hold.terms
        return terms is not None and affordable_ms(terms, self.hold.micros) == self.limit_ms


@dataclass(frozen=True, slots=True)
class Denial:
    """A leg may not be dialled: `no_credit`, or no rate for the number."""

    no_credit: bool
    reason: str


class Charging:
    """The calls' side of the ledger.

    A settlement that the database does not take now is repeated until it does; the hold stands meanwhile, so
    the credit cannot be spent twice. `left`: legs whose end only Asterisk knows.
    """

    def __init__(self, ledger: Ledger, settings: ChargingSettings | None = None) -> None:
        self.ledger = ledger
        self.owing = Owing()
        self.left: set[str] = set()
        self._settings = settings or ChargingSettings()

    async def allow(self, leg_id: str, customer_id: int, number: str, trunk: Trunk) -> Allowance | Denial:
        """Hold what the leg may cost. Raises `StoreGone`."""
        settings = self._settings
        try:
            quoted = await quote(self.ledger.store, number, customer_id, self.ledger.now_ms())
        except NoRate as error:
            return Denial(no_credit=False, reason=str(error))
        held = await self.ledger.hold(
            leg_id,
            customer_id,
            quoted.slice_micros(min(settings.slice_ms, settings.longest_ms)),
            least_micros=quoted.least_micros,
            terms=quoted.terms,
            lasts_ms=settings.longest_ms + RINGING_AND_MORE_MS,
        )
        if isinstance(held, NoCredit):
            return Denial(no_credit=True, reason="not enough credit for the shortest talk")
        paid_ms = affordable_ms(quoted.terms, held.micros)
        if paid_ms is None or paid_ms >= settings.longest_ms:
            return Allowance(held, settings.longest_ms, 0)
        return Allowance(held, paid_ms, settings.warn_ms)

    async def end(self, allowance: Allowance, talked_ms: int) -> Settlement | None:
        """Charge a leg for its talk, once, and give the rest of the hold back. None: later, by itself.

        What was talked beyond the limit is not charged: Asterisk takes some milliseconds to end a call.
        """
        leg_id, terms = allowance.leg_id, allowance.hold.terms
        charge = charge_micros(terms, min(talked_ms, allowance.limit_ms)) if terms is not None else 0

        async def settle() -> Settlement:
            if talked_ms > 0:
                return await self.ledger.settle(leg_id, charge)
            return await self.ledger.release(leg_id)

        try:
            return await settle()
        except StoreGone as error:
            log.error("settlement late", leg=leg_id, talked_ms=talked_ms, detail=str(error))
            self.owing.owe(f"the settlement of leg {leg_id}", settle)
            return None

    async def end_by_record(self, leg_id: str, talked_ms: int) -> Settlement:
        """Settle a leg by what Asterisk recorded of it, on whatever server. Raises `UnknownLeg`, `StoreGone`.

        As in `end`, what the hold does not pay because Asterisk was a moment late is not charged.
        """
        async with self.ledger.store.reading() as connection:
            hold = await find_hold(connection, leg_id)
        paid_ms = affordable_ms(hold.terms, hold.micros) if hold is not None and hold.terms else None
        if paid_ms is not None and 0 < talked_ms - paid_ms <= LATE_MS:
            talked_ms = paid_ms
        return await self.ledger.settle_talk(leg_id, talked_ms)

    async def vacate(self, mark: str) -> None:
        """Count a call nowhere any more; later, by itself, when the database is away."""

        async def leave_it() -> None:
            await self.ledger.vacate(mark)

        try:
            await leave_it()
        except StoreGone:
            self.owing.owe(f"the end of the counted call {mark}", leave_it)

    def leave(self, leg_id: str) -> None:
        """Asterisk's end of the leg was lost: its hangup handler settles it, or the reaper asks after it."""
        log.warning("leg left to its hangup handler", leg=leg_id)
        self.left.add(leg_id)

    async def close(self) -> None:
        """Wait a little for what is owed. The store stays open."""
        await self.owing.close(CLOSE_LIMIT_S)
        await self.ledger.close()
