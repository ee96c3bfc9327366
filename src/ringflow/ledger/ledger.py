"""The ledger as calls use it: it holds, extends, charges and releases credit, and counts calls.

Every method answers after its commit and may be called again with the same id when the answer was lost: it
returns the first answer and does nothing a second time. All raise `StoreGone` while the database is away. Who
lost the answer and does not ask again undoes what may have been done: `void` after `hold`, `vacate` after
`occupy`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog

from ringflow.errors import Refused
from ringflow.ledger.account import Account, read_account
from ringflow.ledger.channel_limits import Occupied, OccupyRequest, VacateRequest
from ringflow.ledger.group_commit import GroupCommit
from ringflow.ledger.hold import Hold, HoldState, NoCredit, UnknownLeg, find_hold, leave_hold
from ringflow.ledger.hold_requests import ExtendRequest, HoldRequest, VoidRequest
from ringflow.ledger.rates.quote import BlockedDestination, NoRate, Quote, Quotes, quote_trunk
from ringflow.ledger.settlement import Settlement, SettleRequest
from ringflow.ledger.terms import Terms, UnreadableTerms, leg_charge_micros
from ringflow.moments import system_now_ms
from ringflow.money import MAX_AMOUNT_MICROS
from ringflow.store import Store
from ringflow.store.batches import Batches

log = structlog.get_logger("ringflow.ledger")

HOLD_LASTS_MS = 6 * 3600 * 1000
"""How long a hold may stand, unless said otherwise: longer than any call may last."""


class Ledger:
    """One server's way to the ledger. `server`: its name, under which its holds and marks are found again."""

    def __init__(self, store: Store, server: str, now_ms: Callable[[], int] = system_now_ms) -> None:
        self.store = store
        self.server = server
        self.now_ms = now_ms
        self._group = GroupCommit(store, now_ms)
        self._quotes = Quotes(store, now_ms)

    async def quote(self, number: str, customer_id: int) -> Quote:
        """What a call to `number` (digits) costs the customer now. Raises `NoRate`, `Refused`.

        The credit may be taken by another call a moment later: only a hold is sure.
        """
        return await self._quotes.quote(number, customer_id)

    async def cost(self, number: str, trunk: str) -> Terms | None:
        """Return what the trunk's owner charges us for a call to `number` now; None where nobody has said.

        Raises `BlockedDestination` where the trunk's card says that the owner puts no such call through.
        """
        try:
            return (await quote_trunk(self.store, number, trunk, self.now_ms()))[1]
        except BlockedDestination:
            raise
        except NoRate:
            return None

    @property
    def batches(self) -> Batches:
        """The requests that this process carried out together, some of them perhaps in vain."""
        return self._group.batches

    @property
    def waiting(self) -> int:
        """How many requests of this process are in no transaction yet."""
        return self._group.waiting

    @property
    def put_off(self) -> int:
        """How many requests of this process wait for rows that another transaction keeps locked."""
        return self._group.put_off

    @property
    def behind_s(self) -> float:
        """For how long the requests that are being written have not come to an end."""
        return self._group.behind_s

    async def hold(
        self,
        leg_id: str,
        customer_id: int,
        micros: int,
        *,
        least_micros: int | None = None,
        terms: Terms | None = None,
        lasts_ms: int = HOLD_LASTS_MS,
        asterisk: str = "",
        token: str = "",
    ) -> Hold | NoCredit:
        """Set credit aside before a leg is dialled: `micros`, or what there is from `least_micros` on.

        `least_micros` None: all or nothing. `terms`: what the leg costs, kept with the hold; None where it is
        rated upstream. A hold of 0 is given whatever the customer's credit. `asterisk`: the identity of the
        Asterisk that the leg lives on; `token`: what it shows to have the leg settled. Raises `LegTaken`,
        `Refused`.
        """
        answer = await self._group.ask(
            HoldRequest(
                leg_id=leg_id,
                customer_id=customer_id,
                micros=_amount(micros),
                least_micros=micros if least_micros is None else min(micros, _amount(least_micros)),
                server=self.server,
                terms=terms.to_json() if terms else "",
                expires_ms=self.now_ms() + lasts_ms,
                asterisk=asterisk,
                token=token,
            )
        )
        assert isinstance(answer, Hold | NoCredit)
        return answer

    async def extend_hold(
        self, leg_id: str, micros: int, *, least_micros: int | None = None, lasts_ms: int | None = None
    ) -> Hold | NoCredit:
        """Raise a hold to `micros` in all, or as far as there is credit if that makes `least_micros`.

        `NoCredit` leaves the hold as it was. Raises `UnknownLeg`, and `LegTaken` when the leg has ended.
        """
        answer = await self._group.ask(
            ExtendRequest(
                leg_id=leg_id,
                micros=_amount(micros),
                least_micros=micros if least_micros is None else min(micros, _amount(least_micros)),
                expires_ms=None if lasts_ms is None else self.now_ms() + lasts_ms,
            )
        )
        assert isinstance(answer, Hold | NoCredit)
        return answer

    async def settle(self, leg_id: str, charge: int) -> Settlement:
        """End a leg: charge `charge` micro-units, once, and give the rest of its hold back.

        The first settlement or release of a leg stands; everyone after it is told of it. Raises `UnknownLeg`.
        """
        return await self._end(SettleRequest(leg_id, _amount(charge)))

    async def settle_talk(self, leg_id: str, talked_ms: int) -> Settlement:
        """End a leg that talked for `talked_ms`, by the terms and the credit of its hold, on any server.

        Raises `UnknownLeg`. A talk whose terms cannot be read raises `UnreadableTerms` until its hold
        expires, because a newer server may read them; then it is not charged.
        """
        async with self.store.reading() as connection:
            hold = await find_hold(connection, leg_id)
        if hold is None:
            raise UnknownLeg("leg.unknown", f"leg {leg_id} has no hold", leg=leg_id)
        if hold.unreadable and talked_ms > 0 and self.now_ms() <= hold.expires_ms:
            raise UnreadableTerms(
                "leg.unreadable_terms", f"leg {leg_id} cannot be charged, {hold.unreadable}", leg=leg_id
            )
        if hold.paid_ms is not None and talked_ms > hold.paid_ms:
            log.warning("talk beyond its hold", leg=leg_id, talked_ms=talked_ms, paid_ms=hold.paid_ms)
        return await self.settle(leg_id, leg_charge_micros(hold.terms, max(0, talked_ms), hold.paid_ms))

    async def release(self, leg_id: str) -> Settlement:
        """End a leg that was never put through: give all of its hold back. Raises `UnknownLeg`."""
        return await self._end(SettleRequest(leg_id, 0, HoldState.RELEASED))

    async def void(self, leg_id: str, customer_id: int) -> Settlement:
        """End a leg whose hold was asked for and perhaps made: release it, and let it never be made later.

        For whoever lost the answer to `hold`, whose transaction may still be on its way.
        """
        return await self._end(VoidRequest(leg_id, customer_id))

    async def occupy(self, call_id: str, limits: Mapping[str, int | None], asterisk: str = "") -> str | None:
        """Count a call in every subject, each with its limit, or in none; return the one that was full.

        A call that is counted already stays as it is. Subjects are names such as `customer:42`. `asterisk`:
        the identity of the Asterisk that the call lives on.
        """
        request = OccupyRequest(call_id, tuple(sorted(limits.items())), self.server, asterisk)
        answer = await self._group.ask(request)
        assert isinstance(answer, Occupied)
        return answer.full

    async def vacate(self, call_id: str, limited: Iterable[str] = ()) -> None:
        """The call is over: count it nowhere any more.

        `limited`: the subjects of an `occupy` whose answer was lost. Its transaction may still be on its way,
        and is waited for.
        """
        await self._group.ask(VacateRequest(call_id, tuple(sorted(limited))))

    async def leave(self, leg_id: str) -> None:
        """Note that this server lost sight of a leg: whoever knows how it ended may settle it."""
        async with self.store.writing() as connection:
            await leave_hold(connection, leg_id, self.now_ms())

    async def account(self, customer_id: int) -> Account | None:
        """The customer's account, or None where no money was ever moved."""
        async with self.store.reading() as connection:
            return await read_account(connection, customer_id, self.now_ms())

    async def close(self) -> None:
        """Wait until all that was asked is written. The store stays open."""
        await self._group.close()

    async def _end(self, request: SettleRequest | VoidRequest) -> Settlement:
        answer = await self._group.ask(request)
        assert isinstance(answer, Settlement)
        return answer


def _amount(micros: int) -> int:
    if isinstance(micros, bool) or not isinstance(micros, int) or not 0 <= micros <= MAX_AMOUNT_MICROS:
        raise Refused(
            "amount.out_of_range",
            f"{micros!r} is not an amount of micro-units from 0 to {MAX_AMOUNT_MICROS}",
            low="0",
            high=str(MAX_AMOUNT_MICROS),
        )
    return micros
