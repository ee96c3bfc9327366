"""What `check` says of the languages that an app is for."""

from __future__ import annotations

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings
from ringflow.speaking import prompts_needed

PLAY = "  - {slot: audio, file: IVR/welcome}\n"
SAY = "  - {slot: balance}\n"
WORDS = {language: frozenset(prompts_needed(language, "balance")) for language in ("en", "es", "fr")}


class Library:
    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def exists(self, name: str) -> bool:
        return name in self._names

    def suggest(self, name: str) -> tuple[str, ...]:
        return ()


def problems(head: str, slots: str, *library: str, language: str = "en") -> list[str]:
    text = f"app: a\n{head}\nslots:\n{slots}"
    draft = draft_from_bytes(text.encode(), slot_types(), "a.yaml")
    surroundings = Surroundings(prompts=Library(*library), language=language)
    return [str(one) for one in check_flows([draft], surroundings)]


def test_an_app_that_lists_no_languages_needs_its_prompts_in_none_of_their_folders() -> None:
    assert problems("title: x", PLAY, "IVR/welcome") == []
    assert problems("language: es", PLAY, "IVR/welcome") == []


def test_a_prompt_that_a_listed_language_lacks_is_reported_at_the_language_with_what_to_do() -> None:
    assert problems("languages: [en, es]", PLAY, "IVR/welcome") == [
        (
            "a.yaml:2:17: 1 prompt is missing in `es`: es/IVR/welcome "
            "(ringflow sounds import FILE --as es/IVR/welcome, or take `es` out)"
        )
    ]
    assert problems("languages: [en, es]", PLAY, "IVR/welcome", "es/IVR/welcome") == []


def test_many_prompts_that_a_language_lacks_are_one_problem() -> None:
    names = [f"IVR/p{number}" for number in range(5)]
    slots = "".join(f"  - {{slot: audio, file: {name}}}\n" for name in names)
    (problem,) = problems("languages: [es, en]", slots, *names)
    assert problem.startswith(
        "a.yaml:2:13: 5 prompts are missing in `es`: es/IVR/p0, es/IVR/p1, es/IVR/p2, ... ("
    )


def test_the_configured_language_is_the_one_of_the_plain_prompts() -> None:
    assert problems("languages: [es, en]", PLAY, "IVR/welcome", "en/IVR/welcome", language="es") == []
    (problem,) = problems("languages: [es, en]", PLAY, "IVR/welcome", language="es")
    assert "1 prompt is missing in `en`" in problem


def test_a_prompt_that_every_language_of_the_app_has_need_not_be_there_besides() -> None:
    assert problems("languages: [es, fr]", PLAY, "es/IVR/welcome", "fr/IVR/welcome") == []
    assert problems("language: es", PLAY, "es/IVR/welcome") == []


def test_a_prompt_that_only_the_apps_own_language_has_is_missing_in_the_others_alone() -> None:
    (problem,) = problems("languages: [es, fr]", PLAY, "es/IVR/welcome")
    assert problem.startswith("a.yaml:2:17: 1 prompt is missing in `fr`: fr/IVR/welcome (")


def test_a_prompt_that_is_in_no_language_is_reported_where_it_is_named_and_only_there() -> None:
    assert problems("languages: [en, es]", PLAY) == [
        "a.yaml:4:25: there is no prompt `IVR/welcome` (ringflow sounds import FILE --as IVR/welcome)"
    ]


def test_words_are_needed_in_each_listed_language() -> None:
    assert problems("languages: [en, es]", SAY, *WORDS["en"]) == [
        (
            f"a.yaml:2:17: {len(WORDS['es'])} of the words of `es` have no prompt "
            "(ringflow sounds build --speaking es --missing)"
        )
    ]
    assert problems("languages: [en, es]", SAY, *WORDS["en"], *WORDS["es"]) == []


@pytest.mark.parametrize(("head", "language"), [("language: es", "en"), ("title: x", "es")])
def test_words_are_needed_in_the_language_of_an_app_that_lists_none(head: str, language: str) -> None:
    (problem,) = problems(head, SAY, *WORDS["en"], language=language)
    assert problem.startswith(f"a.yaml:4:5: {len(WORDS['es'])} of the words of `es` have no prompt")
    assert problems(head, SAY, *WORDS["es"], language=language) == []


@pytest.mark.parametrize(
    "chooses",
    ["options: {1: en, 2: es}, file: IVR/welcome", "to: es", "by: [country], countries: {MX: es}"],
)
def test_words_are_needed_in_the_languages_that_slots_choose(chooses: str) -> None:
    slot = f"  - {{slot: language, {chooses}}}\n"
    (problem,) = problems("title: x", slot + SAY, "IVR/welcome", *WORDS["en"])
    assert problem.startswith("a.yaml:5:5: ")
    assert "of the words of `es` have no prompt (ringflow sounds build --speaking es --missing)" in problem
    assert problems("title: x", slot + SAY, "IVR/welcome", *WORDS["en"], *WORDS["es"]) == []


def test_words_with_a_language_of_their_own_are_needed_in_that_one_alone() -> None:
    assert problems("languages: [en]", "  - {slot: balance, language: fr}\n", *WORDS["fr"]) == []


def test_the_own_language_of_an_app_has_to_be_among_those_it_lists() -> None:
    (problem,) = problems("languages: [en]\nlanguage: es", PLAY, "IVR/welcome")
    assert problem.startswith("a.yaml:3:11: the app's language `es` is not among its `languages` (")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("language: xx", "a.yaml:2:11: `language`: numbers are not spoken in `xx`"),
        ("languages: [en, xx]", "a.yaml:2:17: `languages`: numbers are not spoken in `xx`"),
        ("languages: [es, es]", "a.yaml:2:1: `es` is listed twice"),
        ("languages: []", "a.yaml:2:1: `languages` must have at least 1 entry"),
        ("langauge: es", "a.yaml:2:1: unknown key `langauge`"),
    ],
)
def test_a_mistake_about_languages_is_reported_at_its_place(head: str, told: str) -> None:
    (problem, *_) = problems(head, PLAY, "IVR/welcome")
    assert problem.startswith(told)


def said(fields: str) -> list[str]:
    """What is said of words in several languages, without the prompts that there are not."""
    text = f"app: a\nslots:\n  - slot: hangup\n    file: {{{fields}}}\n"
    draft = draft_from_bytes(text.encode(), slot_types(), "a.yaml")
    return [str(one) for one in check_flows([draft], Surroundings())]


def test_words_may_be_written_in_each_language() -> None:
    assert said("say: {en: 'Hello ${did}', es: Hola}") == []
    (problem,) = said("say: {en: 'Hello ${dod}', es: Hola}")
    assert problem.startswith("a.yaml:4:22: unknown variable `dod`")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("say: {en: Hello, xx: Hola}", "a.yaml:4:29: `say`: numbers are not spoken in `xx`"),
        ("say: {en: Hello, es: ''}", "there is nothing to say"),
        ("say: {en: Hello}, language: es", "`say` has a text for each language, and `language` too"),
        ("say: {en: '1'}, as: digits", "`say` has a text for each language, and `as` too"),
        ("say: {name}", "`{name}` is not a variable (write ${name})"),
        ("say: {en: '${'}", "`${` is not closed"),
    ],
)
def test_a_mistake_in_words_of_several_languages_is_reported(fields: str, told: str) -> None:
    (problem,) = said(fields)
    assert told in problem, problem


def test_one_word_that_is_missing_is_counted_in_the_singular() -> None:
    words = sorted(WORDS["es"])
    (problem,) = problems("languages: [en, es]", SAY, *WORDS["en"], *words[1:])
    assert problem.startswith("a.yaml:2:17: 1 of the words of `es` has no prompt ")
    (problem,) = problems("title: x", SAY, *words[1:], language="es")
    assert "1 of the words of `es` has no prompt " in problem
