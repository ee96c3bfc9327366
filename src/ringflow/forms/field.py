"""The fields of all forms: one name, one type and one meaning each, wherever a program meets it.

`docs/json.md` is made of this table. A test runs every command that prints JSON and compares what it prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SELDOM = "seldom"
"""In the metadata of a form's field: tables for people have it only where a row has something there."""


class Kind(StrEnum):
    """What the value of a field is."""

    TEXT = "text"
    INTEGER = "integer"
    KEY = "integer or text"
    """The name of a thing itself, of the type that things of its kind have."""
    NUMBER = "number"
    SECONDS = "seconds"
    """A number, with three decimals at most."""
    BOOLEAN = "true or false"
    TIME = "time"
    """RFC 3339, in UTC."""
    DAY = "day"
    """The last day of something in the operator's time zone, or a time where it ends within a day."""
    AMOUNT = "amount"
    """Decimal text, in the currency that stands beside it."""
    DECIMAL = "decimal text"
    TEXTS = "list of texts"
    NUMBERS = "list of numbers"
    OBJECT = "object"
    OBJECTS = "list of objects"
    ANY = "any value"
    MAP = "map"
    """An object whose keys are not fields."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of forms: what its value is, what it says, and an example."""

    kind: Kind
    meaning: str
    example: Any = None


_T, _I, _B, _S, _A = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.SECONDS, Kind.AMOUNT

FIELDS: dict[str, Field] = {
    # Names of things, and of what they belong to.
    "id": Field(Kind.KEY, "the thing's own number, the 12 digits of a card, a recording's 32 digits", 42),
    "name": Field(_T, "the thing's own name", "carrier"),
    "customer": Field(_I, "a customer's id; of a card its template", 42),
    "card": Field(_T, "a calling card's ID", "100000000007"),
    "batch": Field(_T, "the name of a batch of cards or vouchers", "spring"),
    "rate_card": Field(_T, "the name of a rate card", "retail"),
    "trunk": Field(_T, "a trunk's name", "carrier"),
    "app": Field(_T, "the name of a flow", "calling_card"),
    "revision": Field(_T, "which revision of the flow's file", "3f9a0c51"),
    "did": Field(_T, "the number that was called", "18005550100"),
    "cli": Field(_T, "the number that called; null: anonymous", "441910000001"),
    "call_id": Field(_T, "a call", "a1-1782885600.17"),
    "order": Field(_T, "what was ordered: `hang_up`, `hang_up_leg`, `redirect`, `play`, `say`", "hang_up"),
    "answer": Field(_T, "what came of an order", "done"),
    "leg_id": Field(_T, "a leg of a call, as the ledger names it", "a1-1782885600.17.1@1782885612.4"),
    "movement": Field(_I, "the id of a movement of money", 7),
    "operator": Field(_T, "who did it; empty: Ringflow itself", "ann"),
    "server": Field(_T, "a Ringflow server's name; of a trunk the server that X-CX-Sec is signed for", "a1"),
    "asterisk": Field(_T, "the identity of an Asterisk", "52:54:00:12:34:56"),
    "source": Field(_T, "who made the row: `operator` or `config`", "operator"),
    "notes": Field(_T, "a line for people", "head office"),
    # Customers, CLIs, DIDs.
    "status": Field(_T, "its status, of the words that its kind has", "active"),
    "channels": Field(_I, "how many calls at once; null: no limit", 2),
    "caller_id": Field(
        _T, "the number that is shown to callees; of a customer also `own` or `withheld`", "441910000001"
    ),
    "language": Field(_T, "the code of the language that callers are spoken to in; null: none chosen", "es"),
    "clis": Field(Kind.TEXTS, "the first of a customer's CLIs", ["441910000001"]),
    "shared_clis": Field(
        Kind.TEXTS, "the first of the shared numbers at which a customer has a code", ["441910000009"]
    ),
    "cli_count": Field(_I, "how many CLIs", 1),
    "dids": Field(Kind.TEXTS, "the first of a customer's DIDs", ["18005550100"]),
    "did_count": Field(_I, "how many DIDs", 1),
    "cards": Field(
        Kind.TEXTS, "the IDs of the first cards whose credit became the customer's", ["100000000007"]
    ),
    "card_count": Field(_I, "how many cards", 1),
    "template_cards": Field(
        Kind.MAP, "how many cards of each status have the customer as template", {"used": 1}
    ),
    "number": Field(_T, "a telephone number in E.164 digits, or an extension", "18005550100"),
    "pattern": Field(_T, "a regular expression (RE2) for calling numbers", "^44193"),
    "identify": Field(_T, "`cli`: by the calling number; `none`: every caller may come in", "cli"),
    "enabled": Field(_B, "whether it is in use", True),
    "reject_code": Field(_I, "the SIP code for unknown callers", 403),
    "withheld": Field(_T, "`identify` or `reject` callers who withhold their number", "identify"),
    "script": Field(_T, "the script that runs before the app, or before each leg of a trunk", "pinless"),
    "script_timeout_s": Field(_S, "how long the script may take; null: as configured", 0.5),
    "script_fallback": Field(
        _T,
        "what becomes of a call whose script fails: a SIP code and a reason; of a DID also `app`, of a trunk "
        "`skip` or `dial`",
        "503 Try Later",
    ),
    "script_vars": Field(
        _T, "what the script is given as `vars`: a JSON object, as text", '{"brand": "acme"}'
    ),
    "published_revision": Field(_T, "the text that was published last; null: none was", "5de688d43b29"),
    "hangup_dids": Field(Kind.TEXTS, "the DIDs that run it after their calls", ["18005550100"]),
    "trunk_names": Field(Kind.TEXTS, "the trunks that run it before their legs", ["carrier"]),
    "hangup_script": Field(_T, "the script that is told of each call that is over", "after_call"),
    "hangup_script_timeout_s": Field(_S, "how long that may take; null: as configured", 2),
    "hangup_script_vars": Field(_T, "what it is given as `vars`: a JSON object, as text", '{"queue": "crm"}'),
    "variable": Field(_T, "of a DID with `{number}`: the variable that gets it", "ivr_destination"),
    "place": Field(_I, "the key, 0 to 99, under which a number is kept", 5),
    # Trunks.
    "dial": Field(_T, "what Asterisk dials", "PJSIP/{number}@carrier"),
    "headers": Field(Kind.MAP, "headers of the INVITE by name", {"X-Carrier": "1"}),
    "position": Field(_I, "its place in an order; of a leg and a slot from 1", 1),
    "rated": Field(_T, "who charges: `local` or `upstream`", "local"),
    "failover": Field(Kind.TEXTS, "the SIP answers after which the next trunk is tried", ["408", "5xx"]),
    "silent_s": Field(_S, "how long a trunk may say nothing; 0: for ever", 6),
    "number_form": Field(_T, "how the trunk wants numbers", "e164"),
    "number_prefix": Field(_T, "digits before each number", ""),
    "caller_id_form": Field(_T, "how the trunk wants the caller's number", None),
    "caller_id_prefix": Field(_T, "digits before the caller's number", ""),
    "as_keyed": Field(Kind.TEXTS, "patterns of numbers that are dialled as they were keyed", ["1XX"]),
    # Money.
    "currency": Field(_T, "the code (ISO 4217) of the amounts beside it", "USD"),
    "balance": Field(_A, "a customer's balance; of a movement what it was afterwards", "5.00"),
    "held": Field(_A, "what calls in progress hold", "0.50"),
    "available": Field(_A, "what may be spent now", "4.50"),
    "debit_limit": Field(_A, "0: prepaid; above: overdraft; below: kept back", "0.00"),
    "daily_limit": Field(_A, "what calls may cost in a UTC day; null: no limit", "20.00"),
    "spent_today": Field(_A, "what calls cost in this UTC day", "1.25"),
    "amount": Field(_A, "what a movement moves; on a statement below zero where the balance fell", "5.00"),
    "kind": Field(
        _T,
        "why money moved; what a voucher gives: `value`, `multiplier`, `addition`; what a list holds: "
        "`numbers`, `text`; what a job does",
        "pay_in",
    ),
    "debit_account": Field(_T, "who gave: `customer 42`, or an account of the house", "cash"),
    "credit_account": Field(_T, "who got", "customer 42"),
    "other_account": Field(_T, "the other side of a movement", "cash"),
    "reason": Field(_T, "why", "payment of June"),
    "key": Field(_T, "the idempotency key of a movement; of `key make` the text of X-CX-Sec", "cli:1"),
    "again": Field(_B, "whether the movement was in the books already", False),
    "opening": Field(_A, "the balance before a statement's period", "0.00"),
    "closing": Field(_A, "the balance after it", "5.00"),
    "movements": Field(Kind.OBJECTS, "movements of money"),
    "holds": Field(Kind.OBJECTS, "what was set aside for the legs of a call"),
    "called": Field(_T, "what was to be called: a number, a SIP URI, or an endpoint", "447700900123"),
    "app_call_id": Field(_T, "the call in which who answered is in an app", "a1-1782885600.18"),
    "asked_by": Field(_T, "who asked for it", "ann"),
    "asked_at": Field(Kind.TIME, "when it was asked for", "2026-07-01T06:00:00.000Z"),
    # Cards and vouchers.
    "credit": Field(_A, "what a card gives", "5.00"),
    "entry": Field(
        _T, "what stands in a list: a number, the beginning of numbers with a `*`, or text", "4419*"
    ),
    "expires": Field(Kind.DAY, "the last day on which it is good; null: for ever", "2027-12-31"),
    "redeemed_by": Field(_I, "the customer who got the credit", 43),
    "redeemed_as": Field(_T, "`account`: one of its own; `top_up`: one that was there", "account"),
    "count": Field(_I, "how many were made", 100),
    "pin_length": Field(_I, "digits of a PIN", 6),
    "pin_only": Field(_B, "whether the PIN alone opens a card", False),
    "top_up": Field(_T, "whose accounts a card may top up: `same` or `anyone`", "same"),
    "value": Field(_A, "what a voucher gives by itself or on top of a payment", "5.00"),
    "multiplier": Field(Kind.DECIMAL, "what a payment is multiplied by: 1.1 adds 10 %", "1.1"),
    "minimum": Field(_A, "the smallest payment that a voucher goes with", "0.00"),
    "given": Field(_A, "what a voucher gave", "5.00"),
    "secrets": Field(Kind.OBJECTS, "what was made, with the PINs or codes that are never shown again"),
    "pin": Field(_T, "a card's PIN", "123456"),
    "code": Field(
        _T,
        "a voucher's code, a customer's at a shared CLI, or what kind of problem it is",
        "1234567890123456",
    ),
    "password": Field(_T, "a service password, shown once", "482913"),
    "digits": Field(_I, "how many digits a code has", 6),
    "set_at": Field(Kind.TIME, "when a code or a password was made", "2026-06-30T12:00:00Z"),
    "service_password": Field(_B, "whether the customer has a service password", False),
    "changed": Field(_I, "how many were changed", 1),
    "deleted": Field(Kind.KEY, "what was deleted; of cards how many", 42),
    "archived": Field(_I, "how many were archived", 0),
    "passed_over": Field(_I, "how many were left as they are", 0),
    # Rates.
    "decimals": Field(_I, "how many decimals a charge keeps", 4),
    "rounding": Field(_T, "what becomes of the rest: `up`, `half_up`, `half_even`, `down`", "up"),
    "default": Field(_B, "whether customers of its currency go by it unless another is assigned", True),
    "below_cost": Field(_T, "what becomes of calls below cost: `refuse`, `warn`, `allow`", "refuse"),
    "rows": Field(_I, "how many rates or rows", 3),
    "prefix": Field(_T, "the beginning of numbers, with the country's code", "447"),
    "price": Field(_A, "for a minute", "0.0125"),
    "connection": Field(_A, "for each answered call", "0.00"),
    "minimum_s": Field(_S, "what is charged at least", 60),
    "increment_s": Field(_S, "in what steps is charged", 1),
    "grace_s": Field(_S, "a talk that is no longer is free", 0),
    "destination": Field(_T, "the name of what a prefix leads to", "UK mobile"),
    "blocked": Field(_B, "whether no call is put through", False),
    "line": Field(_I, "a line of a file, from 1", 2),
    "sheet_columns": Field(Kind.OBJECTS, "what the columns of a sheet were taken for"),
    "sheet_column": Field(_T, "the name of a column of a sheet", "Rate USD"),
    "rate_field": Field(_T, "which field of rates a column is; null: it is left out", "price"),
    "sheet_rates": Field(Kind.OBJECTS, "the first rates that were read of a sheet"),
    "trunk_rate_card": Field(_T, "the rate card that a trunk's owner charges by", "wholesale"),
    "compared": Field(_I, "how many prefixes were compared", 12000),
    "difference": Field(_T, "what becomes of calls to a prefix, as docs/money.md has it", "dearer"),
    "difference_counts": Field(Kind.OBJECTS, "how many prefixes differ, for each difference that there is"),
    "prefix_count": Field(_I, "how many prefixes there are", 12),
    "new_rate_card": Field(_T, "the rate card that may take its place", "retail-2027"),
    "old_prefix": Field(_T, "the prefix of the old card's rate; null: it has none", "44"),
    "new_prefix": Field(_T, "the prefix of the new card's rate; null: it has none", "447"),
    "old_price": Field(_A, "the old price of a minute; null: no rate, or blocked", "0.0125"),
    "new_price": Field(_A, "the new price of a minute; null: no rate, or blocked", "0.0150"),
    "old_minute": Field(_A, "the old charge of a minute; null: no rate, or blocked", "0.0125"),
    "new_minute": Field(_A, "the new charge of a minute; null: no rate, or blocked", "0.0150"),
    "losing": Field(_I, "how many of them may lose money", 3),
    "without_cost": Field(_I, "how many prefixes are sold without a known cost", 1),
    "left_out": Field(_I, "how many lines were left out", 0),
    "free": Field(_B, "whether the call costs nothing", False),
    "affordable": Field(_B, "whether there is credit for the shortest talk", True),
    "affordable_s": Field(_S, "how long there is credit for; null: no limit", 23_940),
    "sold_by": Field(_T, "the prefix of the rate that customers pay", "447"),
    "bought_by": Field(_T, "the prefix of the rate that we pay", "4477"),
    "loses_by": Field(Kind.TEXTS, "which talks lose money: `shortest`, `minute`, `further`", ["minute"]),
    "is_below_cost": Field(_B, "whether calls are below cost by it", True),
    "cost": Field(_A, "what it costs us, in `cost_currency` where there is one", "0.0100"),
    "cost_currency": Field(_T, "the code of the cost's currency", "USD"),
    "cost_prefix": Field(_T, "the prefix of the trunk's rate", "447"),
    "price_minute": Field(_A, "the charge of a minute", "0.0125"),
    "cost_minute": Field(_A, "the cost of a minute", "0.0200"),
    "price_shortest": Field(_A, "the charge of the shortest talk", "0.0125"),
    "cost_shortest": Field(_A, "the cost of the shortest talk", "0.0200"),
    # Calls.
    "duration_s": Field(_S, "how long it lasted, or plays", 75.25),
    "outcome": Field(_T, "how the call ended", "completed"),
    "reject_sip": Field(_I, "the SIP code that a caller got who was not answered", 403),
    "reject_reason": Field(_T, "the reason that went with it", "CLI Not Authorized"),
    "release_cause": Field(_I, "the Q.850 cause of the caller's side", 16),
    "released_by": Field(_T, "who ended it", "caller"),
    "legs": Field(Kind.OBJECTS, "the outgoing attempts of a call, in order"),
    "slots": Field(Kind.OBJECTS, "the slots that a call went through, or that a flow has, in order"),
    "dialled": Field(_T, "the number in E.164 digits", "447700900123"),
    "keyed": Field(_T, "the same as it was keyed or given by the flow", "07700900123"),
    "sent": Field(_T, "the same as the trunk was given it", "447700900123"),
    "dialled_as_keyed": Field(_B, "whether all three are one because it was dialled as keyed", False),
    "sip_code": Field(_I, "a final SIP response", 200),
    "hangup_cause": Field(_I, "the Q.850 cause of a leg", 16),
    "ended_s": Field(_S, "when a leg ended, from the call's arrival", 74.5),
    "talked_s": Field(_S, "how long was talked, from the callee's answer", 60.4),
    "billed_s": Field(_S, "what the charge is for", 61),
    "charged": Field(_A, "what the customer was charged; null: not settled yet", "0.0128"),
    "refunded": Field(_A, "what was given back of it", "0.00"),
    "uncollected": Field(_A, "what could not be taken", "0.00"),
    "slot": Field(
        _T,
        "a slot's id, or its type and place; in a transcript, of an app that was called: `> APP/SLOT`",
        "ivr[1]",
    ),
    "type": Field(_T, "a slot's type", "ivr"),
    "entered_s": Field(_S, "when the call came to a slot, from its arrival", 0.02),
    "exit": Field(_T, "how a slot was left; null: the call ended there, or in an app that it called", "done"),
    "keys": Field(_T, "a word for each time that keys were taken, secret ones `****`", "447700900123"),
    "depth": Field(_I, "of a slot: how many apps waited for its app, each having called the next", 0),
    "variables": Field(
        Kind.MAP, "the variables of a flow at the call's end, each any value", {"ivr_destination": "4477"}
    ),
    "transcript": Field(Kind.OBJECTS, "what happened, in order"),
    "at_s": Field(_S, "when it happened, from the call's arrival", 1.6),
    "event": Field(_T, "what happened", "prompt"),
    "detail": Field(_T, "more of it", "IVR/ivr-please"),
    "wire": Field(Kind.OBJECT, "what SIP showed of a call of the lab"),
    "ended_by": Field(_T, "which side sent the BYE", "caller"),
    "callees": Field(Kind.OBJECTS, "those who got an INVITE, in order"),
    "from_user": Field(_T, "the user of the From header", "441910000001"),
    # Reports.
    "day": Field(_T, "a day in the operator's time zone", "2026-07-01"),
    "attempts": Field(_I, "legs that were dialled", 10),
    "answered": Field(_I, "legs that were answered", 6),
    "asr_percent": Field(Kind.NUMBER, "answered of attempted", 60.0),
    "acd_s": Field(_S, "the average length of answered legs", 75.2),
    "talked_minutes": Field(Kind.NUMBER, "how long was talked", 7.52),
    "billed_minutes": Field(Kind.NUMBER, "how much of it was billed", 8.0),
    "lost": Field(_I, "legs of which nobody knows how they ended", 0),
    "without_margin": Field(_I, "legs whose margin is not known", 0),
    "amounts": Field(Kind.OBJECTS, "the amounts of each currency"),
    "margin": Field(_A, "what is left of the charge after the cost", "0.0028"),
    # Calendars and overrides.
    "url": Field(_T, "from where a calendar is fetched; null: it is kept by hand", None),
    "entry_count": Field(_I, "how many entries", 8),
    "fresh_at": Field(Kind.TIME, "when it was last known to be fresh", "2026-07-01T06:00:00.000Z"),
    "tried_at": Field(Kind.TIME, "when it was last tried to fetch it", "2026-07-01T06:00:00.000Z"),
    "trouble": Field(_T, "why it is not fresh; null: it is", None),
    "fetch_problem": Field(_T, "why the last try to fetch it failed; null: it did not", None),
    "chosen_exit": Field(_T, "the exit that an operator has schedules take", "closed"),
    "begins": Field(_T, "the first day, or a time: one in UTC ends in `Z`", "2026-12-24"),
    "ends": Field(_T, "the last day, or the time of the end", "2026-12-26"),
    "title": Field(_T, "a line for people about a flow; of days off what they are called", "Christmas"),
    "by_hand": Field(_B, "whether it was added by itself, and not imported", True),
    "said_at": Field(Kind.TIME, "when it was said", "2026-07-01T06:00:00.000Z"),
    # The audit log.
    "verb": Field(_T, "what was done", "set"),
    "subject": Field(_T, "what it is about", "customer 42"),
    "before": Field(Kind.MAP, "its fields before; null: it was made", {"status": "pending"}),
    "after": Field(Kind.MAP, "its fields after; null: it is gone", {"status": "active"}),
    # Jobs.
    "done": Field(_I, "how many pieces of a job are done", 25_000),
    "total": Field(_I, "of how many; null: nobody knows", 100_000),
    "tries": Field(_I, "how often a job was begun: again where its server ended", 1),
    "result": Field(Kind.MAP, "what came of a job that is done; null: nothing, or not yet", None),
    "error": Field(Kind.MAP, "why a job failed, as problem details (RFC 9457); null: it did not", None),
    "once": Field(_B, "whether the file is a secret that can be fetched once", True),
    "queued_at": Field(Kind.TIME, "when a job was asked for", "2026-07-01T06:00:00.000Z"),
    "ended_at": Field(Kind.TIME, "when a job ended; null: it has not", "2026-07-01T06:00:04.000Z"),
    "cancel_asked_at": Field(Kind.TIME, "when somebody wanted a job cancelled; null: nobody did", None),
    "fetched_at": Field(Kind.TIME, "when a secret file was fetched, and deleted; null: it was not", None),
    # Times.
    "at": Field(Kind.TIME, "when it was done", "2026-07-01T06:00:00.000Z"),
    "role": Field(_T, "a bundle of rights", "support"),
    "rights": Field(Kind.TEXTS, "what may be done", ["customers.read"]),
    "built_in": Field(_B, "whether it is always there and never changed", True),
    "starts_with": Field(_T, "how an API token begins", "rf_ab12cd34"),
    "secret": Field(_T, "the whole API token, shown once", "rf_ab12cd34_..."),
    "token": Field(_T, "the name of the API token that acted; null: none, or not known", None),
    "credential": Field(
        _T, "the ID of the token or session that acted; null: a command, or not known", "rf_ab12cd34"
    ),
    "address": Field(_T, "from where a request came; null: a command, or not known", "192.0.2.7"),
    "tries_left": Field(_I, "how many codes may still be tried", 5),
    "email": Field(
        _T,
        "the e-mail address that a customer signs in with, or that an operator's links are sent to",
        "ann@example.org",
    ),
    "access_token": Field(_T, "by which a customer's program asks", "rf_me_..."),
    "refresh_token": Field(_T, "by which the next two tokens are had, once", "rf_mr_..."),
    "access_ends_at": Field(Kind.TIME, "until when the access token is good", "2026-07-01T06:15:00Z"),
    "refresh_ends_at": Field(Kind.TIME, "until when the refresh token is good", "2026-07-31T06:00:00Z"),
    "acted_as": Field(
        _T,
        "`operator`, `token`, `customer`, `script`, `caller` or `system`; null in entries of old",
        "operator",
    ),
    "password_set_at": Field(
        Kind.TIME, "when its password was set; null: it has none", "2026-07-01T06:00:00Z"
    ),
    "device": Field(_T, "what a browser calls itself", "Mozilla/5.0 (X11; Linux x86_64) ..."),
    "ends_at": Field(
        Kind.TIME,
        "when a session or a token ends that is not used again; null: never",
        "2026-07-01T07:00:00Z",
    ),
    "own": Field(_B, "whether it is the session or the token that asks", True),
    "session": Field(Kind.OBJECT, "the session by which somebody acts"),
    "link": Field(
        _T, "a link by which a password is set, once", "https://ringflow.example.com/setup#x7Qd..."
    ),
    "link_expires_at": Field(Kind.TIME, "until when a link is good", "2026-07-01T07:00:00Z"),
    "second_factor_at": Field(
        Kind.TIME, "since when signing in needs a second factor; null: it does not", "2026-07-01T06:00:00Z"
    ),
    "totp_secret": Field(_T, "the secret of an authenticator in base32, shown once", "JBSWY3DPEHPK3PXP"),
    "otpauth_url": Field(
        _T, "the same for a QR code", "otpauth://totp/Ringflow:ann?secret=JBSWY3DPEHPK3PXP&issuer=Ringflow"
    ),
    "recovery_codes": Field(Kind.TEXTS, "codes that are good once each", ["abcd-efgh-2345-6789"]),
    "recovery_codes_left": Field(_I, "how many of these were not used yet", 10),
    "second_factor": Field(_B, "whether signing in needs a code besides the password", True),
    "second_factor_missing": Field(
        _B, "whether there has to be a second factor, and is none: nothing else is allowed until then", False
    ),
    "script_used_at": Field(
        Kind.TIME,
        "when a script last acted as the operator, a minute earlier at most; null: never",
        "2026-07-01T06:00:00Z",
    ),
    "last_used_at": Field(
        Kind.TIME, "when it was last used, a minute earlier at most", "2026-07-01T06:00:00Z"
    ),
    "last_used_from": Field(_T, "from which address it was last used; null: not known", "192.0.2.7"),
    "revoked_at": Field(Kind.TIME, "when it was revoked; null: it is in use", None),
    "created_at": Field(Kind.TIME, "when it was made", "2026-07-01T06:00:00Z"),
    "redeemed_at": Field(Kind.TIME, "when it was redeemed", "2026-07-02T06:00:00Z"),
    "archived_at": Field(Kind.TIME, "since when it is out of use for ever", "2026-08-01T06:00:00Z"),
    "ready_at": Field(Kind.TIME, "when the last card of a batch was made", "2026-07-01T06:00:01Z"),
    "booked_at": Field(Kind.TIME, "when a movement was entered in the books", "2026-07-01T06:00:00Z"),
    "opened_at": Field(Kind.TIME, "when a hold was made", "2026-07-01T06:00:00Z"),
    "expires_at": Field(
        Kind.TIME,
        "when a hold is given up, a recording deleted, or a job forgotten; null: never",
        "2026-07-01T07:00:00Z",
    ),
    "recorded_at": Field(Kind.TIME, "when a recording began", "2026-07-01T06:00:00Z"),
    "started_at": Field(
        Kind.TIME,
        "when a call arrived, a server started, or a job was begun first",
        "2026-07-01T06:00:00.000Z",
    ),
    "made_at": Field(Kind.TIME, "when an archive or a key was made", "2026-07-01T06:00:00Z"),
    "from_at": Field(Kind.TIME, "from when a rate counts; null: always has", "2026-07-01T00:00:00Z"),
    "since_at": Field(Kind.TIME, "the first moment of a period; null: no beginning", "2026-07-01T00:00:00Z"),
    "until_at": Field(Kind.TIME, "the first moment after; null: no end", "2026-08-01T00:00:00Z"),
    "books_until_at": Field(Kind.TIME, "up to when the books of an archive go", "2026-07-01T06:00:00Z"),
    # Pages.
    "items": Field(Kind.OBJECTS, "what is on the page"),
    "next": Field(_T, "the cursor for `--after`; null: this is the last page", None),
    # Flows.
    "published": Field(Kind.OBJECT, "the newest publication of a flow; null: none"),
    "draft": Field(Kind.OBJECT, "the draft of a flow; null: none"),
    "servers": Field(Kind.OBJECTS, "what each server that lives has in service"),
    "servers_behind": Field(Kind.OBJECTS, "servers that have another text in service than the published one"),
    "problem": Field(_T, "why a server does not have the newest text in service", None),
    "replaced": Field(_T, "the revision that a published one replaced", "5de688d43b29"),
    "began_from": Field(_T, "the revision that a draft began from", "5de688d43b29"),
    "how": Field(_T, "`published`, `rolled back` or `changed on disk`", "published"),
    "note": Field(_T, "why it was published", "a shorter welcome"),
    "text": Field(_T, "the text of a flow's file", "app: card\nslots:\n  - slot: hangup\n"),
    "old_revision": Field(_T, "the first of two texts that are compared", "5de688d43b29"),
    "new_revision": Field(_T, "the second", "3f9a0c51b7aa"),
    "updated_at": Field(Kind.TIME, "when it was changed last", "2026-07-01T06:00:00.000Z"),
    # What commands did.
    "file": Field(_T, "a file", "cards.csv"),
    "files": Field(Kind.TEXTS, "files", ["README.md"]),
    "folder": Field(_T, "a folder", "/srv/ringflow"),
    "added": Field(_I, "how many were added", 3),
    "repeated": Field(_I, "how many lines repeated another", 0),
    "unchanged": Field(_I, "how many were so already", 0),
    "dry_run": Field(_B, "whether nothing was changed", False),
    "ok": Field(_B, "whether the books are right", True),
    "findings": Field(Kind.OBJECTS, "what is wrong"),
    "what": Field(_T, "what is wrong", "it has no end"),
    "where": Field(_T, "where", "customer 42"),
    "expected": Field(_I, "what it should be: a count, or millionths of the currency's unit", 0),
    "found": Field(_I, "what it is", 1),
    "change": Field(_T, "what to do", "allow=ulaw"),
    "severity": Field(_T, "`serious`, `warning` or `note`", "warning"),
    "problems": Field(Kind.OBJECTS, "what is wrong in files"),
    "prompts_missing": Field(Kind.TEXTS, "prompts of a flow that the library does not have", []),
    "has_more_dids": Field(_B, "whether more DIDs lead to it than are listed", False),
    "used_by": Field(Kind.TEXTS, "the apps that lead to it", ["main"]),
    "used_in": Field(Kind.OBJECTS, "the slots that lead to it, or play it"),
    "apps": Field(Kind.TEXTS, "names of flows", ["calling_card"]),
    "prompts": Field(Kind.TEXTS, "names of prompts", ["IVR/ivr-please"]),
    "lists": Field(Kind.TEXTS, "names of value lists", ["barred"]),
    "calendars": Field(Kind.TEXTS, "names of calendars, and their files", ["england"]),
    "target": Field(_T, "where an exit leads, as it is written", "goodbye"),
    "way": Field(_T, "what an exit leads to: `slot`, `app`, `return`, `hangup`, `end` or `missing`", "slot"),
    "returns": Field(_T, "the exit by which an app returns to the slot that called it", None),
    "exits": Field(Kind.OBJECTS, "the exits of a slot"),
    "fixed_exits": Field(Kind.TEXTS, "the exits of a type of slots that no field names", ["done"]),
    "main_exit": Field(
        _T, "the exit that leads to the next slot where nothing is written; null: the first", "extension"
    ),
    "exit_rules": Field(Kind.OBJECTS, "which exits a slot has by its fields, and where their targets stand"),
    "each": Field(_T, "the field of which each key, or each item of a list, is an exit", "options"),
    "named_by": Field(_T, "the key of an item that says what its exit is called", "name"),
    "unnamed": Field(_T, "what the exit of an item without a name is called; {} is its number", "case_{}"),
    "target_path": Field(
        Kind.TEXTS, "the steps to a target; {} is the exit's name, or the index of an item", ["on", "done"]
    ),
    "when": Field(Kind.MAP, "a JSON Schema that the fields of a slot match", {"required": ["until"]}),
    "app_fields": Field(Kind.OBJECTS, "the fields of a slot that name apps"),
    "field": Field(_T, "the name of a field", "call"),
    "text_before": Field(_T, "what stands in a field before the name of an app", ""),
    "comes_back": Field(_B, "whether an app that is named returns to the slot", True),
    "calls": Field(_T, "the app that a slot calls, and that returns to it", None),
    "as_written": Field(Kind.MAP, "fields as they are written", {"slot": "hangup"}),
    "is_whole": Field(_B, "whether nothing is wrong with a slot by itself", True),
    "on_hangup": Field(Kind.OBJECTS, "the slots that run after the caller is gone"),
    "picture": Field(Kind.OBJECT, "what a text says, slot by slot"),
    "description": Field(_T, "what it is, in words", "Ends the call."),
    "in_progress": Field(_I, "how many calls are in progress", 3),
    "group": Field(
        _T,
        "under which heading people look for a type of slots: `callers`, `calls`, `sound`, `account`, "
        "`logic`, `services` or `other`",
        "calls",
    ),
    "exit_pattern": Field(_T, "how exits look that a slot's own fields name; null: it names none", None),
    "exit_field": Field(_T, "the field in which a slot says where those lead", "on"),
    "ends_call": Field(_B, "whether a slot always ends the call", True),
    "needs_caller": Field(_B, "whether a slot needs somebody on the line", False),
    "dial_string": Field(_T, "what is dialled, as Asterisk has it", "PJSIP/441234567890@carrier"),
    "limit_s": Field(_S, "the talk that the held credit pays for", 3600.0),
    "call": Field(Kind.OBJECT, "a call that was just made"),
    "heard": Field(Kind.TEXTS, "the prompts that the caller heard, in order", ["IVR/welcome"]),
    "legs_dialled": Field(Kind.OBJECTS, "the outgoing attempts of a simulated call"),
    "events": Field(Kind.ANY, "all that happened in a call, as docs/events.md has it", []),
    "waits_for": Field(_T, "the prompt that a simulated caller still waited to hear", None),
    "endless": Field(_B, "whether nobody had ended a simulated call after its longest time", False),
    "entered": Field(_I, "how often calls came to a slot", 3),
    "taken": Field(Kind.TEXTS, "the exits by which calls left a slot", ["done"]),
    "not_taken": Field(Kind.TEXTS, "the exits by which no call left a slot", ["no_input"]),
    "simulated": Field(Kind.OBJECTS, "the calls that a scenario made"),
    "failed_count": Field(_I, "how many scenarios failed", 0),
    "failed_names": Field(Kind.TEXTS, "the names of the first hundred scenarios that failed", []),
    "played_count": Field(_I, "how many scenarios were played", 2),
    "coverage": Field(Kind.OBJECTS, "by which exits calls left the slots of a flow"),
    "forms_missing": Field(Kind.TEXTS, "forms in which a prompt is not stored: Asterisk transcodes", []),
    "languages": Field(Kind.TEXTS, "languages that have a variant of a prompt", ["es"]),
    "languages_missing": Field(Kind.TEXTS, "languages of flows that have none", ["de"]),
    "would_change": Field(
        Kind.TEXTS,
        "what a script would write into the database and send elsewhere",
        ["rest put cli/1 {}"],
    ),
    "remarks": Field(
        Kind.TEXTS, "what is wrong with a recording and cannot be corrected; what a script wrote and did", []
    ),
    "path": Field(_T, "a file", "app_flows/menu.yaml"),
    "column": Field(_I, "a column of a line, from 1", 3),
    "mend": Field(_T, "what to do", "did you mean `file`?"),
    "flow_count": Field(_I, "how many flows", 3),
    "slot_count": Field(_I, "how many slots", 20),
    "scenario_count": Field(_I, "how many scenarios", 12),
    "prompt_count": Field(_I, "how many prompts", 30),
    "voucher_count": Field(_I, "how many vouchers", 0),
    "code_count": Field(_I, "how many codes of shared CLIs and service passwords", 0),
    "second_factor_count": Field(_I, "how many secrets of operators' authenticators", 0),
    "playing_s": Field(_S, "how long all of them play", 61.5),
    "scenarios": Field(Kind.OBJECTS, "the scenarios that were played"),
    "passed": Field(_B, "whether a scenario passed", True),
    "failure": Field(_T, "what differed; null where it passed", None),
    "version": Field(_T, "a version of a key ring, of Asterisk, of Ringflow, or of a prompt", "v2"),
    "parts": Field(Kind.OBJECTS, "what a server needs for calls, part by part"),
    "ready": Field(_B, "whether it works; of a server whether it takes calls", True),
    "required": Field(_B, "whether no call can be taken without it", True),
    "host": Field(_T, "the name of a server's machine", "voice1"),
    "seen_at": Field(Kind.TIME, "when a server last said that it lives", "2026-07-01T06:00:00.000Z"),
    "alive": Field(_B, "whether a server lives, as far as the database knows", True),
    "settings": Field(Kind.OBJECTS, "the settings that a server runs with"),
    "current": Field(Kind.ANY, "the value of a setting; what may be a secret is `***`", 8080),
    "origin": Field(_T, "where a value comes from: `default`, `file`, `environment`", "file"),
    "written_in": Field(
        _T, "the file with the line, or the variable of the environment; null: a default", "config.yaml:12"
    ),
    "signs": Field(_B, "whether new keys are signed by it", True),
    "in_ring": Field(_B, "whether the key ring has it", True),
    "newest": Field(_B, "whether what is new is digested by it", True),
    "genuine": Field(_B, "whether the key is genuine and in time", True),
    "created": Field(_B, "whether it was made now, and not there already", True),
    "written": Field(Kind.TEXTS, "files that were written", ["config.yaml"]),
    "kept": Field(_I, "how many were there already and stay", 0),
    "kept_file": Field(_T, "where the old database is kept", None),
    "made": Field(Kind.TEXTS, "what else was made", ["database: sqlite:///ringflow.db"]),
    "schema": Field(_T, "the version of the tables", "0021"),
    "with_secrets": Field(_B, "whether secrets are in it", False),
    "verified": Field(_B, "whether it was restored to try", True),
    "books_right": Field(_B, "whether the books in it are right; null: not tried", True),
    "diff": Field(Kind.TEXTS, "the lines that differ, or would change", ["+allow=ulaw"]),
    "copies": Field(Kind.TEXTS, "copies of files that were edited", []),
    "advice": Field(Kind.TEXTS, "what to do by hand", []),
    "forms": Field(Kind.TEXTS, "the extensions of a prompt's files", ["ulaw", "alaw"]),
    "source_rate_hz": Field(_I, "samples a second of a recording", 16_000),
    "source_channels": Field(_I, "channels of a recording", 1),
    "bytes": Field(_I, "how large a file is", 480_000),
    "levelled": Field(_B, "whether a recording has been brought to the level of a prompt", True),
    "recording_count": Field(_I, "how many recordings", 1),
    "source_s": Field(_S, "how long a recording is", 1.0),
    "gain_db": Field(Kind.NUMBER, "what was added to a recording", 3.2),
    "level_dbfs": Field(Kind.NUMBER, "how loud a prompt is", -19.0),
    "peak_dbfs": Field(Kind.NUMBER, "its highest peak", -3.0),
    "clipped": Field(Kind.NUMBER, "the part of a recording that was cut off at full scale, 0 to 1", 0.0),
    "side": Field(_T, "the side of a recording that was taken alone", None),
    "damaged": Field(_B, "whether a recording is damaged in places", False),
    "columns": Field(_T, "which column of a sheet is what", "prefix=Code"),
    "values": Field(_T, "what counts for all rows of a sheet", "increment=60/60"),
    "dates": Field(_T, "how a sheet writes days", "dmy"),
    "decimal": Field(_T, "how a sheet writes decimals: `point` or `comma`", "point"),
    "encoding": Field(_T, "a file's encoding", "utf-8"),
    "sheet": Field(_T, "a worksheet", "Rates"),
    # The lab and measurements.
    "release": Field(_T, "the release of Debian whose Asterisk it is", "forky"),
    "stopped": Field(_B, "whether it ran", True),
    "state": Field(Kind.OBJECT, "a running Asterisk; null: none runs"),
    "live_channels": Field(_I, "channels of a running Asterisk", 0),
    "pid": Field(_I, "a process", 4711),
    "sip_port": Field(_I, "a UDP port", 5060),
    "ami_port": Field(_I, "a TCP port", 5038),
    "fastagi_port": Field(_I, "a TCP port", 4573),
    "run_folder": Field(_T, "the folder of a control socket", "/run/user/1000/lab"),
    "trunks": Field(Kind.MAP, "the ports of callees by trunk", {"carrier": 5070}),
    "complete": Field(_I, "how many calls were complete", 100),
    "finished": Field(_B, "whether the search came to its end in time", True),
    "sides": Field(Kind.OBJECTS, "Ringflow and native dialplan"),
    "refused": Field(_I, "how many calls were refused", 0),
    "failures": Field(Kind.MAP, "how many calls failed, by why", {}),
    "key_to_invite_s": Field(Kind.MAP, "from the last key to the INVITE, by share of calls", {"p50": 0.004}),
    "key_to_invite_more_s": Field(Kind.MAP, "the same, more than native", {"p50": 0.001}),
    "call_s": Field(Kind.MAP, "the whole call, by share of calls", {"p50": 1.2}),
    "call_more_s": Field(Kind.MAP, "the same, more than native", {"p50": 0.002}),
    "cpu_ratio": Field(Kind.NUMBER, "processor time, against native", 1.15),
    "cpu_ratios": Field(Kind.NUMBERS, "the same, by rounds", [1.15]),
    "asterisk_cpu_s": Field(Kind.NUMBERS, "Asterisk's processor time a call, by rounds", [0.014]),
    "ringflow_cpu_s": Field(Kind.NUMBERS, "Ringflow's processor time a call, by rounds", [0.002]),
    "ratio": Field(Kind.NUMBER, "calls a second, against native", 0.9),
    "ringflow": Field(Kind.OBJECT, "the search for Ringflow's highest rate"),
    "native": Field(Kind.OBJECT, "the search for native dialplan's"),
    "calls_per_s": Field(Kind.NUMBER, "calls a second", 60),
    "rounds": Field(Kind.OBJECTS, "the rounds of a search"),
    "latest_s": Field(_S, "the slowest call's time from key to INVITE", 0.03),
    "overloads": Field(Kind.OBJECTS, "rounds with more calls than can be carried"),
    "max_calls_per_s": Field(Kind.NUMBER, "the limit that was set; null: the default ones", None),
    "call_count": Field(_I, "how many calls", 1000),
}
"""Every field by its name."""
