"""Slot `authenticate`: finds out who calls, by number, code or card; who that is pays from then on."""

# ruff: noqa: S105 -- words of fields, not passwords
from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from ringflow.accounts.caller_accounts import Remembering
from ringflow.accounts.cards.authentication import Admitted
from ringflow.accounts.cards.pin import MAX_PIN_DIGITS
from ringflow.accounts.cards.refusal import Refusal, Why
from ringflow.accounts.cli_codes import MAX_CODE_DIGITS
from ringflow.accounts.customers import Customer
from ringflow.accounts.directory_changes import MAX_INTEGER
from ringflow.calls.prompt import Circumstances, SaidValue, Speech
from ringflow.calls.variables import Variables
from ringflow.flows.card_slot import CardSlot
from ringflow.flows.exit_rules import Condition, absent, both, either, matching
from ringflow.flows.slot import FieldProblem, SinglePrompt, SlotGroup
from ringflow.flows.spoken import Language, words_of
from ringflow.speaking import Manner, SaidAs, say_balance

if TYPE_CHECKING:
    from ringflow.calls.call import Call

Way: TypeAlias = Literal["cli", "code", "card", "pin", "password"]
Remember: TypeAlias = Literal["ask", "silent", "forbidden"]
Announced: TypeAlias = Literal["balance", "expiry", "language"]

YES_KEY = "1"
ACCOUNT_DIGITS = len(str(MAX_INTEGER))
_ORDER: dict[Way, int] = {"cli": 0, "code": 1, "card": 2, "pin": 2}
"""In which order ways are tried: those that ask for less go first."""


def _written_short(value: object) -> object:
    return {True: "ask", False: "forbidden"}.get(value, value) if isinstance(value, bool) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_WrittenWays = Annotated[tuple[Way, ...], Field(min_length=1, max_length=3)]
Ways = Annotated[_WrittenWays, BeforeValidator(_listed, json_schema_input_type=Way | _WrittenWays)]
"""One way, or a list of them in the order in which they are tried."""

RememberField = Annotated[Remember, BeforeValidator(_written_short, json_schema_input_type=bool | Remember)]
"""`ask`, `silent`, `forbidden`; `true` and `false` are the first and the last of these."""


@dataclass(frozen=True, slots=True)
class _Identified:
    """Who calls; `card_id`: the card that said so, if one did."""

    customer: Customer
    card_id: str | None = None


@dataclass(frozen=True, slots=True)
class _LastDay:
    """The last day before a moment, in the operator's time zone; of a moment within a day, that day."""

    expires_ms: int
    language: str

    def speech(self, variables: Variables, circumstances: Circumstances) -> Speech:
        """The day, said as a date."""
        last = datetime.fromtimestamp((self.expires_ms - 1) // 1000, circumstances.zone).date()
        return SaidValue(last.isoformat(), Manner(SaidAs.DATE, self.language, zone=circumstances.zone))


_ASKS = {
    "not": both(
        matching("by", {"enum": ["cli", ["cli"]]}),
        either(absent("password"), matching("password", {"const": "no"})),
    )
}
"""Whether the caller has to key anything, as far as the way in says."""


class Authenticate(CardSlot):
    """Finds out who calls. That customer pays for the calls that follow."""

    slot_group: ClassVar[SlotGroup] = SlotGroup.ACCOUNT
    fixed_exits: ClassVar[tuple[str, ...]] = ("done", "failed", "locked", "no_input")
    exit_conditions: ClassVar[Mapping[str, Condition]] = {
        "locked": _ASKS,
        "no_input": _ASKS,
    }

    by: Ways = Field("card", validate_default=True)
    """`cli`: the calling number; `code`: a calling number that several share, and a code; `card`: a card's
    number and PIN; `pin`: a PIN that opens a card alone. A list, such as `[cli, code, card]`, is tried in
    order. `password`: the service password of who was identified before."""
    unknown_file: SinglePrompt = "CARD/unknown"
    """Played when nobody has the calling number, and no other way is left."""
    code_file: SinglePrompt = "CARD/code"
    """Asks for the code of a caller whose number is shared."""
    account_file: SinglePrompt = "CARD/account"
    """Asks for the number of the account too, after too many wrong codes at that number."""
    code_wrong_file: SinglePrompt = "CARD/code-wrong"
    """Played when the code, or the service password, is not right."""
    password: Literal["no", "if_set", "required"] = "no"
    """Whether a service password is asked for besides. `if_set`: of customers who have one; `required`:
    whoever has none is refused."""
    password_file: SinglePrompt = "CARD/password"
    """Asks for the service password."""
    no_password_file: SinglePrompt = "CARD/no-password"
    """Played to a customer who has none where one is required."""
    busy_file: SinglePrompt = "CARD/busy"
    """Played when the customer has as many calls as it may have."""
    remember: RememberField = "forbidden"
    """Whether a caller with a card is known by the calling number from now on. `ask` or `true`: after key 1;
    `silent`: without a question; `forbidden` or `false`: no."""
    remember_file: SinglePrompt = "CARD/remember"
    """The offer: key 1 accepts it."""
    remembered_file: SinglePrompt = "CARD/remembered"
    """Played when the number will be known."""
    not_remembered_file: SinglePrompt = "CARD/not-remembered"
    """Played when the number is another customer's."""
    announce: tuple[Announced, ...] = ()
    """What is said afterwards, in this order: the `balance`; the `expiry`, which is the last day of the card
    that made the account; the `language` of the call."""
    expiry_file: SinglePrompt = "CARD/good-until"
    """Played before that day."""
    language_file: SinglePrompt = "CARD/language"
    """Says in the call's language which one it is."""
    language: Language | None = None
    """The language of balance and expiry; without one that of the call."""

    def problems(self) -> Iterator[FieldProblem]:
        """Ways that can never be tried, and fields that mean nothing with those that are."""
        ways = self.by
        if "password" in ways:
            yield from self._password_problems()
        elif len(set(ways)) < len(ways) or {"card", "pin"} <= set(ways):
            yield FieldProblem("by", "two ways ask for the same", "give `cli` and one of `card` and `pin`")
        elif "cli" in ways[1:]:
            yield FieldProblem("by", "`cli` asks for nothing, so it goes first", "write `cli` first")
        elif (ordered := sorted(ways, key=_ORDER.__getitem__)) != list(ways):
            what = f"`code` is never tried after `{ordered[-1]}`, which asks whoever calls"
            yield FieldProblem("by", what, f"write [{', '.join(ordered)}]")
        if self.remember != "forbidden" and not self._takes_cards:
            yield FieldProblem("remember", "only callers with a card are remembered", "remove it")
        twice = [one for index, one in enumerate(self.announce) if one in self.announce[:index]]
        if twice:
            yield FieldProblem("announce", f"`{twice[0]}` would be said twice", "write it once")

    def _password_problems(self) -> Iterator[FieldProblem]:
        if len(self.by) > 1:
            what = "`password` proves who was identified before, and finds nobody"
            yield FieldProblem("by", what, "write `password: required` beside the other ways")
        elif self.password == "no" and "password" in self.model_fields_set:
            yield FieldProblem("password", "a password is asked for, and is not", "remove it")

    @property
    def exits(self) -> tuple[str, ...]:
        """By the calling number alone nobody is asked for anything."""
        asks = self.by != ("cli",) or self.password != "no"
        return self.fixed_exits if asks else ("done", "failed")

    def prompts(self) -> Iterator[tuple[str, str]]:
        """Those of the fields, and the words of what is announced."""
        yield from super().prompts()
        if "balance" in self.announce:
            yield from words_of(self.language, "balance")
        if "expiry" in self.announce:
            yield from words_of(self.language, SaidAs.DATE)

    async def run(self, call: Call) -> str:
        """Try the ways in order."""
        if self.by == ("password",):
            return await self._prove(call)
        found: _Identified | str | None = None
        if "code" in self.by and await call.account.caller_accounts.is_shared(call.account.cli):
            found = await self._by_code(call)
        elif "cli" in self.by:
            found = await self._by_cli(call)
        if isinstance(found, _Identified):
            return await self._admit(call, found)
        if found is not None:
            return found
        if self._takes_cards:
            return await self._by_card(call)
        await call.media.play(self.unknown_file)
        return "failed"

    @property
    def _takes_cards(self) -> bool:
        return self.by[-1] in ("card", "pin")

    async def _by_cli(self, call: Call) -> _Identified | None:
        customer = await call.account.caller_accounts.recognise(call.account.cli)
        if customer is not None and customer.status == "active":
            return _Identified(customer)
        call.note("cli_unknown" if customer is None else "customer_not_active")
        return None

    async def _by_code(self, call: Call) -> _Identified | str | None:
        """Ask which of the customers of the number calls; None: it may still be one with a card."""
        tries = self.tries()
        while tries.left:
            code = await self.ask(call, self.code_file, MAX_CODE_DIGITS, secret=True, fixed_length=False)
            if not code and self._takes_cards:
                call.note("no_code")
                return None
            found = None if code is None else await self._open_code(call, code)
            if isinstance(found, Customer):
                return _Identified(found)
            if found is not None and found.why is Why.LOCKED and self._takes_cards:
                call.note("card_refused", f"{found.why}, a card is asked for")
                return None
            ended = await self.refuse(call, found, tries, self.code_wrong_file)
            if ended == "locked":
                break
        return ended

    async def _open_code(self, call: Call, code: str) -> Customer | Refusal | None:
        """The customer of a code. After too many wrong ones the account's number is asked for too."""
        cli, caller_accounts = call.account.cli, call.account.caller_accounts
        assert cli is not None, "a number is shared"
        found = await caller_accounts.open_code(cli, code)
        if not isinstance(found, Refusal) or found.why is not Why.NEEDS_ID:
            return found
        call.note("account_number_needed")
        account = await self.ask(call, self.account_file, ACCOUNT_DIGITS, secret=True, fixed_length=False)
        if account is None:
            return None
        if not (account.isdigit() and 1 <= int(account) <= MAX_INTEGER):
            return Refusal(Why.MISTYPED)
        return await caller_accounts.open_code(cli, code, int(account))

    async def _by_card(self, call: Call) -> str:
        tries = self.tries()
        while tries.left:
            found = await self._open(call)
            if isinstance(found, Admitted):
                return await self._admit(call, _Identified(found.customer, found.card.id))
            ended = await self.refuse(call, found, tries)
            if ended == "locked":
                break
        return ended

    async def _open(self, call: Call) -> Admitted | Refusal | None:
        def open_card(card_id: str | None, pin: str) -> Awaitable[Admitted | Refusal]:
            return call.account.caller_accounts.open_card(card_id, pin, call.account.caller)

        by_keys = self.open_by_pin if self.by[-1] == "pin" else self.open_by_number
        return await by_keys(call, open_card)

    async def _prove(self, call: Call) -> str:
        """Ask whoever was identified before for the service password."""
        if call.account.customer is None:
            call.note("nobody_identified")
            return "failed"
        required = "if_set" if self.password == "if_set" else "required"
        return await self._by_password(call, call.account.customer, required)

    async def _by_password(self, call: Call, customer: Customer, asked: str) -> str:
        """Ask for the customer's service password; `done` where it is right, or is not asked for."""
        if asked == "no":
            return "done"
        caller_accounts = call.account.caller_accounts
        if not await caller_accounts.has_password(customer.id):
            call.note("no_password", f"customer {customer.id}")
            if asked == "if_set":
                return "done"
            await call.media.play(self.no_password_file)
            return "failed"
        tries = self.tries()
        while tries.left:
            keyed = await self.ask(call, self.password_file, MAX_PIN_DIGITS, secret=True, fixed_length=False)
            refusal = None if keyed is None else await caller_accounts.check_password(customer.id, keyed)
            if keyed is not None and refusal is None:
                return "done"
            ended = await self.refuse(call, refusal, tries, self.code_wrong_file)
            if ended == "locked":
                break
        return ended

    async def _admit(self, call: Call, found: _Identified) -> str:
        ended = await self._by_password(call, found.customer, self.password)
        if ended != "done":
            return ended
        if not await call.account.identify_as(found.customer, found.card_id):
            await call.media.play(self.busy_file)
            return "failed"
        if found.card_id is not None and self.remember != "forbidden":
            await self._remember(call, found.customer)
        for one in self.announce:
            await self._say(call, one, found.customer)
        return "done"

    async def _remember(self, call: Call, customer: Customer) -> None:
        if call.account.cli is None:
            return
        owner = await call.account.caller_accounts.recognise(call.account.cli)
        if owner is not None and owner.id == customer.id:
            return
        asks = self.remember == "ask"
        if asks and await self.ask(call, self.remember_file, 1, secret=False) != YES_KEY:
            return
        remembered = await call.account.caller_accounts.remember(customer.id, call.account.cli)
        call.note("remember", remembered)
        if asks:
            taken = remembered is Remembering.TAKEN
            await call.media.play(self.not_remembered_file if taken else self.remembered_file)

    async def _say(self, call: Call, what: Announced, customer: Customer) -> None:
        if what == "language":
            await call.media.play(self.language_file)
            return
        language = self.language or call.language
        if what == "expiry":
            expires_ms = await call.account.caller_accounts.card_expires_ms(customer.id)
            if expires_ms is not None:
                await call.media.play(self.expiry_file, _LastDay(expires_ms, language))
            return
        micros = await call.account.caller_accounts.available_micros(customer.id)
        await call.media.play(*say_balance(micros, customer.currency, language))
