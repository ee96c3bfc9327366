"""What a leg may cost: credit held before dialling, a limit made from it, one exact charge after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from ringflow.accounts.trunks import Trunk
from ringflow.errors import RingflowError
from ringflow.ledger.hold import Hold, NoCredit, Settlement
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.rates import NoRate, quote
from ringflow.ledger.terms import affordable_ms
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.charging")

RETRY_FIRST_S = 0.5
RETRY_LONGEST_S = 15.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """A leg may be dialled, and its held credit lasts `limit_ms` from the callee's answer; None: no limit."""

    leg_id: str
    limit_ms: int | None


@dataclass(frozen=True, slots=True)
class Denial:
    """A leg may not be dialled: `no_credit`, or no rate for the number."""

    no_credit: bool
    reason: str


class Charging:
    """The calls' side of the ledger. `slice_ms`: how much talk is held for at most before a leg is dialled.

    A settlement that the database does not take now is repeated until it does; the hold stands meanwhile, so
    the credit cannot be spent twice.
    """

    def __init__(self, ledger: Ledger, slice_ms: int) -> None:
        self.ledger = ledger
        self._slice_ms = slice_ms
        self.left: set[str] = set()
        self._late: set[asyncio.Task[None]] = set()

    @property
    def unsettled(self) -> int:
        """How many legs wait for the database to take their settlement."""
        return len(self._late)

    async def allow(self, leg_id: str, customer_id: int, number: str, trunk: Trunk) -> Allowance | Denial:
        """Hold what the leg may cost on this trunk. Raises `StoreGone`.

        A trunk that is rated upstream costs nothing here, and asks for nothing.
        """
        if trunk.rated == "upstream":
            return Allowance(leg_id, None)
        try:
            quoted = await quote(self.ledger.store, number, customer_id, self.ledger.now_ms())
        except NoRate as error:
            return Denial(no_credit=False, reason=str(error))
        wanted = quoted.slice_micros(self._slice_ms)
        held = await self.ledger.hold(
            leg_id, customer_id, wanted, least_micros=quoted.least_micros, terms=quoted.terms
        )
        if isinstance(held, NoCredit):
            return Denial(no_credit=True, reason="not enough credit for the shortest talk")
        return Allowance(leg_id, self._limit_ms(held))

    async def end(self, leg_id: str, talked_ms: int) -> Settlement | None:
        """Charge a leg for its talk, once, and give the rest of the hold back. None: later, by itself."""
        try:
            return await self._settle(leg_id, talked_ms)
        except StoreGone as error:
            log.error("settlement late", leg=leg_id, talked_ms=talked_ms, detail=str(error))
            task = asyncio.create_task(self._settle_later(leg_id, talked_ms), name=f"settle {leg_id}")
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return None

    def leave(self, leg_id: str) -> None:
        """Asterisk's end of the leg was lost: its hangup handler settles it, or the reaper asks after it."""
        log.warning("leg left to its hangup handler", leg=leg_id)
        self.left.add(leg_id)

    async def close(self, limit_s: float) -> None:
        """Wait for late settlements up to `limit_s`; what is left, the reaper of any server finds."""
        if self._late:
            await asyncio.wait(set(self._late), timeout=limit_s)
        for task in set(self._late):
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await self.ledger.close()

    def _limit_ms(self, hold: Hold) -> int | None:
        return affordable_ms(hold.terms, hold.micros) if hold.terms is not None else None

    async def _settle(self, leg_id: str, talked_ms: int) -> Settlement:
        if talked_ms > 0:
            return await self.ledger.settle_talk(leg_id, talked_ms)
        return await self.ledger.release(leg_id)

    async def _settle_later(self, leg_id: str, talked_ms: int) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_LONGEST_S)
            try:
                await self._settle(leg_id, talked_ms)
            except StoreGone:
                continue
            except RingflowError as error:
                log.error("settlement refused", leg=leg_id, talked_ms=talked_ms, detail=str(error))
            return
