"""`ringflow call`, `ringflow dial` and `ringflow test` as they are typed."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ringflow.cli.dial import HELD_MS, Keyboard, Screen
from ringflow.simulator.call_request import met_by
from ringflow.simulator.line import KeyUp
from ringflow.simulator.paced_clock import PacedClock
from ringflow.simulator.telephone import TAP_MS, Telephone

ROOT = Path(__file__).parent.parent.parent
CLI = "441910000001"
KEYS = "441234567890#"
CONFIG = """
flows: {flows}
sounds: {{folder: {sounds}}}
scripts: {{folder: {flows}/scripts}}
customers: [{{id: 42, clis: ["441910000001"]}}]
dids: [{{number: "18005550100", app: calling_card}}]
trunks:
  - {{name: first, dial: "PJSIP/{{number}}@first", position: 1, rated: upstream}}
  - {{name: second, dial: "PJSIP/{{number}}@second", position: 2, rated: upstream}}
"""
ENVIRON = {"RINGFLOW_SECURITY_KEY": "0123456789abcdef0123456789abcdef", "COLUMNS": "200"}

Run = Callable[..., Any]


@pytest.fixture
def run(ringflow: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command as typed in a folder with a customer, a DID and two trunks."""
    text = CONFIG.format(flows=ROOT / "app_flows", sounds=ROOT / "sounds")
    (tmp_path / "config.yaml").write_text(text)

    def run_command(*words: str, keys: str = "") -> Any:
        reader, writer = os.pipe()
        os.write(writer, keys.encode())
        os.close(writer)
        with os.fdopen(reader) as piped:
            monkeypatch.setattr(sys, "stdin", piped)
            return ringflow(*words, **ENVIRON)

    return run_command


def test_a_call_in_json_has_every_part(run: Run) -> None:
    result = run("call", "18005550100", "--from", CLI, "--keys", KEYS, "--talk", "60s", "--json")
    call = json.loads(result.out)
    assert (call["outcome"], call["reject_sip"], call["app"], call["customer"]) == (
        "completed", None, "calling_card", 42,
    )  # fmt: skip
    assert call["variables"]["ivr_destination"] == "441234567890"
    (leg,) = call["legs"]
    assert (leg["dialled"], leg["trunk"], leg["status"], leg["talked_s"]) == (
        "441234567890", "first", "answered", 60.0,
    )  # fmt: skip
    assert leg["headers"]["X-Customer-ID"] == "42"
    assert leg["headers"]["X-CX-Sec"].startswith("v1.")
    assert [event["event"] for event in call["transcript"]] == [
        "answered", "prompt", "keys", "exit", "dial", "leg", "leg", "exit", "ended",
    ]  # fmt: skip


def test_several_keys_answer_successive_prompts_and_several_callees_successive_attempts(run: Run) -> None:
    result = run(
        "call", "18005550100", "--from", CLI, "--keys", "12#", "--keys", KEYS,
        "--callee", "congestion", "--callee", "busy", "--json",
    )  # fmt: skip
    call = json.loads(result.out)
    assert [(leg["trunk"], leg["status"]) for leg in call["legs"]] == [
        ("first", "congestion"), ("second", "busy"),
    ]  # fmt: skip
    assert call["outcome"] == "busy"
    assert "invalid" in [event["event"] for event in call["transcript"]]


def test_a_callee_with_a_number_meets_every_attempt_to_that_number_and_no_other() -> None:
    meet = met_by(["441111=busy", "congestion", "+442222=noanswer", "answer"], 2000, 60_000)
    dialled = ("1111", "441111", "442222", "441111", "3333", "4444")
    met = [meet(index, f"PJSIP/{number}@carrier").behaviour.value for index, number in enumerate(dialled)]
    assert met == ["congestion", "busy", "no_answer", "busy", "answer", "answer"]
    for wrong in ("engaged", "=busy", "44x=busy", "441111=", "busy=441111"):
        with pytest.raises(ValueError, match=r"write one of answer, busy, .* 441234567890=busy"):
            met_by([wrong], 2000, 60_000)


def test_a_number_that_is_too_long_is_not_dialled_and_the_next_keys_answer_the_next_prompt(run: Run) -> None:
    words = ("call", "18005550100", "--from", CLI, "--callee", "busy", "--json", "--keys")
    too_long = json.loads(run(*words, "011441234567890#").out)
    assert (too_long["outcome"], too_long["legs"]) == ("no_input", [])
    assert ("keys", "011441234567890 (too_long)") in [
        (event["event"], event["detail"]) for event in too_long["transcript"]
    ]
    right = json.loads(run(*words, "011441234567890#", "--keys", "49301234567890").out)
    assert (right["outcome"], [leg["dialled"] for leg in right["legs"]]) == ("busy", ["49301234567890"])


def test_a_caller_may_hang_up_after_the_keys(run: Run) -> None:
    result = run("call", "18005550100", "--from", CLI, "--keys", "44", "--hangs-up-after", "1s", "--json")
    assert json.loads(result.out)["outcome"] == "abandoned"


def test_keys_that_nobody_asked_for_and_a_call_without_end_are_told_of(run: Run) -> None:
    words = ("call", "18005550100", "--from", CLI, "--keys", KEYS)
    assert run(*words).err == ""
    assert run(*words, "--keys", "1").err == "the caller still waited to hear a prompt that takes keys\n"
    assert run(*words, "--talk", "5h").err == "nobody had hung up after 4h, so the caller did\n"
    assert run("call", "18005550100", "--from", "44999", "--keys", "1").err == ""


def test_an_unknown_caller_reads_the_reason(run: Run) -> None:
    result = run("call", "18005550100", "--from", "44999")
    assert result.code == 0
    assert "rejected\n  SIP 403 CLI Not Authorized" in result.out
    refused = json.loads(run("call", "18005550100", "--from", "anonymous", "--json").out)
    assert (refused["reject_sip"], refused["reject_reason"]) == (403, "CLI Not Authorized")


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("list", "ringflow record list"), ("show", "ringflow record show CALL"),
        ("live", "ringflow live list"), ("hangup", "ringflow live hangup CALL"),
    ],
)  # fmt: skip
def test_a_word_that_is_meant_for_other_calls_names_their_command(word: str, command: str, run: Run) -> None:
    ran = run("call", word)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"ringflow: there is no DID `{word}`: this command makes a simulated call. ")
    assert f"You mean `{command}`" in ran.err
    assert run("did", "add", word, "calling_card").code == 0
    assert "SIP 403 CLI Not Authorized" in run("call", word, "--from", "44999").out


def test_what_no_telephone_can_send_is_refused(run: Run) -> None:
    assert "keys are 0-9" in run("call", "18005550100", "--keys", "12x").err
    assert "not a length of time" in run("call", "18005550100", "--talk", "60").err
    for words in (("call", ""), ("dial", "", "--from", CLI)):
        result = run(*words)
        assert (result.code, result.out) == (1, "")
        assert "the number that is called is empty: give a DID" in result.err
    for words in (("call", "1800\n1"), ("call", "1800", "--from", "44\n1"), ("dial", "1" * 257)):
        result = run(*words)
        assert (result.code, result.out) == (1, "")
        assert ": number `" in result.err
        assert "write one line of at most 256 characters" in result.err


def test_keys_from_a_pipe_make_a_call_in_real_time(run: Run) -> None:
    result = run(
        "dial", "18005550100", "--from", CLI, "--answers-after", "50ms", "--talk", "100ms", keys=KEYS
    )
    lines = [line.strip() for line in result.out.splitlines()]
    assert lines[2:8] == [
        "answered",
        "IVR/ivr-please: Please enter the number you wish to call, followed by the hash key.",
        f"keys {KEYS}",
        "ringing",
        "connected",
        "disconnected",
    ]
    assert lines[8] == "completed, app calling_card, customer 42"


def test_h_in_a_pipe_hangs_up_after_the_keys_before_it(run: Run) -> None:
    result = run("dial", "18005550100", "--from", CLI, keys=f"{KEYS}h")
    assert "ringing" in result.out
    assert "cancelled" in result.out


def test_a_telephone_in_a_terminal_restores_it(run: Run) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "ringflow", "dial", "18005550100", "--from", CLI]
    process = subprocess.Popen(command, env=os.environ | ENVIRON, stdin=theirs, stdout=theirs, stderr=theirs)
    try:
        seen = read_until(ours, b"followed by the hash key")
        assert termios.tcgetattr(theirs)[3] & termios.ECHO == 0
        os.write(ours, KEYS.encode())
        seen += read_until(ours, b"a answers")
        os.write(ours, b"a")
        seen += read_until(ours, b"the callee hangs up")
        os.write(ours, b"h")
        seen += read_until(ours, b"X-CX-Sec")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert b"answered, talked" in seen
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def read_until(terminal: int, text: bytes, limit_s: float = 60.0) -> bytes:
    seen, ends = b"", time.monotonic() + limit_s
    while text not in seen:
        readable, _, _ = select.select([terminal], [], [], max(0.0, ends - time.monotonic()))
        assert readable, seen.decode()
        seen += os.read(terminal, 4096)
    return seen


def test_scenarios_are_played_and_counted(run: Run, tmp_path: Path) -> None:
    passed = run("test")
    assert passed.code == 0, passed.out
    assert "calling_card.test.yaml ...." in passed.out
    (tmp_path / "wrong.test.yaml").write_text(
        "- {name: wrong, expect: {outcome: busy}}\n- {name: b, expct: {}}\n"
    )
    failed = run("test", "wrong.test.yaml")
    assert failed.code == 1
    assert "wrong.test.yaml:2:13: unknown key `expct` (did you mean `expect`?" in failed.out
    assert ", 1 problem in files in " in failed.out
    (tmp_path / "wrong.test.yaml").write_text(
        "- {name: wrong, expect: {outcome: busy}}\n- {name: b, expect: {}}\n"
    )
    failed = run("test", "wrong.test.yaml", "-v")
    assert failed.code == 1
    assert "FAILED wrong.test.yaml::wrong" in failed.out
    assert "passed wrong.test.yaml::b" in failed.out
    assert "wrong.test.yaml:1\noutcome: expected busy, came" in failed.out
    assert run("test", "wrong.test.yaml", "-k", "b").code == 0
    nothing = run("test", "wrong.test.yaml", "-k", "nothing like it")
    assert nothing.code != 0
    assert "ringflow: there are no scenarios" in nothing.err


async def test_a_key_typed_after_an_exclamation_mark_is_held_down_and_the_next_one_is_not() -> None:
    telephone = Telephone(PacedClock(0), Screen(Console(quiet=True), {}, asks=False))
    keyboard = Keyboard(telephone)

    for character in "!#*":
        keyboard.type(character)

    assert [await telephone.until(None) for _ in range(2)] == [KeyUp("#", HELD_MS), KeyUp("*", TAP_MS)]
