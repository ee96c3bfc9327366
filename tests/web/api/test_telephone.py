"""The telephone on the page: calls that are made over its WebSocket, key by key."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from sqlalchemy import text as sql

from ringflow.accounts import operators
from ringflow.accounts.cards.generation import Plan, generate, open_batch
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.operators import Operator, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.accounts.peppers import parse_peppers
from ringflow.actor import Actor, acting, shell_operator
from ringflow.config import Config, DatabaseConfig
from ringflow.documents import Document
from ringflow.store import Store
from ringflow.web.telephone import PATH

from .conftest import PEPPER, Client, Pages, pages_of
from .test_simulations import counted

FLOWS = Path(__file__).parents[3] / "app_flows"
DID, CLI, NUMBER = "18005550100", "441910000001", "441234567890"
SHORT = "app: calling_card\nslots:\n  - slot: destination\n    external: '441111111111'\n"
Message = dict[str, Any]


@pytest.fixture
async def pages(_sqlite_template: Path, server_config: Config, tmp_path: Path) -> AsyncIterator[Pages]:
    own = tmp_path / "flows"
    own.mkdir()
    for name in ("calling_card", "prepaid_card"):
        shutil.copy(FLOWS / f"{name}.yaml", own)
    database = Path(shutil.copy(_sqlite_template, tmp_path / "ringflow.db"))
    config = server_config.model_copy(
        update={"flows": own, "database": DatabaseConfig(url=f"sqlite:///{database}")}
    ).read_from(Document(str(tmp_path / "config.yaml"), None, {}))
    async with pages_of(config, database) as one:
        await apply_declarations(one.store, config)
        yield one


@pytest.fixture
async def cards(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    return pages


async def made_card(store: Store) -> tuple[str, str]:
    """Make a card of customer 42; return its ID and its PIN."""
    made: list[tuple[str, str]] = []
    peppers = parse_peppers(PEPPER, "the pepper")

    def opener() -> AbstractAsyncContextManager[Actor]:
        return acting(store, shell_operator("tests"), "US")

    batch = await generate(opener, Plan("test", 42, 5_000_000), peppers, made.extend)
    async with opener() as actor:
        await open_batch(actor, batch)
    return made[0]


async def signed_in(pages: Pages) -> str:
    """Sign an admin in; return the cookie of its session."""
    kept = await new_password_hash(Passwords(), "correct horse battery", "ann")
    async with acting(pages.store, shell_operator("tests"), "US") as actor:
        await operators.add(actor, Operator("ann", "admin"), kept)
    came = await pages.nobody()("POST", "/session", {"name": "ann", "password": "correct horse battery"})
    for line in came.headers.getall("Set-Cookie"):
        for name, morsel in SimpleCookie(line).items():
            if name == "ringflow":
                return f"ringflow={morsel.value}"
    raise AssertionError(came.text)


class Phone:
    """A telephone in a test. Its clock stands still: time passes where the test skips a wait."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Message] = []

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def call(self, did: str = DID, cli: str | None = CLI, **more: object) -> None:
        await self.send("call", did=did, cli=cli, pace=0, **more)

    async def keys(self, keys: str) -> None:
        for key in keys:
            await self.send("key", key=key)

    async def next(self) -> Message:
        try:
            async with asyncio.timeout(20):
                frame = await self.socket.receive()
        except TimeoutError:
            raise AssertionError(f"nothing came after {self.seen[-3:]}") from None
        assert frame.type is WSMsgType.TEXT, frame
        self.seen.append(json.loads(frame.data))
        return self.seen[-1]

    async def until(self, kind: str, wanted: Callable[[Message], bool] = lambda message: True) -> Message:
        while (message := await self.next())["type"] != kind or not wanted(message):
            assert message["type"] != "ended", message
        return message

    async def until_any(self, kind: str) -> Message:
        """The same, and the call may end before it."""
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def skip_to(self, kind: str, wanted: Callable[[Message], bool] = lambda message: True) -> Message:
        """Have each wait be over at once until this message comes."""
        while (message := await self.next())["type"] != kind or not wanted(message):
            if message["type"] == "clock" and message["until_s"] is not None:
                await self.send("skip", until_s=message["until_s"])
        return message

    async def hears(self, sound: str) -> Message:
        return await self.until("sound_began", lambda one: sound in (one["prompt"], one["sound"]))

    @property
    def events(self) -> list[str]:
        return [one["event"]["type"] for one in self.seen if one["type"] == "event"]

    @property
    def transcript(self) -> list[str]:
        lines = [line for one in self.seen if one["type"] == "event" for line in one["lines"]]
        return [f"{one['event']} {one['detail']}".strip() for one in lines]


@asynccontextmanager
async def telephone(pages: Pages, client: Client | None = None) -> AsyncIterator[Phone]:
    client = client or await pages.client()
    headers = {"Authorization": f"Bearer {client.token}"}
    async with pages.http.ws_connect(PATH, headers=headers) as socket:
        phone = Phone(socket)
        hello = await phone.next()
        assert (hello["type"], hello["version"]) == ("hello", 1)
        yield phone


async def closed(pages: Pages) -> None:
    """Wait until the server has no telephone any more."""
    async with asyncio.timeout(20):
        while pages.services.telephones.count:  # noqa: ASYNC110 -- nobody tells of it
            await asyncio.sleep(0)


async def finished(phone: Phone) -> Any:
    while phone.seen[-1]["type"] != "ended":
        await phone.next()
    return phone.seen[-1]["call"]


async def test_a_call_is_made_key_by_key_and_its_callee_answers_and_hangs_up(pages: Pages) -> None:
    admin = await pages.client()
    before = await counted(pages.store)
    async with telephone(pages, admin) as phone:
        await phone.call()
        prompt = await phone.hears("IVR/ivr-please")
        assert (prompt["takes_keys"], prompt["length_s"] > 1) == (True, True)
        await phone.keys(f"{NUMBER}#")
        dialled = await phone.until("dialled")
        assert (dialled["leg"], dialled["dial_string"]) == (1, f"PJSIP/{NUMBER}@carrier")
        await phone.hears("ringing")
        await phone.send("callee", does="answer")
        await phone.hears("callee")
        await phone.send("callee", does="hang_up")
        call = await finished(phone)
        assert (call["outcome"], call["customer"], call["released_by"]) == ("completed", 42, "callee")
        assert set(call["legs"][0]["headers"].values()) == {"***"}
        assert (phone.events[0], phone.events[-1]) == ("call_started", "call_ended")
        assert phone.transcript == [
            "answered",
            "prompt IVR/ivr-please",
            f"keys {NUMBER} (terminator)",
            "exit done",
            f"dial {NUMBER} via carrier",
            "leg answered",
            "leg ended",
            "exit done",
            "ended completed",
        ]
        variables: dict[str, object] = {}
        for one in phone.seen:
            variables |= one["set"] if one["type"] == "variables" else {}
        assert variables["ivr_destination"] == NUMBER
        assert variables == call["variables"]
        # The same connection makes the next call.
        await phone.call(cli="447700900999")
        call = await finished_again(phone)
        assert (call["outcome"], call["reject_sip"]) == ("rejected", 403)
    assert await counted(pages.store) == before


async def finished_again(phone: Phone) -> Any:
    await phone.until("calling")
    return await finished(phone)


async def test_waits_are_skipped_and_what_callee_and_caller_do_counts_at_its_moment(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.call()
        first = await phone.hears("IVR/ivr-please")
        await phone.skip_to("sound_began", lambda one: one["prompt"] == "MISC/no-input")
        # The prompt to its end, and the time for the first key.
        assert phone.seen[-1]["at_s"] == pytest.approx(first["length_s"] + 5)
        await phone.skip_to("sound_began", lambda one: one["prompt"] == "IVR/ivr-please")
        await phone.keys(f"{NUMBER}#")
        await phone.hears("ringing")
        await phone.send("callee", does="busy")
        call = await finished(phone)
        (leg,) = call["legs"]
        assert (call["outcome"], leg["status"], leg["sip_code"]) == ("busy", "busy", 486)
        await phone.call()
        await phone.until("calling")
        await phone.hears("IVR/ivr-please")
        # A callee that is not there does nothing.
        await phone.send("callee", does="answer")
        await phone.send("hang_up")
        call = await finished(phone)
        assert (call["outcome"], call["released_by"], call["legs"]) == ("abandoned", "caller", [])


async def test_a_callee_that_nobody_has_answer_rings_until_the_slot_gives_up(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.call()
        await phone.hears("IVR/ivr-please")
        await phone.keys(f"{NUMBER}#")
        ringing = await phone.hears("ringing")
        await phone.skip_to("sound_ended", lambda one: one["sound"] == "ringing")
        assert phone.seen[-1]["at_s"] == ringing["at_s"] + 60
        assert (await finished(phone))["legs"][0]["status"] == "no_answer"


async def test_the_pace_is_told_and_a_quick_call_goes_by_itself(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.call()
        standing = await phone.until("clock")
        assert (standing["pace"], standing["at_s"]) == (0, 0)
        await phone.send("pace", pace=16)
        quick = await phone.until("clock")
        assert (quick["pace"], quick["until_s"]) == (16, standing["until_s"])
        await phone.until("sound_ended")
        assert phone.seen[-1]["at_s"] == standing["until_s"]


async def test_a_pin_is_masked_in_all_that_is_told(cards: Pages) -> None:
    card_id, pin = await made_card(cards.store)
    async with telephone(cards) as phone:
        await phone.call("18005550177", "447700900999", app="prepaid_card")
        await phone.hears("IVR/welcome")
        await phone.skip_to("sound_began", lambda one: one["takes_keys"])
        await phone.keys(f"{card_id}#")
        await phone.until("event", lambda one: one["event"]["type"] == "digits_collected")
        assert phone.seen[-1]["event"]["digits"] == card_id
        await phone.skip_to("sound_began", lambda one: one["takes_keys"])
        await phone.keys(f"{pin}#")
        await phone.until("event", lambda one: one["event"]["type"] == "digits_collected")
        assert phone.seen[-1]["event"]["digits"] == "****"
        identified = await phone.until("event", lambda one: one["event"]["type"] == "call_identified")
        assert identified["event"]["card"] == card_id
        await phone.send("hang_up")
        assert (await finished(phone))["outcome"] == "abandoned"
        assert pin not in json.dumps(phone.seen)
    async with cards.store.reading() as connection:
        # The card that the call has opened is as new as before.
        status = (await connection.execute(sql("SELECT status FROM cards"))).scalar_one()
    assert status == "available"


async def test_drafts_texts_and_an_app_without_a_number_are_called(pages: Pages) -> None:
    yaml = {"Content-Type": "application/yaml", "If-None-Match": "*"}
    admin = await pages.client()
    saved = await admin("PUT", "/flows/calling_card/draft", data=SHORT.encode(), headers=yaml)
    assert saved.status == 200
    async with telephone(pages, admin) as phone:
        await phone.call(drafts=["calling_card"])
        assert (await phone.until("dialled"))["dial_string"] == "PJSIP/441111111111@carrier"
        await phone.send("hang_up")
        await finished(phone)
        other = SHORT.replace("441111111111", "442222222222").replace("calling_card", "mine")
        await phone.call("18005550177", app="mine", texts={"mine": other})
        await phone.until("calling")
        assert (await phone.until("dialled"))["dial_string"] == "PJSIP/442222222222@carrier"
        await phone.send("hang_up")
        assert (await finished(phone))["customer"] == 42
        # Nobody knows this caller, and nobody need: only who pays for a leg is missing.
        await phone.call("18005550177", None, app="mine", texts={"mine": other})
        call = await finished_again(phone)
        assert (call["app"], call["customer"], call["slots"][0]["slot"]) == ("mine", None, "destination[1]")
        wrong = SHORT.replace("external", "externel")
        await phone.call(texts={"calling_card": wrong})
        refused = (await phone.until("problem"))["problem"]
        assert (refused["status"], refused["problems"][0]["line"]) == (422, 4)
    assert "18005550177" not in (await admin("GET", "/dids")).text


async def test_what_is_no_message_is_refused_and_the_call_goes_on(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.send("key", key="1")
        await phone.call()
        await phone.hears("IVR/ivr-please")
        for text, code, pointer in (
            ("{", "request.malformed_json", None),
            ("[]", "telephone.unknown_message", "/type"),
            ('{"type": "keys"}', "telephone.unknown_message", "/type"),
            ('{"type": "key"}', "field.missing", "/key"),
            ('{"type": "key", "key": "12"}', "field.malformed", "/key"),
            ('{"type": "key", "key": 1}', "field.malformed", "/key"),
            ('{"type": "key", "key": "1", "held_s": 61}', "field.malformed", "/held_s"),
            ('{"type": "pace", "pace": -1}', "field.malformed", "/pace"),
            ('{"type": "pace", "pace": 17}', "field.malformed", "/pace"),
            ('{"type": "callee", "does": "sleeps"}', "field.malformed", "/does"),
            ('{"type": "hang_up", "now": true}', "field.unknown", "/now"),
            ('{"type": "call", "did": "18005550100"}', "telephone.in_call", None),
        ):
            await phone.socket.send_str(text)
            came = (await phone.until("problem"))["problem"]
            pointers = [one["pointer"] for one in came.get("errors", [{"pointer": None}])]
            assert (came["code"], pointers) == (code, [pointer]), text
        await phone.socket.send_bytes(b"1")
        assert (await phone.until("problem"))["problem"]["code"] == "telephone.unknown_message"
        await phone.keys(f"{NUMBER}#")
        await phone.until("dialled")
        await phone.send("hang_up")
        await finished(phone)
        for wrong in ({"did": "1\n2"}, {"did": ""}, {"did": DID, "cli": "x" * 257}):
            await phone.send("call", **wrong)
            assert (await phone.until("problem"))["problem"]["status"] == 422


async def test_who_may_not_change_flows_or_comes_from_another_site_opens_none(pages: Pages) -> None:
    async def status(**headers: str) -> int:
        with pytest.raises(WSServerHandshakeError) as refused:
            async with pages.http.ws_connect(PATH, headers=headers):
                pass
        return refused.value.status

    admin, viewer = await pages.client(), await pages.client("viewer")
    assert await status() == 401
    assert await status(Authorization="Bearer rf_wrong") == 401
    assert await status(Authorization=f"Bearer {viewer.token}") == 403
    plain = await admin("GET", "/telephone")
    assert (plain.status, plain.json["code"], plain.headers["Upgrade"]) == (
        426,
        "telephone.no_web_socket",
        "websocket",
    )
    cookie = await signed_in(pages)
    own = f"http://{pages.http._base_url.authority}"  # type: ignore[union-attr]
    assert await status(Cookie=cookie) == 403
    for origin in ("https://example.net", f"{own}.example.net", "null", f"{own}0"):
        assert await status(Cookie=cookie, Origin=origin) == 403
    assert await status(**{"Cookie": cookie, "Origin": own, "Sec-Fetch-Site": "cross-site"}) == 403
    assert await status(**{"Cookie": cookie.replace("=", "=x"), "Origin": own}) == 401
    async with pages.http.ws_connect(PATH, headers={"Cookie": cookie, "Origin": own}) as socket:
        assert (await Phone(socket).next())["type"] == "hello"


async def test_a_flood_of_messages_and_one_that_is_too_large_end_the_connection(pages: Pages) -> None:
    admin = await pages.client()
    async with telephone(pages, admin) as phone:
        for _ in range(150):
            await phone.send("skip")
        await phone.until("problem")
        assert phone.seen[-1]["problem"]["code"] == "request.too_many"
        assert (await phone.until("bye"))["reason"] == "too_many_messages"
        assert (await phone.socket.receive()).type is WSMsgType.CLOSE
        assert phone.socket.close_code == 1008
    async with telephone(pages, admin) as phone:
        await phone.send("call", did="1" * 1_000_001)
        assert (await phone.socket.receive()).type is WSMsgType.CLOSE
        assert phone.socket.close_code == 1009
    await closed(pages)


async def test_one_operator_has_three_telephones_and_another_one_still_gets_one(pages: Pages) -> None:
    admin, other = await pages.client(), await pages.client("operator")
    async with telephone(pages, admin), telephone(pages, admin), telephone(pages, admin):
        headers = {"Authorization": f"Bearer {admin.token}"}
        with pytest.raises(WSServerHandshakeError) as refused:
            await pages.http.ws_connect(PATH, headers=headers)
        assert refused.value.status == 503
        async with telephone(pages, other) as phone:
            await phone.call()
            await phone.hears("IVR/ivr-please")
    await closed(pages)
    async with telephone(pages, admin):
        pass


async def test_a_server_that_stops_hangs_up_and_says_so(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.call()
        await phone.hears("IVR/ivr-please")
        pages.services.telephones.stop()
        assert (await phone.until_any("bye"))["reason"] == "server_stops"
        assert (await phone.socket.receive()).type is WSMsgType.CLOSE
        assert phone.socket.close_code == 1001
        assert phone.events[-1] == "call_ended"
    await closed(pages)


async def test_a_token_that_is_revoked_ends_its_telephone(pages: Pages) -> None:
    pages.services.telephones.check_s = 0.01
    owner, client = await pages.client("admin"), await pages.client("operator")
    async with telephone(pages, client) as phone:
        await phone.call()
        await phone.hears("IVR/ivr-please")
        (token,) = (await owner("GET", "/tokens?operator=operator")).json["items"]
        assert (await owner("POST", f"/tokens/{token['starts_with']}:revoke", {})).status == 200
        assert (await phone.until_any("bye"))["reason"] == "no_longer_allowed"


async def test_a_client_that_goes_away_leaves_no_call_behind(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.call()
        await phone.hears("IVR/ivr-please")
    await closed(pages)
    names = {one.name for one in threading.enumerate()}
    assert not [name for name in names if name.startswith("telephone")]


async def scenario(phone: Phone, name: str, save: bool = False) -> Message:
    await phone.send("scenario", name=name, save=save)
    while (message := await phone.next())["type"] != "scenario":
        assert message["type"] != "problem", message
    return message


async def test_a_call_becomes_a_scenario_that_passes(pages: Pages, tmp_path: Path) -> None:
    admin = await pages.client()
    async with telephone(pages, admin) as phone:
        await phone.call()
        await phone.hears("IVR/ivr-please")
        await phone.keys("44#")
        await phone.hears("MISC/error")
        await phone.skip_to("sound_began", lambda one: one["prompt"] == "IVR/ivr-please")
        await phone.skip_to("sound_ended")
        await phone.keys(f"{NUMBER}#")
        await phone.hears("ringing")
        await phone.send("callee", does="answer")
        await phone.hears("callee")
        await phone.send("callee", does="hang_up")
        await finished(phone)
        made = await scenario(phone, 'wrong first: "then" right', save=True)
        assert (made["app"], made["differs"], made["saved"]) == ("calling_card", [], True)
        assert made["text"] == SCENARIO
        file = tmp_path / "flows" / "calling_card.test.yaml"
        assert file.read_text() == SCENARIO
        await phone.send("scenario", name='wrong first: "then" right', save=True)
        refused = await phone.until_any("problem")
        assert "a second scenario is called" in refused["problem"]["detail"]
        other = await scenario(phone, "another", save=True)
        assert file.read_text() == f"{SCENARIO}\n{other['text']}"
    played = (await admin("POST", "/flows/calling_card/scenarios:run", {})).json
    assert (played["passed"], len(played["scenarios"])) == (True, 2)
    entries = (await admin("GET", "/audit?limit=1")).json["items"]
    assert entries[0]["subject"] == "scenarios calling_card.test.yaml"


SCENARIO = """\
- name: "wrong first: \\"then\\" right"
  given: {customer: {id: 42, clis: ["441910000001"]}}
  call: {did: "18005550100", from: "441910000001"}
  caller:
    - {hears: IVR/ivr-please, for: 100ms}
    - {keys: "44#"}
    - {hears: IVR/ivr-please}
    - {keys: "441234567890#"}
  callee: {answers_after: 100ms, hangs_up_after: 100ms}
  expect:
    outcome: completed
    customer: 42
    dialled: "441234567890"
    talked: 100ms
    variables: {ivr_destination: "441234567890"}
    prompts: [IVR/ivr-please, MISC/error, IVR/ivr-please]
"""


async def test_a_scenario_of_a_card_has_another_pin(cards: Pages) -> None:
    card_id, pin = await made_card(cards.store)
    async with telephone(cards) as phone:
        await phone.call("18005550177", "447700900999", app="prepaid_card")
        await phone.skip_to("sound_began", lambda one: one["takes_keys"])
        await phone.skip_to("sound_ended")
        await phone.keys(f"{card_id}#")
        # Nothing is skipped while keys are on their way.
        await phone.until("event", lambda one: one["event"]["type"] == "digits_collected")
        await phone.skip_to("sound_ended", lambda one: one["prompt"] == "CARD/pin")
        await phone.keys(f"{pin}#")
        await phone.until("event", lambda one: one["event"]["type"] == "call_identified")
        await phone.send("hang_up")
        await finished(phone)
        made = await scenario(phone, "a card")
        assert (made["differs"], made["saved"]) == ([], False)
        assert f'{{id: "{card_id}", pin: "123456"}}' in made["text"]
        assert f'{{keys: "{card_id}#123456#"}}' in made["text"]
        assert pin not in made["text"]


async def test_no_scenario_is_made_of_no_call_nor_of_one_that_nobody_answered(pages: Pages) -> None:
    async with telephone(pages) as phone:
        await phone.send("scenario", name="none")
        assert (await phone.until("problem"))["problem"]["code"] == "telephone.no_call"
        await phone.call("18005550199")
        await finished(phone)
        await phone.send("scenario", name="none")
        assert (await phone.until_any("problem"))["problem"]["code"] == "telephone.no_call"
