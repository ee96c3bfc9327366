"""Operators who register passkeys and sign in with them, by an authenticator in software."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ringflow.accounts.access import webauthn_checks
from ringflow.accounts.access.webauthn_checks import RelyingParty, is_copied
from ringflow.config import Config, SignInConfig, load_config
from ringflow.errors import ConfigError
from ringflow.store.sign_in_tables import passkey_challenges as table

from ..software_authenticator import Authenticator, decoded, encoded
from .conftest import Answered, Api, served
from .test_sign_in import PASSWORD, Browser, add

ORIGIN, DOMAIN = "https://console.example.com", "console.example.com"


@pytest.fixture
async def api(server_config: Config) -> AsyncIterator[Api]:
    sign_in = SignInConfig(url=f"{ORIGIN}/", second_factor_for=("admin",))
    async with served(server_config.model_copy(update={"sign_in": sign_in})) as api:
        yield api


async def signed_in(api: Api, name: str = "ann", role: str = "support") -> Browser:
    await add(api, name, role)
    browser = Browser(api)
    assert (await browser.sign_in(name)).status == 201
    return browser


async def registered(browser: Browser, **how: Any) -> Authenticator:
    """A passkey that the operator of the browser has registered."""
    key = Authenticator(ORIGIN, DOMAIN, **how)
    begun = await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})
    body = {"name": "office laptop", "credential": key.make(begun.json["public_key"])}
    assert (await browser("POST", "/session/passkeys", body)).status == 201
    return key


async def use(browser: Browser, key: Authenticator, **changes: Any) -> Answered:
    """Sign in with a passkey; `changes` are made to what it answers."""
    begun = await browser("POST", "/session/passkey:begin")
    credential = key.answer(begun.json["public_key"])
    credential["response"] |= changes
    return await browser("POST", "/session/passkey", {"credential": credential})


async def test_an_operator_registers_a_passkey_and_signs_in_with_it_alone(api: Api) -> None:
    browser = await signed_in(api, role="admin")
    assert (await browser("GET", "/session")).json["second_factor_missing"] is True
    assert (await browser("GET", "/customers")).status == 403
    assert (await browser("GET", "/session/passkey")).json == {"takes_passkeys": True, "domain": DOMAIN}
    begun = await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})
    options = begun.json["public_key"]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert (options["rp"]["id"], options["excludeCredentials"]) == (DOMAIN, [])
    key = Authenticator(ORIGIN, DOMAIN)
    body = {"name": "office laptop", "credential": key.make(options)}
    made = await browser("POST", "/session/passkeys", body)
    assert (made.status, made.json["name"], made.json["last_used_at"]) == (201, "office laptop", None)
    begun = await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})
    assert [one["id"] for one in begun.json["public_key"]["excludeCredentials"]] == [encoded(key.id)]

    other = Browser(api)
    came = await use(other, key)
    assert came.status == 201, came.text
    assert (came.json["operator"], came.json["second_factor_missing"]) == ("ann", False)
    assert came.json["session"]["by_passkey"] is True
    assert (await other("GET", "/customers")).status == 200
    listed = (await other("GET", "/session/passkeys")).json["items"]
    assert [(one["name"], one["synced"], one["last_used_at"] is not None) for one in listed] == [
        ("office laptop", False, True)
    ]
    entries = (await other("GET", "/audit?limit=20")).json["items"]
    noted = [(one["verb"], one["subject"]) for one in entries]
    assert noted[:2] == [("sign in", "operator ann"), ("add", f"passkey {made.json['id']} of ann")]
    assert entries[0]["after"]["passkey"] == "office laptop"

    path = f"/session/passkeys/{made.json['id']}"
    tag = {"If-Match": (await other("GET", path)).headers["ETag"]}
    assert (await other("PATCH", path, {"name": "key ring"}, tag)).json["name"] == "key ring"
    assert (await other("PATCH", path, {"name": " "}, {"If-Match": "*"})).json["errors"][0][
        "pointer"
    ] == "/name"
    # Removed by the other session, it takes the one with it that it has begun.
    assert (await browser("DELETE", path)).status == 204
    assert (await other("GET", "/session")).json["code"] == "session.ended"
    gone = await use(other, key)
    assert (gone.status, gone.json["code"]) == (401, "passkey.refused")
    assert (await browser("GET", path)).status == 404


async def test_a_wrong_answer_opens_nothing_and_every_challenge_is_taken_once(api: Api) -> None:
    browser = await signed_in(api)
    key = await registered(browser)
    stranger = Browser(api)
    for name, wrong in (
        ("origin", "https://console.example.com.evil.example"),
        ("domain", "evil.example"),
        ("verifies", False),
        ("cross_origin", True),
        ("handle", b"operator 999"),
        ("id", b"another passkey's"),
    ):
        right = getattr(key, name)
        setattr(key, name, wrong)
        came = await use(stranger, key)
        assert (came.status, came.json["code"]) == (401, "passkey.refused"), name
        setattr(key, name, right)
    forged = Authenticator(ORIGIN, DOMAIN, id=key.id, handle=key.handle, count=1000)
    assert (await use(stranger, forged)).json["code"] == "passkey.refused"
    for changes in ({"clientDataJSON": encoded(b"{}")}, {"clientDataJSON": "A"}, {"authenticatorData": "AA"}):
        assert (await use(stranger, key, **changes)).json["code"] == "passkey.refused"
    assert stranger.cookies == {}
    # None of these moved the counter, not even the forged one with its thousand.
    begun = (await stranger("POST", "/session/passkey:begin")).json["public_key"]
    answer = {"credential": key.answer(begun)}
    assert (await stranger("POST", "/session/passkey", answer)).status == 201
    again = await Browser(api)("POST", "/session/passkey", answer)
    assert (again.status, again.json["code"]) == (401, "passkey.refused")
    # A challenge to register is none to sign in with, and is nobody else's.
    begun = (await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})).json["public_key"]
    came = await Browser(api)("POST", "/session/passkey", {"credential": key.answer(begun)})
    assert came.json["code"] == "passkey.refused"
    bob = await signed_in(api, "bob")
    begun = (await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})).json["public_key"]
    body = {"name": "stolen", "credential": Authenticator(ORIGIN, DOMAIN).make(begun)}
    stolen = await bob("POST", "/session/passkeys", body)
    assert (stolen.status, stolen.json["code"]) == (422, "passkey.not_made")
    owner = await api.client("admin")
    failed = (await owner("GET", "/audit?verb=sign+in+failed&limit=50")).json["items"]
    assert {one["subject"] for one in failed} == {"passkey 1 of ann", "an unknown passkey"}


async def test_a_passkey_whose_counter_does_not_go_on_is_told_to_be_copied(api: Api) -> None:
    key = await registered(await signed_in(api))
    copy = Authenticator(ORIGIN, DOMAIN, id=key.id, key=key.key, handle=key.handle)
    for _ in range(3):
        assert (await use(Browser(api), key)).status == 201
    came = await use(Browser(api), copy)
    assert (came.status, came.json["code"]) == (401, "passkey.copied")
    assert "office laptop" in came.json["detail"]
    owner = await api.client("admin")
    entry = (await owner("GET", "/audit?verb=sign+in+failed")).json["items"][0]
    assert (entry["subject"], entry["after"]["counter_before"], entry["after"]["counter"]) == (
        "passkey 1 of ann", 3, 1,
    )  # fmt: skip
    assert [is_copied(*one) for one in ((0, 0), (0, 1), (1, 2), (1, 1), (2, 1), (1, 0))] == [
        *(False, False, False, True, True, True)
    ]


async def test_a_passkey_that_is_wrong_twice_or_too_many_is_not_registered(api: Api) -> None:
    browser = await signed_in(api)
    key = await registered(browser)
    wrong = await browser("POST", "/session/passkeys:begin", {"password": "not this one"})
    assert (wrong.status, wrong.json["code"]) == (422, "password.wrong")

    async def offer(made_by: Authenticator) -> tuple[int, str]:
        begun = await browser("POST", "/session/passkeys:begin", {"password": PASSWORD})
        body = {"name": "another", "credential": made_by.make(begun.json["public_key"])}
        came = await browser("POST", "/session/passkeys", body)
        return came.status, came.json.get("code", "")

    assert await offer(key) == (409, "passkey.taken")
    assert await offer(Authenticator(ORIGIN, DOMAIN, verifies=False)) == (422, "passkey.not_made")
    assert await offer(Authenticator("https://evil.example", DOMAIN)) == (422, "passkey.not_made")
    for _ in range(19):
        assert await offer(Authenticator(ORIGIN, DOMAIN)) == (201, "")
    assert await offer(Authenticator(ORIGIN, DOMAIN)) == (409, "passkey.too_many")


async def test_a_passkey_of_a_disabled_operator_opens_nothing_and_an_administrator_revokes_it(
    api: Api,
) -> None:
    key = await registered(await signed_in(api))
    owner = await api.client("admin")
    listed = (await owner("GET", "/operators/ann/passkeys")).json["items"]
    await owner("POST", "/operators/ann:disable")
    assert (await use(Browser(api), key)).json["code"] == "passkey.refused"
    await owner("POST", "/operators/ann:enable")
    assert (await use(Browser(api), key)).status == 201
    viewer = await api.client("viewer")
    assert (await viewer("DELETE", f"/operators/ann/passkeys/{listed[0]['id']}")).status == 403
    assert (await owner("DELETE", f"/operators/ann/passkeys/{listed[0]['id']}")).status == 204
    assert (await use(Browser(api), key)).json["code"] == "passkey.refused"
    assert (await owner("GET", "/audit?limit=1&verb=revoke")).json["items"][0][
        "subject"
    ] == "passkey 1 of ann"


async def test_a_challenge_is_too_old_after_five_minutes(api: Api) -> None:
    key = await registered(await signed_in(api))
    begun = (await Browser(api)("POST", "/session/passkey:begin")).json["public_key"]
    async with api.store.writing() as connection:
        kept = (await connection.execute(table.select())).mappings().all()
        assert len(kept) == 1
        # What is kept is no challenge that could be answered.
        assert decoded(begun["challenge"]).decode() not in str(kept)
        await connection.execute(table.update().values(expires_ms=table.c.expires_ms - 300_000))
    came = await Browser(api)("POST", "/session/passkey", {"credential": key.answer(begun)})
    assert came.json["code"] == "passkey.refused"
    await Browser(api)("POST", "/session/passkey:begin")
    async with api.store.reading() as connection:
        assert len((await connection.execute(table.select())).all()) == 1


async def test_a_server_without_the_extra_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await signed_in(api)
    monkeypatch.setattr(webauthn_checks, "is_installed", lambda: False)
    assert (await browser("GET", "/session/passkey")).json["takes_passkeys"] is False
    for path, body in (("/session/passkey:begin", None), ("/session/passkeys:begin", {"password": PASSWORD})):
        came = await browser("POST", path, body)
        assert (came.status, came.json["code"]) == (501, "passkey.off")


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("http: {port: 8081}", RelyingParty("localhost", "http://localhost:8081")),
        (
            "sign_in: {url: 'https://a.example.com:443/'}",
            RelyingParty("a.example.com", "https://a.example.com"),
        ),
        (
            "sign_in: {url: 'https://a.example.com:8443', passkey_domain: example.com}",
            RelyingParty("example.com", "https://a.example.com:8443"),
        ),
    ],
)
def test_passkeys_belong_to_the_host_of_the_url_or_a_domain_above_it(
    tmp_path: Any, text: str, party: RelyingParty
) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert RelyingParty.configured(load_config(tmp_path / "config.yaml")) == party


@pytest.mark.parametrize("domain", ["ample.com", "b.example.com", "Example.com"])
def test_a_domain_that_browsers_would_refuse_is_refused_in_the_configuration(
    tmp_path: Any, domain: str
) -> None:
    text = f"sign_in: {{url: 'https://a.example.com', passkey_domain: {domain}}}"
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"passkey_domain|browsers use no passkeys"):
        load_config(tmp_path / "config.yaml")
