"""The reaper: what a dead server or a lost connection left is settled by what Asterisk and the records know.

For a leg whose hold still stands, in this order:

- its channel is up: nothing is done; a live call is never cut, and its hangup handler will settle it
- AstDB has it: its hangup handler could not reach a server, and left answer and end there; settled by these
- neither: Asterisk itself died with the call, so nobody knows how long it lasted; not charged, and logged
- Asterisk cannot be asked (no AMI, or a leg of another Asterisk): its hold stands until it expires

Asterisk's channels are read before AstDB: a channel that is gone by then has left its entry there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import structlog

from ringflow.ami.actions import ApplicationTarget
from ringflow.ami.link import AmiLink, LinkState
from ringflow.calls.charging import Charging
from ringflow.calls.outcome import LegEnd
from ringflow.calls.outgoing import KEPT_FAMILY
from ringflow.engine.settling import LegEnds, leg_end, settle_lost
from ringflow.errors import Refused, RingflowError
from ringflow.ledger.held import standing_hold
from ringflow.ledger.hold import Hold
from ringflow.ledger.reaping import reap, say_alive
from ringflow.plain_text import plain
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.reaper")

FORGET = "Local/forget@ringflow-forget/n"
BOOT_MARK = "#"
"""Between a server's name and what tells its runs apart."""

BEATS_IN_SILENCE = 6
FORGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What Asterisk said: the unique ids of its channels, and the legs that AstDB keeps with their ends."""

    unique_ids: frozenset[str]
    kept: dict[str, LegEnd]


@dataclass(slots=True)
class Findings:
    """What the reaper came upon since the start: legs, and counted calls.

    `from_astdb` were settled by what Asterisk kept, `released` not charged, as nobody knew of a talk.
    `waiting`: the abandoned holds that the last round could not judge, or whose calls are up.
    """

    from_astdb: int = 0
    released: int = 0
    calls: int = 0
    waiting: int = 0


class Reaper:
    """Says that this server lives, and ends what is left of those that do not.

    `silent_s`: a server that has not said so for this long is dead. A judgement on others waits until this
    server has itself said so for as long: after an outage of the database nobody is taken for dead.
    """

    def __init__(
        self, charging: Charging, asterisk: AmiLink | None, silent_s: float, ends: LegEnds | None = None
    ) -> None:
        self.findings = Findings()
        self._charging = charging
        self._ledger = charging.ledger
        self._asterisk = asterisk
        self._ends = ends
        self._silent_s = silent_s
        self._beating_since_s: float | None = None

    async def run(self) -> None:
        """Beat and reap until cancelled."""
        loop = asyncio.get_running_loop()
        beat_s = self._silent_s / BEATS_IN_SILENCE
        beats = 0
        while True:
            try:
                await say_alive(self._ledger)
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
            for end in asked.kept.values():
                await _each(end.leg_id, self._settle_kept(end))
            for leg_id in list(self._charging.left):
                await _each(leg_id, self._settle_left(leg_id, asked))
        loop = asyncio.get_running_loop()
        if self._beating_since_s is None or loop.time() - self._beating_since_s < self._silent_s:
            return

        async def talked_ms(hold: Hold) -> int | None:
            return self._judge(hold, asked)

        async def is_up(mark: str) -> bool:
            # Without AMI a call that outlives its server is no longer counted; better than never counted out.
            if asked is None:
                return self._asterisk is not None
            return mark.rpartition("@")[2] in asked.unique_ids

        reaped = await reap(self._ledger, talked_ms, is_up, round(self._silent_s * 1000))
        # What AstDB kept was settled before, so nobody knew of a talk.
        self.findings.released += len(reaped.settlements)
        self.findings.calls += len(reaped.calls)
        self.findings.waiting = reaped.waiting
        if reaped.settlements or reaped.calls:
            legs = [one.leg_id for one in reaped.settlements]
            log.warning("reaped", legs=legs, calls=list(reaped.calls))

    async def _ask(self) -> Asked | None:
        asterisk = self._asterisk
        if asterisk is None or asterisk.state is not LinkState.UP:
            return None
        channels = frozenset(channel.unique_id for channel in await asterisk.live_channels())
        kept = await asterisk.database_tree(KEPT_FAMILY)
        return Asked(channels, {leg_id: _kept_end(leg_id, value) for leg_id, value in kept.items()})

    async def _settle_kept(self, end: LegEnd) -> None:
        leg_id = end.leg_id
        await settle_lost("leg settled from AstDB", end, self._charging, self._ends)
        self.findings.from_astdb += 1
        assert self._asterisk is not None
        await self._asterisk.originate(
            FORGET, ApplicationTarget("NoOp"), variables={"__RINGFLOW_FORGET": leg_id}, timeout_s=FORGET_S
        )

    async def _settle_left(self, leg_id: str, asked: Asked) -> None:
        """A leg that this very server lost: nobody else waits for its server to be dead."""
        async with self._ledger.store.reading() as connection:
            hold = await standing_hold(connection, leg_id)
        talked_ms = 0 if hold is None else self._judge(hold, asked)
        if talked_ms is None:
            return
        if hold is not None:
            await self._charging.end_by_record(leg_id, talked_ms)
            self.findings.released += 1
        self._charging.left.discard(leg_id)

    def _judge(self, hold: Hold, asked: Asked | None) -> int | None:
        """How long a leg was talked on, None while that cannot be told: the rule at the head of this file."""
        expired = hold.expires_ms < self._ledger.now_ms()
        unique_id = hold.leg_id.rpartition("@")[2]
        known = asked is not None and _name(hold.server) == _name(self._ledger.server)
        if asked is not None and unique_id in asked.unique_ids:
            return None
        if not known and not expired:
            return None
        if asked is not None and hold.leg_id in asked.kept:
            return asked.kept[hold.leg_id].talked_ms
        why = "its hold expired" if not known else "Asterisk has neither its channel nor its end"
        log.error("leg not charged", leg=hold.leg_id, server=hold.server, why=why)
        return 0


async def _each(leg_id: str, settling: Awaitable[None]) -> None:
    """Settle one leg; one that the ledger refuses is logged and keeps no other from its end."""
    try:
        await settling
    except Refused as error:
        log.error("leg not settled", leg=plain(leg_id), detail=str(error))


def _name(server: str) -> str:
    return server.partition(BOOT_MARK)[0]


def _kept_end(leg_id: str, value: str) -> LegEnd:
    # Ringflow itself keeps no more than answer and end.
    return leg_end(leg_id, *[*value.split("|"), "", "", "", ""][:4])
