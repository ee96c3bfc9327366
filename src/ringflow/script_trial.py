"""What a script would make of a call, for `ringflow script run` and the API. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import dids
from ringflow.accounts.admission import Admission, Rejection
from ringflow.config import Config
from ringflow.core import open_core
from ringflow.engine.did_script import DidScripts, Scripted
from ringflow.errors import Unknown
from ringflow.plain_text import plain
from ringflow.records.queries import RecordedCall, find_call
from ringflow.scripts.dry_run import DryRun
from ringflow.simulator.clock import VirtualClock
from ringflow.store.reading_once import read_once

TRIAL = "dry-run"
"""What stands for the call's ID."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a script made of a call, and what it would have changed, in words."""

    scripted: Scripted
    would_change: Sequence[str]


async def try_script(
    config: Config, name: str, did: str | None, caller: str | None, record: str | None = None
) -> Trial:
    """Run a script as that of a DID, for a call from this number. Raises `Refused`, `StartError`.

    `record`: the ID of a call on record, whose DID, number and time count where they are not given.
    """
    past = await _past_call(config, record) if record is not None else None
    if past is not None:
        did, caller = did or past.did, caller or past.cli
    assert did is not None, "a DID or a record is given"
    clock = VirtualClock(past.started_ms / 1000) if past is not None else None
    core = await open_core(config, dry_run=True, clock=clock)
    dry_run = DryRun()
    try:
        async with core.store.reading() as connection:
            found = await dids.reached(connection, did, core.config.country)
        answer = await core.directory.arrive(did, caller, False)
        if isinstance(answer, Rejection) and found.script is None:
            customer = found.customer_id
            paying = await core.directory.customer(customer) if customer is not None else None
            answer = Admission(found, paying, caller, caller or "")
        if isinstance(answer, Rejection):
            raise Unknown("did.unknown", f"DID {did} takes no calls: {answer.reason}", did=did)
        admission = replace(answer, did=replace(answer.did, script=name))
        scripts = core.world.scripts
        world = replace(core.world, scripts=scripts.with_host(dry_run.of) if scripts is not None else None)
        call_id = past.call_id if past is not None else TRIAL
        runs = DidScripts(core.directory, world, core.book.current)
        return Trial(await runs.run(call_id, "", "", admission), dry_run.changes)
    finally:
        await core.close()


async def _past_call(config: Config, call_id: str) -> RecordedCall:
    """Return a call on record. Raises `Unknown`."""

    async def find(connection: AsyncConnection) -> RecordedCall:
        return (await find_call(connection, call_id))[0]

    found = await read_once(config.database_url, find)
    if found is None:
        raise Unknown("call.unknown", f"call {plain(call_id)} is not on record", call=call_id)
    return found
