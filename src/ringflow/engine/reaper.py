"""The reaper: what a dead server or a lost connection left is settled by what Asterisk and the records know.

Only the Asterisk that a call lives on can say that it has ended: channels of another one may have the same
names and unique IDs. So this server judges what lives on the Asterisk that its own manager interface leads
to, and leaves everything else standing for the servers there.

For a leg of that Asterisk whose hold still stands, in this order:

- its channel is up, or its callee's: nothing is done; a live call is never cut, and its hangup handler will
  settle it
- AstDB has it: its hangup handler could not reach a server, and left answer and end there; settled by these
- neither: Asterisk itself died with the call, so nobody knows how long it lasted; not charged, and logged

A hold that nobody can judge stands until it expires. A counted call that nobody can judge is counted until
its server has been gone for longer than any call lasts.

Asterisk's channels are read before AstDB: a channel that is gone by then has left its entry there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog

from ringflow.ami.actions import ApplicationTarget
from ringflow.ami.identity import AsteriskIdentity
from ringflow.ami.link import AmiLink, LinkState
from ringflow.calls.call_ids import CallMark, LegId
from ringflow.calls.charging import Charging
from ringflow.calls.outcome import Verdict
from ringflow.calls.outgoing_legs import KEPT_FAMILY
from ringflow.engine.lost_legs import Claim, Settlements
from ringflow.errors import Refused, RingflowError
from ringflow.ledger.abandoned import Reaped, reap, say_alive
from ringflow.ledger.channel_limits import AbandonedCall
from ringflow.ledger.hold import Hold, standing_hold
from ringflow.ledger.server_names import ServerName, attended_asterisks, server_name
from ringflow.plain_text import plain
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.reaper")

FORGET = "Local/forget@ringflow-forget/n"
ONE_IDENTITY = (
    "if Asterisk was not just restarted: stop the copy, remove the family ringflow-asterisk from its AstDB, "
    "and start it again"
)
UNATTENDED = "no living server is on that Asterisk; start one there, with `ami`, or wait until it expires"

BEATS_IN_SILENCE = 6
FORGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What Asterisk said: which it is, the unique ids of its channels, and the legs' ends in AstDB.

    Among the unique ids are those that channels are linked to, which may be gone.
    """

    asterisk: str
    unique_ids: frozenset[str]
    kept: dict[str, Claim]


@dataclass(slots=True)
class Findings:
    """What the reaper came upon since the start: legs, and counted calls.

    `from_astdb` were settled by what Asterisk kept, `released` not charged, as nobody knew of a talk.
    `waiting` and `waiting_calls`: the abandoned holds and counted calls that the last round could not judge,
    or that are up. `unattended`: those of them that live on an Asterisk that no living server is on.
    """

    from_astdb: int = 0
    released: int = 0
    calls: int = 0
    waiting: int = 0
    waiting_calls: int = 0
    unattended: int = 0


class Reaper:
    """Says that this server lives, and ends what is left of those that do not.

    `silent_s`: a server that has not said so for this long is dead. A judgement on others waits until this
    server has itself said so for as long: after an outage of the database nobody is taken for dead.

    `asterisk_id`: the Asterisk that the manager interface leads to, empty while that is not known. `twins`:
    servers on another Asterisk that says the same identity. `name_lost`: another server goes by this one's
    name.
    """

    def __init__(
        self,
        charging: Charging,
        asterisk: AmiLink | None,
        silent_s: float,
        settlements: Settlements,
        name: ServerName | None = None,
    ) -> None:
        self.findings = Findings()
        self.asterisk_id = ""
        self.twins: tuple[str, ...] = ()
        self.name_lost = False
        self._charging = charging
        self._ledger = charging.ledger
        self._asterisk = asterisk
        self._identity = AsteriskIdentity(asterisk) if asterisk is not None else None
        self._settlements = settlements
        self._name = name
        self._silent_s = silent_s
        self._beating_since_s: float | None = None
        self._reported: object = None

    async def run(self) -> None:
        """Beat and reap until cancelled."""
        loop = asyncio.get_running_loop()
        beat_s = self._silent_s / BEATS_IN_SILENCE
        beats = 0
        while True:
            try:
                await say_alive(self._ledger)
                await self._check_name()
                if self._beating_since_s is None:
                    self._beating_since_s = loop.time()
                if beats % BEATS_IN_SILENCE == 0 or self._charging.left:
                    await self.once()
            except StoreGone as error:
                self._beating_since_s = None
                log.warning("no sign of life", detail=str(error))
            except RingflowError as error:
                log.warning("not reaped", detail=str(error))
            except Exception:
                # Boundary: our own bug must not end the heart-beat: others would take this server for dead.
                log.exception("the reaper failed")
            beats += 1
            await asyncio.sleep(beat_s)

    async def once(self) -> None:
        """One round. Raises `StoreGone`, and what the manager interface raises."""
        asked = await self._ask()
        if asked is not None:
            for claim in asked.kept.values():
                await _each(claim.leg_id, self._settle_kept(claim))
            for leg_id in list(self._charging.left):
                await _each(leg_id, self._settle_left(leg_id, asked))
        loop = asyncio.get_running_loop()
        if self._beating_since_s is None or loop.time() - self._beating_since_s < self._silent_s:
            return

        async def talked_ms(hold: Hold) -> int | None:
            return self._judge(hold, asked)

        async def is_up(call: AbandonedCall) -> bool:
            return self._is_up(call, asked)

        reaped = await reap(self._ledger, talked_ms, is_up, round(self._silent_s * 1000))
        # What AstDB kept was settled before, so nobody knew of a talk.
        self.findings.released += len(reaped.settlements)
        self.findings.calls += len(reaped.calls)
        self.findings.waiting = len(reaped.waiting)
        self.findings.waiting_calls = len(reaped.waiting_calls)
        if reaped.settlements or reaped.calls:
            legs = [one.leg_id for one in reaped.settlements]
            log.warning("reaped", legs=legs, calls=list(reaped.calls))
        await self._report(reaped)

    async def _check_name(self) -> None:
        """Say so when another server goes by this one's name: it took this one for dead."""
        if self._name is None:
            return
        lost = not await self._name.is_ours()
        if lost and not self.name_lost:
            log.error(
                "another server has this name", server=self._name.name, mend="give each a `charging.server`"
            )
        self.name_lost = lost

    async def _ask(self) -> Asked | None:
        """What Asterisk says; None where it cannot be asked, or not be told from another one."""
        asterisk = self._asterisk
        self.asterisk_id = ""
        if asterisk is None or self._identity is None or asterisk.state is not LinkState.UP:
            return None
        connection = asterisk.connections
        identity = await self._identity.ask()
        started = (await asterisk.asterisk_state()).started_at.isoformat()
        channels = await asterisk.live_channels()
        # A callee's channel is linked to its caller's: the leg lives on it when the caller's is gone.
        unique_ids = frozenset(one for channel in channels for one in (channel.unique_id, channel.linked_id))
        kept = await asterisk.database_tree(KEPT_FAMILY)
        # A link that was lost in between may lead to another Asterisk now.
        if not identity or asterisk.connections != connection:
            return None
        self.asterisk_id = identity
        if not await self._is_only(identity, started):
            return None
        claims = (Claim.kept(leg_id, value, identity) for leg_id, value in kept.items())
        return Asked(identity, unique_ids, {claim.leg_id: claim for claim in claims})

    async def _is_only(self, identity: str, started: str) -> bool:
        """Whether no other server is on an Asterisk of the same identity that was started at another time."""
        if self._name is None:
            return True
        twins = tuple(await self._name.note_asterisk(identity, started))
        if twins and twins != self.twins:
            log.error("two Asterisks with one identity", asterisk=identity, servers=twins, mend=ONE_IDENTITY)
        self.twins = twins
        return not twins

    async def _report(self, reaped: Reaped) -> None:
        """Log what lives on an Asterisk that no living server is on, whenever that changes."""
        waiting = Counter([one.asterisk for one in reaped.waiting])
        waiting.update(one.asterisk for one in reaped.waiting_calls)
        now_ms = self._ledger.now_ms()
        async with self._ledger.store.reading() as connection:
            # Servers say once in each time of silence which Asterisk they are on.
            attended = await attended_asterisks(connection, now_ms - round(2 * self._silent_s * 1000))
        unattended = {asterisk: count for asterisk, count in waiting.items() if asterisk not in attended}
        self.findings.unattended = sum(unattended.values())
        if unattended and unattended != self._reported:
            for asterisk, count in sorted(unattended.items()):
                log.warning(
                    "left standing", asterisk=asterisk or "unknown", holds_and_calls=count, why=UNATTENDED
                )
        self._reported = unattended

    async def _settle_kept(self, claim: Claim) -> None:
        verdict = await self._settlements.settle("leg settled from AstDB", claim)
        if verdict is Verdict.NOT_YET:
            return
        if verdict is Verdict.BELIEVED:
            self.findings.from_astdb += 1
        assert self._asterisk is not None
        await self._asterisk.originate(
            FORGET,
            ApplicationTarget("NoOp"),
            variables={"__RINGFLOW_FORGET": claim.leg_id},
            timeout_s=FORGET_S,
        )

    async def _settle_left(self, leg_id: str, asked: Asked) -> None:
        """A leg that this very server lost: nobody else waits for its server to be dead."""
        async with self._ledger.store.reading() as connection:
            hold = await standing_hold(connection, leg_id)
        talked_ms = 0 if hold is None else self._judge(hold, asked)
        if talked_ms is None:
            return
        if hold is not None:
            await self._ledger.settle_talk(leg_id, talked_ms)
            self.findings.released += 1
        self._charging.left.discard(leg_id)

    def _judge(self, hold: Hold, asked: Asked | None) -> int | None:
        """How long a leg was talked on, None while that cannot be told: the rule at the head of this file."""
        known = asked is not None and hold.asterisk == asked.asterisk
        expired = hold.expires_ms < self._ledger.now_ms()
        if not known and not expired:
            return None
        if known and asked is not None:
            leg = LegId.read(hold.leg_id)
            if leg is not None and leg.unique_id in asked.unique_ids:
                return None
            # One that is not settled yet is not believed.
            if hold.leg_id in asked.kept:
                return None
        why = "Asterisk has neither its channel nor its end" if known else "its hold expired"
        log.error("leg not charged", leg=hold.leg_id, server=hold.server, asterisk=hold.asterisk, why=why)
        return 0

    def _is_up(self, call: AbandonedCall, asked: Asked | None) -> bool:
        """Whether a call of a server that is gone must be counted on: it is up, or nobody here can tell."""
        if asked is not None and call.asterisk == asked.asterisk:
            mark = CallMark.read(call.mark)
            return mark is not None and mark.unique_id in asked.unique_ids
        if self._ledger.now_ms() - call.seen_ms > self._charging.longest_ms:
            log.error(
                "call counted out", mark=call.mark, server=call.server, why="longer than any call lasts"
            )
            return False
        # Without AMI a call that outlives its server is counted no more by the run that comes after it.
        own = server_name(call.server) == server_name(self._ledger.server)
        return self._asterisk is not None or not own


async def _each(leg_id: str, settling: Awaitable[None]) -> None:
    """Settle one leg; one that the ledger refuses is logged and keeps no other from its end."""
    try:
        await settling
    except Refused as error:
        log.error("leg not settled", leg=plain(leg_id), detail=str(error))
