"""Keys that are held down, heard through Asterisk's manager interface."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from ringflow.ami.actions import ApplicationTarget
from ringflow.ami.link import AmiLink, LinkState
from ringflow.ami.messages import AmiMessage
from ringflow.calls.held_keys import CALLEE_VARIABLE, EndKeys, KeyWatch
from ringflow.errors import CommandRefused, RingflowError

log = structlog.get_logger("ringflow.keys")

KEY_CLASS = "dtmf"
TRIAL_CHANNEL = "Local/s@ringflow-keys"
"""Presses a key by itself: see `ringflow-keys` in the dialplan."""

TRIAL_S = 2.0
"""How long the trial channel may live, and how late its key may be heard after it."""

NOT_HEARD = "a key ends a talk when it is pressed, not held"
MEND = (
    "run `ringflow asterisk config` again, reload manager and dialplan in Asterisk, and start Ringflow again"
)


class ManagerKeys:
    """Hears keys by the event DTMFEnd, which comes when a key is let go, and hangs callees up.

    Asterisk does not say which events a manager user may read. So on each connection, before the first leg
    that needs to know, a channel is made that presses a key, which is heard or not.
    """

    def __init__(self, link: AmiLink) -> None:
        self._link = link
        self._watches: dict[str, KeyWatch] = {}
        self._trial_heard: asyncio.Future[None] | None = None
        self._trial: asyncio.Task[bool] | None = None
        self._tried_connection = 0
        self._ending: set[asyncio.Task[None]] = set()
        link.on_event("DTMFEnd", self._key_let_go, always=False)

    async def ready(self) -> bool:
        """Whether keys are heard now. The first to ask of a connection waits for its trial."""
        if self._link.state is not LinkState.UP:
            return False
        if self._trial is None or self._tried_connection != self._link.connections:
            self._tried_connection = self._link.connections
            self._trial = asyncio.create_task(self._try(), name="trial of held keys")
        return await asyncio.shield(self._trial)

    @contextmanager
    def watch(self, channel: str, end_keys: EndKeys) -> Iterator[KeyWatch]:
        """While the block lasts, hang up the callee of this caller's channel when a key says so."""
        watch = self._watches[channel] = KeyWatch(end_keys)
        try:
            with self._link.hearing(KEY_CLASS):
                yield watch
        finally:
            del self._watches[channel]

    def _key_let_go(self, message: AmiMessage) -> None:
        channel = message.text("Channel")
        if channel.startswith(TRIAL_CHANNEL):
            if self._trial_heard is not None and not self._trial_heard.done():
                self._trial_heard.set_result(None)
            return
        watch = self._watches.get(channel)
        length = message.text("DurationMs")
        if watch is None or message.text("Direction") != "Received" or not length.isdecimal():
            return
        key = message.text("Digit")
        if not watch.key and watch.end_keys.ended_by(key, int(length)):
            task = asyncio.create_task(self._end_leg(channel, watch, key), name=f"key {key} on {channel}")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end_leg(self, channel: str, watch: KeyWatch, key: str) -> None:
        try:
            callee = await self._link.get_variable(channel, CALLEE_VARIABLE)
            if callee:
                # Set first: the leg is over before Asterisk's answer to this is read.
                watch.key = key
                await self._link.hang_up(callee)
        except CommandRefused:
            # The callee, or the caller, was quicker.
            watch.key = ""
        except RingflowError as error:
            watch.key = ""
            log.warning("leg not ended by key", key=key, detail=str(error))
        except Exception:
            # Boundary: nobody awaits this task. The caller's other keys, and the call, go on.
            watch.key = ""
            log.exception("leg not ended by key", key=key)

    async def _try(self) -> bool:
        self._trial_heard = asyncio.get_running_loop().create_future()
        try:
            with self._link.hearing(KEY_CLASS):
                await self._link.originate(TRIAL_CHANNEL, ApplicationTarget("Wait", "1"), timeout_s=TRIAL_S)
                async with asyncio.timeout(TRIAL_S):
                    await self._trial_heard
        except TimeoutError:
            log.warning(NOT_HEARD, detail="Asterisk does not tell this manager user of keys", mend=MEND)
            return False
        except RingflowError as error:
            log.warning(NOT_HEARD, detail=str(error))
            return False
        except Exception:
            # Boundary: every call of this connection that ends legs by keys asks for what came of the trial.
            log.exception(NOT_HEARD)
            return False
        return True
