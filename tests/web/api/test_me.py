"""What customers' own programs reach over HTTP: all that is theirs, and nothing of anybody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select
from tests.paying_customers import add_card, as_ann, give_credit, rate

from ringflow.accounts.cards.generation import Plan, generate, open_batch
from ringflow.accounts.customer_access import call_backs, logins
from ringflow.accounts.customer_access.tokens import add_program
from ringflow.accounts.customers import Customer
from ringflow.accounts.customers import add as add_customer
from ringflow.accounts.passwords import Passwords
from ringflow.accounts.peppers import parse_peppers
from ringflow.accounts.vouchers.generation import Plan as VoucherPlan
from ringflow.accounts.vouchers.generation import generate as generate_vouchers
from ringflow.actor import acting, shell_operator
from ringflow.config import CallBackConfig, Config
from ringflow.ledger.payments import Purpose, transfer
from ringflow.rights import Audience
from ringflow.store.api_tables import api_answers
from ringflow.store.record_tables import call_legs, call_records
from ringflow.web.api.routes import RESOURCES

from .conftest import Answered, Api, Client, served

PEPPER = "v1:a-pepper-for-tests-only"
PASSWORDS = {50: "correct horse battery staple", 51: "another long passphrase"}

HASHES: dict[int, str] = {}
"""Those of the passwords, made once: each takes a while on purpose."""


@dataclass
class World:
    """Customers 50 and 51 of the template 42, each with one of everything; both sign in by e-mail."""

    api: Api
    cards: list[tuple[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    async def signs_in(self, **who: str) -> Answered:
        return await self.api.nobody()("POST", "/me/tokens", {"device": "tests", **who})

    async def customer(self, customer_id: int) -> Client:
        """A client with the token of a program of the customer's."""
        async with as_ann(self.api.store) as ann:
            _, text = await add_program(ann, customer_id, f"program of {customer_id}", None)
        return Client(self.api.http, text)


@asynccontextmanager
async def world_of(config: Config) -> AsyncIterator[World]:
    async with served(config) as api:
        world = World(api)
        peppers = parse_peppers(PEPPER, "the pepper")
        for customer_id, password in PASSWORDS.items():
            if customer_id not in HASHES:
                HASHES[customer_id] = await Passwords().hash(password)

        def opener() -> Any:
            return acting(api.store, shell_operator("ann"), "US")

        async with as_ann(api.store) as ann:
            await add_card(ann, rate(60_000, "44"), rate(10_000, "441"))
            for customer_id in PASSWORDS:
                await add_customer(ann, Customer(customer_id, f"Customer {customer_id}"))
                await give_credit(ann, customer_id, 5_000_000)
                await logins.add(ann, customer_id, f"c{customer_id}@example.org", HASHES[customer_id])
            await transfer(ann, 50, 51, 1_000_000, Purpose("t1", "a gift for customer 51"))
            vouchers = await generate_vouchers(
                ann, VoucherPlan("codes", "USD", 3, value_micros=2_000_000), peppers
            )
            world.codes = [code for _, code in vouchers]
        plan = Plan("spring", 42, 3_000_000, count=6, top_up="anyone")
        batch = await generate(opener, plan, peppers, world.cards.extend)
        async with as_ann(api.store) as ann:
            await open_batch(ann, batch)
            for customer_id in PASSWORDS:
                await record_call(ann, customer_id)
        yield world


async def record_call(ann: Any, customer_id: int) -> None:
    """A call of the customer's through the trunk `secret-trunk`."""
    call_id = f"call-of-{customer_id}"
    call = {
        "call_id": call_id,
        "server": "secret-server",
        "started_ms": 1_750_000_000_000,
        "duration_ms": 75_000,
        "did": "18005550100",
        "cli": f"4419100000{customer_id}",
        "app": "secret-app",
        "customer_id": customer_id,
        "outcome": "completed",
        "reason": "secret-reason",
    }
    leg = {
        "call_id": call_id,
        "position": 1,
        "dialled": "441910000099",
        "trunk": "secret-trunk",
        "status": "answered",
        "talked_ms": 60_000,
        "cost_micros": 777,
        "cost_currency": "USD",
        "cost_destination": "secret-destination",
        "reason": "secret-leg",
        "sent": "00441910000099",
    }
    await ann.connection.execute(call_records.insert().values(**call))
    await ann.connection.execute(call_legs.insert().values(**leg))


@pytest.fixture
async def world(server_config: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    async with world_of(server_config) as one:
        yield one


async def test_a_customer_signs_in_refreshes_and_signs_out(world: World) -> None:
    signed_in = await world.signs_in(email="C50@example.org", password=PASSWORDS[50])
    assert (signed_in.status, signed_in.json["customer"]) == (201, 50)
    assert signed_in.json["access_token"].startswith("rf_me_")
    me = Client(world.api.http, signed_in.json["access_token"])
    (device,) = (await me("GET", "/me/tokens")).json["items"]
    assert (device["name"], device["own"], device["email"]) == ("tests", True, "c50@example.org")
    assert device["address"] == "127.0.0.1"
    nobody = world.api.nobody()
    refreshed = await nobody("POST", "/me/tokens:refresh", {"refresh_token": signed_in.json["refresh_token"]})
    assert (refreshed.status, refreshed.json["id"]) == (201, signed_in.json["id"])
    me = Client(world.api.http, refreshed.json["access_token"])
    gone = await me("DELETE", f"/me/tokens/{device['id']}")
    assert gone.status == 204
    after = await me("GET", "/me")
    assert (after.status, after.json["code"]) == (401, "token.refused")
    again = await nobody("POST", "/me/tokens:refresh", {"refresh_token": refreshed.json["refresh_token"]})
    assert (again.status, again.json["code"]) == (401, "token.refused")


async def test_a_sign_in_that_is_refused_says_the_same_of_everybody(world: World) -> None:
    card_id, pin = world.cards[0]
    wrong = [
        await world.signs_in(email="c50@example.org", password="not that one at all"),
        await world.signs_in(email="nobody@example.org", password="not that one at all"),
        await world.signs_in(card=card_id, pin="0000000"),
        await world.signs_in(card="100000000008", pin=pin),
    ]
    assert {(one.status, one.json["code"], one.json["detail"]) for one in wrong} == {
        (401, "sign_in.refused", wrong[0].json["detail"])
    }
    for incomplete in ({}, {"card": card_id}, {"card": card_id, "pin": pin, "email": "c50@example.org"}):
        came = await world.signs_in(**incomplete)
        assert (came.status, came.json["code"]) == (422, "sign_in.incomplete")


async def test_a_card_signs_in_and_is_then_the_accounts(world: World) -> None:
    card_id, pin = world.cards[0]
    signed_in = await world.signs_in(card=card_id, pin=pin)
    me = Client(world.api.http, signed_in.json["access_token"])
    account = (await me("GET", "/me")).json
    assert (account["balance"], account["available"], account["currency"]) == ("3.00", "3.00", "USD")
    (card,) = (await me("GET", "/me/cards")).json["items"]
    assert (card["id"], card["redeemed_as"]) == (card_id, "account")
    owner = await world.api.client()
    tag = (await owner("GET", f"/customers/{account['customer']}")).headers["ETag"]
    barred = {"status": "inactive"}
    await owner("PATCH", f"/customers/{account['customer']}", barred, {"If-Match": tag})
    assert (await me("GET", "/me")).status == 401


async def test_a_customer_sees_what_is_its_own_and_nothing_internal(world: World) -> None:
    me = await world.customer(50)
    account = (await me("GET", "/me")).json
    assert (account["customer"], account["balance"], account["debit_limit"]) == (50, "4.00", "0.00")
    calls = await me("GET", "/me/calls")
    (call,) = calls.json["items"]
    assert (call["call_id"], call["cli"]) == ("call-of-50", "441910000050")
    assert call["legs"][0]["number"] == "441910000099"
    one = await me("GET", "/me/calls/call-of-50")
    assert one.json == call
    assert "secret" not in calls.text + one.text
    assert "777" not in calls.text
    movements = (await me("GET", "/me/movements")).json["items"]
    assert [(one["kind"], one["amount"], one["reason"]) for one in movements] == [
        ("transfer", "-1.00", ""),
        ("pay_in", "5.00", "a test"),
    ]
    period = "since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z"
    empty = (await me("GET", f"/me/statement?{period}")).json
    assert (empty["opening"], empty["movements"], empty["closing"]) == ("0.00", [], "0.00")
    long = await me("GET", "/me/statement?since=2020-01-01T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert (long.status, long.json["code"]) == (422, "statement.malformed_period")
    quote = (await me("GET", "/me/quote?number=%2B44191%200000099")).json
    assert (quote["number"], quote["price"], quote["affordable_s"]) == ("441910000099", "0.01", 24_000)
    for number, code in (("15005550100", "number.not_called"), ("12", "number.malformed")):
        refused = await me("GET", f"/me/quote?number={number}")
        assert refused.json["code"] == code
        assert "tested" not in refused.text


async def test_a_customer_lowers_its_limits_and_cannot_raise_them(world: World) -> None:
    me = await world.customer(50)

    async def patch(**fields: str) -> Answered:
        return await me("PATCH", "/me", fields, {"If-Match": "*"})

    assert (await patch(daily_limit="10.00", language="es")).json["daily_limit"] == "10.00"
    lower = await patch(daily_limit="2.50")
    assert (lower.status, lower.json["daily_limit"], lower.json["language"]) == (200, "2.50", "es")
    assert (await patch(daily_limit="2.50", debit_limit="0")).status == 200
    for fields in ({"daily_limit": "2.51"}, {"debit_limit": "1.00"}):
        refused = await patch(**fields)
        assert (refused.status, refused.json["code"]) == (409, "limit.only_lower")
    assert (await patch(daily_limit="-1")).json["errors"][0]["pointer"] == "/daily_limit"
    assert (await patch(language="xx")).json["errors"][0]["pointer"] == "/language"
    assert (await me("PATCH", "/me", {"language": "es"})).status == 428
    assert (await me("GET", "/me")).json["daily_limit"] == "2.50"


async def test_a_customer_redeems_cards_and_vouchers_once_whatever_is_lost(world: World) -> None:
    me = await world.customer(50)
    card_id, pin = world.cards[1]
    key = {"Idempotency-Key": "redeem-1"}
    wrong = await me("POST", "/me/cards:redeem", {"card": card_id, "pin": "0000000"})
    assert (wrong.status, wrong.json["code"]) == (422, "redeem.wrong")
    first = await me("POST", "/me/cards:redeem", {"card": card_id, "pin": pin}, key)
    assert (first.status, first.json["credit"], first.json["redeemed_as"]) == (201, "3.00", "top_up")
    again = await me("POST", "/me/cards:redeem", {"card": card_id, "pin": pin}, key)
    assert (again.status, again.text) == (first.status, first.text)
    used = await me("POST", "/me/cards:redeem", {"card": card_id, "pin": pin})
    assert (used.status, used.json["code"], used.json["fields"]) == (409, "redeem.refused", {"why": "used"})
    key = {"Idempotency-Key": "redeem-2"}
    voucher = await me("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)
    assert (voucher.status, voucher.json["given"]) == (201, "2.00")
    same = await me("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)
    assert (same.status, same.text) == (201, voucher.text)
    assert (await me("GET", "/me")).json["balance"] == "9.00"
    # Another customer with the same key and body gets no answer of the first.
    other = await world.customer(51)
    theirs = await other("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)
    assert (theirs.status, theirs.json["fields"]) == (409, {"why": "used"})
    for _ in range(10):
        guessed = await me("POST", "/me/vouchers:redeem", {"code": "1234567890123452"})
        assert guessed.json["code"] == "redeem.wrong", guessed.text
    locked = await me("POST", "/me/vouchers:redeem", {"code": world.codes[1]})
    assert (locked.status, locked.json["code"], locked.headers["Retry-After"]) == (
        429,
        "redeem.locked",
        "600",
    )
    # What was done before is answered all the same.
    assert (await me("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)).text == voucher.text


async def test_a_customer_keeps_speed_dials_and_removes_its_numbers(world: World) -> None:
    me = await world.customer(50)
    kept = await me("PUT", "/me/speed-dials/5", {"number": "+44 191 0000009", "name": "Ann"})
    assert (kept.status, kept.json) == (200, {"place": 5, "number": "441910000009", "name": "Ann"})
    assert (await me("GET", "/me/speed-dials")).json["items"] == [kept.json]
    assert (await me("PUT", "/me/speed-dials/100", {"number": "441910000009"})).status == 422
    assert (await me("DELETE", "/me/speed-dials/5")).status == 204
    assert (await me("DELETE", "/me/speed-dials/5")).status == 404
    owner = await world.api.client()
    own = (await owner("POST", "/clis", {"customer": 50, "number": "441910000051"})).json["id"]
    pattern = (await owner("POST", "/clis", {"customer": 50, "pattern": "^4420"})).json["id"]
    listed = (await me("GET", "/me/clis")).json["items"]
    assert listed == [
        {"id": own, "number": "441910000051", "pattern": None},
        {"id": pattern, "number": None, "pattern": "^4420"},
    ]
    assert (await me("DELETE", f"/me/clis/{pattern}")).json["code"] == "cli.not_removable"
    assert (await me("DELETE", f"/me/clis/{own}")).status == 204
    assert (await me("GET", f"/me/clis/{own}")).status == 404


async def test_a_customer_changes_its_password(world: World) -> None:
    signed_in = await world.signs_in(email="c50@example.org", password=PASSWORDS[50])
    me = Client(world.api.http, signed_in.json["access_token"])
    body = {"password": PASSWORDS[50], "new_password": "a third long passphrase"}
    assert (await me("POST", "/me/password", body)).status == 204
    assert (await me("POST", "/me/password", body)).json["code"] == "sign_in.refused"
    assert (await world.signs_in(email="c50@example.org", password=body["new_password"])).status == 201
    program = await world.customer(50)
    assert (await program("POST", "/me/password", body)).json["code"] == "customer_login.not_signed_in_by"


async def test_operators_set_logins_and_make_tokens_of_customers(world: World) -> None:
    owner = await world.api.client()
    body = {"email": "Shop@example.org", "password": "a passphrase of the shop's"}
    made = await owner("POST", "/customers/50/logins", body)
    assert (made.status, made.json["email"], made.json["customer"]) == (201, "shop@example.org", 50)
    taken = await owner("POST", "/customers/51/logins", body)
    assert (taken.status, taken.json["code"]) == (409, "customer_login.taken")
    weak = await owner("POST", "/customers/50/logins", {**body, "password": "shop@example.org!"})
    assert (weak.status, weak.json["code"]) == (422, "password.weak")
    wrong = await owner("POST", "/customers/50/logins", {**body, "email": "nobody"})
    assert wrong.json["errors"][0]["pointer"] == "/email"
    listed = await owner("GET", "/customers/50/logins")
    assert [one["email"] for one in listed.json["items"]] == ["c50@example.org", "shop@example.org"]
    assert "argon2" not in made.text + listed.text
    signed_in = await world.signs_in(**body)
    path = "/customers/50/logins/shop@example.org"
    assert (await owner("PUT", f"{path}/password", {"password": "another passphrase here"})).status == 200
    assert (await Client(world.api.http, signed_in.json["access_token"])("GET", "/me")).status == 401
    for other in ("/customers/51/logins/shop@example.org", "/customers/50/logins/none@example.org"):
        assert (await owner("DELETE", other)).json["code"] == "customer_login.unknown"
    assert (await owner("DELETE", path)).status == 204
    token = await owner("POST", "/customers/50/tokens", {"name": "shop"}, {"Idempotency-Key": "t"})
    program = Client(world.api.http, token.json["secret"])
    assert (await program("GET", "/me")).json["customer"] == 50
    (shown,) = (await owner("GET", "/customers/50/tokens")).json["items"]
    assert (shown["name"], shown["operator"], "secret" in shown) == ("shop", "admin", False)
    assert shown["last_used_at"] is not None
    assert (await owner("DELETE", f"/customers/51/tokens/{shown['id']}")).status == 404
    assert (await owner("DELETE", f"/customers/50/tokens/{shown['id']}")).status == 204
    assert (await program("GET", "/me")).status == 401
    assert (await owner("GET", "/customers/50/tokens")).json["items"] == []
    (ended,) = (await owner("GET", "/customers/50/tokens?ended=true")).json["items"]
    assert ended["revoked_at"] is not None
    async with world.api.store.reading() as connection:
        kept = str((await connection.execute(select(api_answers))).all())
    assert "rf_me_" not in kept
    viewer = await world.api.client("viewer")
    assert (await viewer("POST", "/customers/50/tokens", {"name": "x"})).status == 403


async def test_a_customers_token_opens_no_operation_but_those_of_customers(world: World) -> None:
    me = await world.customer(50)
    reached = 0
    for resource in RESOURCES:
        for operation in resource.operations:
            if operation.access in (None, Audience.CUSTOMER):
                continue
            for ids in ("50", "51", "call-of-50"):
                path = operation.path
                for name in operation.in_path:
                    path = path.replace(f"{{{name}}}", ids)
                for query in ("", "?customer=50"):
                    body = {"customer": 50} if operation.method not in ("GET", "DELETE") else None
                    came = await me(operation.method, path + query, body, {"If-Match": "*"})
                    assert (came.status, came.json["code"]) in (
                        (403, "right.missing"),
                        (403, "right.other_audience"),
                    ), (operation.name, came.text)
                    reached += 1
    assert reached > 100


async def test_what_is_another_customers_is_not_there(world: World) -> None:
    """Each operation of customers, by customer 50 with all that customer 51 has."""
    me, other, owner = await world.customer(50), await world.customer(51), await world.api.client()
    theirs: dict[str, Any] = {
        "cli": (await owner("POST", "/clis", {"customer": 51, "number": "441910000061"})).json["id"],
        "call": "call-of-51",
        "token": (await other("GET", "/me/tokens")).json["items"][0]["id"],
        "place": 7,
    }
    async with as_ann(world.api.store) as ann:
        called = await call_backs.ask(ann, 51, "441910000063", CallBackConfig())
    theirs["call_back_id"] = called.call_back.id
    card_id, pin = world.cards[2]
    theirs["card"] = (await other("POST", "/me/cards:redeem", {"card": card_id, "pin": pin})).json["id"]
    theirs["voucher"] = (await other("POST", "/me/vouchers:redeem", {"code": world.codes[2]})).json["id"]
    await other("PUT", "/me/speed-dials/7", {"number": "441910000062"})
    before = {path: (await other("GET", path)).text for path in READ}
    mine = {path: (await me("GET", path)).json for path in READ}
    walked = 0
    for resource in RESOURCES:
        for operation in resource.operations:
            if operation.access is not Audience.CUSTOMER:
                continue
            if operation.listing is not None:
                # A cursor of the other's list begins in one's own.
                there = (await other("GET", operation.path, params={"limit": 1})).json
                cursor = operation.listing.cursor(operation.listing.first, ())
                if there["next"] is not None:
                    came = await me("GET", operation.path, params={"cursor": there["next"]})
                    assert str(theirs) not in came.text
                assert cursor != there["next"]
                for sort in operation.listing.sorts:
                    sorted_so = await me("GET", operation.path, params={"sort": f"-{sort}"})
                    assert sorted_so.status == 200, sorted_so.text
                foreign = await me("GET", operation.path, params={"customer": 51})
                assert (foreign.status, foreign.json["code"]) == (422, "request.unknown_parameter")
                walked += 1
            if not operation.in_path or operation.method == "PUT":
                continue
            path = operation.path
            for name in operation.in_path:
                path = path.replace(f"{{{name}}}", str(theirs[name]))
            there = await other("GET", path) if operation.method == "GET" else None
            assert there is None or there.status == 200, (path, there.text)
            body = {"code": called.code} if operation.method == "POST" else None
            came = await me(operation.method, path, body)
            assert came.status == 404, (operation.name, came.text)
            # In the words of what does not exist at all.
            walked += 1
    assert walked >= 15
    assert {path: (await other("GET", path)).text for path in READ} == before
    assert {path: (await me("GET", path)).json for path in READ} == mine
    assert "51" not in json.dumps(mine["/me/calls"])


READ = ("/me", "/me/clis", "/me/cards", "/me/vouchers", "/me/calls", "/me/speed-dials", "/me/movements")


async def test_nothing_says_that_a_thing_is_anothers_and_not_nobodys(world: World) -> None:
    other, me, owner = await world.customer(51), await world.customer(50), await world.api.client()
    token = (await other("GET", "/me/tokens")).json["items"][0]["id"]
    cli = (await owner("POST", "/clis", {"customer": 51, "number": "441910000061"})).json["id"]
    for theirs, nobodys in (
        (f"/me/clis/{cli}", "/me/clis/999"),
        ("/me/calls/call-of-51", "/me/calls/call-of-99"),
        (f"/me/cards/{world.cards[3][0]}", "/me/cards/100000000008"),
        ("/me/vouchers/1", "/me/vouchers/999"),
        (f"/me/tokens/{token}", "/me/tokens/999"),
    ):
        method = "DELETE" if "/tokens/" in theirs else "GET"
        one, none = await me(method, theirs), await me(method, nobodys)
        assert (one.status, one.json["code"]) == (404, none.json["code"]), one.text
        said = [answer.json["detail"] for answer in (one, none)]
        names = [path.rpartition("/")[2] for path in (theirs, nobodys)]
        assert said[0].replace(names[0], "X") == said[1].replace(names[1], "X")


async def test_programs_of_one_customer_do_not_share_their_keys_nor_does_a_later_one_of_the_name(
    world: World,
) -> None:
    one, same_name = await world.customer(50), await world.customer(50)
    key = {"Idempotency-Key": "k"}
    assert (await one("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)).status == 201
    again = await same_name("POST", "/me/vouchers:redeem", {"code": world.codes[0]}, key)
    assert (again.status, again.json["fields"]) == (409, {"why": "used"})
