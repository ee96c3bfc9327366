"""Has Asterisk call a number, and connects who answers to an app.

What is asked for is checked, kept, and then made through the manager interface: see `originations.py`. The
call itself is dialled by the engine, with a hold, headers and a caller ID as any leg; a check beforehand only
says early what the dialling would find.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog
from pydantic import JsonValue

from ringflow.accounts import customers, dids, trunks
from ringflow.accounts.admission import Admission
from ringflow.accounts.dids import Did
from ringflow.accounts.trunks import Trunk
from ringflow.actor import Actor, Principal, Transaction
from ringflow.calls.dial_attempt import dialable_uri, safe_caller_id
from ringflow.calls.dialled_number import DialledNumber, NumberPlan
from ringflow.calls.json_value import UnusableValue
from ringflow.calls.originations import (
    BEGINS_WITHIN_MS,
    DIALS,
    IN_APP,
    Origination,
    Originations,
    TargetKind,
    keep,
    new_token,
    note_asked,
)
from ringflow.calls.outgoing_legs import NO_URI
from ringflow.calls.variables import Variables, can_be_set
from ringflow.config import Config, OriginateConfig
from ringflow.errors import Conflict, Refused, RingflowError, Unknown
from ringflow.ledger.rates.quote import quote
from ringflow.money import Money
from ringflow.plain_text import plain
from ringflow.store import Store
from ringflow.wording import did_you_mean, known_words

if TYPE_CHECKING:
    from ringflow.ami.actions import ApplicationTarget, DialplanTarget, OriginateOutcome, OriginateResult

log = structlog.get_logger("ringflow.calls")

CONTEXT = "ringflow-incoming"
CODECS = "alaw,ulaw"
"""Of the Local channel: what carriers talk, and the sound files are kept in."""
NO_VARIABLES: Mapping[str, str] = {}
MORE_S = 20.0
"""How much longer than it may ring Asterisk is told to try, so that Ringflow says first how it ended."""

_ENDPOINT = re.compile(r"PJSIP/\{number\}@([A-Za-z0-9_-]+)")
DOWN = "UNAVAILABLE"
"""The state of an endpoint none of whose contacts answers; so has one that dials URIs, and no contact."""


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call that somebody wants: see `Origination`. `ring_s` None: as configured."""

    customer_id: int
    kind: TargetKind
    target: str
    app: str | None = None
    did: str | None = None
    trunk: str | None = None
    caller_id: str | None = None
    ring_s: int | None = None
    variables: Mapping[str, JsonValue] = field(default_factory=dict)


class ManagerLink(Protocol):
    """What of `AmiLink` it takes to have calls made."""

    @property
    def is_up(self) -> bool:
        """As `AmiLink`."""

    async def originate(
        self,
        channel: str,
        target: DialplanTarget | ApplicationTarget,
        *,
        caller_id: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        codecs: str = "",
    ) -> OriginateResult:
        """As `AmiLink`."""

    async def device_states(self) -> dict[str, str]:
        """As `AmiLink`."""

    async def evaluate(self, expression: str) -> str:
        """As `AmiLink`."""


class Originator:
    """`link` None: there is no manager interface, and no call is made.

    `apps` are those in service. `not_made` is told of a call that Asterisk never began, and why.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        link: ManagerLink | None,
        now_ms: Callable[[], int],
        make_call_id: Callable[[], str],
        apps: Callable[[], Collection[str]],
        not_made: Callable[[Origination, str], None] | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._link = link
        self._now_ms = now_ms
        self._make_call_id = make_call_id
        self._apps = apps
        self._not_made = not_made
        self._originations = Originations(store)
        self._calling: set[asyncio.Task[OriginateOutcome]] = set()

    @property
    def is_available(self) -> bool:
        """Whether Asterisk can be asked for a call now."""
        return self._link is not None and self._link.is_up

    async def ask(
        self, wanted: WantedCall, principal: Principal, transaction: Transaction[Origination]
    ) -> Origination:
        """Have a call made, if it can be; return before it rings. Raises `Refused`."""
        settings = self._config.originate
        if settings is None or not self.is_available:
            raise Refused("origination.unavailable", "no calls can be made now: `ami` is not connected")
        if len(self._calling) >= settings.at_once:
            text = f"{settings.at_once} calls ring that were asked for here: ask again when one is over"
            raise Refused("origination.too_many", text, (), retry_after_s=5)
        routes = await self._checked(wanted, settings)
        token, ring_s = new_token(), wanted.ring_s or settings.ring_s

        async def kept(actor: Actor) -> Origination:
            asked = self.made_of(wanted, principal, ring_s, actor.now_ms)
            await keep(actor, asked, token)
            await note_asked(actor, asked)
            return asked

        asked = await transaction(kept)
        self.begin(asked, token, max(1, len(routes)))
        return asked

    def made_of(
        self, wanted: WantedCall, principal: Principal, ring_s: int, now_ms: int, *, charged: bool = True
    ) -> Origination:
        """Return a call as it is kept."""
        return Origination(
            self._make_call_id(),
            wanted.customer_id,
            wanted.kind,
            wanted.target,
            wanted.trunk,
            wanted.caller_id,
            ring_s,
            charged,
            wanted.app,
            wanted.did,
            json.dumps(dict(wanted.variables)),
            principal.name,
            now_ms,
            now_ms + BEGINS_WITHIN_MS,
        )

    def begin(
        self,
        asked: Origination,
        token: str,
        attempts: int = 1,
        target: DialplanTarget | None = None,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> asyncio.Task[OriginateOutcome]:
        """Have Asterisk begin a call that is kept; the task ends when it is answered, or over.

        `attempts`: how many trunks are tried at most. `target` None: who answers comes to Ringflow.
        """
        making = self._make(asked, token, attempts, target, variables)
        task = asyncio.create_task(making, name="originated call")
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)
        return task

    async def find(self, call_id: str) -> Origination:
        """Return a call that was asked for, as it is now."""
        return await self._originations.find(call_id)

    async def rung(self) -> None:
        """Wait until none of them rings any more."""
        while self._calling:
            await asyncio.wait(set(self._calling))

    async def close(self) -> None:
        """Wait for no call any more: Asterisk goes on with those that it has begun."""
        for task in self._calling:
            task.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)

    async def _make(
        self,
        asked: Origination,
        token: str,
        attempts: int,
        target: DialplanTarget | None,
        variables: Mapping[str, str],
    ) -> OriginateOutcome:
        # A simulated call has a link of its own, and need not load these.
        from ringflow.ami.actions import DialplanTarget, OriginateOutcome

        assert self._link is not None, "asked before"
        outcome, why = OriginateOutcome.FAILED, "Asterisk did not begin the call"
        try:
            result = await self._link.originate(
                f"Local/{DIALS}{token}@{CONTEXT}/n",
                target or DialplanTarget(CONTEXT, f"{IN_APP}{token}"),
                variables=variables,
                codecs=CODECS,
                timeout_s=attempts * (asked.ring_s + MORE_S),
            )
            outcome = result.outcome
        except RingflowError as error:
            why = plain(str(error))
        if outcome is OriginateOutcome.ANSWERED:
            return outcome
        try:
            # Whoever dials says itself how that ended.
            if await self._originations.fail(asked.call_id):
                log.warning("call not made", call_id=asked.call_id, detail=why)
                if self._not_made is not None:
                    self._not_made(asked, why)
        except RingflowError as error:
            log.warning("call not made", call_id=asked.call_id, detail=f"{why}; {plain(str(error))}")
        return outcome

    async def _checked(
        self, wanted: WantedCall, settings: OriginateConfig
    ) -> Sequence[tuple[Trunk, DialledNumber]]:
        """The trunks that may carry the call, none for one that needs none. Raises `Refused`."""
        async with self._store.reading() as connection:
            customer = await customers.show(connection, wanted.customer_id, ("customer",))
            ways_out = tuple(one for one in await trunks.every(connection) if one.enabled)
            if wanted.did is not None:
                try:
                    await dids.reached(connection, wanted.did, self._config.country)
                except Unknown as error:
                    raise error.reworded(str(error), ("did",)) from error
        if customer.status != "active":
            raise Conflict(
                "customer.not_active",
                f"customer {customer.id} is {customer.status}",
                ("customer",),
                customer=customer.id,
                status=customer.status,
            )
        if wanted.app is not None and wanted.app not in (known := self._apps()):
            near = did_you_mean(wanted.app, known, f"there are {known_words(known)}")
            text = f"there is no app {plain(wanted.app)}: {near}"
            raise Unknown("app.unknown", text, ("app",), app=wanted.app)
        if wanted.caller_id is not None and safe_caller_id(wanted.caller_id) is None:
            text = f"caller ID `{plain(wanted.caller_id)}`: write digits, with or without a plus"
            raise Refused("number.malformed", text, ("caller_id",), number=wanted.caller_id)
        _check_variables(wanted.variables)
        if wanted.kind is TargetKind.NUMBER:
            return await self._number_checked(wanted, ways_out)
        if (
            wanted.kind is TargetKind.URI
            and dialable_uri(wanted.target, self._config.allowed_uri_hosts) is None
        ):
            raise Refused(
                "uri.not_dialled", f"`{plain(wanted.target)}` is {NO_URI}", ("uri",), uri=wanted.target
            )
        if wanted.kind is TargetKind.DEVICE and wanted.target not in settings.devices:
            text = f"`{plain(wanted.target)}` is none of `originate.devices` in the configuration"
            raise Refused("device.not_called", text, ("device",), device=wanted.target)
        return ()

    async def _number_checked(
        self, wanted: WantedCall, ways_out: tuple[Trunk, ...]
    ) -> Sequence[tuple[Trunk, DialledNumber]]:
        if wanted.trunk is not None:
            ways_out = tuple(one for one in ways_out if one.name == wanted.trunk)
            if not ways_out:
                text = f"there is no trunk {plain(wanted.trunk)} that is enabled"
                raise Unknown("trunk.unknown", text, ("trunk",), trunk=wanted.trunk)
        plan = NumberPlan(self._config.country)
        routes = plan.routes(wanted.target, ways_out, as_keyed=False)
        if not routes and ways_out:
            raise Refused(
                "number.malformed",
                f"`{plain(wanted.target)}` is not a telephone number: write one such as +441910000001",
                ("number",),
                number=wanted.target,
            )
        if not routes:
            raise Conflict("trunk.none", "there is no trunk that is enabled", ("number",))
        await self._refuse_unpaid(wanted.customer_id, *routes[0])
        await self._refuse_down([trunk for trunk, _ in routes])
        return routes

    async def _refuse_unpaid(self, customer_id: int, trunk: Trunk, number: DialledNumber) -> None:
        """Raise `Refused` where the customer has no rate for the number, or no credit."""
        if trunk.rated == "upstream":
            return
        try:
            quoted = await quote(self._store, number.rated, customer_id, self._now_ms())
        except Refused as error:
            raise error.reworded(str(error), ("number",)) from error
        if not quoted.affordable:
            currency = quoted.terms.currency
            there, wanted = Money(quoted.available_micros, currency), Money(quoted.least_micros, currency)
            raise Conflict(
                "credit.not_enough",
                f"customer {customer_id} has {there} available, and the shortest talk costs {wanted}",
                ("customer",),
                customer=customer_id,
                available=str(there),
                wanted=str(wanted),
            )

    async def _refuse_down(self, ways_out: Sequence[Trunk]) -> None:
        """Raise `Refused` where Asterisk says of each trunk that it cannot be reached."""
        assert self._link is not None, "asked before"
        try:
            states = await self._link.device_states()
            for trunk in ways_out:
                if not await self._is_down(self._link, trunk, states):
                    return
        except RingflowError:
            # Whoever cannot be asked is tried.
            return
        names = ", ".join(trunk.name for trunk in ways_out)
        raise Conflict("trunk.down", f"Asterisk cannot reach {names}", ("number",), trunks=names)

    async def _is_down(self, link: ManagerLink, trunk: Trunk, states: Mapping[str, str]) -> bool:
        endpoint = _ENDPOINT.fullmatch(trunk.dial)
        if endpoint is None:
            return False
        state = states.get(f"PJSIP/{endpoint[1]}")
        # One that was added with a reload is not listed before it has a contact.
        return state == DOWN if state else not await link.evaluate(f"PJSIP_ENDPOINT({endpoint[1]},aors)")


def _check_variables(variables: Mapping[str, JsonValue]) -> None:
    """Raise `Refused` for variables with which no app can begin."""
    for name in variables:
        if not can_be_set(name):
            text = f"variable {plain(name)} cannot be set; use small letters, digits and _"
            raise Refused("variable.malformed", text, ("variables", name), variable=name)
    try:
        Variables("", Admission(Did("", ""), None, None, "", variables=variables))
    except UnusableValue as error:
        raise Refused("variable.malformed", f"variables: {error}", ("variables",), variable="") from error
