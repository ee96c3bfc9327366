"""Orders for calls of any server, through the database that the servers share.

Whoever orders writes a row. Every server looks for new rows twice a second, takes those that are about its
own calls, and writes into the row what came of it. An order that nobody has taken is withdrawn, so that it
cannot be carried out later by surprise.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import bindparam, select

from ringflow.actor import Opener
from ringflow.audit import Verb, note
from ringflow.calls.events import OrderKind
from ringflow.engine.live_calls import LiveCalls
from ringflow.engine.watched_events import WatchedEvents
from ringflow.errors import Conflict, Refused, Unknown
from ringflow.plain_text import plain
from ringflow.store import Store, StoreGone
from ringflow.store.database import LookUp
from ringflow.store.live_tables import call_orders
from ringflow.store.statement import Statement

log = structlog.get_logger("ringflow.live")

LOOK_EVERY_S = 0.4
"""How often a server looks: an order is taken within a second."""

TAKEN_WITHIN_S = 3.0
"""How long whoever orders waits for a server to take the order."""

ANSWERED_WITHIN_S = 15.0
"""How long an order that was taken may need: the manager interface may not answer."""

ASK_EVERY_S = 0.1
STALE_MS = 60_000
"""An order so old was left by somebody who was cut off; no server takes it."""

KEPT_MS = 86_400_000
"""How long answered orders are kept; the audit log has them for ever."""

_POST = Statement(
    "INSERT INTO call_orders (id, call_id, kind, arguments, operator, ordered_ms) "
    "VALUES (:id, :call_id, :kind, :arguments, :operator, :now_ms)",
    id="text",
    call_id="text",
    kind="text",
    arguments="text",
    operator="text",
    now_ms="bigint",
)
_ORDERS = call_orders.c
_WAITING = LookUp(
    select(_ORDERS.id, _ORDERS.call_id, _ORDERS.kind, _ORDERS.arguments, _ORDERS.operator)
    .where(_ORDERS.ordered_ms > bindparam("since_ms"), _ORDERS.taken_ms.is_(None))
    .order_by(_ORDERS.ordered_ms),
    ["since_ms"],
)
_TAKE = Statement(
    "UPDATE call_orders SET taken_ms = :now_ms, server = :server WHERE id = :id AND taken_ms IS NULL "
    "RETURNING id",
    id="text",
    server="text",
    now_ms="bigint",
)
_ANSWER = Statement(
    "UPDATE call_orders SET answer = :answer, refused = :refused WHERE id = :id",
    id="text",
    answer="text",
    refused="bigint",
)
_LOOK = Statement("SELECT taken_ms, answer, refused FROM call_orders WHERE id = :id", id="text")
_FORGET = Statement("DELETE FROM call_orders WHERE ordered_ms < :before_ms", before_ms="bigint")


@dataclass(frozen=True, slots=True)
class CallOrder:
    """What is to be done to a call. `arguments`: `app` and `slot` of a redirection, `prompt` to be played,
    `text` and `language` to be said.
    """

    call_id: str
    kind: OrderKind
    arguments: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(16))


async def give_order(
    store: Store,
    act: Opener,
    order: CallOrder,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> str:
    """Have the server that carries the call do it, in the name of who acts; gives what came of it, in words.

    Raises `Refused` where no server has the call or the order cannot be carried out, `StoreGone`.
    """
    arguments = json.dumps(order.arguments)
    async with act() as actor:
        await _FORGET.run(actor.connection, before_ms=actor.now_ms - KEPT_MS)
        await _POST.run(
            actor.connection,
            id=order.id,
            call_id=order.call_id,
            kind=order.kind.value,
            arguments=arguments,
            operator=actor.principal.name,
            now_ms=actor.now_ms,
        )
        facts = {"order": order.kind.value, **order.arguments}
        await note(actor, Verb.ORDER, f"call {plain(order.call_id)}", None, facts)
    taken = await _until(store, order.id, TAKEN_WITHIN_S, sleep, lambda row: row[0] is not None)
    if not taken:
        async with act() as actor:
            withdrawn = await _TAKE.run(actor.connection, id=order.id, server="", now_ms=actor.now_ms)
        if withdrawn:
            text = f"no server has a call {plain(order.call_id)} in progress"
            raise Unknown("call.not_live", text, call=order.call_id)
    answered = await _until(store, order.id, ANSWERED_WITHIN_S, sleep, lambda row: row[1] is not None)
    if not answered:
        raise Conflict(
            "call.order_unanswered",
            f"the server of call {plain(order.call_id)} took the order and did not say what came of it",
            call=order.call_id,
        )
    _, answer, refused = answered
    if refused:
        raise Conflict("call.order_refused", str(answer), call=order.call_id)
    return str(answer)


async def _until(
    store: Store,
    order_id: str,
    limit_s: float,
    sleep: Callable[[float], Awaitable[None]],
    is_so: Callable[[tuple[object, ...]], bool],
) -> tuple[object, ...] | None:
    """The order's row once it is so, looked at time and again; None where it is not in time."""
    for _ in range(round(limit_s / ASK_EVERY_S)):
        async with store.reading() as connection:
            rows = await _LOOK.run(connection, id=order_id)
        if rows and is_so(tuple(rows[0])):
            return tuple(rows[0])
        await sleep(ASK_EVERY_S)
    return None


class RemoteOrders:
    """Carries out orders of others for the calls of this server, and writes events for those who watch.

    `server` is its name in the rows.
    """

    def __init__(self, store: Store, live: LiveCalls, server: str, now_ms: Callable[[], int]) -> None:
        self._watched = WatchedEvents(store, live, now_ms)
        self._store = store
        self._live = live
        self._server = server
        self._now_ms = now_ms
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, every_s: float = LOOK_EVERY_S) -> None:
        """Look for orders until cancelled; while the database is away there are none."""
        is_away = False
        while True:
            try:
                await self.carry_out_new()
                await self._watched.write_new()
                is_away = False
            except StoreGone as error:
                if not is_away:
                    log.warning("orders wait", detail=str(error))
                is_away = True
            except Exception:
                # Boundary: our own bug in one order must not keep later ones from being carried out.
                log.exception("orders failed")
            await asyncio.sleep(every_s)

    async def carry_out_new(self) -> None:
        """Take the orders for calls of this server, and begin to carry them out. Raises `StoreGone`."""
        for waiting in await self._store.look_up(_WAITING, self._now_ms() - STALE_MS):
            order_id, call_id, kind, arguments, operator = waiting
            if call_id not in self._live:
                continue
            async with self._store.writing() as connection:
                taken = await _TAKE.run(connection, id=order_id, server=self._server, now_ms=self._now_ms())
            if taken:
                order = CallOrder(call_id, OrderKind(kind), json.loads(arguments), order_id)
                # One that waits for the manager interface must not keep those for other calls waiting.
                task = asyncio.create_task(self._carry_out(order, operator))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def _carry_out(self, order: CallOrder, operator: str) -> None:
        try:
            answer, refused = str(await self._ordered(order, operator)), 0
        except Refused as error:
            answer, refused = str(error), 1
        except Exception as error:
            # Boundary: whoever ordered is waiting for an answer, which our own bug must not swallow.
            log.exception("order failed", call_id=order.call_id, order=order.kind)
            answer, refused = f"it failed: {type(error).__name__}; see the log of server {self._server}", 1
        log.info(
            "order carried out",
            call_id=order.call_id,
            order=order.kind,
            by=plain(operator),
            answer=answer,
        )
        try:
            async with self._store.writing() as connection:
                await _ANSWER.run(connection, id=order.id, answer=answer, refused=refused)
        except StoreGone as error:
            log.warning("order unanswered", call_id=order.call_id, order=order.kind, detail=str(error))

    async def _ordered(self, order: CallOrder, operator: str) -> str:
        live, call_id, arguments = self._live, order.call_id, order.arguments
        match order.kind:
            case OrderKind.HANG_UP:
                return await live.hang_up(call_id, operator)
            case OrderKind.HANG_UP_LEG:
                return await live.hang_up_leg(call_id, operator)
            case OrderKind.REDIRECT:
                return await live.redirect(call_id, arguments["app"], arguments.get("slot"), operator)
            case OrderKind.PLAY:
                return await live.play(call_id, arguments["prompt"], operator)
            case OrderKind.SAY:
                return await live.say(call_id, arguments["text"], arguments.get("language"), operator)
