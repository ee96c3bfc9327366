"""`docs/json.md`: each form with its fields, what they are, and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_type_hints

from ringflow.forms.account import (
    AccountForm,
    BooksFindingForm,
    BooksForm,
    HoldForm,
    LimitsForm,
    MovementForm,
)
from ringflow.forms.audit_entry import AuditEntryForm
from ringflow.forms.bulk import BulkForm
from ringflow.forms.calendar import CalendarEntryForm, CalendarForm, HolidayForm, OverrideForm
from ringflow.forms.call import CallDetailForm, CallForm, LegForm, SlotVisitForm
from ringflow.forms.caller_secret import CliCodeForm, NewCliCodeForm, NewServicePasswordForm
from ringflow.forms.card import AlteredCardsForm, BatchForm, CardForm
from ringflow.forms.cli_number import CliForm
from ringflow.forms.customer import CustomerDetailForm, CustomerForm
from ringflow.forms.customer_access import (
    CustomerTokenForm,
    LoginForm,
    NewCustomerTokenForm,
    SignInForm,
)
from ringflow.forms.did import DidForm
from ringflow.forms.field import FIELDS, Kind
from ringflow.forms.flow import (
    AppFieldForm,
    DraftForm,
    ExitRuleForm,
    FlowCheckForm,
    FlowDetailForm,
    FlowDifferenceForm,
    FlowExitForm,
    FlowForm,
    FlowHistoryForm,
    FlowPictureForm,
    FlowSlotForm,
    FlowTextForm,
    FlowUsesForm,
    NewFlowForm,
    ProblemForm,
    PublicationForm,
    ServerFlowForm,
    SlotPlaceForm,
    SlotTypeForm,
    TemplateForm,
)
from ringflow.forms.job import JobForm
from ringflow.forms.live_call import LiveCallForm, OrderForm, RevisionCallsForm
from ringflow.forms.made_call import MadeCallForm, MadeLegForm, TranscriptEventForm
from ringflow.forms.operator import (
    EnrolmentForm,
    NewPasswordLinkForm,
    NewTokenForm,
    OperatorForm,
    PasskeyForm,
    PasskeyOptionsForm,
    PasskeysForm,
    PasswordLinkForm,
    RecoveryCodesForm,
    RoleForm,
    SecondFactorForm,
    SessionForm,
    SignedInForm,
    TokenForm,
)
from ringflow.forms.origination import OriginationForm
from ringflow.forms.own import (
    CallBackForm,
    OwnAccountForm,
    OwnCallForm,
    OwnCardForm,
    OwnCliForm,
    OwnLegForm,
    OwnMovementForm,
    OwnQuoteForm,
    OwnSpeedDialForm,
    OwnStatementEntryForm,
    OwnStatementForm,
    OwnTokenForm,
    OwnVoucherForm,
)
from ringflow.forms.prompt import ImportedPromptForm, PromptDetailForm, PromptForm
from ringflow.forms.rate import (
    AssignmentForm,
    CardQuoteForm,
    ComparisonForm,
    DifferenceCountForm,
    ImportedRatesForm,
    LossForm,
    QuoteForm,
    RateCardDifferenceForm,
    RateCardForm,
    RateDifferenceForm,
    RateForm,
    RateMapForm,
    RateSheetForm,
    SheetColumnForm,
    SheetRateForm,
    TrunkQuoteForm,
)
from ringflow.forms.recording import DeletedRecordingsForm, RecordingForm
from ringflow.forms.report import FORMS as REPORT_FORMS
from ringflow.forms.report import ReportAmountsForm
from ringflow.forms.script import (
    ScriptCheckForm,
    ScriptDifferenceForm,
    ScriptForm,
    ScriptRunForm,
    ScriptTextForm,
)
from ringflow.forms.simulation import (
    DialledForm,
    PlayedScenarioForm,
    PlayedScenariosForm,
    ScenarioForm,
    ScenarioRunForm,
    SimulationForm,
    SlotCoverageForm,
)
from ringflow.forms.speed_dial import SpeedDialForm
from ringflow.forms.statement import StatementEntryForm, StatementForm
from ringflow.forms.system import (
    FindingForm,
    PartForm,
    PrincipalForm,
    ServerForm,
    SettingForm,
    SettingsForm,
    StatusForm,
    VersionForm,
)
from ringflow.forms.trunk import TrunkForm, TrunkHeadersForm
from ringflow.forms.value_list import ValueListDetailForm, ValueListEntryForm, ValueListForm
from ringflow.forms.voucher import VoucherForm
from ringflow.forms.whole_call import LegHoldForm, WholeCallForm

HEAD = """\
# JSON

To use what Ringflow knows in a program, run a command with `--json`:

    ringflow customer list --json
    ringflow record list --since 24h --json

A thing has one form, whichever command prints it. Exports use the same names for their columns; where a line
is about two things, the fields of the second that the first has too begin with its noun (`leg_reason`).

- **Names.** A field has one name, type and meaning in all forms. A thing is referred to by its noun:
  `customer` is a customer's id, `card` a calling card's ID, `rate_card` a rate card's name. Calls and legs
  are `call_id` and `leg_id`, as in the log.
- **Money** is decimal text with at least as many decimals as its currency has (`"5.00"`, `"0.0125"`), and the
  currency stands beside it.
- **Times** are RFC 3339 in UTC (`2026-07-01T06:00:00Z`); their names are `at` or end in `_at`. CSV and
  workbooks have the same columns in the operator's [time zone](configuration.md#time-zone), with the offset.
  `expires` is a day there, as `--expires` takes it.
- **Lengths** are seconds, as numbers with three decimals at most; their names end in `_s`.
- A field that is not known, or does not apply, is null; no field is left out.

This page is made by `ringflow schema --forms --out docs/json.md --overwrite` from the forms themselves.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A form on the page: where it is met, and what its example has of its own."""

    title: str
    form: type[Any]
    met: str
    example: Mapping[str, Any]


SECTIONS = (
    Section("Customer, in a list", CustomerForm, "`customer list`", {"name": "Example Ltd"}),
    Section("Customer", CustomerDetailForm, "`customer show`", {"name": "Example Ltd"}),
    Section("CLI", CliForm, "`cli`", {"id": 1, "number": "441910000001", "pattern": None}),
    Section("DID", DidForm, "`did`", {"customer": None, "channels": None}),
    Section("Script", ScriptForm, "`script list`", {"name": "pinless"}),
    Section("Text that a script had", ScriptTextForm, "`script history`", {}),
    Section("Difference of two texts of a script", ScriptDifferenceForm, "`script diff`", {}),
    Section("Check of a script's text", ScriptCheckForm, "the API", {}),
    Section("Run of a script", ScriptRunForm, "`script run`", {"reject_sip": None, "reason": None}),
    Section("Code at a shared CLI", CliCodeForm, "`cli code`", {}),
    Section(
        "Code that was just made", NewCliCodeForm, "`cli add --code`, `cli code rotate`", {"code": "482913"}
    ),
    Section("Service password that was just made", NewServicePasswordForm, "`customer password`", {}),
    Section("Speed dial", SpeedDialForm, "`speed-dial`", {"number": "441910000009", "name": "Ann"}),
    Section("Trunk", TrunkForm, "`trunk`", {"position": 100, "server": ""}),
    Section("Headers of a trunk", TrunkHeadersForm, "`GET /api/v1/trunks/{trunk}/headers`", {}),
    Section("Flow", FlowForm, "`flow list`", {"file": "card.yaml"}),
    Section(
        "Publication of a flow", PublicationForm, "`flow publish`, `flow rollback`", {"file": "card.yaml"}
    ),
    Section("Draft of a flow", DraftForm, "`flow draft`", {"file": "card.yaml"}),
    Section("What a server has in service of a flow", ServerFlowForm, "`servers` of a flow", {}),
    Section("Text that a flow had", FlowHistoryForm, "`flow history`", {}),
    Section("Text of a flow", FlowTextForm, "`flow show`, `flow draft show`", {"file": "card.yaml"}),
    Section(
        "Flow with all that concerns it",
        FlowDetailForm,
        "`GET /api/v1/flows`",
        {"file": "card.yaml", "title": "Calling card"},
    ),
    Section(
        "Problem of a flow",
        ProblemForm,
        "`problems` of a flow",
        {
            "code": "target_unknown",
            "path": "card.yaml",
            "what": "no slot here has the id `gone`",
            "mend": "did you mean `done`?",
        },
    ),
    Section("Difference of two texts", FlowDifferenceForm, "`flow diff`", {"diff": ["+# shorter"]}),
    Section("Text that was checked", FlowCheckForm, "`POST /api/v1/flows/APP:check`", {"ok": False}),
    Section(
        "What a text of a flow says",
        FlowPictureForm,
        "`GET /api/v1/flows/APP/picture`, `picture` of a check",
        {"title": "Calling card", "as_written": {"app": "calling_card"}},
    ),
    Section(
        "Slot of a flow",
        FlowSlotForm,
        "`slots` of a picture",
        {"slot": "ask", "id": "ask", "as_written": {"slot": "ivr", "id": "ask"}},
    ),
    Section("Exit of a slot", FlowExitForm, "`exits` of a slot of a picture", {"app": None}),
    Section("What a flow uses", FlowUsesForm, "`GET /api/v1/flows/APP/uses`", {}),
    Section("Place of a slot", SlotPlaceForm, "`used_in`", {}),
    Section("Rule of exits", ExitRuleForm, "`exit_rules`", {}),
    Section("Field that names an app", AppFieldForm, "`app_fields`", {}),
    Section("Type of slots", SlotTypeForm, "`GET /api/v1/slot-types`", {"type": "hangup"}),
    Section("Flow that is shipped", TemplateForm, "`GET /api/v1/flow-templates`", {"name": "calling_card"}),
    Section("Flow that was made", NewFlowForm, "`flow new`", {"files": ["card.yaml"]}),
    Section("Calendar", CalendarForm, "`calendar`", {"name": "england"}),
    Section("Entry of a calendar", CalendarEntryForm, "`calendar entries`, `calendar add-days`", {"id": 7}),
    Section("Holiday", HolidayForm, "`GET /api/v1/calendars/{calendar}/holiday`", {}),
    Section("Override", OverrideForm, "`override`", {"name": "office"}),
    Section("Card", CardForm, "`card`", {"id": "100000000007", "status": "used", "archived_at": None}),
    Section("Batch of cards", BatchForm, "`card batches`, `card generate`", {"name": "spring"}),
    Section("What was done to cards", AlteredCardsForm, "`/api/v1/cards:bulk`", {"deleted": 0}),
    Section("What was done to many", BulkForm, "`customer bulk`, `/api/v1/customers:bulk`", {"deleted": 0}),
    Section("Voucher", VoucherForm, "`voucher`", {"status": "used", "kind": "value", "multiplier": None}),
    Section("Account", AccountForm, "`ledger show`, `ledger limit`", {}),
    Section("Limits of an account", LimitsForm, "`GET /api/v1/accounts/{customer}/limits`", {}),
    Section("Movement", MovementForm, "`ledger`", {"id": 7, "leg_id": None}),
    Section("Statement", StatementForm, "`ledger statement`", {}),
    Section("Movement on a statement", StatementEntryForm, "`movements` of a statement", {"leg_id": None}),
    Section("Hold", HoldForm, "`ledger holds`", {}),
    Section(
        "Job",
        JobForm,
        "[`/api/v1/jobs`](api-jobs.md)",
        {
            "id": "0f4b6d1c22c94a77a2f3d1f0a5e8c3b9",
            "kind": "cards.generate",
            "subject": "card batch spring",
            "status": "running",
            "started_at": "2026-07-01T06:00:00.120Z",
            "ended_at": None,
            "file": None,
            "expires_at": None,
            "once": False,
        },
    ),
    Section("Check of the books", BooksForm, "`ledger check`", {}),
    Section("Finding of a check", BooksFindingForm, "`findings` of a check of the books", {}),
    Section("Rate card", RateCardForm, "`rate add`, `rate list`, `rate set`", {"name": "retail"}),
    Section("Rate", RateForm, "`rate show`, `rate set-rate`", {"until_at": None}),
    Section("Rate of a sheet", SheetRateForm, "`rate import --dry-run`", {"until_at": None}),
    Section(
        "Sheet of rates that is tried", RateSheetForm, "`POST .../rate-cards/{card}:import?dry_run=true`", {}
    ),
    Section("Column of a sheet", SheetColumnForm, "`sheet_columns` of a sheet that is tried", {}),
    Section("Import of rates", ImportedRatesForm, "`rate import`", {}),
    Section("Map of a sheet's columns", RateMapForm, "`rate map list`", {"name": "carrier"}),
    Section("Assignment of a rate card", AssignmentForm, "`rate assign`, `rate unassign`", {"trunk": None}),
    Section("Quote", QuoteForm, "`rate quote --customer`", {"number": "447700900123"}),
    Section(
        "Quote of a rate card",
        CardQuoteForm,
        "`GET /api/v1/rate-cards/{card}/quote`",
        {"number": "447700900123"},
    ),
    Section("Quote of a trunk", TrunkQuoteForm, "`rate quote --trunk`", {"number": "447700900123"}),
    Section("Loss", LossForm, "`rate compare`", {}),
    Section("Difference of two rate cards", RateDifferenceForm, "`rate diff`", {"prefix": "447"}),
    Section("Differences of a kind", DifferenceCountForm, "`difference_counts`", {}),
    Section("Differences of two rate cards", RateCardDifferenceForm, "`POST .../rate-cards/{card}:diff`", {}),
    Section("Comparison of rate cards", ComparisonForm, "`POST .../rate-cards/{card}:compare`", {}),
    Section("Call in progress", LiveCallForm, "`live list`", {}),
    Section("Calls of a revision", RevisionCallsForm, "`GET /api/v1/flows/APP/calls`", {}),
    Section("Order for a call in progress", OrderForm, "`live hangup`, `live redirect`, `live play`", {}),
    Section("Call on record, in a list", CallForm, "`record list`", {"reject_sip": None}),
    Section("Call on record", CallDetailForm, "`record export --json`", {"reject_sip": None}),
    Section("Call on record, whole", WholeCallForm, "`record show`", {"reject_sip": None}),
    Section("Call that was asked for", OriginationForm, "`live originate`", {"status": "ended"}),
    Section("Hold of a leg", LegHoldForm, "`holds` of a call", {"status": "settled"}),
    Section("Leg", LegForm, "`legs` of a call on record", {"status": "answered", "reason": None}),
    Section("Slot that a call went through", SlotVisitForm, "`slots` of a call", {}),
    Section(
        "Recording",
        RecordingForm,
        "`recording list`, `recording show`",
        {"id": "3f0c9d2e7a5b41c8a6e4d1b09c7f2e55", "status": "kept", "duration_s": 60.0},
    ),
    Section("Deleted recordings", DeletedRecordingsForm, "`POST /api/v1/recordings:delete`", {}),
    Section(
        "Call that was just made",
        MadeCallForm,
        "`call`, `lab call`",
        {"reject_sip": None, "reject_reason": None},
    ),
    Section("Leg of it", MadeLegForm, "`legs` of a call just made", {"status": "answered", "reason": None}),
    Section("Line of a transcript", TranscriptEventForm, "`transcript` of a call", {}),
    Section("Prompt, in a list", PromptForm, "`sounds list`", {"name": "IVR/welcome", "duration_s": 1.94}),
    Section("Prompt", PromptDetailForm, "`GET /api/v1/prompts/NAME`", {"name": "IVR/welcome"}),
    Section(
        "Prompt that was made", ImportedPromptForm, "`sounds import`, `sounds say`", {"name": "IVR/welcome"}
    ),
    Section("Simulated call", SimulationForm, "`POST /api/v1/simulations`", {}),
    Section("Attempt of a simulated call", DialledForm, "`legs_dialled`", {"held": "0.50"}),
    Section("Scenario", ScenarioForm, "`GET /api/v1/flows/APP/scenarios`", {"name": "busy"}),
    Section("Scenarios that were played", PlayedScenariosForm, "`POST /api/v1/flows/APP/scenarios:run`", {}),
    Section("Run of scenarios", ScenarioRunForm, "`POST /api/v1/flows/APP/scenarios:start`", {}),
    Section("Scenario that was played", PlayedScenarioForm, "`scenarios` that were played", {"name": "busy"}),
    Section("Exits that were taken", SlotCoverageForm, "`coverage`", {}),
    *(
        Section(f"Report by {by.value}", form, f"`report calls --by {by.value}`", {})
        for by, form in REPORT_FORMS.items()
    ),
    Section("Amounts of a report", ReportAmountsForm, "`amounts` of a report's line", {}),
    Section("Operator", OperatorForm, "`operator`", {"name": "ann"}),
    Section(
        "Link by which a password is set",
        PasswordLinkForm,
        "`POST /api/v1/password-links:read`",
        {"kind": "invitation", "operator": "ann"},
    ),
    Section(
        "Link that was just made",
        NewPasswordLinkForm,
        "`operator invite`, `operator reset`",
        {"kind": "invitation", "operator": "ann"},
    ),
    Section("Role", RoleForm, "`role`", {"name": "support"}),
    Section("API token", TokenForm, "`token list`, `token revoke`", {"name": "billing", "role": None}),
    Section("API token that was just made", NewTokenForm, "`token add`", {"name": "billing", "role": None}),
    Section(
        "Value list, in a list", ValueListForm, "`value-list list`", {"name": "barred", "kind": "numbers"}
    ),
    Section("Value list", ValueListDetailForm, "`value-list show`", {"name": "barred", "kind": "numbers"}),
    Section("Value of a list", ValueListEntryForm, "`value-list entry`", {}),
    Section("Entry of the audit log", AuditEntryForm, "`audit list`", {"id": 12}),
    Section("Who has signed in", SignedInForm, "`/api/v1/session`", {}),
    Section("Second factor", SecondFactorForm, "`GET /api/v1/session/second-factor`", {}),
    Section("Second factor to confirm", EnrolmentForm, "`POST /api/v1/session/second-factor`", {}),
    Section("Recovery codes", RecoveryCodesForm, "`:confirm` and `:renew-codes` of the second factor", {}),
    Section("Passkeys", PasskeysForm, "`GET /api/v1/session/passkey`", {}),
    Section("Question to a passkey", PasskeyOptionsForm, "`POST /api/v1/session/passkey:begin`", {}),
    Section("Passkey", PasskeyForm, "`/api/v1/session/passkeys`", {"id": 3, "name": "office laptop"}),
    Section("Session", SessionForm, "`/api/v1/sessions`", {"id": 12, "operator": "ann"}),
    Section("Who asks", PrincipalForm, "`GET /api/v1/whoami`", {}),
    Section("Version", VersionForm, "`GET /api/v1/version`", {"version": "0.1.0"}),
    Section("Status", StatusForm, "`GET /api/v1/status`", {"version": "0.1.0"}),
    Section(
        "Part of a server",
        PartForm,
        "`parts` of a status",
        {"name": "database", "detail": "sqlite:///.ringflow/ringflow.db"},
    ),
    Section(
        "Finding", FindingForm, "`asterisk check`", {"where": "pjsip.conf", "what": "carrier has no allow="}
    ),
    Section("Server", ServerForm, "`GET /api/v1/servers`", {"name": "a1"}),
    Section("Settings", SettingsForm, "`GET /api/v1/settings`", {}),
    Section("Setting", SettingForm, "`settings` of a server", {"name": "http.port"}),
    Section("Login of a customer", LoginForm, "`customer login`", {"id": 3}),
    Section(
        "Token of a customer",
        CustomerTokenForm,
        "`customer token list`",
        {"id": 7, "kind": "sign_in", "name": "Ann's telephone"},
    ),
    Section(
        "New token of a customer",
        NewCustomerTokenForm,
        "`customer token add`",
        {"id": 8, "kind": "program", "name": "shop", "secret": "rf_me_...", "address": None},
    ),
    Section("What a sign-in gives", SignInForm, "`POST /api/v1/me/tokens`", {"id": 7}),
    Section("Own account", OwnAccountForm, "`GET /api/v1/me`", {"name": "Ann"}),
    Section("Own token", OwnTokenForm, "`GET /api/v1/me/tokens`", {"id": 7, "kind": "sign_in"}),
    Section("Own CLI", OwnCliForm, "`GET /api/v1/me/clis`", {"number": "441910000001", "pattern": None}),
    Section(
        "Call-back",
        CallBackForm,
        "`POST /api/v1/me/call-backs`",
        {"id": "b1fXGzVQ2Yk3Jr8cW0pLxw", "status": "calling", "number": "441910000002"},
    ),
    Section(
        "Own speed dial",
        OwnSpeedDialForm,
        "`GET /api/v1/me/speed-dials`",
        {"number": "441910000009", "name": "Ann"},
    ),
    Section("Own card", OwnCardForm, "`GET /api/v1/me/cards`", {"id": "100000000007"}),
    Section("Own voucher", OwnVoucherForm, "`GET /api/v1/me/vouchers`", {"id": 5}),
    Section("Own call", OwnCallForm, "`GET /api/v1/me/calls`", {}),
    Section("Leg of an own call", OwnLegForm, "`legs` of an own call", {"status": "answered"}),
    Section("Own movement", OwnMovementForm, "`GET /api/v1/me/movements`", {"id": 9}),
    Section("Own statement", OwnStatementForm, "`GET /api/v1/me/statement`", {}),
    Section("Movement on an own statement", OwnStatementEntryForm, "`movements` of an own statement", {}),
    Section("Own quote", OwnQuoteForm, "`GET /api/v1/me/quote`", {"number": "447700900123"}),
)
"""All forms, in the order of the page."""


def forms_text() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(line for section in SECTIONS for line in _section(section)), *_all_fields()])


def form_types(form: type[Any]) -> dict[str, tuple[type[Any] | None, bool]]:
    """Return each field of a form with the form that it is made of, if any, and whether it may be null."""
    hints = get_type_hints(form)
    found = {}
    for field in fields(form):
        parts = _parts(hints[field.name])
        below = next((one for one in parts if isinstance(one, type) and is_dataclass(one)), None)
        found[field.name] = (below, NoneType in parts)
    return found


def example_of(form: type[Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an example of a form as JSON has it."""
    found: dict[str, Any] = {}
    given = own or {}
    for name, (below, _) in form_types(form).items():
        if name in given:
            found[name] = given[name]
        elif below is not None:
            example = example_of(below, own_example(below))
            found[name] = example if FIELDS[name].kind is Kind.OBJECT else [example]
        else:
            found[name] = FIELDS[name].example
    return found


def own_example(form: type[Any]) -> Mapping[str, Any]:
    """Return what an example of a form has in place of the fields' own examples."""
    return next((section.example for section in SECTIONS if section.form is form), {})


def _parts(hint: Any) -> set[Any]:
    """Return a type and all that it is put together from."""
    return {hint, *(part for one in get_args(hint) for part in _parts(one))}


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield f"{(section.form.__doc__ or '').split(chr(10) + chr(10))[0].strip()} Printed by {section.met}."
    yield ""
    yield "| field | value | meaning |"
    yield "|---|---|---|"
    for name, (_, nullable) in form_types(section.form).items():
        field = FIELDS[name]
        kind = _key_kind(section.form, name) if field.kind is Kind.KEY else field.kind
        value = f"{kind.value} or null" if nullable else kind.value
        yield f"| `{name}` | {value} | {field.meaning.replace('|', chr(92) + '|')} |"
    yield ""
    yield "```json"
    yield json.dumps(example_of(section.form, section.example), indent=2)
    yield "```"
    yield ""


def _key_kind(form: type[Any], name: str) -> Kind:
    return Kind.INTEGER if int in _parts(get_type_hints(form)[name]) else Kind.TEXT


def _all_fields() -> Iterator[str]:
    shown = {name for section in SECTIONS for name in form_types(section.form)}
    yield "## Other fields"
    yield ""
    yield "What commands print besides is made of these."
    yield ""
    yield "| field | value | meaning |"
    yield "|---|---|---|"
    for name in sorted(FIELDS.keys() - shown):
        yield f"| `{name}` | {FIELDS[name].kind.value} | {FIELDS[name].meaning} |"
    yield ""
