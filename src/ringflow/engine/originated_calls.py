"""The two ends of a call that Ringflow has Asterisk make, as they come to the engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from ringflow.accounts.admission import Admission, Rejection, customer_not_active
from ringflow.accounts.dids import Did
from ringflow.accounts.directory import Directory
from ringflow.calls.call import Call
from ringflow.calls.dial_attempt import DialOptions
from ringflow.calls.originations import End, Origination, Originations, TargetKind
from ringflow.calls.outcome import Leg, LegStatus
from ringflow.calls.world import CallWorld
from ringflow.errors import RingflowError
from ringflow.numbers import dialled_number
from ringflow.plain_text import plain

log = structlog.get_logger("ringflow.engine")

PAYER_GONE = Rejection(503, "Customer Not Found")


@dataclass(frozen=True, slots=True)
class OriginatedEnd:
    """One end of a call that was asked for: the one that `dials`, or the one that is in an app.

    `call_id` is that of this end.
    """

    asked: Origination
    dials: bool
    call_id: str


class OriginatedCalls:
    """Lets each end of such a call in once, and dials for it."""

    def __init__(self, originations: Originations, directory: Directory, world: CallWorld) -> None:
        self._originations = originations
        self._directory = directory
        self._world = world

    async def end_of(self, extension: str, call_id: str) -> OriginatedEnd | None:
        """Return which end a call is that came to this extension, None: of no call that was asked for.

        `call_id` is the one that the call has unless it dials.
        """
        end = End.read(extension)
        if end is None:
            return None
        try:
            if not end.dials:
                asked = await self._originations.connect(end.token, call_id)
                return OriginatedEnd(asked, False, call_id) if asked is not None else None
            asked = await self._originations.begin(end.token, round(self._world.clock.now_s() * 1000))
        except RingflowError as error:
            # Without the database nobody is let in; it is refused as any call is then.
            log.warning("originated call not known", detail=plain(str(error)))
            return None
        return OriginatedEnd(asked, True, asked.call_id) if asked is not None else None

    async def payer(self, asked: Origination) -> Admission | Rejection:
        """As whom the call is dialled; or why it is not."""
        await self._directory.learn()
        customer = await self._directory.customer(asked.customer_id)
        if customer is None:
            return PAYER_GONE
        if customer.status != "active":
            return customer_not_active(customer)
        return Admission(Did("", ""), customer, None, "")

    async def admission(self, asked: Origination) -> Admission | Rejection:
        """How who answered comes to the app: as the customer, or as any caller of the DID."""
        called = None
        if asked.kind is TargetKind.NUMBER:
            called = dialled_number(asked.target, self._world.country)
        if asked.did is not None:
            answer = await self._directory.arrive(asked.did, called, False)
            if isinstance(answer, Rejection):
                return answer
            return replace(answer, variables=asked.variables_of_app)
        payer = await self.payer(asked)
        if isinstance(payer, Rejection):
            return payer
        did = replace(payer.did, app=asked.app or "")
        return replace(
            payer, did=did, cli=called, presented_cli=called or "", variables=asked.variables_of_app
        )

    async def dial(self, call: Call, asked: Origination) -> Leg:
        """Dial what is to be called, and return the last leg. Raises `ChannelGone` as any call does."""
        options = DialOptions(
            ring_s=asked.ring_s,
            caller_id=asked.caller_id,
            trunks=(asked.trunk,) if asked.trunk is not None else None,
            charged=asked.charged,
        )
        outgoing = call.outgoing
        dials = {
            TargetKind.NUMBER: outgoing.dial_number,
            TargetKind.URI: outgoing.dial_uri,
            TargetKind.DEVICE: outgoing.dial_device,
        }
        try:
            return await dials[asked.kind](asked.target, options)
        finally:
            legs = call.outgoing.legs
            await self.end(asked, (legs[-1].status if legs else LegStatus.CANCELLED).value)

    async def end(self, asked: Origination, outcome: str) -> None:
        """Say what became of the dialling."""
        try:
            await self._originations.end(asked.call_id, outcome)
        except RingflowError as error:
            # The call's record says it too.
            log.warning("end of an originated call not kept", detail=plain(str(error)))


def remark_of(asked: Origination) -> str:
    """Return what the record of a call says of how it came about."""
    to = f" to app {asked.app}" if asked.app else f" to DID {asked.did}" if asked.did else ""
    return f"by {asked.asked_by} for customer {asked.customer_id}: {asked.kind} {asked.target}{to}"[:300]
