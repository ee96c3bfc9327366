"""The hang-up of a call whose server lost it: Asterisk tells how long the leg was talked on.

The hangup handler asks for `agi://.../settle,LEG,ANSWERED_MS,ENDED_MS,DIALSTATUS,CAUSE,ASTERISK,TOKEN`. Any
server can answer; whoever settles a leg first stands. What is not settled here, the dialplan keeps in AstDB,
from where the reaper takes it.

Anyone on the allow-list can ask for that, and for any leg. So what is told is believed only where

- the leg's hold has the token that was told, which only Asterisk's dialplan was given with the leg
- the server that dialled the leg is gone, or lost sight of it: one that looks after its leg settles it itself

and a talk is not longer than the leg has been there, nor charged beyond its hold. A leg that costs nothing
has no hold and no token; what is told of it goes into the record of its call, and makes none.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import Protocol

import structlog

from ringflow.agi.session import AgiSession
from ringflow.calls.asterisk_identity import plain_identity
from ringflow.calls.charging import Charging
from ringflow.calls.outcome import DIAL_STATUSES, LegEnd, LegStatus, Verdict
from ringflow.calls.released_by import own_cause
from ringflow.errors import ChannelGone
from ringflow.ledger.hold import Hold, find_hold, is_hold_gone, standing_hold
from ringflow.ledger.terms import UnreadableTerms
from ringflow.moments import system_now_ms
from ringflow.plain_text import plain
from ringflow.store import StoreGone

log = structlog.get_logger("ringflow.settling")

SETTLE_SCRIPT = "settle"
SETTLED_VARIABLE = "RINGFLOW_SETTLED"

# What is looked up in the database is no more than what a leg's id may be.
_LEG_ID = re.compile(r"[!-~]{1,200}")

LOOKS = 15
LOOK_EVERY_S = 0.2
"""A leg's own server may settle it, lose sight of it or record it just when Asterisk asks: it gets 3 s."""


class LegEnds(Protocol):
    """Who is told how legs ended that their server lost."""

    async def leg_ended(self, end: LegEnd) -> None:
        """Keep it; once is enough. Raises `StoreGone`."""

    async def judge(self, leg_id: str, asterisk: str, now_ms: int, silent_ms: int) -> tuple[Verdict, int]:
        """What to make of what Asterisk tells of a leg without a hold, and when its call began.

        A server that is silent for so long is gone. Raises `StoreGone`.
        """


@dataclass(frozen=True, slots=True)
class Claim:
    """What Asterisk, or whoever says to be it, tells of a leg's end."""

    end: LegEnd
    asterisk: str
    token: str

    @property
    def leg_id(self) -> str:
        """The leg that it is about."""
        return self.end.leg_id

    @classmethod
    def told(cls, arguments: tuple[str, ...]) -> Claim:
        """By a hangup handler."""
        leg_id, answered, ended, status, cause, asterisk, token = [*arguments, *[""] * 7][:7]
        return cls(leg_end(leg_id, answered, ended, status, cause), plain_identity(asterisk), token)

    @classmethod
    def kept(cls, leg_id: str, value: str, asterisk: str) -> Claim:
        """In the AstDB of an Asterisk. Ringflow itself keeps no more than answer, end and token."""
        answered, ended, status, cause, token = [*value.split("|"), *[""] * 5][:5]
        return cls(leg_end(leg_id, answered, ended, status, cause), asterisk, token)


class Settlements:
    """Settles what Asterisk tells of legs that their servers lost.

    `silent_s`: a server that has not said for so long that it lives is gone.
    """

    def __init__(self, charging: Charging, ends: LegEnds | None, silent_s: float) -> None:
        self._charging = charging
        self._ledger = charging.ledger
        self._ends = ends
        self._silent_ms = round(silent_s * 1000)

    async def settle(self, event: str, claim: Claim) -> Verdict:
        """Charge the leg, if it is to be believed and costs anything, and have its end kept.

        `event` says in the log how its end came to be known. Raises `StoreGone`.
        """
        if not _LEG_ID.fullmatch(claim.leg_id):
            return Verdict.UNKNOWN
        async with self._ledger.store.reading() as connection:
            hold = await find_hold(connection, claim.leg_id)
            stands = hold is not None and await standing_hold(connection, claim.leg_id) is not None
            gone = await is_hold_gone(connection, claim.leg_id, self._ledger.now_ms(), self._silent_ms)
        if hold is None:
            return await self._settle_free(event, claim)
        verdict = self._judge(hold, claim, stands=stands, gone=gone)
        if verdict in (Verdict.FORGED, Verdict.NOT_YET):
            return verdict
        end = within(claim.end, hold.opened_ms, self._ledger.now_ms())
        end = replace(end, asterisk=hold.asterisk)
        if verdict is Verdict.BELIEVED:
            settled = await self._ledger.settle_talk(end.leg_id, end.talked_ms)
            log.warning(event, leg=end.leg_id, talked_ms=end.talked_ms, charged=settled.charged_micros)
        self._charging.left.discard(end.leg_id)
        if self._ends is not None:
            await self._ends.leg_ended(end)
        return verdict

    def _judge(self, hold: Hold, claim: Claim, *, stands: bool, gone: bool) -> Verdict:
        # A hold from before there were tokens has none, and what is told of it neither.
        same_place = bool(hold.token) or hold.asterisk in ("", claim.asterisk)
        if not same_place or not compare_digest(hold.token.encode(), claim.token.encode(errors="replace")):
            log.error(
                "settlement refused",
                leg=plain(claim.leg_id),
                asterisk=claim.asterisk,
                talked_ms=claim.end.talked_ms,
                why="it does not have the leg's token: it was not sent by the hangup handler of that call",
            )
            return Verdict.FORGED
        if not stands:
            return Verdict.OVER
        left = hold.left_ms is not None or hold.leg_id in self._charging.left
        expired = hold.expires_ms < self._ledger.now_ms()
        return Verdict.BELIEVED if left or gone or expired else Verdict.NOT_YET

    async def _settle_free(self, event: str, claim: Claim) -> Verdict:
        """A leg without a hold: of a trunk that is rated upstream, or of nobody."""
        verdict, began_ms, now_ms = Verdict.UNKNOWN, 0, self._ledger.now_ms()
        if self._ends is not None:
            verdict, began_ms = await self._ends.judge(claim.leg_id, claim.asterisk, now_ms, self._silent_ms)
        if verdict is Verdict.UNKNOWN:
            log.warning("leg unknown", leg=plain(claim.leg_id), talked_ms=claim.end.talked_ms)
        if verdict is Verdict.BELIEVED and self._ends is not None:
            end = replace(within(claim.end, began_ms, now_ms), asterisk=claim.asterisk)
            log.warning(event, hold="none", leg=plain(end.leg_id), talked_ms=end.talked_ms)
            await self._ends.leg_ended(end)
        return verdict


async def serve_settlement(
    session: AgiSession,
    settlements: Settlements,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Settle the leg that the session is about, and tell the dialplan so by `SETTLED_VARIABLE`.

    What is refused, or of no leg, is told to be settled too: Asterisk is not to keep it.
    """
    claim = Claim.told(session.request.arguments)
    try:
        verdict = await settlements.settle("leg settled at its hang-up", claim)
        for _ in range(LOOKS):
            if verdict not in (Verdict.NOT_YET, Verdict.UNKNOWN):
                break
            await sleep(LOOK_EVERY_S)
            verdict = await settlements.settle("leg settled at its hang-up", claim)
    except (StoreGone, UnreadableTerms) as error:
        log.error(
            "leg kept by Asterisk", leg=plain(claim.leg_id), talked_ms=claim.end.talked_ms, detail=str(error)
        )
        return
    if verdict is Verdict.NOT_YET:
        why = "its server lives and has not lost sight of it"
        log.warning("leg kept by Asterisk", leg=plain(claim.leg_id), talked_ms=claim.end.talked_ms, why=why)
        return
    try:
        await session.set_variable(SETTLED_VARIABLE, "yes", dead_ok=True)
    except ChannelGone:
        return


def within(end: LegEnd, began_ms: int, now_ms: int) -> LegEnd:
    """The end of a leg that began at a moment of ours, and not later than now, by Asterisk's clock or ours.

    How long a talk lasted is told by one clock, so it holds where the clocks of two machines differ.
    """
    ended_ms = min(max(end.ended_ms, began_ms), max(began_ms, now_ms))
    return replace(end, talked_ms=min(end.talked_ms, max(0, now_ms - began_ms)), ended_ms=ended_ms)


def leg_end(leg_id: str, answered: str, ended: str, dial_status: str, cause: str) -> LegEnd:
    """A leg's end as the dialplan tells it: epoch milliseconds, DIALSTATUS, HANGUPCAUSE; all may be empty.

    A leg that was answered counts as such whatever DIALSTATUS says: `Dial` may have been cut short. Of one
    that nobody answered the cause may be an earlier leg's, so it is not believed: `own_cause`.
    """
    answer = _is_whole(answered)
    status = LegStatus.ANSWERED if answer else DIAL_STATUSES.get(dial_status, LegStatus.CANCELLED)
    given = own_cause(status, int(cause) if _is_whole(cause) else 0, rang_out=status is LegStatus.NO_ANSWER)
    return LegEnd(
        leg_id=leg_id,
        status=status,
        talked_ms=talk_between(answered, ended),
        ended_ms=int(ended) if _is_whole(ended) else system_now_ms(),
        cause=given or None,
    )


def talk_between(answered: str, ended: str) -> int:
    """Milliseconds from the callee's answer to the end, given as epoch milliseconds; 0 without an answer."""
    if not (_is_whole(answered) and _is_whole(ended)):
        return 0
    return max(0, int(ended) - int(answered))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
