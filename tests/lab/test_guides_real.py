"""The guides for carriers, FreePBX and an existing dialplan, with the very lines of their pages."""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.lab.conftest import FOLDER, RELEASES, Peer, Scripts
from tests.lab.guide_pages import guide_block

from ringflow.accounts.trunks import Trunk
from ringflow.asterisk.file_facts import read_files
from ringflow.asterisk.findings import Severity
from ringflow.asterisk.inspection import inspect
from ringflow.errors import StartError
from ringflow.lab import Lab, LabCallee, LabCaller
from ringflow.lab.ports import free_tcp_port

pytestmark = [pytest.mark.lab, pytest.mark.parametrize("release", RELEASES)]

DID = "18005550100"
CLI = "441910000001"
REGISTERED_TRIES = 200


@dataclass(frozen=True)
class Operator:
    """An Asterisk as an operator has it: only what its files say, without the lab's caller."""

    lab: Lab
    scripts: Scripts

    @property
    def etc(self) -> Path:
        return self.lab.asterisk().folder / "etc"

    @property
    def port(self) -> int:
        return self.lab.asterisk().state.sip_port

    @property
    def trunks(self) -> Path:
        return self.lab.asterisk().config / "pjsip_trunks.conf"

    def write(self, file: Path, text: str) -> None:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"\n{text}\n")

    def reload(self) -> None:
        for command in ("dialplan reload", "module reload res_pjsip.so", "manager reload"):
            self.lab.asterisk().ask(command)
        self.lab.asterisk().ask("module reload res_pjsip_outbound_registration.so")

    def serious(self, *trunks: Trunk) -> list[str]:
        """What `ringflow asterisk check --files` finds."""
        facts = read_files(self.etc, trunks, "ringflow")
        findings = inspect(facts, with_manager=True, fastagi_port=self.lab.asterisk().fastagi_port)
        return [f"{one.where}: {one.what}" for one in findings if one.severity is Severity.SERIOUS]


@asynccontextmanager
async def running(release: str, place: Path) -> AsyncIterator[Operator]:
    """An Asterisk of its own and the FastAGI server of its calls."""
    lab = Lab(FOLDER, release, place / "asterisk", rtp_ports=40)
    try:
        assert lab.packages
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    scripts = Scripts()
    port = free_tcp_port()
    async with await asyncio.start_server(scripts.serve, "127.0.0.1", port):
        await asyncio.to_thread(lab.up, port)
        try:
            operator = Operator(lab, scripts)
            # Nobody is known by the loopback address but whom the guide's own lines say.
            pjsip = operator.etc / "pjsip.conf"
            pjsip.write_text(pjsip.read_text("utf-8").replace("match = 127.0.0.1", "match = 127.9.9.9"))
            operator.trunks.write_text("")
            yield operator
            assert scripts.failures == []
        finally:
            await asyncio.to_thread(lab.down)


@pytest.fixture
async def ours(release: str, tmp_path: Path) -> AsyncIterator[Operator]:
    """The Asterisk that the guides are for."""
    async with running(release, tmp_path / "ours") as operator:
        yield operator


@pytest.fixture
async def carrier(release: str, tmp_path: Path, ours: Operator) -> AsyncIterator[Operator]:
    """Another Asterisk, which plays the carrier: accounts with passwords, and a caller from outside."""
    async with running(release, tmp_path / "carrier") as operator:
        accounts = "".join(
            f"[{name}](ringflow-trunk)\ncontext = subscribers\naors = {name}\nauth = {name}\n"
            f"[{name}]\ntype = aor\nmax_contacts = 1\n"
            f"[{name}]\ntype = auth\nauth_type = userpass\nusername = {name}\npassword = {password}\n"
            for name, password in (
                ("4471000", "change-this-password"),
                ("4472000", "change-this-password-too"),
            )
        )
        operator.write(
            operator.etc / "pjsip.conf",
            f"{accounts}[{CLI}](ringflow-trunk)\ncontext = outside\n"
            f"[ours](ringflow-trunk)\naors = ours\n[ours]\ntype = aor\ncontact = sip:127.0.0.1:{ours.port}\n",
        )
        operator.write(
            operator.etc / "extensions.conf",
            "[subscribers]\nexten => _X.,1,Answer()\n same => n,Wait(1)\n same => n,Hangup()\n"
            f"[outside]\nexten => {DID},1,Dial(PJSIP/4471000,20)\n"
            "exten => 18005550103,1,Dial(PJSIP/${EXTEN}@ours,20)\n",
        )
        operator.reload()
        yield operator


def at_carrier(text: str, carrier: Operator) -> str:
    """A guide's lines with the carrier's real address in place of the examples'."""
    address = f"127.0.0.1:{carrier.port}"
    lines = []
    for line in text.splitlines():
        if not line.startswith("from_domain"):
            line = line.replace("sip.carrier.example", address).replace("sip.second.example", address)
            line = line.replace("contact = sip:203.0.113.10", f"contact = sip:{address}")
            line = line.replace("match = 203.0.113.10", "match = 127.0.0.1")
        lines.append(line)
    return "\n".join(lines)


async def registered(operator: Operator) -> None:
    for _ in range(REGISTERED_TRIES):
        shown = await asyncio.to_thread(operator.lab.asterisk().ask, "pjsip show registrations")
        if "Registered" in shown:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(shown)


async def invite(contact: str, to: str) -> str:
    """The final reply to an INVITE for `contact` whose To header names another number."""
    port = int(re.findall(r":([0-9]+)", contact)[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.setblocking(False)
        here = f"127.0.0.1:{sender.getsockname()[1]}"
        head = (
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-{uuid.uuid4().hex}\r\n"
            f"From: <sip:{CLI}@{here}>;tag=carrier\r\nTo: <sip:{to}@sip.carrier.example>%s\r\n"
            f"Call-ID: {uuid.uuid4().hex}\r\nMax-Forwards: 70\r\nContact: <sip:{here}>\r\n"
        )
        request = f"INVITE {contact} SIP/2.0\r\n{head % ''}CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        sender.sendto(request.encode(), ("127.0.0.1", port))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while (reply := (await loop.sock_recv(sender, 65536)).decode()).startswith("SIP/2.0 1"):
                pass
        tag = re.findall(r"^To:.*(;tag=.*)\r$", reply, re.MULTILINE)[0]
        ack = f"ACK {contact} SIP/2.0\r\n{head % tag}CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        sender.sendto(ack.encode(), ("127.0.0.1", port))
    return reply.partition("\r\n")[0]


async def arrive(ours: Operator, caller: Operator, dialled: str, did: str) -> list[str]:
    """The caller's number and the endpoint of a call that arrives at Ringflow as `did`."""
    seen: list[str] = []

    async def script(peer: Peer) -> None:
        seen.append(peer.environment["agi_callerid"])
        seen.extend(await peer.values("CHANNEL(endpoint)"))
        await peer.ask("EXEC Hangup 17")

    ours.scripts.put(did, script)
    result = await caller.lab.call(LabCaller(dialled, CLI), timeout_s=30)
    assert seen, f"the call did not arrive; the caller got {result.status}"
    await ours.scripts.ended(did)
    assert result.status == 486
    return seen


async def dial(ours: Operator, caller: Operator, did: str, target: str) -> list[str]:
    """How a leg to `target` ends, out of a call to `did`."""
    seen: list[str] = []

    async def script(peer: Peer) -> None:
        await peer.ask(f'EXEC Dial "{target},20,g"')
        seen.extend(await peer.values("DIALSTATUS", "HANGUPCAUSE"))
        await peer.ask("EXEC Hangup 17")

    ours.scripts.put(did, script)
    result = await caller.lab.call(LabCaller(did, CLI), timeout_s=40)
    assert result.status in (200, 486), "the call did not arrive"
    await ours.scripts.ended(did)
    return seen


async def test_calls_of_a_carrier_known_by_its_address_arrive(ours: Operator, carrier: Operator) -> None:
    lines = guide_block("carriers.md", "Known by its address", "pjsip_trunks.conf")
    ours.write(ours.trunks, at_carrier(lines, carrier))
    ours.reload()
    assert ours.serious(Trunk("t", "PJSIP/{number}@by-address")) == []
    assert await arrive(ours, carrier, "18005550103", "18005550103") == [CLI, "by-address"]
    codecs = await asyncio.to_thread(ours.lab.asterisk().ask, "pjsip show endpoint by-address")
    assert "allow                              : (ulaw|alaw)" in codecs


async def test_a_carrier_that_we_register_with_sends_and_takes_calls(
    ours: Operator, carrier: Operator
) -> None:
    lines = guide_block("carriers.md", "You register with it", "pjsip_trunks.conf")
    ours.write(ours.trunks, at_carrier(lines, carrier))
    ours.reload()
    await registered(ours)
    assert ours.serious(Trunk("t", "PJSIP/{number}@registered")) == []
    assert await arrive(ours, carrier, DID, DID) == [CLI, "registered"]
    assert await dial(ours, carrier, DID, "PJSIP/441234567890@registered") == ["ANSWER", "16"]


async def test_the_did_of_a_registration_for_several_is_taken_from_the_to_header(
    ours: Operator, carrier: Operator
) -> None:
    heading = "Several DIDs on one registration"
    lines = guide_block("carriers.md", "You register with it", "pjsip_trunks.conf")
    context = guide_block("carriers.md", heading, "pjsip_trunks.conf")
    lines = lines.replace("aors = registered\n", f"aors = registered\n{context}", 1)
    lines = lines.replace(f"contact_user = {DID}", "contact_user = registered")
    ours.write(ours.trunks, at_carrier(lines, carrier))
    ours.write(ours.etc / "extensions.conf", guide_block("carriers.md", heading, "extensions.conf"))
    ours.reload()
    await registered(ours)
    assert ours.serious(Trunk("t", "PJSIP/{number}@registered")) == []
    # Tables of `pjsip show` cut the contact off, and AstDB writes its semicolons as ^3B.
    shown = await asyncio.to_thread(carrier.lab.asterisk().ask, "database show registrar")
    contact = re.findall(r'"uri":"(sip:registered@[^"]+)"', shown)[0].replace("^3B", ";")
    seen: list[str] = []

    async def script(peer: Peer) -> None:
        seen.append(peer.environment["agi_callerid"])
        seen.extend(await peer.values("CHANNEL(endpoint)"))
        await peer.ask("EXEC Hangup 17")

    ours.scripts.put("+18005550102", script)
    assert await invite(contact, "+18005550102") == "SIP/2.0 486 Busy Here"
    assert seen == [CLI, "registered"]


async def test_a_carrier_that_wants_a_password_takes_calls(ours: Operator, carrier: Operator) -> None:
    lines = guide_block(
        "carriers.md", "It wants a password with each call, and no registration", "pjsip_trunks.conf"
    )
    known = guide_block("carriers.md", "Known by its address", "pjsip_trunks.conf")
    ours.write(ours.trunks, at_carrier(f"{lines}\n{known}", carrier))
    ours.reload()
    assert ours.serious(Trunk("t", "PJSIP/{number}@password")) == []
    assert await dial(ours, carrier, "18005550103", "PJSIP/441234567890@password") == ["ANSWER", "16"]
    text = ours.trunks.read_text("utf-8")
    ours.trunks.write_text(text.replace("change-this-password-too", "wrong"), "utf-8")
    ours.reload()
    assert await dial(ours, carrier, "18005550103", "PJSIP/441234567890@password") == ["CHANUNAVAIL", "21"]


async def test_an_exchange_that_sends_a_password_calls_as_its_own_number(
    release: str, tmp_path: Path, ours: Operator
) -> None:
    ours.write(ours.trunks, guide_block("carriers.md", "It sends you a password", "pjsip_trunks.conf"))
    ours.reload()
    assert ours.serious() == []
    async with running(release, tmp_path / "exchange") as exchange:
        exchange.write(
            exchange.etc / "pjsip.conf",
            f"[{CLI}](ringflow-trunk)\ncontext = desk\n"
            "[out](ringflow-trunk)\naors = out\noutbound_auth = out\nfrom_user = exchange\n"
            f"[out]\ntype = aor\ncontact = sip:127.0.0.1:{ours.port}\n"
            "[out]\ntype = auth\nauth_type = userpass\nusername = exchange\n"
            "password = change-this-one-as-well\n"
            "[out]\ntype = registration\noutbound_auth = out\n"
            f"server_uri = sip:127.0.0.1:{ours.port}\nclient_uri = sip:exchange@127.0.0.1:{ours.port}\n"
            "contact_user = s\n",
        )
        exchange.write(
            exchange.etc / "extensions.conf",
            f"[desk]\nexten => {DID},1,Set(CALLERID(num)=442079460000)\n"
            " same => n,Dial(PJSIP/${EXTEN}@out,20)\n",
        )
        exchange.reload()
        await registered(exchange)
        # It stated 442079460000, which is not believed.
        assert await arrive(ours, exchange, DID, DID) == [CLI, "exchange"]
        text = ours.trunks.read_text("utf-8")
        ours.trunks.write_text(text.replace("change-this-one-as-well", "another"), "utf-8")
        ours.reload()
        refused = await exchange.lab.call(LabCaller(DID, CLI), timeout_s=30)
        assert refused.status != 486, "a wrong password did not keep the call from Ringflow"


def add_outside(operator: Operator, name: str, context: str) -> None:
    """An endpoint for SIPp, as operators have them, with the settings that the page asks for."""
    settings = guide_block("existing-dialplan.md", "Endpoints that lead there", "pjsip.conf")
    operator.write(
        operator.etc / "pjsip.conf",
        f"[{name}]\ntype = endpoint\ncontext = {context}\ndisallow = all\nallow = alaw,ulaw\n{settings}\n"
        f"[{name}]\ntype = identify\nendpoint = {name}\nmatch = 127.0.0.1\n",
    )


@pytest.mark.parametrize(
    ("heading", "dialled", "channel"),
    [
        ("One DID out of an existing dialplan", DID, "PJSIP/my-carrier-"),
        ("Local channels", "18005550101", f"Local/{DID}@ringflow-incoming-"),
    ],
)
async def test_one_did_of_an_existing_dialplan_goes_to_ringflow(
    ours: Operator, heading: str, dialled: str, channel: str
) -> None:
    ours.write(
        ours.etc / "extensions.conf",
        "[from-carrier]\nexten => _X.,1,Hangup(1)\n"
        + guide_block("existing-dialplan.md", heading, "extensions.conf").removeprefix("[from-carrier]\n"),
    )
    add_outside(ours, "my-carrier", "from-carrier")
    ours.reload()
    assert ours.serious() == []
    seen: list[str] = []

    async def script(peer: Peer) -> None:
        seen.append(peer.environment["agi_callerid"])
        seen.append(peer.environment["agi_channel"])
        await peer.ask("ANSWER")
        await peer.ask(
            'EXEC Dial "PJSIP/441234567890@callee01,20,gb(ringflow-leg^s^1)U(ringflow-answered^s^1)"'
        )
        seen.extend(await peer.values("DIALSTATUS"))
        # As Ringflow does once it knows of the talk's end.
        await peer.ask('SET VARIABLE SHARED(RINGFLOW_TALK) ""')

    ours.scripts.put(DID, script)
    result = await ours.lab.call(LabCaller(dialled, CLI), {"callee01": LabCallee(hangs_up_after_ms=500)}, 30)
    assert result.status == 200
    await ours.scripts.ended(DID)
    assert (seen[0], seen[2]) == (CLI, "ANSWER")
    assert seen[1].startswith(channel)
    assert result.callees["callee01"].talked_s > 0.4
    other = await ours.lab.call(LabCaller("18005559999", CLI), timeout_s=30)
    assert other.status == 404


# What FreePBX generates, as far as the guide touches it: contexts, and which file includes which.
FREEPBX_EXTENSIONS = """
[from-pstn]
include => from-pstn-custom
include => ext-did
[from-pstn-toheader]
exten => _.,1,Goto(from-pstn,${CUT(CUT(PJSIP_HEADER(read,To),@,1),:,2)},1)
[ext-did]
exten => 18005550100,1,Hangup(34)
exten => _X.,1,Hangup(1)
#include extensions_custom.conf
"""
FREEPBX_ENDPOINTS = """
[my-carrier]
type=endpoint
context=from-pstn
disallow=all
allow=ulaw,alaw
aors=my-carrier
dtmf_mode=rfc4733
direct_media=no
trust_id_inbound=yes
send_pai=yes
#include pjsip.endpoint_custom_post.conf
[my-carrier]
type=aor
contact=sip:127.0.0.1:9
qualify_frequency=60
[my-carrier]
type=identify
endpoint=my-carrier
match=127.0.0.1
#include pjsip_custom_post.conf
"""


async def test_a_did_of_freepbx_goes_to_ringflow_and_the_others_stay(ours: Operator) -> None:
    etc, shipped = ours.etc, ours.lab.asterisk().config
    lines = {
        name: guide_block("freepbx.md", heading, name).replace("/etc/asterisk/ringflow", str(shipped))
        for heading, name in (
            ("2. Include them", "extensions_custom.conf"),
            ("2. Include them", "manager_custom.conf"),
            ("3. Settings of the trunk", "pjsip.endpoint_custom_post.conf"),
            ("3. Settings of the trunk", "pjsip_custom_post.conf"),
        )
    }
    transport = (etc / "pjsip.conf").read_text("utf-8").partition("#include")[0]
    manager = (etc / "manager.conf").read_text("utf-8").partition("#include")[0]
    (etc / "extensions.conf").write_text(FREEPBX_EXTENSIONS)
    (etc / "pjsip.conf").write_text(transport + FREEPBX_ENDPOINTS)
    (etc / "manager.conf").write_text(f"{manager}#include manager_custom.conf\n")
    trunk = Trunk("carrier", "PJSIP/{number}@my-carrier")
    for name in lines:
        (etc / name).write_text("")
    assert any("AGI" in one or "ringflow-incoming" in one for one in ours.serious(trunk))
    for name, text in lines.items():
        (etc / name).write_text(text)
    ours.reload()
    assert ours.serious(trunk) == []
    assert await arrive(ours, ours, DID, DID) == [CLI, "my-carrier"]
    assert (await ours.lab.call(LabCaller("18005559999", CLI), timeout_s=30)).status == 404
    assert "ringflow" in await asyncio.to_thread(ours.lab.asterisk().ask, "manager show users")
    assert "ringflow-uri" in await asyncio.to_thread(ours.lab.asterisk().ask, "pjsip show endpoints")
    (etc / "pjsip.endpoint_custom_post.conf").write_text("")
    assert [one.partition(":")[0] for one in ours.serious(trunk)] == ["pjsip.conf [my-carrier]"] * 2
