"""Calls to numbers that customers want to be known by: each says a code, and the customer sends it back.

The call goes out as any call of the customer's would, by its trunks and with its headers: see
`originations.py`. The house pays: the customer is charged nothing, and the call's record says what it cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from ringflow.accounts.caller_accounts import Remembering
from ringflow.accounts.clis import Cli, find_exact
from ringflow.accounts.customer_access import call_backs
from ringflow.accounts.customer_access.call_backs import NewCallBack, State
from ringflow.accounts.trunks import Trunk
from ringflow.actor import Actor, Principal, Transaction, acting
from ringflow.ami.actions import DialplanTarget, OriginateOutcome
from ringflow.calls.dialled_number import DialledNumber, NumberPlan
from ringflow.calls.originations import Origination, TargetKind, keep, new_token
from ringflow.calls.originator import Originator, WantedCall
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

NOT_ANSWERED = frozenset({"no_answer", "busy", "cancelled"})


class CallBacks:
    """`settings` None: no such call may be made."""

    def __init__(
        self, store: Store, world: CallWorld, originator: Originator, settings: CallBackConfig | None
    ) -> None:
        self._store = store
        self._world = world
        self._originator = originator
        self._settings = settings
        self._calling: set[asyncio.Task[None]] = set()

    async def ask(self, customer_id: int, text: str, transaction: Transaction[NewCallBack]) -> NewCallBack:
        """Call a number with a code, if it may be called; returns before it rings.

        Whether the number is anybody else's is not asked now: only who has heard the code there may learn it.
        Raises `Refused`.
        """
        settings = self._settings
        if settings is None or not self._originator.is_available:
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
        wanted, token = WantedCall(customer_id, TargetKind.NUMBER, number), new_token()
        made: list[Origination] = []

        async def asked(actor: Actor) -> NewCallBack:
            begun = await call_backs.ask(actor, customer_id, number, settings)
            made.append(
                self._originator.made_of(
                    wanted, actor.principal, settings.ring_s, actor.now_ms, charged=False
                )
            )
            await keep(actor, made[-1], token)
            return begun

        begun = await transaction(asked)
        task = asyncio.create_task(self._call(begun, made[-1], token, len(routes)), name="call back")
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        return begun

    async def confirm(self, principal: Principal, customer_id: int, call_back_id: str, code: str) -> Cli:
        """Let the number identify the customer, who has heard the code there. Raises `Refused`."""
        caller_accounts = self._world.caller_accounts
        assert caller_accounts is not None, "a server's callers have one"
        async with acting(self._store, principal, self._world.country, caller_accounts.now_ms()) as actor:
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
        remembered = await caller_accounts.remember(customer_id, found.number, principal, NOTE)
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
        return routes

    async def _may_be_called(self, customer_id: int, number: str, settings: CallBackConfig) -> bool:
        countries = settings.countries or (self._world.country,)
        if country_of(number) not in countries or costs_extra(number):
            return False
        if number.startswith(settings.blocked):
            return False
        caller_accounts = self._world.caller_accounts
        assert caller_accounts is not None, "a server's callers have one"
        try:
            await quote(self._store, number, customer_id, caller_accounts.now_ms())
        except BlockedDestination:
            return False
        except NoRate:
            # A switch behind the trunks may have the rates.
            return any(trunk.rated == "upstream" for trunk in await self._world.trunks())
        return True

    async def _call(self, begun: NewCallBack, asked: Origination, token: str, attempts: int) -> None:
        state: State = "failed"
        variables = {SAID_VARIABLE: self._said(begun)}
        try:
            made = await self._originator.begin(asked, token, attempts, SAID, variables)
            if made is OriginateOutcome.ANSWERED:
                state = "answered"
            elif (await self._originator.find(asked.call_id)).outcome in NOT_ANSWERED:
                state = "not_answered"
            log.info("call back", customer=asked.customer_id, call_id=asked.call_id, outcome=state)
        except RingflowError as error:
            log.warning("call back not made", detail=str(error))
        except Exception:
            # Boundary: nobody awaits this task; the customer sees that it failed.
            log.exception("call back failed")
        async with self._store.writing() as connection:
            await call_backs.end(connection, begun.call_back.id, state)

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
