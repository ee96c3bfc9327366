"""What `/readyz` asks of a server's parts, by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ringflow.agi.server import FastAgiServer
from ringflow.ami.link import AmiLink, LinkState
from ringflow.asterisk.watch import AsteriskWatch
from ringflow.calendars.calendar_upkeep import CalendarUpkeep
from ringflow.calls.charging import Charging
from ringflow.engine.dialplan import DialplanCheck
from ringflow.engine.reaper import Reaper
from ringflow.errors import RingflowError
from ringflow.flows.book import FlowBook
from ringflow.flows.flow_upkeep import FlowUpkeep
from ringflow.ledger.abandoned import say_alive
from ringflow.records.recorder import Recorder
from ringflow.store import Store

ANSWER_S = 3.0
"""A part that says nothing for so long is not ready; whoever asks does not wait for ever either."""


@dataclass(frozen=True, slots=True)
class PartState:
    """One part that calls need. `required` parts that are not ready make the whole not ready."""

    ready: bool
    detail: str
    required: bool = True


MANY_PROBLEMS = 5
"""How many problems of flow files are named before the rest is only counted."""

NOT_CONFIGURED = PartState(False, "not configured", required=False)

Probe = Callable[[], Awaitable[PartState]]


async def part_states(probes: Mapping[str, Probe]) -> dict[str, PartState]:
    """What all parts say at the same time, by their names."""
    states = await asyncio.gather(*map(_ask, probes.values()))
    return dict(zip(probes, states, strict=True))


async def _ask(probe: Probe) -> PartState:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await probe()
    except TimeoutError:
        return PartState(False, f"no answer within {ANSWER_S:g} s")


def readiness(
    store: Store,
    book: FlowBook,
    flows: FlowUpkeep,
    fastagi: FastAgiServer,
    ami: AmiLink | None,
    asterisk: AsteriskWatch | None,
    dialplan: DialplanCheck,
    charging: Charging,
    reaper: Reaper,
    recorder: Recorder | None,
    calendar_upkeep: CalendarUpkeep,
    is_draining: Callable[[], bool],
) -> dict[str, Probe]:
    """The probes of a server."""

    async def database() -> PartState:
        # Reading alone says too little: a standby, a full disk and a lock that somebody keeps let us read.
        try:
            await store.ping()
            await say_alive(charging.ledger)
        except RingflowError as error:
            return PartState(False, str(error))
        if (behind_s := charging.ledger.behind_s) > ANSWER_S:
            return PartState(False, f"the ledger has waited for an answer for {behind_s:.0f} s")
        return PartState(True, store.shown)

    async def fastagi_port() -> PartState:
        calls = f"{fastagi.live_calls} calls"
        return PartState(False, f"draining, {calls}") if is_draining() else PartState(True, calls)

    async def load() -> PartState:
        # Not required: calls are taken, only not all that come.
        for one in fastagi.loads.values():
            one.refresh()
        overloaded = [name for name, one in fastagi.loads.items() if one.overloaded]
        detail = (
            f"new calls refused from {', '.join(overloaded)}" if overloaded else "all new calls are admitted"
        )
        return PartState(not overloaded, detail, required=False)

    async def ami_link() -> PartState:
        if ami is None:
            return NOT_CONFIGURED
        return PartState(ami.state is LinkState.UP, f"{ami.state}: {ami.reason}".rstrip(": "))

    async def asterisk_check() -> PartState:
        # Not required: calls go on; what is found wants an operator, not another server.
        if asterisk is None:
            return NOT_CONFIGURED
        if asterisk.findings is None:
            return PartState(True, "not looked at yet", required=False)
        found = [f"{one.where}: {one.what} (write: {one.change})" for one in asterisk.serious]
        detail = "; ".join(found) or f"{len(asterisk.findings)} findings, none of them serious"
        return PartState(not found, detail, required=False)

    async def flow_files() -> PartState:
        # Not required: the last good revisions serve, and the other flows are in order.
        problems = flows.problems
        detail = "; ".join(map(str, problems[:MANY_PROBLEMS]))
        if len(problems) > MANY_PROBLEMS:
            detail += f"; and {len(problems) - MANY_PROBLEMS} more: `ringflow check` has them all"
        return PartState(not problems, detail or f"{len(book.apps())} apps", required=False)

    async def last_dialplan() -> PartState:
        # Not required: where several Asterisks share this server, the others' calls are in order.
        return PartState(dialplan.is_current and dialplan.is_named, dialplan.detail, required=False)

    async def ledger() -> PartState:
        # Calls go on: what is owed is settled by itself, and its holds stand meanwhile.
        owed, left = len(charging.retries), len(charging.left)
        put_off = charging.ledger.put_off
        detail = f"{owed} settlements owed to the database, {left} legs left to their hangup handlers"
        detail += f", {put_off} requests wait for accounts that another transaction keeps locked"
        return PartState(not owed and not left and not put_off, detail, required=False)

    async def servers() -> PartState:
        # Calls go on: what is left standing waits for a server that may judge it.
        found, on = reaper.findings, reaper.asterisk_id or "no Asterisk that is known"
        detail = (
            f"on {on}; {found.unattended} holds and calls left standing on an Asterisk that no server is on"
        )
        if reaper.twins:
            detail += f"; another Asterisk with that identity has {', '.join(reaper.twins)}"
        if reaper.name_lost:
            detail += "; another server has this one's name"
        unknown = ami is not None and ami.state is LinkState.UP and not reaper.asterisk_id
        right = not (found.unattended or reaper.twins or reaper.name_lost or unknown)
        return PartState(right, detail, required=False)

    async def records() -> PartState:
        if recorder is None:
            return NOT_CONFIGURED
        detail = f"{recorder.waiting} wait, {recorder.dropped} dropped since the start"
        return PartState(not recorder.stuck, detail, required=False)

    async def calendars() -> PartState:
        # Not required: the last good copies count.
        try:
            troubles = await calendar_upkeep.troubles()
        except RingflowError as error:
            return PartState(False, str(error), required=False)
        detail = "; ".join(f"{name}: {what}" for name, what in sorted(troubles.items()))
        return PartState(not troubles, detail or "all that are fetched are fresh", required=False)

    return {
        "database": database,
        "fastagi": fastagi_port,
        "load": load,
        "ami": ami_link,
        "asterisk": asterisk_check,
        "flows": flow_files,
        "dialplan": last_dialplan,
        "ledger": ledger,
        "servers": servers,
        "records": records,
        "calendars": calendars,
    }
