"""The language of a call: where it comes from, and which prompts, numbers and texts follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ringflow.calls.language import wrong_language
from ringflow.config import Config
from ringflow.flows.flow import Flow
from ringflow.flows.header import AppSettings
from ringflow.flows.slot import Slot
from ringflow.flows.spoken_prompt import SpokenPrompt
from ringflow.flows.template import Template
from ringflow.simulator.virtual_call import CarriedCall
from ringflow.slots.app import App
from ringflow.slots.audio import Audio
from ringflow.slots.ivr import Ivr
from ringflow.speaking import say_digits

from .conftest import Place

if TYPE_CHECKING:
    from ringflow.calls.call import Call

LIBRARY = frozenset({"es/IVR/welcome", "fr/IVR/welcome", "fr/IVR/bye", "fr/MISC/sorry"})
WELCOME = Audio(slot="audio", file=("IVR/welcome",))
BYE = Audio(slot="audio", file=("IVR/bye",))


class Speaks(Slot):
    """Chooses a language."""

    code: str

    async def run(self, call: Call) -> str:
        call.set_language(self.code)
        return "done"


def app(name: str, *slots: Slot, language: str | None = None) -> Flow:
    return Flow(name, "", slots, f"{name}.yaml", "r1", AppSettings(language=language))


def played(called: CarriedCall) -> Sequence[str]:
    return [line.detail for line in called.record.transcript if line.event == "prompt"]


@pytest.fixture
def speaking(place: Place) -> Place:
    return replace(place, library=LIBRARY)


async def test_a_call_that_chose_no_language_hears_the_plain_prompts_in_the_configured_one(
    speaking: Place,
) -> None:
    called = await speaking.call(WELCOME, Speaks(slot="speaks", code="en"), WELCOME)
    assert played(called) == ["IVR/welcome", "IVR/welcome"]
    assert called.record.variables["language"] == "en"


async def test_a_chosen_language_has_its_prompts_played_and_the_plain_ones_where_it_has_none(
    speaking: Place,
) -> None:
    called = await speaking.call(WELCOME, Speaks(slot="speaks", code="es"), WELCOME, BYE)
    assert played(called) == ["IVR/welcome", "es/IVR/welcome", "IVR/bye"]
    assert called.record.variables["language"] == "es"
    assert ("language", "es") in [(line.event, line.detail) for line in called.record.transcript]


async def test_what_a_chosen_language_lacks_is_heard_in_the_language_of_the_app(speaking: Place) -> None:
    called = await speaking.call(
        also=[app("tested", WELCOME, Speaks(slot="speaks", code="es"), WELCOME, BYE, language="fr")]
    )
    assert played(called) == ["fr/IVR/welcome", "es/IVR/welcome", "fr/IVR/bye"]


async def test_the_first_language_that_an_app_lists_is_its_own(speaking: Place) -> None:
    flow = Flow("tested", "", (BYE,), "tested.yaml", "r1", AppSettings(languages=("fr", "en")))
    called = await speaking.call(also=[flow])
    assert (played(called), called.record.variables["language"]) == (["fr/IVR/bye"], "fr")


async def test_who_chose_the_configured_language_hears_plain_prompts_in_an_app_of_another(
    speaking: Place,
) -> None:
    called = await speaking.call(also=[app("tested", Speaks(slot="speaks", code="en"), BYE, language="fr")])
    assert played(called) == ["IVR/bye"]


async def test_an_app_that_is_called_speaks_its_own_language_and_the_caller_its_own_again(
    speaking: Place,
) -> None:
    called = await speaking.call(
        also=[
            app("tested", WELCOME, App(slot="app", call="other"), WELCOME, language="es"),
            app("other", WELCOME, language="fr"),
        ]
    )
    assert played(called) == ["es/IVR/welcome", "fr/IVR/welcome", "es/IVR/welcome"]


async def test_a_chosen_language_goes_along_into_apps_that_are_called(speaking: Place) -> None:
    called = await speaking.call(
        also=[
            app("tested", Speaks(slot="speaks", code="es"), App(slot="app", call="other"), WELCOME),
            app("other", WELCOME, Speaks(slot="speaks", code="fr"), language="de"),
        ]
    )
    assert played(called) == ["es/IVR/welcome", "fr/IVR/welcome"]


async def test_prompts_that_take_keys_follow_the_language_too(speaking: Place) -> None:
    ask = Ivr(slot="ivr", file="IVR/welcome", attempts=1, result="number", on={"no_input": "next"})
    called = await speaking.call(Speaks(slot="speaks", code="fr"), ask)
    assert played(called) == ["fr/IVR/welcome"]


async def test_words_in_place_of_a_prompt_are_said_in_the_language_of_the_call(speaking: Place) -> None:
    digits = SpokenPrompt.model_validate({"say": "12", "as": "digits"})
    french = SpokenPrompt.model_validate({"say": "12", "as": "digits", "language": "fr"})
    called = await speaking.call(
        Speaks(slot="speaks", code="es"),
        Audio(slot="audio", file=(digits,)),
        Audio(slot="audio", file=(french,)),
    )
    assert played(called) == [*say_digits("12", "es"), *say_digits("12", "fr")]


async def test_the_code_of_the_language_can_stand_in_a_text(speaking: Place) -> None:
    class Shows(Slot):
        async def run(self, call: Call) -> str:
            call.note("shown", Template.parse("${language}").render(call.variables.visible))
            return "done"

    called = await speaking.call(Shows(slot="shows"), Speaks(slot="speaks", code="ru"), Shows(slot="shows"))
    shown = [line.detail for line in called.record.transcript if line.event == "shown"]
    assert shown == ["en", "ru"]


async def test_the_apology_is_in_the_language_of_the_call(speaking: Place) -> None:
    class Breaks(Slot):
        async def run(self, call: Call) -> str:
            raise RuntimeError("broken")

    called = await speaking.call(WELCOME, Speaks(slot="speaks", code="fr"), Breaks(slot="breaks"))
    assert played(called)[-1] == "fr/MISC/sorry"


async def test_a_language_that_is_not_spoken_cannot_be_chosen(speaking: Place) -> None:
    called = await speaking.call(WELCOME, Speaks(slot="speaks", code="xx"))
    assert called.record.outcome == "error"
    assert "`xx` is not a language spoken here" in called.record.reason


def test_a_configured_language_that_is_not_spoken_is_reported_with_those_that_are() -> None:
    wrong = wrong_language(Config(language="xx"))
    assert wrong is not None
    assert "there are de, en, es, fr, ru" in wrong.what
    assert wrong_language(Config(language="fr")) is None
