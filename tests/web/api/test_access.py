"""Operators, roles and tokens over HTTP: made, changed, ended, and never beyond one's own rights."""

from __future__ import annotations

from ringflow.rights import Right

from .conftest import Api, Client


async def test_an_operator_is_added_changed_disabled_and_enabled(api: Api, owner: Client) -> None:
    added = await owner("POST", "/operators", {"name": "sync", "role": "viewer", "notes": "nightly"})
    assert (added.status, added.json["password_set_at"], added.json["enabled"]) == (201, None, True)
    shown = await owner("GET", "/operators/sync")
    stale = {"If-Match": shown.headers["ETag"]}
    changed = await owner("PATCH", "/operators/sync", {"role": "support"}, stale)
    assert (changed.status, changed.json["role"], changed.json["notes"]) == (200, "support", "nightly")
    assert (await owner("PATCH", "/operators/sync", {"role": "viewer"}, stale)).status == 412
    assert (await owner("PATCH", "/operators/sync", {"role": "viewer"})).status == 428
    token = (await owner("POST", "/tokens", {"operator": "sync", "name": "nightly"})).json["secret"]
    program = api.nobody(token)
    assert (await program("GET", "/customers")).status == 200
    assert (await owner("POST", "/operators/sync:disable")).json["enabled"] is False
    assert (await program("GET", "/customers")).status == 401
    assert (await owner("POST", "/operators/sync:enable")).json["enabled"] is True
    assert (await program("GET", "/customers")).status == 200
    assert (await owner("POST", "/operators/nobody:disable")).status == 404
    last = await owner("POST", "/operators/admin:disable")
    assert (last.status, last.json["code"]) == (409, "operator.last_admin")
    taken = await owner("POST", "/operators", {"name": "sync", "role": "viewer"})
    assert (taken.status, taken.json["code"]) == (409, "operator.taken")


async def test_a_role_is_made_changed_and_deleted(api: Api, owner: Client) -> None:
    made = await owner("POST", "/roles", {"name": "night", "rights": ["calls.read", "calls.control"]})
    assert (made.status, made.json["rights"]) == (201, ["calls.control", "calls.read"])
    names = [one["name"] for one in (await owner("GET", "/roles")).json["items"]]
    assert names == ["admin", "operator", "finance", "support", "viewer", "night"]
    tag = {"If-Match": (await owner("GET", "/roles/night")).headers["ETag"]}
    client = await api.client("night")
    assert (await client("GET", "/customers")).status == 403
    rights = {"rights": ["customers.read"]}
    assert (await owner("PATCH", "/roles/night", rights, tag)).json["rights"] == ["customers.read"]
    assert (await client("GET", "/customers")).status == 200
    assert (await owner("PATCH", "/roles/night", rights, tag)).status == 412
    assert (await owner("DELETE", "/roles/night", headers=tag)).status == 412
    in_use = await owner("DELETE", "/roles/night", headers={"If-Match": "*"})
    assert (in_use.status, in_use.json["code"]) == (409, "role.in_use")
    built_in = await owner("PATCH", "/roles/viewer", rights, {"If-Match": "*"})
    assert (built_in.status, built_in.json["code"]) == (409, "role.built_in")
    unknown = await owner("POST", "/roles", {"name": "odd", "rights": ["customers.raed"]})
    assert (unknown.status, unknown.json["fields"]) == (422, {"right": "customers.raed"})


async def test_nobody_gives_or_takes_rights_that_they_do_not_have(api: Api, owner: Client) -> None:
    own = [Right.OPERATORS_READ.value, Right.OPERATORS_CHANGE.value, Right.CALLS_READ.value]
    await owner("POST", "/roles", {"name": "clerk", "rights": own})
    clerk = await api.client("clerk")
    admins = (await owner("POST", "/tokens", {"operator": "admin", "name": "other"})).json["starts_with"]
    star = {"If-Match": "*"}
    for method, path, body in (
        ("POST", "/operators", {"name": "eve", "role": "viewer"}),
        ("POST", "/invitations", {"name": "eve", "role": "admin"}),
        ("PATCH", "/operators/clerk", {"role": "admin"}),
        ("PATCH", "/operators/admin", {"notes": "mine"}),
        ("POST", "/operators/admin:disable", None),
        ("POST", "/operators/admin/password-links", None),
        ("POST", "/roles", {"name": "evil", "rights": ["money.move"]}),
        ("PATCH", "/roles/clerk", {"rights": [*own, "money.move"]}),
        ("POST", "/tokens", {"operator": "admin", "name": "mine"}),
        ("POST", "/tokens", {"operator": "admin", "name": "mine", "rights": ["money.move"]}),
        ("POST", f"/tokens/{admins}:revoke", None),
    ):
        refused = await clerk(method, path, body, star)
        assert (refused.status, refused.json["code"]) == (403, "right.beyond_own"), (path, refused.text)
    narrow = {"operator": "admin", "name": "narrow", "rights": ["calls.read"]}
    assert (await clerk("POST", "/tokens", narrow)).status == 201


async def test_a_token_is_made_shown_once_and_revoked(api: Api, owner: Client) -> None:
    asked = {"operator": "admin", "name": "export", "rights": ["calls.read"], "expires": "2099-12-31"}
    made = await owner("POST", "/tokens", asked, {"Idempotency-Key": "one"})
    assert (made.status, made.json["expires"]) == (201, "2099-12-31")
    secret, start = made.json["secret"], made.json["starts_with"]
    assert secret.startswith(f"{start}_")
    async with api.store.reading() as connection:
        kept = await connection.exec_driver_sql("SELECT count(*) FROM api_answers")
        assert kept.scalar_one() == 0, "the text of a token is kept nowhere"
    program = api.nobody(secret)
    assert (await program("GET", "/calls")).status == 200
    assert (await program("GET", "/customers")).status == 403
    shown = (await owner("GET", f"/tokens/{start}")).json
    assert (shown["last_used_from"], shown["revoked_at"]) == ("127.0.0.1", None)
    assert shown["last_used_at"] is not None
    for path in ("/tokens", "/own/tokens", f"/tokens/{start}", "/audit"):
        assert secret not in (await owner("GET", path)).text
    assert (await owner("POST", f"/tokens/{start}:revoke")).json["revoked_at"] is not None
    assert (await program("GET", "/calls")).status == 401
    for wrong, code in (
        ({**asked, "expires": "2020-01-01"}, "token.expires_in_the_past"),
        ({**asked, "expires": "soon"}, "field.malformed"),
        ({**asked, "role": "viewer"}, "token.role_and_rights"),
        ({**asked, "rights": []}, "role.no_rights"),
        ({**asked, "operator": "nobody"}, "operator.unknown"),
    ):
        assert (await owner("POST", "/tokens", wrong)).json["code"] == code


async def test_everyone_has_tokens_of_their_own_which_reach_no_further_than_they_do(
    api: Api, owner: Client
) -> None:
    viewer = await api.client("viewer")
    mine = (await viewer("POST", "/own/tokens", {"name": "mine", "expires": "2030-01-01"})).json
    listed = (await viewer("GET", "/own/tokens?q=mine")).json["items"]
    assert [one["starts_with"] for one in listed] == [mine["starts_with"]]
    assert (await viewer("GET", "/tokens")).status == 403
    program = api.nobody(mine["secret"])
    assert (await program("GET", "/customers")).status == 200
    # A token that expires leaves none behind that does not.
    for longer in ({}, {"expires": "2030-01-02"}):
        refused = await program("POST", "/own/tokens", {"name": "longer", **longer})
        assert (refused.status, refused.json["code"]) == (403, "token.outlives_own")
    asked = {"name": "shorter", "expires": "2029-12-31", "rights": ["calls.read"]}
    narrow = api.nobody((await program("POST", "/own/tokens", asked)).json["secret"])
    wide = {"name": "wide", "expires": "2029-12-31"}
    assert (await narrow("POST", "/own/tokens", wide)).json["code"] == "right.beyond_own"
    # What an operator is given later is not for those to have to whom a narrow token was given.
    sleeper = {"name": "sleeper", "expires": "2029-12-31"}
    for rights in (["operators.change"], ["calls.read", "money.move"]):
        refused = await narrow("POST", "/own/tokens", {**sleeper, "rights": rights})
        assert (refused.status, refused.json["code"]) == (403, "right.beyond_own")
    await owner("POST", "/roles", {"name": "callers", "rights": ["calls.read"]})
    refused = await narrow("POST", "/own/tokens", {**sleeper, "role": "callers"})
    assert (refused.status, refused.json["code"]) == (403, "token.wider_than_own")
    by_role = {"name": "by role", "expires": "2029-12-31", "role": "callers"}
    other = api.nobody((await program("POST", "/own/tokens", by_role)).json["secret"])
    refused = await other("POST", "/own/tokens", {**sleeper})
    assert (refused.status, refused.json["code"]) == (403, "right.beyond_own")
    assert (await other("POST", "/own/tokens", {**by_role, "name": "again"})).status == 201
    assert (await narrow("POST", "/own/tokens", {**asked, "name": "as narrow"})).status == 201
    # Another operator's token is none of theirs.
    admins = (await owner("GET", "/own/tokens")).json["items"][0]["starts_with"]
    assert (await viewer("POST", f"/own/tokens/{admins}:revoke")).status == 404
    assert (await viewer("POST", f"/own/tokens/{mine['starts_with']}:revoke")).status == 200
    assert (await program("GET", "/customers")).status == 401
