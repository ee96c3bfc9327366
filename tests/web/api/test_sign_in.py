"""Operators who sign in over HTTP: cookies, sessions, and requests that another site sends."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pyotp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text

from ringflow.accounts import operators
from ringflow.accounts.operators import Operator, new_password_hash
from ringflow.accounts.passwords import Passwords
from ringflow.actor import acting, shell_operator
from ringflow.cli.serve import offer_set_up
from ringflow.config import Config, MailConfig
from ringflow.rights import BUILT_IN_ROLES
from ringflow.web.rest.cookies import Cookies
from ringflow.web.rest.sender import Sender, agent_of

from .conftest import PEPPER, Answered, Api, Client, served

PASSWORD = "correct horse battery"


class Browser:
    """Keeps cookies, and asks with them."""

    def __init__(self, api: Api, address: str = "127.0.0.1") -> None:
        self._ask = Client(api.http, None, {"User-Agent": "a browser"})
        self.cookies: dict[str, str] = {}

    async def __call__(
        self, method: str, path: str, json: object = None, headers: dict[str, str] | None = None
    ) -> Answered:
        own = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        came = await self._ask(method, path, json, {**own, **(headers or {})})
        for line in came.headers.getall("Set-Cookie", ()):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return came

    async def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> Answered:
        return await self("POST", "/session", {"name": name, "password": password, **more})


async def add(api: Api, name: str, role: str, password: str | None = PASSWORD) -> None:
    kept = None if password is None else await new_password_hash(Passwords(), password, name)
    async with acting(api.store, shell_operator("tests"), "US") as actor:
        await operators.add(actor, Operator(name, role), kept)


async def test_an_operator_signs_in_is_known_by_the_cookie_and_signs_out(api: Api) -> None:
    await add(api, "ann", "support")
    browser = Browser(api)
    before = await browser("GET", "/session")
    assert (before.status, before.json["code"]) == (401, "request.no_token")
    came = await browser.sign_in("ann")
    assert came.status == 201
    assert came.json["session"]["device"] == "a browser"
    assert (came.json["operator"], came.json["role"]) == ("ann", "support")
    assert came.json["rights"] == sorted(BUILT_IN_ROLES["support"])
    assert (await browser("GET", "/session")).json == came.json
    assert (await browser("GET", "/whoami")).json["operator"] == "ann"
    assert (await browser("GET", "/customers")).status == 200
    refused = await browser("GET", "/operators")
    assert (refused.status, refused.json["code"]) == (403, "right.missing")
    held = dict(browser.cookies)
    assert (await browser("DELETE", "/session")).status == 204
    assert browser.cookies["ringflow"] == ""
    browser.cookies = held
    after = await browser("GET", "/session")
    assert (after.status, after.json["code"]) == (401, "session.ended")


async def test_a_sign_in_that_fails_sets_no_cookie_and_says_the_same_of_every_name(api: Api) -> None:
    await add(api, "ann", "support")
    browser = Browser(api)
    told = set()
    for name in ("ann", "nobody"):
        came = await browser.sign_in(name, "wrong password")
        told.add((came.status, came.text))
    assert browser.cookies == {}
    ((status, body),) = told
    assert (status, "login.refused" in body) == (401, True)
    # What is no text of a name, and what is far too long, is refused before anything is compared.
    long = await browser.sign_in("x" * 2000)
    assert (long.status, long.json["errors"][0]["pointer"]) == (422, "/name")
    for _ in range(4):
        await browser.sign_in("ann", "wrong password")
    locked = await browser.sign_in("ann")
    assert (locked.status, locked.json["code"]) == (429, "login.locked")
    assert locked.headers["Retry-After"] == str(locked.json["fields"]["retry_after_s"])


async def test_a_session_is_never_the_one_that_the_browser_brought_along(api: Api) -> None:
    await add(api, "ann", "support")
    browser, victim = Browser(api), Browser(api)
    await browser.sign_in("ann")
    planted = browser.cookies["ringflow"]
    victim.cookies["ringflow"] = planted
    await victim.sign_in("ann")
    assert victim.cookies["ringflow"] not in (planted, "")
    victim.cookies["ringflow"] = "x" * 43
    assert (await victim("GET", "/session")).status == 401


async def test_the_cookies_cannot_be_read_by_scripts_nor_sent_by_other_sites(api: Api) -> None:
    await add(api, "ann", "support")
    came = await Browser(api).sign_in("ann")
    session, device = (SimpleCookie(line) for line in came.headers.getall("Set-Cookie"))
    for name, cookie in (("ringflow", session), ("ringflow-device", device)):
        (morsel,) = cookie.values()
        assert morsel.key == name
        assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
        # Without TLS, as here, no browser would send a Secure cookie back.
        assert (morsel["secure"], morsel["domain"]) == ("", "")
    assert session["ringflow"]["max-age"] == "43200"


def test_with_tls_the_cookie_is_secure_and_bound_to_the_host() -> None:
    request = make_mocked_request("GET", "/", headers={"Cookie": "__Host-ringflow=right; ringflow=planted"})
    cookies = Cookies(request, Sender("192.0.2.7", "", encrypted=True))
    assert cookies.get("ringflow") == "right"
    cookies.set("ringflow", "new", 60)
    answer = web.Response()
    cookies.write(answer)
    (line,) = (morsel.OutputString() for morsel in answer.cookies.values())
    for part in ("__Host-ringflow=new", "Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=60"):
        assert part in line.split("; ")
    assert "Domain" not in line
    assert Cookies(request, Sender("192.0.2.7", "", encrypted=False)).get("ringflow") == "planted"


async def test_a_change_that_a_page_of_another_site_sends_is_refused(api: Api) -> None:
    await add(api, "ann", "operator")
    browser = Browser(api)
    await browser.sign_in("ann")
    new = {"name": "Ltd"}
    host = f"http://127.0.0.1:{api.application.http_port}"
    foreign: tuple[dict[str, str], ...] = (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": host + "0"},
        {"Sec-Fetch-Site": "cross-site", "Origin": host},
        {"Sec-Fetch-Site": "same-site"},
    )
    for headers in foreign:
        came = await browser("POST", "/customers", new, headers)
        assert (came.status, came.json["code"]) == (403, "request.other_site"), headers
    # Nor may it sign somebody in, or out.
    for method, body in (("POST", {"name": "ann", "password": PASSWORD}), ("DELETE", None)):
        came = await browser(method, "/session", body, foreign[0])
        assert came.json["code"] == "request.other_site"
    own: tuple[dict[str, str], ...] = ({"Origin": host}, {"Sec-Fetch-Site": "same-origin"}, {})
    for headers in own:
        assert (await browser("POST", "/customers", new, headers)).status == 201
    assert (await browser("GET", "/customers", headers=foreign[0])).status == 200


async def test_a_program_with_a_token_gets_at_no_session_and_no_password(api: Api) -> None:
    await add(api, "ann", "admin")
    browser = Browser(api)
    number = (await browser.sign_in("ann")).json["session"]["id"]
    token = await api.client("admin", name="narrow")
    own: tuple[tuple[str, str, object], ...] = (
        ("GET", "/session", None),
        ("DELETE", "/session", None),
        ("GET", "/sessions", None),
        ("DELETE", "/sessions", None),
        ("DELETE", f"/sessions/{number}", None),
        ("PUT", "/session/password", {"password": PASSWORD, "new_password": "another long one"}),
    )
    for method, path, body in own:
        came = await token(method, path, body)
        assert (came.status, came.json["fields"]) == (403, {"audience": "session"}), path
    # A bad token is not made good by a cookie.
    assert (await browser("GET", "/session", headers={"Authorization": "Bearer rf_x"})).status == 401


async def test_own_sessions_are_listed_by_device_and_ended_one_by_one_or_all_others(api: Api) -> None:
    await add(api, "ann", "support")
    await add(api, "bob", "support")
    mine, lost, third, bobs = (Browser(api) for _ in range(4))
    for browser in (mine, lost, third):
        await browser.sign_in("ann")
    number = (await bobs.sign_in("bob")).json["session"]["id"]
    listed = (await mine("GET", "/sessions")).json["items"]
    assert [(one["operator"], one["own"]) for one in listed] == [
        ("ann", False),
        ("ann", False),
        ("ann", True),
    ]
    assert all(one["address"] == "127.0.0.1" and one["device"] == "a browser" for one in listed)
    assert (await mine("DELETE", f"/sessions/{number}")).status == 404
    assert (await mine("DELETE", f"/sessions/{listed[1]['id']}")).status == 204
    assert [(await one("GET", "/session")).status for one in (mine, lost, third)] == [200, 401, 200]
    assert (await mine("DELETE", "/sessions")).status == 204
    assert [(await one("GET", "/session")).status for one in (mine, third, bobs)] == [200, 401, 200]


async def test_only_who_changes_operators_sees_and_ends_the_sessions_of_others(api: Api) -> None:
    await add(api, "ann", "admin")
    await add(api, "bob", "support")
    await add(api, "olga", "operator")
    admin, bob, other = Browser(api), Browser(api), Browser(api)
    await admin.sign_in("ann")
    await bob.sign_in("bob")
    await other.sign_in("olga")
    (one,) = (await admin("GET", "/operators/bob/sessions")).json["items"]
    assert (one["operator"], one["own"]) == ("bob", False)
    for browser in (bob, other):
        for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{one['id']}")):
            assert (await browser(method, f"/operators/ann/sessions{path}")).status == 403
    assert (await admin("GET", "/operators/nobody/sessions")).status == 404
    assert (await admin("DELETE", f"/operators/bob/sessions/{one['id']}")).status == 204
    assert (await bob("GET", "/session")).status == 401
    assert (await admin("DELETE", "/operators/olga/sessions")).status == 204
    assert (await other("GET", "/session")).status == 401
    # Nobody signs themselves out by it.
    assert (await admin("DELETE", "/operators/ann/sessions")).status == 204
    assert (await admin("GET", "/session")).status == 200
    verbs = [entry["verb"] for entry in (await admin("GET", "/audit?sort=at&q=session")).json["items"]]
    assert verbs == ["revoke", "revoke"]


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(api: Api) -> None:
    await add(api, "ann", "viewer")
    mine, other = Browser(api), Browser(api)
    await mine.sign_in("ann")
    await other.sign_in("ann")
    change = {"password": "wrong", "new_password": "a staple of horses"}
    wrong = await mine("PUT", "/session/password", change)
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/password")
    weak = await mine("PUT", "/session/password", {"password": PASSWORD, "new_password": "annannannann"})
    assert (weak.status, weak.json["code"]) == (422, "password.weak")
    assert (await other("GET", "/session")).status == 200
    good = await mine("PUT", "/session/password", {**change, "password": PASSWORD})
    assert good.status == 204
    assert [(await one("GET", "/session")).status for one in (mine, other)] == [200, 401]
    assert (await other.sign_in("ann")).status == 401
    assert (await other.sign_in("ann", "a staple of horses")).status == 201


async def test_where_a_second_factor_is_needed_a_session_without_one_may_do_nothing_else(
    server_config: Config,
) -> None:
    sign_in = server_config.sign_in.model_copy(update={"second_factor_for": ("admin",)})
    config = server_config.model_copy(update={"sign_in": sign_in})
    async with served(config) as api:
        await add(api, "ann", "admin")
        await add(api, "bob", "viewer")
        admin, viewer = Browser(api), Browser(api)
        came = (await admin.sign_in("ann")).json
        assert (came["rights"], came["second_factor"], came["second_factor_missing"]) == ([], False, True)
        assert (await admin("GET", "/customers")).status == 403
        assert (await admin("GET", "/sessions")).status == 200
        assert (await viewer.sign_in("bob")).json["second_factor_missing"] is False
        assert (await viewer("GET", "/customers")).status == 200


@pytest.mark.parametrize("value", ["", "x" * 43, "é" * 43, "a" * 5000])
async def test_a_cookie_that_is_no_session_is_refused(api: Api, value: str) -> None:
    browser = Browser(api)
    browser.cookies["ringflow"] = value
    assert (await browser("GET", "/session")).status == 401


def code_of(api: Api, secret: str, steps: int = 0) -> str:
    now_s = api.application.core.charging.ledger.now_ms() // 1000
    return pyotp.TOTP(secret).at(now_s + 30 * steps)


async def test_a_second_factor_is_enrolled_asked_for_and_taken_away(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(api, "ann", "support")
    await add(api, "root", "admin")
    browser, admin = Browser(api), Browser(api)
    await browser.sign_in("ann")
    factor = "/session/second-factor"
    assert (await browser("GET", factor)).json == {"second_factor_at": None, "recovery_codes_left": 0}
    wrong = await browser("POST", factor, {"password": "wrong"})
    assert (wrong.status, wrong.json["code"]) == (422, "password.wrong")
    no_pepper = await browser("POST", factor, {"password": PASSWORD})
    assert (no_pepper.status, no_pepper.headers["Retry-After"]) == (503, "2")
    assert "`ringflow card pepper new` makes one" in no_pepper.json["detail"]
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", PEPPER)
    begun = (await browser("POST", factor, {"password": PASSWORD})).json
    url = f"otpauth://totp/Ringflow:ann?secret={begun['totp_secret']}&issuer=Ringflow"
    assert begun["otpauth_url"] == url
    refused = await browser("POST", f"{factor}:confirm", {"code": "000000"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/code")
    codes = (await browser("POST", f"{factor}:confirm", {"code": code_of(api, begun["totp_secret"])})).json
    assert len(codes["recovery_codes"]) == 10
    assert (await browser("GET", factor)).json["recovery_codes_left"] == 10
    again = await browser("POST", factor, {"password": PASSWORD})
    assert (again.status, again.json["code"]) == (409, "second_factor.on")
    other = Browser(api)
    needed = await other.sign_in("ann")
    assert (needed.status, needed.json["code"], other.cookies) == (401, "login.code_needed", {})
    # The step of the confirmation is used up: the next one is taken early, for clocks differ.
    came = await other.sign_in("ann", code=code_of(api, begun["totp_secret"], 1))
    assert (came.status, came.json["second_factor"]) == (201, True)
    new = (await other("POST", f"{factor}:renew-codes", {"password": PASSWORD})).json["recovery_codes"]
    assert not {*new} & {*codes["recovery_codes"]}
    assert (await Browser(api).sign_in("ann", code=new[0])).status == 201
    assert (await other("POST", f"{factor}:turn-off", {"password": PASSWORD})).status == 204
    assert (await Browser(api).sign_in("ann")).status == 201
    await admin.sign_in("root")
    none = await admin("POST", "/operators/ann/second-factor:reset")
    assert (none.status, none.json["code"]) == (409, "second_factor.off")


async def test_an_admin_invites_an_operator_who_sets_a_password_by_the_link(api: Api) -> None:
    await add(api, "root", "admin")
    admin, browser = Browser(api), Browser(api)
    await admin.sign_in("root")
    asked = {"name": "ann", "role": "support", "email": "ann@example.com"}
    # Nothing keeps the link, not for a repetition of the request either.
    made = await admin("POST", "/invitations", asked, {"Idempotency-Key": "once"})
    assert (made.status, made.json["kind"], made.json["operator"]) == (201, "invitation", "ann")
    url, _, token = made.json["link"].partition("#")
    assert url == "http://127.0.0.1:0/setup"
    async with api.store.reading() as connection:
        kept = str((await connection.execute(text("SELECT * FROM api_answers"))).all())
    assert token not in kept
    assert (await admin("GET", "/operators/ann")).json["email"] == "ann@example.com"
    read = await browser("POST", "/password-links:read", {"token": token})
    assert (read.status, read.json["operator"], "link" in read.json) == (200, "ann", False)
    weak = await browser("POST", "/password-links:use", {"token": token, "password": "ann"})
    assert (weak.status, weak.json["code"]) == (422, "password.malformed")
    new = {"token": token, "password": "a staple of horses"}
    assert (await browser("POST", "/password-links:use", new)).status == 204
    device = browser.cookies["ringflow-device"]
    assert (await browser.sign_in("ann", "a staple of horses")).status == 201
    assert browser.cookies["ringflow-device"] == device
    again = await browser("POST", "/password-links:use", new)
    assert (again.status, again.json["code"]) == (403, "link.refused")
    reset = await admin("POST", "/operators/ann/password-links")
    assert (reset.status, reset.json["kind"]) == (201, "reset")
    wrong = await admin("POST", "/invitations", {**asked, "name": "bob", "email": "no address"})
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/email")


async def test_a_first_start_prints_a_link_by_which_the_first_operator_is_made(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    config = api.application.core.config
    await offer_set_up(config, api.application)
    printed = capsys.readouterr().out
    found = re.search(rf"http://127\.0\.0\.1:{api.application.http_port}/setup#(\S+)", printed)
    assert found is not None
    browser = Browser(api)
    body = {"token": found[1], "name": "ann", "password": PASSWORD}
    assert (await browser("POST", "/setup", {**body, "token": "x" * 43})).status == 403
    came = await browser("POST", "/setup", body)
    assert (came.status, came.json["role"]) == (201, "admin")
    assert (await browser("POST", "/setup", body)).status == 403
    assert (await browser.sign_in("ann")).status == 201
    await offer_set_up(config, api.application)
    assert "setup" not in capsys.readouterr().out


async def test_a_reset_by_mail_is_asked_for_by_anyone_and_answered_alike(server_config: Config) -> None:
    nobody_listens = MailConfig(host="127.0.0.1", port=1, sender="ringflow@example.com")
    url = server_config.sign_in.model_copy(update={"url": "https://ringflow.example.com"})
    config = server_config.model_copy(update={"mail": nobody_listens, "sign_in": url})
    async with served(config) as api:
        await add(api, "ann", "support")
        answers = [await Browser(api)("POST", "/password-resets", {"name": name}) for name in ("ann", "eve")]
        assert [(one.status, one.text) for one in answers] == [(204, "")] * 2
    async with served(server_config) as api:
        refused = await Browser(api)("POST", "/password-resets", {"name": "ann"})
        assert (refused.status, refused.json["code"]) == (409, "mail.not_configured")


async def test_a_link_leads_to_a_page_of_the_console_where_there_is_one(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr("ringflow.web.access.setup_page.CONSOLE", tmp_path)
    async with api.http.get("/setup", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/console/setup")


async def test_a_link_leads_to_a_page_whose_scripts_are_files_and_ask_what_there_is(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringflow.web.access.setup_page.CONSOLE", tmp_path / "not built")
    loaded = {}
    for path, kind in (("", "text/html"), ("/setup.js", "text/javascript"), ("/setup.css", "text/css")):
        async with api.http.get(f"/setup{path}") as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            loaded[kind] = await answer.text()
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|https?:", loaded["text/html"])
    assert set(re.findall(r'(?:src|href)="(setup/[^"]+)"', loaded["text/html"])) == {
        "setup/setup.js",
        "setup/setup.css",
    }
    asked = {f"/{path}" for path in re.findall(r'ask\("([^"]+)"', loaded["text/javascript"])}
    assert asked == {"/setup", "/password-links:read", "/password-links:use"}
    for path in asked:
        assert (await Browser(api)("POST", path, {"token": "x"})).status in (403, 422)


def test_a_device_is_known_by_the_whole_name_of_its_browser_in_harmless_signs() -> None:
    chromium = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
    )
    for sent, kept in ((chromium, chromium), ("a\u202eb\x1bc", "a?b?c"), ("x" * 300, "x" * 200)):
        assert agent_of(make_mocked_request("GET", "/", headers={"User-Agent": sent})) == kept
