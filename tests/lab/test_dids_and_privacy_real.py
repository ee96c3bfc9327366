"""Which DIDs reach Ringflow through the shipped dialplan, and withheld numbers, on Asterisk 22 and 16."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ringflow.lab import HangUp, Lab, LabCallee, LabCaller, Moment

if TYPE_CHECKING:
    from tests.lab.conftest import Peer, Scripts

pytestmark = pytest.mark.lab

CLI = "441910000001"
PAI = f"P-Asserted-Identity: <sip:{CLI}@127.0.0.1>"
# The user part of the URI that is called, and `agi_extension`.
CALLED = {
    "18005550100": "18005550100",
    "+18005550101": "+18005550101",
    "0": "0",
    "alice": "alice",
    "Bob.2_b": "Bob.2_b",
    "xnz": "xnz",
    "*98": "*98",
    "*": "*",
    "#21": "#21",
    "_9": "_9",
    "a-b": "a-b",
    "18005550102;npdi": "18005550102;npdi",
    "18005550103;npdi=yes;rn=18005550000": "18005550103;npdi=yes;rn=18005550000",
    "8005550104;phone-context=+1": "8005550104;phone-context=+1",
    "alice;x": "alice;x",
}


async def test_what_a_did_may_be_reaches_ringflow(lab: Lab, scripts: Scripts) -> None:
    seen: dict[str, str] = {}

    async def call(user: str, extension: str) -> int:
        async def script(peer: Peer) -> None:
            seen[user] = peer.environment["agi_extension"]
            await peer.ask("EXEC Hangup 17")

        scripts.put(extension, script)
        return (await lab.call(LabCaller(user, CLI))).status

    codes = await asyncio.gather(*(call(*one) for one in CALLED.items()))
    assert seen == CALLED
    assert set(codes) == {486}


async def test_asterisks_own_extensions_are_nobodys_number(lab: Lab, scripts: Scripts) -> None:
    async def code(user: str) -> int:
        return (await lab.call(LabCaller(user, CLI))).status

    # 484: more letters would make it a DID.
    assert set(await asyncio.gather(*map(code, ["h", "s", "t", "i", "T", "a", "e", "o", "-x"]))) == {484}
    assert set(await asyncio.gather(*map(code, [".x", "!x", "~"]))) == {404}


async def test_a_call_that_is_hung_up_reaches_ringflow_once(lab: Lab, scripts: Scripts) -> None:
    calls: list[str] = []

    async def script(peer: Peer) -> None:
        calls.append(peer.environment["agi_extension"])
        await peer.ask("ANSWER")
        await peer.ask("EXEC Wait 5")

    for name in ("alice", "h", "18005550105"):
        scripts.put(name, script)
    for did in ("alice", "18005550105"):
        await lab.call(LabCaller(did, CLI, hang_up=HangUp(Moment.ANSWERED, 200)))
        await scripts.ended(did)
    assert calls == ["alice", "18005550105"]


@pytest.mark.parametrize(
    ("did", "caller", "options", "presented", "shown"),
    [
        ("18005551001", (True, (PAI,)), "", (CLI, "32", "id"), "anonymous"),
        ("18005551002", (True, (PAI,)), f"f({CLI})u(prohib)", (CLI, "32", "id"), "anonymous"),
        ("18005551003", (False, (PAI, "Privacy: user;id")), "", (CLI, "32", "user;id"), "anonymous"),
        ("18005551004", (False, (PAI, "Privacy: user;id")), f"f({CLI})u(prohib)", None, "anonymous"),
        ("18005551005", (False, ("Privacy: id",)), f"f({CLI})u(prohib)", (CLI, "0", "id"), "anonymous"),
        ("18005551006", (True, (PAI,)), "f(442079460018)", None, "442079460018"),
        ("18005551007", (True, ()), "", ("anonymous", "0", "id"), "anonymous"),
        ("18005551008", (False, (PAI, "Privacy: user")), "", (CLI, "32", "user"), "anonymous"),
        ("18005551009", (False, (PAI, "Privacy: user")), "f(0)u(prohib)", (CLI, "32", "user"), "anonymous"),
        ("18005551010", (False, (PAI, "Privacy: none")), "", (CLI, "0", "none"), CLI),
        ("18005551011", (False, (PAI,)), "", (CLI, "0", ""), CLI),
    ],
)
async def test_what_asterisk_tells_and_shows_of_a_withheld_number(
    lab: Lab,
    scripts: Scripts,
    did: str,
    caller: tuple[bool, tuple[str, ...]],
    options: str,
    presented: tuple[str, str, str] | None,
    shown: str,
) -> None:
    told: list[str] = []

    async def script(peer: Peer) -> None:
        told.extend(peer.environment[f"agi_{name}"] for name in ("callerid", "callingpres", "arg_4"))
        await peer.ask("ANSWER")
        await peer.ask(f'EXEC Dial "PJSIP/441234567890@callee01,20,g{options}"')

    scripts.put(did, script)
    anonymous, headers = caller
    result = await lab.call(
        LabCaller(did, CLI, anonymous=anonymous, headers=headers),
        {"callee01": LabCallee(hangs_up_after_ms=200)},
    )
    await scripts.ended(did)
    callee = result.callees["callee01"]
    asserted = callee.header("P-Asserted-Identity")
    assert presented is None or tuple(told) == presented
    assert callee.from_user == shown
    if shown != "anonymous":
        assert asserted is not None
        assert f"sip:{shown}@" in asserted
    else:
        # Of a caller who is nobody to Asterisk as well, it asserts just that.
        assert asserted is None or told[0] == "anonymous"
        assert CLI not in str(callee.headers)


async def test_a_trusted_carrier_is_told_a_number_that_is_marked_as_private(
    lab: Lab, scripts: Scripts
) -> None:
    async def script(peer: Peer) -> None:
        await peer.ask("ANSWER")
        await peer.ask(f'EXEC Dial "PJSIP/441234567890@trusted,20,gf({CLI})u(prohib)"')

    scripts.put("18005551020", script)
    result = await lab.call(LabCaller("18005551020", CLI), {"callee01": LabCallee(hangs_up_after_ms=200)})
    await scripts.ended("18005551020")
    callee = result.callees["callee01"]
    assert callee.from_user == "anonymous"
    assert f"sip:{CLI}@" in (callee.header("P-Asserted-Identity") or "")
    assert callee.header("Privacy") == "id"
