"""What a scenario says, field by field; docs/scenarios.md is its guide."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    model_validator,
)

from ringflow.accounts.script_fields import SCRIPT_NAME_PATTERN
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.accounts.value_lists.list_name import NAME_PATTERN
from ringflow.calls.outcome import LegStatus, ReleasedBy
from ringflow.config import CustomerDeclaration, Digits, TrunkDeclaration
from ringflow.ledger.rates.card import BelowCost
from ringflow.simulator.callee import Callee
from ringflow.simulator.callee_plan import CalleePlans
from ringflow.simulator.caller import CallerStep, HangsUp, Hears, Keys, Speaks, Waits
from ringflow.simulator.durations import DurationMs
from ringflow.simulator.line import QUESTION
from ringflow.simulator.originate_plan import OriginatePlan
from ringflow.simulator.scenario_fields import (
    Amount,
    CalendarDays,
    CalledNumber,
    CardId,
    CliCode,
    Frozen,
    HeaderName,
    HeaderValue,
    KeyText,
    Moment,
    Number,
    PaidIn,
    Pin,
    Prefix,
    QueueName,
    VoucherCode,
    listed,
)
from ringflow.simulator.scenario_queue import GivenQueue
from ringflow.validation import Text
from ringflow.wording import no_value

SipCode = Annotated[int, Field(ge=200, le=699)]
DEFAULT_DID = "18005550100"
DEFAULT_CLI = "441910000001"
DEFAULT_CUSTOMER = CustomerDeclaration(id=42, clis=(DEFAULT_CLI,))
DEFAULT_TRUNK = TrunkDeclaration(name="carrier", dial="PJSIP/{number}@carrier")
ANONYMOUS = "anonymous"
MAX_CALLS = 50
EVERY_MS = 250
LEAST_GAP_MS = 150
"""Between keys that are held longer than usual, where a scenario does not say how soon they follow."""

STEP_MODIFIERS = {
    "hears": frozenset({"for"}),
    "keys": frozenset({"every", "tone", "after", "pause"}),
    "waits": frozenset[str](),
    "speaks": frozenset[str](),
    "hangs_up": frozenset({"after"}),
}
"""What a caller's step can be, and what may stand beside it."""


def _fits_tone(step: Step) -> Step:
    if step.keys is not None and step.every is not None and step.every <= step.tone:
        raise ValueError("keys would overlap: `every` must be longer than `tone` || make `every` longer")
    return step


class Step(Frozen):
    """One thing that the caller does: exactly one of `hears`, `keys`, `waits`, `speaks` and `hangs_up`."""

    hears: str | None = None
    listens: DurationMs | None = Field(default=None, alias="for")
    keys: KeyText | None = None
    every: DurationMs | None = None
    tone: DurationMs = 100
    pause: DurationMs = 1000
    after: DurationMs = 0
    waits: DurationMs | None = None
    speaks: DurationMs | None = None
    hangs_up: Literal[True] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_verb(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        verbs = [verb for verb in STEP_MODIFIERS if verb in value]
        known = {word for words in STEP_MODIFIERS.values() for word in words}
        if not verbs and set(value) - known:
            return value  # refused for its unknown keys, with the nearest known ones
        if len(verbs) != 1:
            what = f"{' and '.join(verbs)} stand in one step" if verbs else "this step does nothing"
            raise ValueError(f"{what} || write one of {', '.join(STEP_MODIFIERS)} in each step")
        if value[verbs[0]] is None:
            what, mend = no_value(verbs[0])
            raise ValueError(f"{what} || {mend}")
        foreign = sorted(known & set(value) - STEP_MODIFIERS[verbs[0]])
        if foreign:
            fitting = ", ".join(sorted(STEP_MODIFIERS[verbs[0]])) or "nothing"
            raise ValueError(f"`{foreign[0]}` means nothing with `{verbs[0]}` || with it goes {fitting}")
        return value

    def action(self) -> CallerStep:
        """The step as the scripted caller takes it."""
        if self.hears is not None:
            return Hears(None if self.hears == QUESTION else self.hears, self.listens)
        if self.keys is not None:
            every_ms = max(EVERY_MS, self.tone + LEAST_GAP_MS) if self.every is None else self.every
            return Keys(self.keys, every_ms, self.tone, self.after, self.pause)
        if self.speaks is not None:
            return Speaks(self.speaks)
        return Waits(self.waits) if self.waits is not None else HangsUp(self.after)


class TopUp(Frozen):
    """Money paid in `after` the answer of the callee, while the talk goes on."""

    after: DurationMs
    amount: PaidIn
    customer: int = DEFAULT_CUSTOMER.id


class ScenarioCard(Frozen):
    """A card: `customer` is its template; with `pin_only` the PIN opens it without the ID."""

    id: CardId
    pin: Pin
    customer: int = DEFAULT_CUSTOMER.id
    credit: Amount = "0"
    status: Literal["available", "disabled"] = "available"
    pin_only: bool = False
    expired: bool = False
    expires: Moment | None = None


class ScenarioVoucher(Frozen):
    """A voucher that gives `value`."""

    code: VoucherCode
    value: Amount
    currency: str = "USD"
    status: Literal["available", "disabled"] = "available"


class ScenarioSpeedDial(Frozen):
    """A number that a customer keeps under a key."""

    place: Annotated[int, Field(ge=0, le=99)]
    number: Number
    customer: int = DEFAULT_CUSTOMER.id


class ScenarioCliCode(Frozen):
    """A calling number that several customers share, and the code by which one of them is known there."""

    number: Number
    code: CliCode
    customer: int = DEFAULT_CUSTOMER.id


class ScenarioList(Frozen):
    """An operators' list."""

    kind: ListKind = ListKind.NUMBERS
    entries: tuple[Text, ...] = ()


def _of_numbers(value: object) -> object:
    return {"entries": value} if isinstance(value, list) else value


class ScriptAnswer(Frozen):
    """What a script does instead of being run: `returns` is laid over what it is given.

    `customer`: it says who pays, with a key for it. `throws`: the message of an error. `times_out`: it takes
    longer than it may.
    """

    returns: dict[str, JsonValue] = Field(default_factory=dict)
    customer: int | None = None
    throws: str | None = None
    times_out: bool = False

    @model_validator(mode="after")
    def _one_end(self) -> ScriptAnswer:
        ends = {"returns", "throws", "times_out"} & self.model_fields_set
        if len(ends) > 1 or (self.customer is not None and ends - {"returns"}):
            raise ValueError("a script ends in one way || write one of `returns`, `throws` and `times_out`")
        return self


class HttpReply(Frozen):
    """What a host answers to a request, `after` so long: `json`, or a body of `text`.

    `fails`: there is no answer, and this is why. `times_out`: none in time. `echoes`: the answer is the
    request as JSON, with `method`, `url`, `headers` and `body`.
    """

    status: Annotated[int, Field(ge=200, le=599)] = 200
    data: JsonValue = Field(default=None, alias="json")
    text: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    after: DurationMs = 0
    fails: Text | None = None
    times_out: bool = False
    echoes: bool = False

    @model_validator(mode="after")
    def _one_end(self) -> HttpReply:
        ends = {"data", "text", "fails", "times_out", "echoes"} & self.model_fields_set
        if len(ends) > 1:
            raise ValueError(
                "a request ends in one way || write one of `json`, `text`, `echoes`, `fails`, `times_out`"
            )
        return self


def _script_answers(value: object) -> object:
    return value if isinstance(value, str) else listed(value)


GivenScript = Annotated[
    str | tuple[ScriptAnswer, ...],
    BeforeValidator(_script_answers, json_schema_input_type=str | ScriptAnswer | tuple[ScriptAnswer, ...]),
]
"""The text of a script, which is run, or its answers, one for each run; the last one is for all others."""

GivenReplies = Annotated[
    tuple[HttpReply, ...],
    BeforeValidator(listed, json_schema_input_type=HttpReply | tuple[HttpReply, ...]),
]
"""The answers of a URL, one for each request; the last one is for all others."""

GivenList = Annotated[
    ScenarioList,
    BeforeValidator(_of_numbers, json_schema_input_type=ScenarioList | tuple[Text, ...]),
]
"""A list, or values alone, which are numbers."""


class ScenarioDid(Frozen):
    """The DID that is called; its number and app have defaults."""

    number: Digits | None = None
    app: str | None = None
    identify: Literal["cli", "none"] = "cli"
    customer: int | None = None
    enabled: bool = True
    channels: int | None = None
    reject_code: Annotated[int, Field(ge=400, le=699)] = 403
    withheld: Literal["reject", "identify"] = "identify"
    variable: str | None = None
    script: str | None = None
    script_timeout_s: Annotated[float, Field(ge=0.01, le=10)] | None = None
    script_fallback: str | None = None
    script_vars: str | None = None
    hangup_script: str | None = None
    hangup_script_timeout_s: Annotated[float, Field(ge=0.01, le=10)] | None = None
    hangup_script_vars: str | None = None


class ScenarioCustomer(CustomerDeclaration):
    """A customer with money: amounts in its currency, limits as the ledger has them."""

    credit: Amount | None = None
    debit_limit: Amount | None = None
    daily_limit: Amount | None = None
    service_password: Pin | None = None

    def declared(self) -> CustomerDeclaration:
        """The customer as a configuration would declare it."""
        fields = self.model_dump(exclude={"credit", "debit_limit", "daily_limit", "service_password"})
        return CustomerDeclaration(**fields)


class ScenarioRate(Frozen):
    """What calls to a prefix cost: `price` a minute; `minimum`, `increment` and `grace` are seconds.

    No call to one that is `blocked` is put through.
    """

    prefix: Prefix
    price: Amount
    connection: Amount = "0"
    minimum: Annotated[int, Field(ge=1)] = 1
    increment: Annotated[int, Field(ge=1)] = 1
    grace: Annotated[int, Field(ge=0)] = 0
    blocked: bool = False


class Given(Frozen):
    """The world in which the call happens; what is not given comes from `config.yaml`, then from defaults.

    `costs`: what trunks cost us, by their names; `below_cost`: what the customers' rates say of trunks that
    cost more. `calendars`: the days of operators' calendars, by their names; `overrides`: the exits that
    schedules take whatever their hours say, by the names under which they are overridden. `scripts`: texts
    or answers of scripts, by their names, in place of files. `http`: what other hosts answer, by URL without
    its query, or by method and URL: no scenario asks the network. `api_users`: the
    operators as whom scripts may use the API, each with a role. `callees`: who is met at a number, a device
    or a SIP URI, whichever call dials it. `queues`: Asterisk's queues by their names. `manager`: whether
    Ringflow has a connection to Asterisk's manager interface. `disk_full`: there is no room for recordings.
    `echo`: whether the dialplan has what the slot `echo` needs. `seed`: what is left to chance comes the same
    for the same seed and caller.
    """

    customer: ScenarioCustomer | None = None
    customers: tuple[ScenarioCustomer, ...] | None = None
    rates: tuple[ScenarioRate, ...] | None = None
    costs: dict[str, tuple[ScenarioRate, ...]] = Field(default_factory=dict)
    below_cost: BelowCost = BelowCost.REFUSE
    cards: tuple[ScenarioCard, ...] = ()
    vouchers: tuple[ScenarioVoucher, ...] = ()
    speed_dials: tuple[ScenarioSpeedDial, ...] = ()
    cli_codes: tuple[ScenarioCliCode, ...] = ()
    calendars: dict[str, tuple[CalendarDays, ...]] = Field(default_factory=dict)
    overrides: dict[str, Text] = Field(default_factory=dict)
    lists: dict[Annotated[str, Field(pattern=NAME_PATTERN)], GivenList] = Field(default_factory=dict)
    scripts: dict[Annotated[str, Field(pattern=SCRIPT_NAME_PATTERN)], GivenScript] = Field(
        default_factory=dict
    )
    http: dict[str, GivenReplies] = Field(default_factory=dict)
    api_users: dict[str, str] = Field(default_factory=dict)
    callees: dict[Annotated[str, Field(min_length=1, max_length=200)], CalleePlans] = Field(
        default_factory=dict
    )
    queues: dict[QueueName, GivenQueue] = Field(default_factory=dict)
    did: ScenarioDid | None = None
    trunks: tuple[TrunkDeclaration, ...] | None = None
    uri_hosts: tuple[str, ...] | None = None
    manager: bool = True
    disk_full: bool = False
    echo: bool = True
    now: Moment | None = None
    seed: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Given:
        people = (*(self.customers or ()), *([self.customer] if self.customer else []))
        money = {"credit", "debit_limit", "daily_limit"}
        if self.rates is None and any(money & one.model_fields_set for one in people):
            raise ValueError(
                "without `rates` calls cost nothing, so there is no money || write `rates: [...]`"
            )
        if self.rates is None and self.costs:
            raise ValueError(
                "without `rates` nothing is sold, so nothing is below cost || write `rates: [...]`"
            )
        if self.customer is not None and self.customers is not None:
            raise ValueError("`customer` and `customers` are both given || keep one of them")
        return self


class IncomingPlan(Frozen):
    """The incoming call. No `from`: no number arrives; `anonymous`: the caller withholds it."""

    did: CalledNumber = DEFAULT_DID
    caller: Number | None = Field(default=None, alias="from")
    presentation: Literal["allowed", "restricted"] = "allowed"
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=10)] = Field(default_factory=dict)
    """Further headers of the INVITE."""
    gives_up_after: DurationMs | None = None
    """So long after the arrival the caller hangs up, unless the call is answered before."""


class RejectExpected(Frozen):
    """How the call must be refused."""

    sip: Annotated[int, Field(ge=400, le=699)]
    reason: str | None = None


class LegExpected(Frozen):
    """What must be true of one outgoing attempt; what is not given is not looked at."""

    dialled: Text | None = None
    sent: Text | None = None
    trunk: str | None = None
    status: LegStatus | None = None
    sip: SipCode | None = None
    cause: Annotated[int, Field(ge=0, le=127)] | None = None
    released_by: ReleasedBy | None = None
    talked: DurationMs | None = None
    caller_id: Text | None = None
    headers: dict[str, Text | None] = Field(default_factory=dict)


class RecordingExpected(Frozen):
    """What must be in a recording: how long it is, and for how long something is said in it."""

    length: DurationMs | None = None
    spoken: DurationMs | None = None


class Expected(Frozen):
    """What must come of the call; what is not given is not looked at."""

    outcome: str | None = None
    reject: RejectExpected | None = None
    app: str | None = None
    customer: int | None = None
    dialled: Text | None = None
    talked: DurationMs | None = None
    charged: Amount | None = None
    credit: Amount | None = None
    caller_id: Text | None = None
    headers: dict[str, Text | None] = Field(default_factory=dict)
    legs: tuple[LegExpected, ...] | None = None
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    prompts: tuple[str, ...] | None = None
    says: tuple[Text, ...] | None = None
    heard: tuple[str, ...] | None = None
    """All that the caller hears, in order: prompts, and what `hears` knows besides."""
    transcript: tuple[str, ...] = ()
    recordings: tuple[RecordingExpected, ...] | None = None
    kept: dict[str, JsonValue] = Field(default_factory=dict)
    """What scripts have kept in the end, by its keys; null: nothing."""
    endless: DurationMs | None = None
    """So long after its arrival nobody has ended the call. Then the caller hangs up."""


class CallScript(Frozen):
    """One scripted call, and what must come of it."""

    call: IncomingPlan = IncomingPlan(caller=DEFAULT_CLI)
    caller: tuple[Annotated[Step, AfterValidator(_fits_tone)], ...] = ()
    callee: CalleePlans = ()
    top_up: Annotated[
        tuple[TopUp, ...], BeforeValidator(listed, json_schema_input_type=TopUp | tuple[TopUp, ...])
    ] = ()
    expect: Expected

    @property
    def steps(self) -> tuple[CallerStep, ...]:
        """What the caller does."""
        return tuple(step.action() for step in self.caller)

    @property
    def callees(self) -> tuple[Callee, ...]:
        """Who is met, attempt by attempt; the last one meets every further attempt."""
        return tuple(plan.callee() for plan in self.callee)


class ScenarioCall(CallScript):
    """One of several calls of a scenario: it arrives `after` the beginning of the first one.

    With `called` Ringflow calls somebody, who meets that so; `caller` is then what he does once he has
    answered, and `dialling` what must come of the call that rings him. With `originate` the scenario asks for
    that call, without it a flow does.
    """

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    after: DurationMs = 0
    called: CalleePlans | None = None
    originate: OriginatePlan | None = None
    dialling: Expected = Expected()

    @model_validator(mode="before")
    @classmethod
    def _expects_something(cls, value: object) -> object:
        if not isinstance(value, dict) or value.get("called") is None:
            return value
        # Nothing need come of an app to which nobody comes.
        return {"expect": {}, **value}

    @model_validator(mode="after")
    def _calls_or_is_called(self) -> ScenarioCall:
        if self.called is None:
            for name in ("originate", "dialling"):
                if name in self.model_fields_set:
                    raise ValueError(
                        f"`{name}` stands without `called` || write `called: {{answers_after: 2s}}`"
                    )
        elif "call" in self.model_fields_set:
            raise ValueError("`call` stands beside `called` || who calls is not called: remove one of them")
        elif self.originate is None and self.after:
            raise ValueError("`after` says when a call is asked for || write `originate`, or remove `after`")
        return self

    @property
    def called_parties(self) -> tuple[Callee, ...]:
        """Who is met by the call that Ringflow makes, attempt by attempt."""
        return tuple(plan.callee() for plan in self.called or ())

    def label(self, number: int) -> str:
        """How the call, the `number`th of its scenario, is named to people."""
        return f"call {number}" if self.name is None else f"call {number} ({self.name})"


class Scenario(CallScript):
    """One scripted call, or several `calls` in the same world, and what must come of them."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    flow: Any = None
    """Slots for this scenario only, as in a flow file."""
    given: Given = Given()
    calls: Annotated[tuple[ScenarioCall, ...], Field(min_length=1, max_length=MAX_CALLS)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_call_or_several(cls, value: object) -> object:
        if not isinstance(value, dict) or "calls" not in value:
            return value
        for name in CallScript.model_fields:
            if name in value:
                raise ValueError(
                    f"`{name}` stands beside `calls` || write it under the call that it belongs to"
                )
        # What must come of the calls stands with each of them.
        return {**value, "expect": {}}

    @model_validator(mode="after")
    def _has_money(self) -> Scenario:
        if self.given.rates is None and any(one.top_up for one in self.scripts):
            raise ValueError(
                "without `rates` calls cost nothing, so nobody pays in || write `rates: [...]` under `given`"
            )
        return self

    @property
    def scripts(self) -> tuple[ScenarioCall, ...]:
        """Its calls, in the order in which they are written."""
        if self.calls is not None:
            return self.calls
        own = {name: getattr(self, name) for name in CallScript.model_fields if name in self.model_fields_set}
        return (ScenarioCall.model_construct(**own),)
