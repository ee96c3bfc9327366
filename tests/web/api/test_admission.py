"""Who is let in to which operation: anyone, customers, operators by their rights; and how often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from ringflow.accounts.tokens import revoke
from ringflow.actor import Actor, Principal, PrincipalKind, acting, shell_operator
from ringflow.config import HttpConfig, HttpLimitsConfig
from ringflow.forms.system import VersionForm
from ringflow.rights import Audience, Right
from ringflow.web.access.authentication import RECOGNISERS, Authentication
from ringflow.web.api.routes import RESOURCES, add_resources
from ringflow.web.rest.openapi import describe
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.sender import Sender
from ringflow.web.rest.services import Services

from .conftest import Api, Client

LIMITS = HttpLimitsConfig(
    per_token_per_s=2, per_address_per_s=None, wrong_tokens_per_minute=6, public_per_minute=30
)
DOORS = Resource("doors", "/doors", "Operations of each audience.")


@DOORS.get(None, "/open")
async def enter_open_door(sender: Sender) -> VersionForm:
    """Say where the request came from."""
    return VersionForm(sender.address)


@DOORS.get(None, "/second")
async def enter_second_door(sender: Sender) -> VersionForm:
    """Say what asked."""
    return VersionForm(sender.agent)


@DOORS.get(Audience.CUSTOMER, "/customers")
async def enter_customers_door(principal: Principal) -> VersionForm:
    """Say which customer asks, and from where."""
    return VersionForm(f"{principal.customer_id} from {principal.address}")


@DOORS.get(Audience.OPERATOR, "/operators")
async def enter_operators_door(principal: Principal) -> VersionForm:
    """Say by which token an operator asks, and from where."""
    return VersionForm(f"{principal.credential_id} from {principal.address}")


async def one_customer(services: Services, request: web.Request) -> Principal | None:
    """Recognise a customer by a header of these tests. Each request has a credential of its own."""
    if "X-Test-Customer" not in request.headers:
        return None
    credential = f"test {next(COUNTER)}"
    return Principal(PrincipalKind.CUSTOMER, "customer 42", credential_id=credential, customer_id=42)


COUNTER = count()


@dataclass
class Clock:
    """A time that tests move."""

    now_s: float = 1000.0


@dataclass
class Doors:
    """A server of all resources and the doors, with a clock of its own."""

    http: ClientSession
    clock: Clock

    def customer(self) -> Client:
        return Client(self.http, None, {"X-Test-Customer": "yes"})


@pytest.fixture
async def doors(api: Api) -> AsyncIterator[Doors]:
    core, clock = api.application.core, Clock()
    config = core.config.model_copy(update={"http": HttpConfig(limits=LIMITS)})
    services = Services(core.store, config, core.charging.ledger.now_ms, {}, lambda: None)
    gate = Authentication(services, (*RECOGNISERS, one_customer), lambda: clock.now_s, most_known=2)
    application = web.Application()
    add_resources(application, [*RESOURCES, DOORS], services, gate)
    async with TestServer(application) as server, ClientSession(server.make_url("/")) as http:
        yield Doors(http, clock)


async def test_anyone_may_call_what_is_for_anyone_but_each_address_only_so_often(doors: Doors) -> None:
    anyone = Client(doors.http, None)
    for _ in range(10):
        came = await anyone("GET", "/doors/open", headers={"Authorization": "Bearer nonsense"})
        assert (came.status, came.json) == (200, {"version": "127.0.0.1"})
    refused = await anyone("GET", "/doors/open")
    assert (refused.status, refused.json["code"], refused.headers["Retry-After"]) == (
        429,
        "request.too_many",
        "2",
    )
    # Each operation is counted by itself.
    assert (await anyone("GET", "/doors/second", headers={"User-Agent": "knocker"})).json == {
        "version": "knocker"
    }
    doors.clock.now_s += 2
    assert (await anyone("GET", "/doors/open")).status == 200
    assert (await anyone("GET", "/doors/open")).status == 429


async def test_a_customer_reaches_what_is_for_customers_and_nothing_else(doors: Doors) -> None:
    customer = doors.customer()
    assert (await customer("GET", "/doors/customers")).json == {"version": "42 from 127.0.0.1"}
    assert (await customer("GET", "/doors/operators")).json["fields"] == {"audience": "operator"}
    for resource in RESOURCES:
        for operation in resource.operations:
            if operation.access in (None, Audience.CUSTOMER):
                continue
            path = operation.path.replace("{", "").replace("}", "")
            came = await customer(operation.method, path, {} if operation.method != "GET" else None)
            assert came.status == 403, (operation.name, came.text)


async def test_what_is_for_customers_is_not_for_operators_whatever_their_rights(
    api: Api, doors: Doors
) -> None:
    owner = Client(doors.http, (await api.client()).token)
    refused = await owner("GET", "/doors/customers")
    assert (refused.status, refused.json["code"]) == (403, "right.other_audience")
    assert refused.json["fields"] == {"audience": "customer"}
    narrow = await api.client(name="narrow", rights=frozenset({Right.CALLS_READ}))
    came = await Client(doors.http, narrow.token)("GET", "/doors/operators")
    assert narrow.token is not None
    assert came.json == {"version": f"{narrow.token[:11]} from 127.0.0.1"}
    assert (await Client(doors.http, None)("GET", "/doors/operators")).status == 401


async def test_a_token_may_ask_only_so_often_and_each_is_counted_by_itself(api: Api, doors: Doors) -> None:
    tokens = [(await api.client(name=name)).token for name in ("one", "two")]
    one, two = (Client(doors.http, token) for token in tokens)
    assert [(await one("GET", "/whoami")).status for _ in range(5)] == [200, 200, 200, 200, 429]
    refused = await one("GET", "/whoami")
    assert (refused.json["code"], refused.json["fields"]) == ("request.too_many", {"retry_after_s": 1})
    assert (await two("GET", "/whoami")).status == 200
    doors.clock.now_s += 0.5
    assert (await one("GET", "/whoami")).status == 200


async def test_a_flood_of_wrong_tokens_is_not_looked_up_and_good_ones_go_on(api: Api, doors: Doors) -> None:
    good, other = (await api.client(name="good")).token, (await api.client(name="other")).token
    assert (await Client(doors.http, good)("GET", "/whoami")).status == 200
    wrong = [Client(doors.http, f"rf_aaaaaaaa_{number:043}") for number in range(4)]
    assert [(await one("GET", "/whoami")).status for one in wrong] == [401, 401, 429, 429]
    # No request of a wrong token reaches the database any more, whatever it looks like.
    assert (await Client(doors.http, "nonsense")("GET", "/whoami")).status == 429
    assert (await Client(doors.http, good)("GET", "/whoami")).status == 200
    # One that was not seen yet waits, and is then taken.
    waits = await Client(doors.http, other)("GET", "/whoami")
    assert (waits.status, waits.headers["Retry-After"]) == (429, "10")
    doors.clock.now_s += 10
    assert (await Client(doors.http, other)("GET", "/whoami")).status == 200
    # A token that is good no more is one of the wrong ones.
    assert good is not None
    async with acting(api.store, shell_operator("tests"), "US") as actor:
        await revoke(actor, good)
    revoked = [(await Client(doors.http, good)("GET", "/whoami")).status for _ in range(2)]
    assert revoked == [401, 429]


async def test_it_is_known_of_so_many_tokens_at_most_that_they_were_good(api: Api, doors: Doors) -> None:
    tokens = [(await api.client(name=f"t{number}")).token for number in range(3)]
    for token in tokens:
        assert (await Client(doors.http, token)("GET", "/whoami")).status == 200
    for _ in range(3):
        await Client(doors.http, "nonsense")("GET", "/whoami")
    # The one that was used longest ago is looked up no more than a wrong one.
    asked = [(await Client(doors.http, token)("GET", "/whoami")).status for token in tokens]
    assert asked == [429, 200, 200]


def test_the_document_says_whom_an_operation_is_for() -> None:
    paths = describe([DOORS], Input, "1", "")["paths"]
    assert paths["/doors/open"]["get"]["security"] == []
    assert "401" not in paths["/doors/open"]["get"]["responses"]
    assert "429" in paths["/doors/open"]["get"]["responses"]
    assert paths["/doors/customers"]["get"]["security"] == [{"customer": []}]
    operators = paths["/doors/operators"]["get"]
    assert (operators["x-audience"], operators.get("security")) == ("operator", None)


def test_nobody_acts_in_an_operation_for_anyone() -> None:
    async def act(actor: Actor) -> None:
        """Act."""

    with pytest.raises(TypeError, match="nobody is known who acts"):
        DOORS.post(None, "/broken")(act)
