"""`ringflow asterisk check` on a real Asterisk: nothing serious as shipped, and every planted fault found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ringflow.accounts.trunks import Trunk
from ringflow.ami.link import AmiLink
from ringflow.asterisk.findings import Finding, Severity
from ringflow.asterisk.inspection import inspect
from ringflow.asterisk.manager_facts import read_facts
from ringflow.asterisk.watch import AsteriskWatch, recordings_problem
from ringflow.config import Config
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.lab import Lab
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.ports import free_tcp_port
from ringflow.recordings.folder import RecordingFolder

pytestmark = pytest.mark.lab

PROMPT = Path(__file__).parents[2] / "sounds" / "IVR" / "ivr-please"
CARRIER = Trunk("carrier", "PJSIP/{number}@ringflow-carrier")
TYPO = Trunk("second", "PJSIP/{number}@typo")

PJSIP = (
    "\n[phone]\ntype = endpoint\ncontext = from-phones\nallow_transfer = yes\nrtp_timeout = 60\n"
    "rtp_timeout_hold = 300\ndirect_media = no\n"
    "aors = phone\n\n[phone]\ntype = aor\ncontact = sip:127.0.0.1:9\n"
    "\n[desk]\ntype = endpoint\ncontext = elsewhere\nallow_transfer = yes\n"
)
DIALPLAN = (
    "\n[from-phones]\ninclude => outside\n"
    "\n[outside]\nexten => _X.,1,Goto(ringflow-incoming,${EXTEN},1)\n\n[elsewhere]\nexten => 1,1,NoOp()\n"
)
SECRET = "may-do-everything-4471"
MANAGER = f"\n[mighty]\nsecret = {SECRET}\nread = call\nwrite = reporting,call,originate,system\n"


@pytest.fixture
def asterisk(lab: Lab, tmp_path: Path) -> Iterator[AsteriskInstance]:
    """An Asterisk of this test's own, since its configuration is spoiled."""
    instance = AsteriskInstance(tmp_path, lab.packages, free_tcp_port())
    instance.start()
    try:
        yield instance
    finally:
        instance.stop()


async def found(link: AmiLink, asterisk: AsteriskInstance, trunks: list[Trunk], user: str) -> list[Finding]:
    await link.start()
    await link.wait_up(20)
    try:
        facts = await read_facts(link, trunks, user, [str(PROMPT), "no/such-prompt"])
    finally:
        await link.close()
    assert facts.source.startswith("Asterisk ")
    assert facts.missing_prompts == ("no/such-prompt",)
    assert facts.clock_ahead_ms is not None
    assert abs(facts.clock_ahead_ms) < 1000
    return inspect(facts, with_manager=True, fastagi_port=asterisk.fastagi_port)


async def test_as_shipped_nothing_but_the_prompt_that_is_not_there_is_serious(
    asterisk: AsteriskInstance,
) -> None:
    findings = await found(AmiLink(asterisk.manager_settings()), asterisk, [CARRIER], "ringflow")
    serious = [one for one in findings if one.severity is Severity.SERIOUS]
    assert [(one.where, "no/such-prompt" in one.what) for one in serious] == [("sounds", True)]
    # The example of a carrier has `qualify_frequency` commented out.
    assert [one.where for one in findings if one.severity is Severity.WARNING] == [
        "pjsip.conf [ringflow-carrier] (type = aor)"
    ]
    assert asterisk.complaints() == []


async def test_planted_faults_are_found_where_they_are(asterisk: AsteriskInstance, tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    for name, text in (("pjsip.conf", PJSIP), ("extensions.conf", DIALPLAN), ("manager.conf", MANAGER)):
        with (etc / name).open("a", encoding="utf-8") as file:
            file.write(text)
    shipped = asterisk.config / "extensions_ringflow.conf"
    shipped.write_text(shipped.read_text("utf-8").replace(f"/call,{DIALPLAN_VERSION}", "/call,1"), "utf-8")
    (etc / "logger.conf").write_text("[general]\n[logfiles]\nmessages => warning,error,verbose(3)\n", "utf-8")
    for command in ("module reload res_pjsip.so", "dialplan reload", "manager reload"):
        asterisk.ask(command)
    asterisk.ask("module unload app_senddtmf.so")
    settings = asterisk.manager_settings()
    link = AmiLink(type(settings)("127.0.0.1", settings.port, "mighty", SECRET))
    findings = await found(link, asterisk, [CARRIER, TYPO], "mighty")
    places = {(str(one.severity), one.where) for one in findings}
    assert {
        ("serious", "pjsip.conf [typo]"),
        ("serious", "pjsip.conf [phone]"),
        ("serious", "logger.conf, messages"),
        ("serious", "extensions.conf [ringflow-incoming]"),
        ("warning", "modules.conf"),
        ("warning", "manager.conf"),
    } <= places
    assert not [one for one in findings if "[desk]" in one.where]
    (rights,) = [one for one in findings if "may also write" in one.what]
    assert "system" in rights.what
    (deaf,) = [one for one in findings if "may not read" in one.what]
    assert "dtmf" in deaf.what


async def test_a_server_looks_when_the_link_is_up_logs_each_finding_once_and_keeps_them(
    asterisk: AsteriskInstance,
) -> None:
    link = AmiLink(asterisk.manager_settings())

    async def trunks() -> list[Trunk]:
        return [CARRIER, TYPO]

    watch = AsteriskWatch(link, Config(), trunks, lambda: asterisk.fastagi_port)
    assert (watch.findings, watch.serious) == (None, [])
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(watch.run())
        await link.start()
        async with asyncio.timeout(20):
            while watch.findings is None:  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.05)
        await watch.look()
        running.cancel()
    await link.close()
    assert [one.where for one in watch.serious] == ["pjsip.conf [typo]"]
    errors = [
        one["where"] for one in logs if one["event"] == "asterisk check" and one["log_level"] == "error"
    ]
    assert errors == ["pjsip.conf [typo]"]


async def test_a_folder_of_recordings_that_asterisk_sees_elsewhere_is_found(
    asterisk: AsteriskInstance, tmp_path: Path
) -> None:
    link = AmiLink(asterisk.manager_settings())
    await link.start()
    await link.wait_up(20)
    try:
        right = await recordings_problem(link, RecordingFolder(tmp_path / "recordings"))
        wrong = await recordings_problem(link, RecordingFolder(tmp_path / "recordings", "/nowhere"))
    finally:
        await link.close()
    assert (right, wrong) == ("", f"Asterisk does not see the files of {tmp_path}/recordings in /nowhere")
    assert list((tmp_path / "recordings").glob("*.*")) == []
