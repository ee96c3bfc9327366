"""Words in place of a prompt: checked when a flow is loaded, said in a call, timed in the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.config import SpeechConfig, load_config
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings
from ringflow.simulator.judgement import play
from ringflow.simulator.run import SimulatedCall
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.simulator.stage import Stage
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.utterance import Utterance
from ringflow.sounds.voices import Voices
from ringflow.speaking import say_digits, say_money, say_number, voice_of

ROOT = Path(__file__).parents[2]
LIBRARY = PromptLibrary(ROOT / "sounds")

NAMES = Voices(SpeechConfig(), {}, voice_of)


def problems(slot: str) -> list[str]:
    text = f"app: a\nslots:\n  - {{{slot}}}\n"
    draft = draft_from_bytes(text.encode(), slot_types(), "a.yaml")
    return [str(one).partition(": ")[2] for one in check_flows([draft], Surroundings(prompts=LIBRARY))]


@pytest.mark.parametrize(
    "file",
    [
        "{say: 'Hello ${cli|you}.'}",
        "{say: 'Hola.', language: es}",
        "{say: '12', as: number}",
        "{say: 12, as: digits}",
        "{say: '${did}', as: digits}",
        "{say: '-12.50', as: money, currency: USD}",
        "[MISC/error, {say: Hello}, {say: '${did}', as: digits}]",
    ],
)
def test_words_stand_wherever_a_prompt_may(file: str) -> None:
    assert problems(f"slot: audio, file: {file}") == []


def test_slots_that_ask_take_words_too() -> None:
    assert problems("slot: ivr, file: {say: Your number}, no_input_file: {say: Again}, result: n") == []
    assert problems("slot: authenticate, pin_file: {say: Your PIN}") == []
    assert problems("slot: hangup, file: {say: Goodbye}") == []


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{say: '${nmae}'}", "unknown variable `nmae`"),
        ("[{say: '${cli}'}]", "`${cli}` may be unset: not every call has it"),
        ("{say: ' '}", "`file`: there is nothing to say"),
        ("{say: twelve, as: number}", "`file`: `twelve` is not a number"),
        ("{say: 12a, as: digits}", "`file`: `12a` cannot be said as digits: 'a' is not a digit"),
        ("{say: '1.5', as: money}", "`file`: an amount needs its currency"),
        ("{say: x, currency: USD}", "`file`: `currency` means nothing with `as: text`"),
        ("{say: 1, as: number, clock: 24}", "`file`: `clock` means nothing with `as: number`"),
        ("{say: now, as: date, timezone: Berlin}", "`timezone`: `Berlin` is not a time zone"),
        ("{say: 2026-02-30, as: date}", "`file`: `2026-02-30` is not a date"),
        ("{say: '1', as: money, currency: XYZ}", "`currency`: `XYZ` is no currency"),
        ("{say: x, language: xx}", "`language`: numbers are not spoken in `xx`"),
        (
            "{say: x, as: song}",
            (
                "`as` must be 'text', 'digits', 'number', 'ordinal', 'money', 'date', 'time', 'duration', "
                "'letters' or 'telephone', not `song`"
            ),
        ),
        ("{say: x, sya: x}", "unknown key `sya`"),
        (f"{{say: {'a' * 501}}}", "`file`: `say` has 501 characters, at most 500"),
    ],
)
def test_what_can_never_be_said_is_told_when_the_flow_is_loaded(file: str, told: str) -> None:
    found = problems(f"slot: audio, file: {file}")
    assert [one.partition(" (")[0] for one in found] == [told]


def test_the_words_of_a_language_that_has_no_prompts_are_told_and_a_missing_voice_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (found,) = problems("slot: audio, file: {say: '${did}', as: digits, language: ru}")
    assert found.endswith(
        "of the words of `ru` have no prompt (ringflow sounds build --speaking ru --missing)"
    )
    monkeypatch.setenv("PATH", "")
    (found,) = problems("slot: audio, file: [MISC/error, {say: Hello.}]")
    assert found == "texts are spoken by espeak-ng, which is not installed (apt install espeak-ng)"
    assert problems("slot: audio, file: {say: '${did}', as: digits}") == []


def test_a_secret_that_is_said_is_told_unless_another_slot_sets_it_openly() -> None:
    text = (
        "app: a\nslots:\n  - {slot: ivr, file: IVR/ivr-please, result: pin, secret: true}\n"
        "  - {slot: audio, file: {say: 'It is ${pin}.'}}\n"
        "  - {slot: say, as: digits, value: '${pin}'}\n"
        "  - {slot: tts, text: 'It is ${pin}.'}\n"
    )
    asks = "  - {slot: ivr, file: IVR/ivr-please, result: pin}\n"
    for more, places in (("", ("4:31", "5:36", "6:23")), (asks, ())):
        draft = draft_from_bytes((text + more).encode(), slot_types(), "a.yaml")
        found = [str(one).partition(", and would")[0] for one in check_flows([draft], Surroundings())]
        assert found == [f"a.yaml:{place}: `pin` is secret" for place in places]


async def played(tmp_path: Path, *slots: str, caller: str = "") -> SimulatedCall:
    path = tmp_path / "said.test.yaml"
    listed = "".join(f"  - {{{slot}}}\n" for slot in slots)
    path.write_text(f"flow:\n{listed}scenarios: [{{name: a, caller: [{caller}], expect: {{}}}}]\n")
    async with Stage.open(load_config(ROOT / "config.yaml")) as stage:
        judgement = await play(read_scenarios(path)[0], stage)
    assert judgement.failure is None, judgement.failure
    return judgement.calls[0]


def said(call: SimulatedCall, event: str) -> list[str]:
    return [one.detail for one in call.record.transcript if one.event == event]


async def test_a_call_says_digits_numbers_and_amounts_in_the_prompts_of_the_library(tmp_path: Path) -> None:
    call = await played(
        tmp_path,
        "slot: audio, file: [{say: '${did}', as: digits}, {say: 21, as: number}, "
        "{say: '5.25', as: money, currency: USD}]",
    )
    prompts = [
        *say_digits("18005550100", "en"),
        *say_number(21, "en"),
        *say_money(5_250_000, "USD", "en"),
    ]
    assert said(call, "prompt") == prompts == list(call.carried.prompts)
    assert said(call, "said") == ["18005550100", "21", "5.25"]


async def test_a_text_with_variables_is_spoken_for_as_long_as_its_prompt_plays(tmp_path: Path) -> None:
    before = set(LIBRARY.names())
    call = await played(tmp_path, "slot: audio, file: {say: 'You called ${did}.'}")
    assert said(call, "said") == ["You called 18005550100."]
    assert said(call, "prompt") == [NAMES.prompt_name(Utterance("You called 18005550100.", "en"))]
    assert call.carried.missing_prompts == ()
    assert 2000 < call.record.duration_ms < 10_000
    assert set(LIBRARY.names()) == before, "the operator's library has nothing of a simulated call"


async def test_without_espeak_a_simulated_text_takes_about_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    call = await played(tmp_path, "slot: audio, file: {say: one two three four five}")
    assert call.record.duration_ms == 2000


async def test_a_key_stops_a_text_that_asks(tmp_path: Path) -> None:
    call = await played(
        tmp_path,
        "slot: ivr, file: {say: 'Please enter your number, which is on the card.'}, result: n, max: 1",
        caller="{hears: question, for: 300ms}, {keys: '7'}",
    )
    assert call.record.variables["n"] == "7"
    assert call.record.duration_ms < 2000


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (
            "{say: '${n}', as: number}",
            "`${n}`: `1*2` is not a number: write digits, such as 21 or -3.5",
        ),
        (
            "{say: '${n}', as: money, currency: EUR}",
            "`${n}`: `1*2` is not an amount: write digits and a point, such as 5.00",
        ),
        ("{say: '${n} ${n}', as: digits}", ""),
    ],
)
async def test_what_a_caller_keys_and_cannot_be_said_is_left_out_and_the_call_goes_on(
    tmp_path: Path, file: str, why: str
) -> None:
    call = await played(
        tmp_path,
        "slot: ivr, file: IVR/ivr-please, result: n, max: 3",
        f"slot: audio, file: [{file}, MISC/goodbye]",
        caller="{hears: IVR/ivr-please}, {keys: '1*2'}",
    )
    assert call.record.outcome == "completed"
    assert said(call, "not_said") == ([why] if why else [])
    assert said(call, "prompt")[-1] == "MISC/goodbye"


async def test_a_secret_is_never_said(tmp_path: Path) -> None:
    path = tmp_path / "said.test.yaml"
    path.write_text(
        "flow:\n  - {slot: ivr, file: IVR/ivr-please, result: pin, max: 4, secret: true}\n"
        "  - {slot: app, call: sub, arguments: {given: '${pin}'}}\n"
        "flows: {sub: [{slot: audio, file: [{say: 'It is ${given}.'}, {say: '${given}', as: digits}]},\n"
        "  {slot: say, value: '${given}', as: digits, on: {invalid: next}},\n"
        "  {slot: tts, text: 'It is ${given}.', on: {failed: next}}]}\n"
        "scenarios: [{name: a, caller: [{hears: IVR/ivr-please}, {keys: '9081'}], expect: {}}]\n"
    )
    async with Stage.open(load_config(ROOT / "config.yaml")) as stage:
        judgement = await play(read_scenarios(path)[0], stage)
    assert judgement.failure is None, judgement.failure
    call = judgement.calls[0]
    assert said(call, "not_said") == ["`given` is secret, and the record has what is said"] * 4
    assert "9081" not in repr(call.record)


@pytest.mark.parametrize(
    ("value", "file", "shown", "not_said"),
    [
        ("x" * 501, "{say: '${v}'}", None, ["the text has 501 characters, and 500 are the most"]),
        (" ", "{say: '${v}'}", " ", []),
        ("two\\nlines\\e[2J", "{say: '${v}'}", "two?lines?[2J", []),
        ("12.345678", "{say: '${v}', as: money, currency: USD}", "12.345678", []),
    ],
)
async def test_what_a_variable_holds_is_said_within_bounds_and_shown_harmless(
    tmp_path: Path, value: str, file: str, shown: str | None, not_said: list[str]
) -> None:
    path = tmp_path / "said.test.yaml"
    path.write_text(
        f'flow: [{{slot: app, call: sub, arguments: {{v: "{value}"}}}}]\n'
        f"flows: {{sub: [{{slot: audio, file: [{file}, MISC/goodbye]}}]}}\n"
        "scenarios: [{name: a, expect: {outcome: completed}}]\n"
    )
    async with Stage.open(load_config(ROOT / "config.yaml")) as stage:
        judgement = await play(read_scenarios(path)[0], stage)
    assert judgement.failure is None, judgement.failure
    shown_lines = [] if shown is None else [shown]
    assert (said(judgement.calls[0], "said"), said(judgement.calls[0], "not_said")) == (shown_lines, not_said)
