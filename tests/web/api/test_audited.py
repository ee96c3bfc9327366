"""Every change over HTTP is in the audit log, with who did it, by which token or session, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from ringflow.config import Config
from ringflow.rights import Right
from ringflow.web.api.routes import RESOURCES

from ..software_authenticator import Authenticator
from .conftest import PEPPER, Api, finished, runner
from .test_me import world_of
from .test_sign_in import PASSWORD, Browser, add

LONG = "another long passphrase"
ANY = {"If-Match": "*"}


@dataclass(frozen=True)
class Step:
    """An operation with what is asked of it. `{name}` in the path is what an earlier step's answer had."""

    name: str
    path: str
    body: Any = None
    keep: tuple[tuple[str, str], ...] = ()
    """Fields of the answer, each with the name by which it is kept."""


AS_ADMIN = (
    Step("add_customer", "/customers", {"id": 50, "name": "Ann"}),
    Step("add_customer", "/customers", {"id": 51}),
    Step("alter_customer", "/customers/50", {"name": "Bob"}),
    Step("make_service_password", "/customers/50/service-password", {}),
    Step("remove_service_password", "/customers/50/service-password"),
    Step("add_speed_dial", "/speed-dials", {"customer": 50, "place": 1, "number": "441910000009"}),
    Step("alter_speed_dial", "/speed-dials/50/1", {"name": "Cid"}),
    Step("delete_speed_dial", "/speed-dials/50/1"),
    Step("add_cli", "/clis", {"customer": 50, "number": "441910000050"}, (("id", "cli"),)),
    Step("alter_cli", "/clis/{cli}", {"notes": "home"}),
    Step(
        "change_clis",
        "/clis:bulk",
        {"action": "change", "filter": {"customer": 50}, "expect": 1, "changes": {"notes": "x"}},
    ),
    Step("change_customers", "/customers:bulk", {"action": "change", "ids": [51], "changes": {"name": "C"}}),
    Step("delete_cli", "/clis/{cli}"),
    Step("add_cli_code", "/cli-codes", {"customer": 50, "number": "441910000060"}, (("id", "code"),)),
    Step("rotate_cli_code", "/cli-codes/{code}:rotate", {}),
    Step("delete_cli_code", "/cli-codes/{code}"),
    Step("add_did", "/dids", {"number": "18005550199", "app": "calling_card"}),
    Step("alter_did", "/dids/18005550199", {"channels": 3}),
    Step("change_dids", "/dids:bulk", {"action": "disable", "ids": ["18005550199"]}),
    Step("delete_did", "/dids/18005550199"),
    Step("add_trunk", "/trunks", {"name": "north", "dial": "PJSIP/{number}@north"}),
    Step("add_trunk", "/trunks", {"name": "south", "dial": "PJSIP/{number}@south"}),
    Step("reorder_trunks", "/trunks:reorder", {"trunks": ["south", "north", "carrier"]}),
    Step("alter_trunk", "/trunks/north", {"enabled": False}),
    Step("show_trunk_headers", "/trunks/north/headers"),
    Step("add_rate_card", "/rate-cards", {"name": "retail", "currency": "USD"}),
    Step("alter_rate_card", "/rate-cards/retail", {"default": True}),
    Step("set_rate_of_prefix", "/rate-cards/retail/rates/44", {"price": "0.01"}),
    Step("delete_rate_of_prefix", "/rate-cards/retail/rates/44"),
    Step("assign_rate_card_to_customer", "/customers/50/rate-card", {"rate_card": "retail"}),
    Step("unassign_rate_card_of_customer", "/customers/50/rate-card"),
    Step("assign_rate_card_to_trunk", "/trunks/north/rate-card", {"rate_card": "retail"}),
    Step("unassign_rate_card_of_trunk", "/trunks/north/rate-card"),
    Step("delete_rate_card", "/rate-cards/retail"),
    Step("delete_trunk", "/trunks/north"),
    Step("alter_limits", "/accounts/50/limits", {"debit_limit": "5.00"}),
    Step("pay", "/movements:pay", {"reason": "x", "kind": "pay_in", "customer": 50, "amount": "5.00"}),
    Step("transfer", "/movements:transfer", {"reason": "x", "customer": 50, "to": 51, "amount": "1.00"}),
    Step(
        "generate_cards",
        "/cards:generate",
        {"customer": 42, "credit": "5.00", "count": 3, "batch": "spring"},
    ),
    Step("disable_batch", "/batches/spring:disable"),
    Step("enable_batch", "/batches/spring:enable"),
    Step("change_batch", "/batches/spring", {"credit": "4.00"}),
    Step("disable_card", "/cards/{card}:disable"),
    Step("enable_card", "/cards/{card}:enable"),
    Step("change_card", "/cards/{card}", {"credit": "3.00"}),
    Step("redeem_card", "/cards/{card}:redeem", {}),
    Step("delete_card", "/cards/{card}"),
    Step("change_cards", "/cards:bulk", {"action": "disable", "batch": "spring", "expect": 2}),
    Step("delete_batch", "/batches/spring"),
    Step(
        "generate_vouchers",
        "/vouchers:generate",
        {"currency": "USD", "value": "5.00", "count": 2, "batch": "codes"},
    ),
    Step(
        "change_vouchers", "/vouchers:bulk", {"action": "disable", "filter": {"batch": "codes"}, "expect": 2}
    ),
    Step("enable_voucher", "/vouchers/{voucher}:enable"),
    Step("disable_voucher", "/vouchers/{voucher}:disable"),
    Step("enable_voucher", "/vouchers/{voucher}:enable"),
    Step("remove_voucher", "/vouchers/{voucher}"),
    Step("add_calendar", "/calendars", {"name": "england"}),
    Step("alter_calendar", "/calendars/england", {"notes": "bank holidays"}),
    Step("add_calendar_days", "/calendars/england/entries", {"first": "2026-12-24"}, (("id", "entry"),)),
    Step("delete_calendar_entry", "/calendars/england/entries/{entry}"),
    Step("delete_calendar", "/calendars/england"),
    Step("add_value_list", "/value-lists", {"name": "barred", "kind": "numbers"}),
    Step("alter_value_list", "/value-lists/barred", {"notes": "new"}),
    Step("add_value_list_entry", "/value-lists/barred/entries", {"entry": "441910000001"}),
    Step("remove_value_list_entry", "/value-lists/barred/entries/441910000001"),
    Step("delete_value_list", "/value-lists/barred"),
    Step("add_operator", "/operators", {"name": "sync", "role": "viewer"}),
    Step("alter_operator", "/operators/sync", {"role": "support"}),
    Step("disable_operator", "/operators/sync:disable"),
    Step("enable_operator", "/operators/sync:enable"),
    Step("make_password_link", "/operators/sync/password-links"),
    Step("invite_operator", "/invitations", {"name": "eve", "role": "viewer"}),
    Step("add_role", "/roles", {"name": "night", "rights": ["calls.read"]}),
    Step("alter_role", "/roles/night", {"notes": "new"}),
    Step("delete_role", "/roles/night"),
    Step("add_token", "/tokens", {"operator": "sync", "name": "one"}, (("starts_with", "token"),)),
    Step("revoke_token", "/tokens/{token}:revoke"),
    Step("add_operators_own_token", "/own/tokens", {"name": "own"}, (("starts_with", "own"),)),
    Step("revoke_operators_own_token", "/own/tokens/{own}:revoke"),
    Step("add_customer", "/customers", {"id": 60}),
    Step("delete_customer", "/customers/60"),
    Step("add_customer_login", "/customers/50/logins", {"email": "a@example.org", "password": LONG}),
    Step("put_customer_password", "/customers/50/logins/a@example.org/password", {"password": LONG + "!"}),
    Step("delete_customer_login", "/customers/50/logins/a@example.org"),
    Step("add_customer_token", "/customers/50/tokens", {"name": "till"}, (("id", "till"),)),
    Step("revoke_customer_token", "/customers/50/tokens/{till}"),
    Step("import_dids", "/dids:import", b"number,app\n18005550177,calling_card\n"),
    Step("import_speed_dials", "/speed-dials:import", b"customer,place,number\n50,7,441910000009\n"),
)
"""In this order, as a program with an admin's token."""

ELSEWHERE = {
    "tests of their own, which look into the audit log": {
        *("refund", "delete_recording", "delete_recordings_of_call", "redeem_voucher"),
        *("refresh_one_calendar", "put_rate_map", "delete_rate_map", "discard_unfinished_batch"),
        *("publish_flow_text", "save_draft", "delete_draft", "publish_flow", "publish_flows"),
        *("roll_back_flow", "add_new_flow", "save_scenario_text"),
        *("publish_script_text", "publish_script", "roll_back_script"),
        *("delete_prompt", "speak_prompt", "upload_prompt", "import_rate_sheet"),
        *(
            "import_calendar",
            "import_clis",
            "import_customers",
            "import_value_list_entries",
            "put_one_override",
            "delete_override",
        ),
        *("hang_up", "redirect", "play", "say", "originate"),
    },
    "of an operator who has signed in: the walk by session": {
        *("change_operators_own_password", "sign_out", "end_own_other_sessions", "end_own_session"),
        *("end_operator_sessions", "end_operator_session", "reset_second_factor"),
        "revoke_operator_passkey",
        *("enrol_own_second_factor", "confirm_own_second_factor", "renew_own_recovery_codes"),
        "turn_off_own_second_factor",
    },
    "nothing is changed but the job itself": {
        *("check_flow_text", "check_script_text", "run_script", "cancel_job", "run_scenarios", "simulate"),
        *("check_the_books", "compare_rate_card", "diff_rate_cards", "start_scenarios"),
    },
}
"""Changing operations that this walk does not ask for, by why."""


class Log:
    """Reads what was added to the audit log since it was last asked."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._last = 0

    async def added(self) -> list[Any]:
        query = (
            "SELECT id, operator, acted_as, token, credential, address, verb, subject FROM audit_log "
            f"WHERE id > {self._last} ORDER BY id"
        )
        async with self._api.store.reading() as connection:
            found = list(await connection.exec_driver_sql(query))
        self._last = found[-1].id if found else self._last
        return found


OPERATIONS = {one.name: one for resource in RESOURCES for one in resource.operations}


async def test_every_change_by_a_token_is_noted_with_the_token_and_the_address(idle: Api) -> None:
    admin = await idle.client()
    assert admin.token is not None
    log, kept = Log(idle), dict[str, Any]()
    await log.added()
    unseen = []
    for step in AS_ADMIN:
        operation = OPERATIONS[step.name]
        sheet = isinstance(step.body, bytes)
        sent = {"data": step.body, "headers": ANY | {"Content-Type": "text/csv"}}
        path, method = step.path.format(**kept), operation.method
        came = await (admin(method, path, **sent) if sheet else admin(method, path, step.body, ANY))
        assert came.status < 300, (step.name, came.status, came.text)
        if came.status == 202:
            await finished(runner(idle))
            listed = {"generate_cards": ("card", "/cards"), "generate_vouchers": ("voucher", "/vouchers")}
            if step.name in listed:
                name, of = listed[step.name]
                kept[name] = (await admin("GET", of)).json["items"][0]["id"]
        for field, name in step.keep:
            kept[name] = came.json[field]
        added = await log.added()
        if not added:
            unseen.append(step.name)
        for entry in added:
            assert (entry.operator, entry.acted_as, entry.token, entry.credential, entry.address) == (
                "admin",
                "token",
                "test",
                admin.token[: len("rf_ab12cd34")],
                "127.0.0.1",
            ), (step.name, entry)
    assert unseen == []


async def test_every_change_in_a_session_is_noted_with_the_session_and_the_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The secret of an authenticator is sealed under it.
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    await add(api, "ann", "admin")
    await add(api, "bob", "viewer")
    log = Log(api)
    await log.added()
    browser, other = Browser(api), Browser(api)

    async def noted(came: Any, session: str | None) -> None:
        assert came.status < 300, came.text
        added = await log.added()
        assert added, came.text
        for entry in added:
            assert (entry.operator, entry.address) == ("ann", "127.0.0.1"), entry
            # The entry of the sign-in itself is what begins the session.
            assert entry.credential == (None if entry.verb == "sign in" else session), entry

    begun = await browser.sign_in("ann")
    session = f"session {begun.json['session']['id']}"
    await noted(begun, session)
    enrolled = await browser("POST", "/session/second-factor", {"password": PASSWORD})
    code = pyotp.TOTP(enrolled.json["totp_secret"]).now()
    await noted(await browser("POST", "/session/second-factor:confirm", {"code": code}), session)
    await noted(await browser("POST", "/session/second-factor:renew-codes", {"password": PASSWORD}), session)
    await noted(await browser("POST", "/session/second-factor:turn-off", {"password": PASSWORD}), session)
    key = Authenticator("http://localhost:0", "localhost")
    asked = (await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})).json["public_key"]
    body = {"name": "a key", "credential": key.make(asked)}
    await noted(await browser("POST", "/session/passkeys", body), session)
    await noted(await browser("PATCH", "/session/passkeys/1", {"name": "key"}, ANY), session)
    await noted(await browser("DELETE", "/session/passkeys/1"), session)
    await other.sign_in("bob")
    asked = (await other("POST", "/session/passkeys:begin", {"password": PASSWORD})).json["public_key"]
    body = {"name": "his", "credential": Authenticator(key.origin, key.domain).make(asked)}
    assert (await other("POST", "/session/passkeys", body)).status == 201
    await log.added()
    await noted(await browser("DELETE", "/operators/bob/passkeys/2"), session)
    await noted(await browser("DELETE", "/operators/bob/sessions"), session)
    new = {"password": PASSWORD, "new_password": LONG}
    await noted(await browser("PUT", "/session/password", new), session)
    await noted(await browser("DELETE", "/session"), session)


async def test_every_change_by_a_customer_is_noted_with_the_token_and_the_address(
    with_pepper: Config,
) -> None:
    async with world_of(with_pepper) as world:
        customer, log = await world.customer(50), Log(world.api)
        (card, pin), code = world.cards[0], world.codes[0]
        added = await customer("GET", "/me/tokens")
        await log.added()
        for method, path, body in (
            ("PATCH", "/me", {"language": "en"}),
            ("PUT", "/me/speed-dials/1", {"number": "441910000009"}),
            ("DELETE", "/me/speed-dials/1", None),
            ("POST", "/me/cards:redeem", {"card": card, "pin": pin}),
            ("POST", "/me/vouchers:redeem", {"code": code}),
            ("DELETE", f"/me/tokens/{added.json['items'][0]['id']}", None),
        ):
            came = await customer(method, path, body, ANY)
            assert came.status < 300, (path, came.text)
            entries = await log.added()
            assert entries, path
            for entry in entries:
                assert (entry.operator, entry.acted_as) == ("customer 50", "customer"), entry
                assert (entry.token, entry.address) == ("program of 50", "127.0.0.1"), entry
                assert entry.credential is not None


def test_every_operation_that_changes_something_is_asked_for_here_or_said_why_not() -> None:
    changing = {
        one.name for one in OPERATIONS.values() if one.method != "GET" and isinstance(one.access, Right)
    }
    walked = {step.name for step in AS_ADMIN}
    elsewhere = {name for names in ELSEWHERE.values() for name in names}
    assert changing - walked - elsewhere == set(), "add a step to AS_ADMIN"
    assert elsewhere - OPERATIONS.keys() == set()
    assert elsewhere & walked == set()
