"""The scripts of DIDs that are told of calls which are over.

They run beside the calls, few at a time, so that no call waits for a process because of them.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass

import structlog
from pydantic import JsonValue

from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.calls.call_record import CallRecord
from ringflow.calls.record_data import record_data
from ringflow.calls.world import CallWorld
from ringflow.scripts.flow_step import customer_data
from ringflow.scripts.run import ScriptFailed
from ringflow.scripts.service import Scripts

log = structlog.get_logger("ringflow.engine")

MAX_WAITING = 1000
"""How many calls may wait for their scripts; those after them are left out, and the log says so."""


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call that is over, with its DID and who paid."""

    did: Did
    record: CallRecord
    customer: Customer | None


class AfterCalls:
    """Runs scripts for calls that are over. `run`, `failed` and `left_out` are counted since the start."""

    def __init__(self, world: CallWorld) -> None:
        self.run = 0
        self.failed = 0
        self.left_out = 0
        self._world = world
        self._waiting: deque[EndedCall] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    def offer(self, ended: EndedCall) -> None:
        """Have the script of a DID run for a call, soon. Costs the call nothing."""
        scripts = self._world.scripts
        if ended.did.hangup_script is None or scripts is None:
            return
        if len(self._waiting) >= MAX_WAITING:
            self.left_out += 1
            log.error("script after a call left out", call=ended.record.call_id, waiting=MAX_WAITING)
            return
        self._waiting.append(ended)
        # Half of the processes stay free for calls that wait for theirs.
        if len(self._tasks) < max(1, scripts.workers.settings.processes // 2):
            task = asyncio.create_task(self._work(scripts))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finish(self, limit_s: float) -> None:
        """Run what waits, for so long; what is left then is left out."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit_s)
        left = [*self._waiting]
        self._waiting.clear()
        cut = len(self._tasks)
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if left or cut:
            self.left_out += len(left) + cut
            calls = [one.record.call_id for one in left]
            log.error("scripts after calls left out", calls=calls[:20], count=len(left) + cut)

    async def _work(self, scripts: Scripts) -> None:
        while self._waiting:
            await self._run(scripts, self._waiting.popleft())

    async def _run(self, scripts: Scripts, ended: EndedCall) -> None:
        did = ended.did
        name, timeout_s = did.hangup_script, did.hangup_script_timeout_s
        assert name is not None, "only calls of DIDs with a script come here"
        timeout_ms = None if timeout_s is None else round(timeout_s * 1000)
        now_ms = round(self._world.clock.now_s() * 1000)
        told = log.bind(script=name, call=ended.record.call_id, did=did.number)
        self.run += 1
        try:
            _, result = await scripts.run(name, after_call_data(ended, scripts.server), now_ms, timeout_ms)
            lines = result.log
        except ScriptFailed as error:
            self.failed += 1
            told.error("script failed", why=error.kind.value, detail=str(error))
            lines = error.log
        except Exception:  # noqa: BLE001 -- the boundary of one run: the calls after it have theirs
            self.failed += 1
            told.exception("script failed")
            return
        for line in lines:
            told.info("console", level_of_script=line.level, text=line.text)


def after_call_data(ended: EndedCall, server: str) -> JsonValue:
    """Return what `main` is given of a call that is over."""
    did, record, customer = ended.did, ended.record, ended.customer
    return {
        "routing": {
            "cli": record.cli or "",
            "dest_number": did.number,
            "account_id": customer.id if customer is not None else None,
            "server": server,
        },
        "vars": json.loads(did.hangup_script_vars) if did.hangup_script_vars is not None else {},
        "did": {"number": did.number, "app": did.app},
        "call": {"id": record.call_id},
        "customer": customer_data(customer),
        "record": record_data(record, customer.currency if customer is not None else None),
    }
