"""Calls to numbers that customers want to be known by: each says a code, and the customer sends it back.

The call goes out as any call of the customer's would, by its trunks and with its headers, and is made through
the manager interface. Nothing is charged for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from ringflow.accounts.clis import Cli, find_exact
from ringflow.accounts.customer_access import call_backs
from ringflow.accounts.customer_access.call_backs import CallBack, NewCallBack, State
from ringflow.accounts.headers import CUSTOMER_HEADER, SECURITY_HEADER
from ringflow.accounts.teller import Remembering
from ringflow.accounts.trunks import Trunk
from ringflow.actor import Principal, Transaction, acting
from ringflow.ami.actions import DialplanTarget, OriginateOutcome
from ringflow.ami.link import AmiLink, LinkState
from ringflow.calls.dial_attempt import merge_headers, safe_caller_id
from ringflow.calls.dialled_number import DialledNumber, NumberPlan
from ringflow.calls.world import CallWorld
from ringflow.config import CallBackConfig
from ringflow.errors import Conflict, Refused, RingflowError
from ringflow.ledger.rates.quote import BlockedDestination, NoRate, quote
from ringflow.numbers import costs_extra, country_of, dialled_number, identifying_form
from ringflow.plain_text import plain
from ringflow.speaking import SaidAs, prompts_needed, say_digits
from ringflow.store import Store

log = structlog.get_logger("ringflow.calls")

SAID = DialplanTarget("ringflow-warn", "play")
"""Waits a second, plays what RINGFLOW_WARNING names, and hangs up."""
SAID_VARIABLE = "RINGFLOW_WARNING"
TIMES = 3
"""How often the code is said."""
MOST_BYTES = 900
"""What the manager interface takes of a variable on one line, with room for the rest of it."""
NOTE = "added by call-back"
MOST_TRUNKS = 2
"""How many trunks are tried: Asterisk says the same of a callee who is busy as of a dead trunk."""

_OUTCOMES: dict[OriginateOutcome, State] = {
    OriginateOutcome.ANSWERED: "answered",
    OriginateOutcome.NO_ANSWER: "not_answered",
    OriginateOutcome.BUSY: "not_answered",
}


class CallBacks:
    """`link` None: there is no manager interface, and no call is made. `settings` None: none may be."""

    def __init__(
        self, store: Store, world: CallWorld, link: AmiLink | None, settings: CallBackConfig | None
    ) -> None:
        self._store = store
        self._world = world
        self._link = link
        self._settings = settings
        self._calling: set[asyncio.Task[None]] = set()

    async def ask(self, customer_id: int, text: str, transaction: Transaction[NewCallBack]) -> NewCallBack:
        """Call a number with a code, if it may be called; returns before it rings.

        Whether the number is anybody else's is not asked now: only who has heard the code there may learn it.
        Raises `Refused`.
        """
        settings, link = self._settings, self._link
        if settings is None or link is None or link.state is not LinkState.UP:
            raise Refused("call_back.unavailable", "no calls with codes can be made now")
        number = dialled_number(text, self._world.country)
        if number is None:
            raise Refused(
                "number.malformed",
                f"`{plain(text)}` is not a telephone number: write one such as +441910000001",
                ("number",),
                number=text,
            )
        routes = await self._routes(customer_id, number, settings)
        begun = await transaction(lambda actor: call_backs.ask(actor, customer_id, number, settings))
        task = asyncio.create_task(self._call(begun, routes, settings.ring_s), name="call back")
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        return begun

    async def confirm(self, principal: Principal, customer_id: int, call_back_id: str, code: str) -> Cli:
        """Let the number identify the customer, who has heard the code there. Raises `Refused`."""
        teller = self._world.teller
        assert teller is not None, "a server's callers have one"
        async with acting(self._store, principal, self._world.country, teller.now_ms()) as actor:
            found = await call_backs.show(actor.connection, customer_id, call_back_id)
            right = await call_backs.try_code(actor, customer_id, call_back_id, code)
        if not right:
            left = found.tries_left - 1
            raise Refused(
                "call_back.wrong_code",
                f"this is not the code; {left} tries are left",
                ("code",),
                tries_left=left,
            )
        remembered = await teller.remember(customer_id, found.number, principal, NOTE)
        state: State = "confirmed" if remembered is Remembering.DONE else "refused"
        async with self._store.writing() as connection:
            await call_backs.end(connection, call_back_id, state)
            cli = await find_exact(connection, identifying_form(found.number), None)
        if cli is None or cli.customer_id != customer_id:
            raise Conflict(
                "cli.not_available",
                f"{found.number} cannot be added here: ask who gave you the account",
                number=found.number,
            )
        return cli

    async def close(self) -> None:
        """Wait for no call any more: what they said stays said."""
        for task in self._calling:
            task.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)

    async def _routes(
        self, customer_id: int, number: str, settings: CallBackConfig
    ) -> Sequence[tuple[Trunk, DialledNumber]]:
        """The trunks that may carry the call. Raises `Refused`: it may go nowhere."""
        routes = NumberPlan(self._world.country).routes(number, await self._world.trunks(), as_keyed=False)
        if not await self._may_be_called(customer_id, number, settings) or not routes:
            raise Conflict(
                "call_back.not_called", f"{number} is not called with codes", ("number",), number=number
            )
        return routes[:MOST_TRUNKS]

    async def _may_be_called(self, customer_id: int, number: str, settings: CallBackConfig) -> bool:
        countries = settings.countries or (self._world.country,)
        if country_of(number) not in countries or costs_extra(number):
            return False
        if number.startswith(settings.blocked):
            return False
        teller = self._world.teller
        assert teller is not None, "a server's callers have one"
        try:
            await quote(self._store, number, customer_id, teller.now_ms())
        except BlockedDestination:
            return False
        except NoRate:
            # A switch behind the trunks may have the rates.
            return any(trunk.rated == "upstream" for trunk in await self._world.trunks())
        return True

    async def _call(
        self, begun: NewCallBack, routes: Sequence[tuple[Trunk, DialledNumber]], ring_s: int
    ) -> None:
        state: State = "failed"
        try:
            for trunk, number in routes:
                outcome = await self._dial(begun, trunk, number, ring_s)
                state = _OUTCOMES.get(outcome, "failed")
                log.info(
                    "call back", customer=begun.call_back.customer_id, trunk=trunk.name, outcome=outcome.value
                )
                if state != "failed":
                    break
        except RingflowError as error:
            log.warning("call back not made", detail=str(error))
        except Exception:
            # Boundary: nobody awaits this task; the customer sees that it failed.
            log.exception("call back failed")
        async with self._store.writing() as connection:
            await call_backs.end(connection, begun.call_back.id, state)

    async def _dial(
        self, begun: NewCallBack, trunk: Trunk, number: DialledNumber, ring_s: int
    ) -> OriginateOutcome:
        assert self._link is not None, "asked before"
        plan = NumberPlan(self._world.country)
        shown = plan.caller_id(safe_caller_id(trunk.caller_id), None, trunk)
        result = await self._link.originate(
            trunk.dial.replace("{number}", number.sent),
            SAID,
            caller_id=f"<{shown}>" if shown else "",
            variables={SAID_VARIABLE: self._said(begun), **self._headers(begun.call_back, trunk)},
            timeout_s=ring_s,
        )
        return result.outcome

    def _headers(self, call_back: CallBack, trunk: Trunk) -> dict[str, str]:
        """The headers that go with any call of the customer's, as variables of its channel."""
        if not trunk.dial.startswith("PJSIP/"):
            return {}
        now_s = int(self._world.clock.now_s())
        key = self._world.security_keys.make(call_back.customer_id, trunk.server or trunk.name, now_s)
        identity = {CUSTOMER_HEADER: str(call_back.customer_id), SECURITY_HEADER: key}
        headers = merge_headers(trunk.headers) | identity
        return {f"PJSIP_HEADER(add,{name})": value for name, value in headers.items()}

    def _said(self, begun: NewCallBack) -> str:
        """What Asterisk is to play: the code some times, with pauses."""
        language = self._spoken(begun.language)
        pause = self._world.asterisk_prompt(f"SAY/{language}/pause")
        once = [self._world.asterisk_prompt(one) for one in say_digits(begun.code, language)]
        said = "&".join([*once, pause])
        times = max(1, min(TIMES, MOST_BYTES // (len(said.encode()) + 1)))
        return "&".join([said] * times)

    def _spoken(self, language: str | None) -> str:
        """The customer's language, if there are prompts of it."""
        if language is not None and self._world.has_prompt(
            next(iter(prompts_needed(language, SaidAs.DIGITS)))
        ):
            return language
        return self._world.language
