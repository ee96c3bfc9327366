"""A balance and minutes in every language, in real calls: what was played is what reached the caller."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringflow.cli.sounds import app
from ringflow.config import SoundsConfig, load_config
from ringflow.errors import StartError
from ringflow.lab import Lab
from ringflow.lab.both_worlds import BothWorlds, Comparison
from ringflow.lab.sound_packs import fetch_sound_packs
from ringflow.simulator.scenario_files import ScenarioCase, read_scenarios
from ringflow.sounds import PromptLibrary, forms
from ringflow.speaking import languages, say_balance, say_minutes

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
CASES = read_scenarios(Path(__file__).with_name("languages.test.yaml"))
CREDIT_MICROS, TALK_S = 1_260_000, 21 * 60


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PromptLibrary:
    """The shipped prompts, and every other language by the one command that operators type."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is missing: apt install espeak-ng")
    try:
        fetch_sound_packs(ROOT / ".ringflow" / "lab" / "sound-packs")
    except StartError as error:
        pytest.skip(f"the sound packs cannot be had: {error}")
    folder = tmp_path_factory.mktemp("languages") / "sounds"
    shutil.copytree(ROOT / "sounds", folder)
    for code in languages():
        words = ["build", "--speaking", code, "--source", "asterisk", "--missing", "--folder", str(folder)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    return PromptLibrary(folder)


@pytest.fixture(scope="module")
def played(started_lab: tuple[Lab, int], library: PromptLibrary) -> dict[str, Comparison]:
    """All languages at once: each is a real call in real time."""

    async def play() -> list[Comparison]:
        config = load_config(ROOT / "config.yaml")
        config = config.model_copy(update={"sounds": SoundsConfig(folder=str(library.folder))})
        async with BothWorlds.open(config, started_lab[0]) as worlds:
            return await worlds.play_all(CASES)

    return {one.case.scenario.name: one for one in asyncio.run(play())}


def test_there_is_a_call_in_every_language() -> None:
    assert sorted(case.scenario.name for case in CASES) == list(languages())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario.name)
def test_balance_and_minutes_are_played_as_the_simulator_says_and_are_what_the_caller_hears(
    played: dict[str, Comparison], library: PromptLibrary, case: ScenarioCase
) -> None:
    language = case.scenario.name
    comparison = played[language]
    if comparison.failure is not None:
        pytest.fail(comparison.failure, pytrace=False)
    (real,), (wire,) = comparison.real, comparison.wire
    words = [*say_balance(CREDIT_MICROS, "USD", language), *say_minutes(TALK_S, language)]
    assert [one.detail for one in real.transcript if one.event == "prompt"] == words
    # The call is in A-law, and each prompt is stored in it: Asterisk sends the very bytes of the file.
    at = 0
    for word in words:
        recording = library.path(word, forms.ALAW).read_bytes()
        found = wire.voice.find(recording, at)
        assert found >= at, f"{word} did not reach the caller whole after byte {at}"
        at = found + len(recording)
