"""A call's way out: legs dialled as the customer who pays, credit held before and charged after."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace

from ringflow.accounts.admission import Admission
from ringflow.accounts.customers import Customer
from ringflow.accounts.failover import fails_over
from ringflow.accounts.fields import OWN_NUMBER, WITHHELD
from ringflow.accounts.headers import CUSTOMER_HEADER, SECURITY_HEADER
from ringflow.accounts.number_forms import can_be_keyed, is_among
from ringflow.accounts.trunks import Trunk
from ringflow.agi.session import AgiSession
from ringflow.calls import events
from ringflow.calls.account import CallAccount
from ringflow.calls.asterisk_identity import asterisk_of_call
from ringflow.calls.call_ids import LegId
from ringflow.calls.charging import Allowance, Charging, Denial, Denied
from ringflow.calls.dial_attempt import (
    LAST_WORD_CAUSES,
    NO_NUMBER,
    Attempt,
    DialOptions,
    Prospect,
    dialable_uri,
    is_anonymous,
    merge_headers,
    safe_caller_id,
)
from ringflow.calls.dial_outcome import dial
from ringflow.calls.dialled_number import DialledNumber, NumberPlan
from ringflow.calls.end_key import dial_until_key
from ringflow.calls.event_stream import CallEvents
from ringflow.calls.language import CallLanguage
from ringflow.calls.orders import CallOrders
from ringflow.calls.outcome import DEVICE_TRUNK, URI_TRUNK, Leg, LegStatus, ReleasedBy
from ringflow.calls.prolonged_talk import ProlongedTalk
from ringflow.calls.released_by import charged_leg_released_by
from ringflow.calls.trunk_scripts import TrunkRefusal, TrunkScripts
from ringflow.calls.world import CallWorld
from ringflow.errors import ChannelGone, CommandRefused, RingflowError
from ringflow.ledger.terms import Terms, charge_micros
from ringflow.plain_text import plain
from ringflow.scripts.egress import Egress, EgressLeg

NO_URI = "not a SIP URI on a host of `uri_hosts`"
"""Why a text is not dialled that should be a SIP URI."""

KEPT_FAMILY = "ringflow"
"""Of AstDB: under it Asterisk keeps `ANSWERED_MS|ENDED_MS|DIALSTATUS|CAUSE|TOKEN` of unsettled legs."""

TOKEN_BYTES = 8

_TRY_NEXT_TRUNK = frozenset({LegStatus.CONGESTION, LegStatus.UNAVAILABLE, LegStatus.BELOW_COST})

_DENIED_LEG = {
    Denied.NO_CREDIT: (LegStatus.NO_CREDIT, ReleasedBy.CREDIT),
    Denied.NO_RATE: (LegStatus.NO_RATE, ReleasedBy.RINGFLOW),
    Denied.TOO_SHORT: (LegStatus.TOO_SHORT, ReleasedBy.CREDIT),
    Denied.BLOCKED: (LegStatus.BLOCKED, ReleasedBy.RINGFLOW),
    Denied.BELOW_COST: (LegStatus.BELOW_COST, ReleasedBy.RINGFLOW),
}


class Outgoing:
    """Dials for one call, as the customer who pays for it.

    `ends_at_ms`: when talks end at the latest, in milliseconds from the call's arrival; None: no such limit.
    """

    def __init__(
        self,
        call_id: str,
        session: AgiSession,
        account: CallAccount,
        admission: Admission,
        world: CallWorld,
        call_events: CallEvents,
        orders: CallOrders,
        language: CallLanguage,
    ) -> None:
        self._orders = orders
        self._language = language
        self._call_id = call_id
        self._session = session
        self._account = account
        self._admission = admission
        self._plan = NumberPlan(world.country)
        self._world = world
        self._events = call_events
        self._announced = False
        self.ends_at_ms: int | None = None
        self._asterisk = asterisk_of_call(session.request)
        self._since_keys_ms: int | None = None
        self._dialled_at_ms = 0
        self._trunk_scripts = TrunkScripts(world, call_events)

    @property
    def legs(self) -> Sequence[Leg]:
        """The attempts so far, refused ones included."""
        return self._events.history.legs

    @property
    def talk_left_ms(self) -> int | None:
        """For how long the call may still talk, by the limits of its apps; None: no such limit."""
        return None if self.ends_at_ms is None else max(1, self.ends_at_ms - self._events.elapsed_ms())

    async def names_number(self, text: str) -> bool:
        """Whether the text is a telephone number, or one that a trunk dials as it is keyed."""
        if self._plan.recorded(text, as_keyed=False) is not None:
            return True
        return can_be_keyed(text) and is_among(text, await self._world.keyed_patterns())

    async def dial_number(self, text: str, options: DialOptions) -> Leg:
        """Dial a number through the trunks that can, in order; return the last leg that was not passed over.

        The next trunk is tried after the answers that the trunk's `failover` lists, and where there was none
        and the trunk is unavailable; not when the callee rings and is silent, nor when there is no credit.
        One that would be sold below cost is passed over.
        """
        self._since_keys_ms = self._events.since_keys_ms()
        options = self._within_the_call(options)
        plan, trunks = self._plan, await self._world.trunks()
        if options.trunks is not None:
            by_name = {one.name: one for one in trunks}
            trunks = tuple(by_name[name] for name in options.trunks if name in by_name)
        dialled = plan.recorded(text, as_keyed=options.as_keyed)
        routes = plan.routes(text, trunks, as_keyed=options.as_keyed)
        if not routes and (trunks or dialled is None):
            why = f"not a telephone number in {plan.country}, nor one that a trunk dials as keyed"
            return self._refuse(text, why)
        asked = dialled if not options.as_keyed else None
        barred = await options.blocked_by(asked) if options.blocked_by and asked else None
        if barred is not None:
            return self._refuse(text, f"the flow blocks {barred}", dialled, LegStatus.BLOCKED)
        payer = await self._payer()
        if isinstance(payer, str):
            return self._refuse(text, payer, dialled)
        self._announced = False
        if not routes:
            self._events.note("no_trunk")
            status, released_by = LegStatus.UNAVAILABLE, ReleasedBy.RINGFLOW
            why = "there is no trunk"
            return self._finish(
                Leg(dialled or text, "", status, released_by=released_by, keyed=text, reason=why)
            )
        if options.cheapest_first:
            routes = await self._by_cost(routes)
        tried_before = len(self.legs)
        leg: Leg | None = None
        for trunk, number in routes:
            attempted = await self._through(payer, trunk, number, options)
            leg = attempted or leg
            if attempted is not None and not tries_next_trunk(trunk, attempted):
                break
        tried = (one for one in reversed(self.legs[tried_before:]) if one.status is not LegStatus.BELOW_COST)
        if leg is None:
            why = "the scripts of all trunks leave them out"
            return self._refuse(text, why, dialled, LegStatus.UNAVAILABLE)
        return next(tried, leg)

    async def _by_cost(
        self, routes: Sequence[tuple[Trunk, DialledNumber]]
    ) -> list[tuple[Trunk, DialledNumber]]:
        """The routes, those first that charge us the least for a minute; those of unknown costs last."""
        charging, with_card = self._world.charging, await self._world.trunks_with_card()
        if charging is None:
            return [*routes]
        costs = [
            await charging.cost(number.rated, trunk.name) if trunk.name in with_card else None
            for trunk, number in routes
        ]
        return [routes[place] for place in in_order_of_cost(costs)]

    async def _through(
        self, payer: Customer, trunk: Trunk, number: DialledNumber, options: DialOptions
    ) -> Leg | None:
        """Dial through a trunk, as its script says; None: the script leaves the trunk out."""
        if trunk.script is not None:
            decided = await self._scripted(payer, trunk, number, options)
            if isinstance(decided, TrunkRefusal):
                return self._refused_by_script(trunk, number, decided)
            if decided.skip:
                return None
            if decided.number is not None:
                number = self._number_for(trunk, decided.number, options) or number
                asked = None if number.as_keyed else number.dialled
                barred = await options.blocked_by(asked) if options.blocked_by and asked else None
                if barred is not None:
                    return self._refuse(number.keyed, f"the flow blocks {barred}", asked, LegStatus.BLOCKED)
            if decided.cli == "":
                payer = replace(payer, caller_id=WITHHELD)
            elif decided.cli is not None:
                options = replace(options, caller_id=decided.cli)
            options = replace(options, only_headers=decided.headers)
        target = trunk.dial.replace("{number}", number.sent)
        return await self._place(payer, target, number, trunk, options)

    async def _scripted(
        self, payer: Customer, trunk: Trunk, number: DialledNumber, options: DialOptions
    ) -> Egress | TrunkRefusal:
        """Run the script of a trunk, before anything is priced or held."""
        shown, is_private = self._caller_id(payer, trunk, options)
        own = "" if is_anonymous(self._admission.presented_cli) else self._admission.cli or ""
        leg = EgressLeg(
            call_id=self._call_id,
            channel=self._session.request.channel,
            did=self._admission.did.number,
            app=self._events.place.app or "",
            cli=self._admission.cli,
            withheld=self._admission.withheld,
            customer=payer,
            trunk=trunk,
            server=trunk.server or trunk.name,
            dialled=number.dialled,
            keyed=number.keyed,
            shown_cli="" if is_private else self._plan.e164(shown or own) or shown or own,
            headers=merge_headers(trunk.headers, self._admission.headers, options.headers),
            earlier=[(one.trunk, one.status, one.sip_code) for one in self.legs],
        )
        assert trunk.script is not None, "only trunks with a script come here"
        return await self._trunk_scripts.run(
            trunk.script, leg, lambda text: self._number_for(trunk, text, options) is not None
        )

    def _number_for(self, trunk: Trunk, text: str, options: DialOptions) -> DialledNumber | None:
        """Return a number as a trunk is given it; None: it is none that the trunk can dial."""
        routes = self._plan.routes(text, (trunk,), as_keyed=options.as_keyed)
        return routes[0][1] if routes else None

    def _refused_by_script(self, trunk: Trunk, number: DialledNumber, refusal: TrunkRefusal) -> Leg:
        """A leg that a script ended in place of its trunk."""
        attempt = replace(
            _leg_of_number(number, trunk.name, LegStatus.REFUSED, ReleasedBy.RINGFLOW),
            reason=f"script: {refusal.sip} {refusal.reason}",
            sip_code=refusal.sip,
        )
        return self._finish(attempt)

    async def dial_uri(self, text: str, options: DialOptions) -> Leg:
        """Dial a SIP URI on an allowed host. It has no rate: nothing is charged."""
        self._since_keys_ms = self._events.since_keys_ms()
        options = self._within_the_call(options)
        uri = dialable_uri(text, self._world.uri_hosts)
        if uri is None:
            return self._refuse(text, NO_URI)
        payer = await self._payer()
        if isinstance(payer, str):
            return self._refuse(uri, payer)
        server = uri.rpartition("@")[2]
        trunk = Trunk(name=URI_TRUNK, dial=self._world.uri_dial, server=server, rated="upstream")
        number = DialledNumber(text, uri, uri)
        return await self._place(payer, trunk.dial.replace("{uri}", uri), number, trunk, options)

    async def dial_device(self, name: str, options: DialOptions) -> Leg:
        """Dial an endpoint of Asterisk's, such as a telephone's. Nothing is charged."""
        options = self._within_the_call(options)
        payer = await self._payer()
        if isinstance(payer, str):
            return self._refuse(name, payer)
        trunk = Trunk(name=DEVICE_TRUNK, dial=f"PJSIP/{name}", rated="upstream")
        return await self._place(payer, trunk.dial, DialledNumber(name, name, name), trunk, options)

    def _within_the_call(self, options: DialOptions) -> DialOptions:
        """The options, with a talk that ends when the call has to."""
        left_ms = self.talk_left_ms
        if left_ms is None:
            return options
        left_s = left_ms / 1000
        return replace(options, max_duration_s=min(left_s, options.max_duration_s or left_s))

    async def _payer(self) -> Customer | str:
        """Who pays for the next leg, or why nobody does.

        After a talk the caller was let in a while ago, and the customer may have been barred since.
        """
        customer = self._account.customer
        if customer is None:
            return "no customer pays for this call"
        if self._events.history.connected and not await self._world.may_call(customer.id):
            return f"customer {customer.id} is not active any more"
        return customer

    async def _place(
        self, customer: Customer, target: str, number: DialledNumber, trunk: Trunk, options: DialOptions
    ) -> Leg:
        attempt = self._attempt(customer, target, number, trunk, options)
        charging = self._world.charging
        if charging is None or trunk.rated == "upstream" or not options.charged:
            self._tell_dialled(attempt)
            leg, caller_gone = await self._dial(attempt, options)
        else:
            has_card = trunk.name in await self._world.trunks_with_card()
            try:
                allowed = await charging.allow(
                    attempt.leg_id,
                    customer.id,
                    number.rated,
                    options.max_duration_ms,
                    self._asterisk,
                    attempt.token,
                    trunk_with_card=trunk.name if has_card else None,
                    least_ms=options.least_talk_s * 1000,
                    most_micros=options.most_micros,
                )
            except BaseException as error:
                # On record in its own place, so that nobody takes what is left of its hold for a lost talk.
                why = plain(str(error)) if isinstance(error, RingflowError) else "the call ended before it"
                self._finish(_leg_of(attempt, LegStatus.REFUSED, ReleasedBy.RINGFLOW, why))
                raise
            if isinstance(allowed, Denial):
                status, released_by = _DENIED_LEG[allowed.why]
                return self._finish(_leg_of(attempt, status, released_by, allowed.reason))
            self._events.emit(
                events.CreditHeld,
                leg=len(self.legs) + 1,
                leg_id=allowed.leg_id,
                customer_id=customer.id,
                micros=allowed.hold.micros,
                currency=allowed.quoted.terms.currency,
                limit_ms=allowed.limit_ms,
            )
            if allowed.loss:
                self._events.note(Denied.BELOW_COST, f"dialled all the same: {allowed.loss}")
            leg, caller_gone = await self._dial_charged(charging, allowed, attempt, options)
        leg = self._finish(leg)
        if caller_gone:
            raise ChannelGone("hangup")
        await self._orders.obey()
        return leg

    async def _dial_charged(
        self, charging: Charging, allowed: Allowance, attempt: Attempt, options: DialOptions
    ) -> tuple[Leg, bool]:
        """Dial under a hold, and settle it by the talk.

        What ends without an answer of Asterisk's is left to the channel's hangup handler: only Asterisk knows
        how long they talked.
        """
        try:
            talk = await self._prolonged(charging, allowed)
            # Asterisk warns of the end of the credit, not of the longest talk, nor of an end that may move.
            warn_ms = allowed.warn_ms if talk is None and not allowed.whole else 0
            warning = self._language.sound(self._world.warning)
            attempt = replace(
                attempt, charged=True, limit_ms=allowed.limit_ms, warn_ms=warn_ms, warning=warning
            )
            await self._announce(charging, allowed, options, prolonged=talk is not None)
        except BaseException:
            # It was never dialled: there is nothing that Asterisk could know of it.
            await charging.end(allowed, 0)
            raise
        try:
            self._tell_dialled(attempt)
            async with talk.looked_after() if talk is not None else nullcontext():
                leg, caller_gone = await self._dial(attempt, options)
        except ChannelGone as ended:
            if ended.how == "eof":
                charging.leave(allowed.leg_id)
            else:
                await charging.end(allowed, 0)
            raise
        except BaseException:
            # Cancelled, or Asterisk does not answer: the talk may go on without us.
            charging.leave(allowed.leg_id)
            raise
        if talk is not None:
            allowed = talk.allowance(leg.talked_ms)
        settled = await charging.end(allowed, leg.talked_ms)
        charged_micros = settled.charged_micros if settled is not None else None
        if settled is not None or await self._keep(allowed, leg.talked_ms):
            await self._session.set_variable("CHANNEL(hangup_handler_pop)", "", dead_ok=True)
        released_by = charged_leg_released_by(leg, allowed.limit_ms, whole=allowed.whole)
        charged = replace(leg, leg_id=allowed.leg_id, charged_micros=charged_micros, released_by=released_by)
        return charged, caller_gone

    async def _dial(self, attempt: Attempt, options: DialOptions) -> tuple[Leg, bool]:
        """Dial; an attempt of which nobody says how it ended is among the legs before this raises."""
        try:
            self._orders.leg_hung_up_by = None
            attempt, watch = await self._silence_watched(attempt)
            async with watch:
                leg, caller_gone = await self._dialling(attempt, options)
            if self._orders.leg_hung_up_by is not None:
                status = LegStatus.ANSWERED if leg.status is LegStatus.ANSWERED else LegStatus.CANCELLED
                leg = replace(leg, status=status, released_by=ReleasedBy.OPERATOR)
            return leg, caller_gone
        except BaseException as error:
            # Without the end of the connection a caller who is gone was gone before `Dial`.
            if isinstance(error, ChannelGone) and error.how != "eof":
                lost = replace(_lost(attempt, ReleasedBy.CALLER), status=LegStatus.CANCELLED)
            elif isinstance(error, asyncio.CancelledError):
                lost = _lost(attempt, ReleasedBy.DRAIN)
            else:
                lost = _lost(attempt, ReleasedBy.ASTERISK)
            self._finish(lost)
            raise

    async def _dialling(self, attempt: Attempt, options: DialOptions) -> tuple[Leg, bool]:
        manager, clock = self._world.manager, self._world.clock
        hang_up = self._hang_up if manager is not None else None
        if options.end_keys is None:
            return await dial(self._session, attempt, clock, hang_up)
        held_keys = None
        if manager is not None and await manager.leads_to(self._asterisk):
            held_keys = manager.held_keys
        return await dial_until_key(
            self._session, attempt, options.end_keys, held_keys, clock, self._events.note, hang_up
        )

    async def _silence_watched(self, attempt: Attempt) -> tuple[Attempt, AbstractAsyncContextManager[None]]:
        """Have a trunk give way that says nothing: by the manager while the block lasts, else the dialplan.

        For the dialplan that is a channel more for each attempt; the manager is asked about few of them.
        Return the attempt as it is to be dialled, and the block.
        """
        manager, channel = self._world.manager, self._session.request.channel
        if not attempt.silent_s or manager is None or not manager.talks.reachable:
            return attempt, nullcontext()
        if not await manager.leads_to(self._asterisk):
            return attempt, nullcontext()

        async def look() -> None:
            # Where it cannot be asked, or the channel is gone, the time for ringing ends the attempt.
            with suppress(RingflowError):
                await manager.talks.end_silent(channel)

        watch = manager.talks.looked_after(look, attempt.silent_s * 1000)
        return replace(attempt, silent_s=0, names_callee=True), watch

    async def _hang_up(self, channel: str) -> None:
        """Through the manager, where that is on the Asterisk of this call. Raises `RingflowError`."""
        manager = self._world.manager
        if manager is not None and await manager.leads_to(self._asterisk):
            await manager.talks.hang_up(channel)

    async def _prolonged(self, charging: Charging, allowed: Allowance) -> ProlongedTalk | None:
        """The talk, where more than is held may be held in it; without a manager the hold is the end."""
        manager = self._world.manager
        if manager is None or not manager.talks.reachable or allowed.whole:
            return None
        if not await manager.leads_to(self._asterisk):
            return None
        channel, warning = self._session.request.channel, self._language.sound(self._world.warning)
        leg = len(self.legs) + 1
        return ProlongedTalk(charging, manager.talks, allowed, channel, warning, leg, self._events)

    async def _announce(
        self, charging: Charging, allowed: Allowance, options: DialOptions, *, prolonged: bool
    ) -> None:
        """Tell the caller what the call costs and how long it may last, once for all trunks."""
        if options.announce is None or self._announced:
            return
        self._announced = True
        enough_ms = charging.enough_ms(allowed, prolonged=prolonged)
        seconds = None if enough_ms is None else enough_ms // 1000
        await options.announce(Prospect(allowed.quoted.number, allowed.quoted.terms, seconds))

    async def _keep(self, allowed: Allowance, talked_ms: int) -> bool:
        """Have Asterisk remember the talk until the database does: this process may end first."""
        now_ms = round(self._world.clock.now_s() * 1000)
        answered = str(now_ms - talked_ms) if talked_ms else ""
        values = (KEPT_FAMILY, allowed.leg_id, f"{answered}|{now_ms}|||{allowed.hold.token}")
        try:
            await self._session.command("DATABASE PUT", *values, dead_ok=True)
        except CommandRefused:
            return False
        return True

    def _attempt(
        self, customer: Customer, target: str, number: DialledNumber, trunk: Trunk, options: DialOptions
    ) -> Attempt:
        server = trunk.server or trunk.name
        key = self._world.security_keys.make(customer.id, server, int(self._world.clock.now_s()))
        caller_id, is_private = self._caller_id(customer, trunk, options)
        return Attempt(
            leg_id=str(LegId(self._call_id, len(self.legs) + 1, self._session.request.unique_id)),
            again=bool(self.legs),
            earlier_source=next((leg.hung_up_by for leg in reversed(self.legs) if leg.hung_up_by), ""),
            token=os.urandom(TOKEN_BYTES).hex(),
            target=target,
            number=number,
            trunk=trunk.name,
            identity={CUSTOMER_HEADER: str(customer.id), SECURITY_HEADER: key},
            headers=merge_headers(trunk.headers, self._admission.headers, options.headers)
            if options.only_headers is None
            else merge_headers(options.only_headers),
            caller_id=caller_id,
            is_private=is_private,
            ring_s=options.ring_s,
            silent_s=_silent_s(trunk, options.ring_s),
            limit_ms=options.max_duration_ms,
            ringback=options.ringback,
        )

    def _caller_id(self, customer: Customer, trunk: Trunk, options: DialOptions) -> tuple[str | None, bool]:
        """What the trunk is given as the caller's number, and whether it must not show it.

        A number that its caller withholds is not shown by way of a flow or an account either: `${cli}` is
        that number. Where the customer's are withheld, none is shown, whoever set it.
        """
        admission = self._admission
        presented = admission.presented_cli
        hides_number = is_anonymous(presented)
        shows_own = customer.caller_id == OWN_NUMBER and not hides_number
        trunks_number = None if shows_own else trunk.caller_id
        # What a flow makes of variables may be no number; then it says nothing.
        wanted = filter(None, map(safe_caller_id, (options.caller_id, customer.caller_id, trunks_number)))
        if customer.caller_id != WITHHELD and not admission.withheld:
            return self._plan.caller_id(next(wanted, None), admission.cli, trunk), False
        own = self._plan.e164(presented)
        set_number = next(
            (one for one in wanted if not admission.withheld or own is None or self._plan.e164(one) != own),
            None,
        )
        if set_number is not None:
            return self._plan.caller_id(set_number, None, trunk), customer.caller_id == WITHHELD
        if hides_number:
            # There is nothing to hide, and From stays as it came.
            return None, False
        return self._plan.caller_id(own or safe_caller_id(presented) or NO_NUMBER, None, trunk), True

    def _refuse(
        self, text: str, why: str, dialled: str | None = None, status: LegStatus = LegStatus.REFUSED
    ) -> Leg:
        keyed = ascii(text[:64])[1:-1]
        released_by = ReleasedBy.RINGFLOW
        return self._finish(
            Leg(dialled or keyed, "", status, released_by=released_by, keyed=keyed, reason=why)
        )

    def _tell_dialled(self, attempt: Attempt) -> None:
        number = attempt.number
        self._dialled_at_ms = self._events.elapsed_ms()
        self._events.emit(
            events.LegDialled,
            leg=len(self.legs) + 1,
            leg_id=attempt.leg_id if attempt.charged else "",
            trunk=attempt.trunk,
            dialled=number.dialled,
            keyed=number.keyed,
            sent=number.sent,
            as_keyed=number.as_keyed,
            caller_id=attempt.shown_as,
            since_keys_ms=self._since_keys_ms,
        )
        self._since_keys_ms = None

    def _finish(self, leg: Leg) -> Leg:
        """Tell that an attempt is over, and what Asterisk said of its ringing and answer only now."""
        position, now_ms = len(self.legs) + 1, self._events.elapsed_ms()
        if leg.rang_after_ms is not None:
            rang_at_ms = min(self._dialled_at_ms + leg.rang_after_ms, now_ms - leg.talked_ms)
            self._events.emit_at(rang_at_ms, events.LegRinging, position)
        if leg.status is LegStatus.ANSWERED:
            self._events.emit_at(now_ms - leg.talked_ms, events.LegAnswered, position)
        leg = replace(leg, ended_ms=now_ms)
        self._events.emit_at(now_ms, events.LegEnded, position, leg)
        return leg


def in_order_of_cost(costs: Sequence[Terms | None]) -> list[int]:
    """The places of costs, those first that are the least for a minute; unknown ones last.

    Amounts in two currencies cannot be compared: the first one's is that of all, others count as unknown.
    """
    currency = next((one.currency for one in costs if one is not None), None)

    def minute_micros(place: int) -> tuple[bool, int]:
        terms = costs[place]
        if terms is None or terms.currency != currency:
            return True, 0
        return False, charge_micros(terms, 60_000)

    return sorted(range(len(costs)), key=minute_micros)


def tries_next_trunk(trunk: Trunk, leg: Leg) -> bool:
    """Whether the next trunk is tried: by the SIP answer where there was one, else by Asterisk's status."""
    if leg.sip_code is not None:
        return fails_over(trunk.failover, leg.sip_code)
    return leg.status in _TRY_NEXT_TRUNK and leg.hangup_cause not in LAST_WORD_CAUSES


def _silent_s(trunk: Trunk, ring_s: int) -> int:
    """After how long without any response the trunk gives way; 0: it does not.

    Asterisk tells of every response, `100 Trying` among them, of PJSIP's channels.
    """
    watched = trunk.dial.startswith("PJSIP/") and trunk.silent_s < ring_s
    return trunk.silent_s if watched else 0


def _lost(attempt: Attempt, released_by: ReleasedBy) -> Leg:
    return replace(
        _leg_of(attempt, LegStatus.LOST, released_by),
        caller_id=attempt.shown_as,
        headers=attempt.all_headers,
        leg_id=attempt.leg_id if attempt.charged else "",
    )


def _leg_of(attempt: Attempt, status: LegStatus, released_by: ReleasedBy | None, reason: str = "") -> Leg:
    return _leg_of_number(attempt.number, attempt.trunk, status, released_by, reason)


def _leg_of_number(
    number: DialledNumber, trunk: str, status: LegStatus, released_by: ReleasedBy | None, reason: str = ""
) -> Leg:
    return Leg(
        dialled=number.dialled,
        trunk=trunk,
        status=status,
        released_by=released_by,
        keyed=number.keyed,
        sent=number.sent,
        as_keyed=number.as_keyed,
        reason=reason,
    )
