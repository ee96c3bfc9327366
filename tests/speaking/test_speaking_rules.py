"""The notation of rules and of plurals: what it means, and what it refuses."""

from __future__ import annotations

import pytest

from ringflow.speaking.plurals import Category, parse_plurals
from ringflow.speaking.rules import Grammar, RuleSet, parse_rule, parse_steps

PLURALS = parse_plurals({Category.ONE: "n = 1"})


def grammar(**sets: dict[str, str]) -> Grammar:
    read = {
        name: RuleSet({rule.base: rule for rule in (parse_rule(key, text) for key, text in rules.items())})
        for name, rules in sets.items()
    }
    nouns = {"score": {"one": parse_steps("score"), "other": parse_steps("scores")}}
    return Grammar(read, nouns, PLURALS)


def test_the_largest_base_wins_and_divides_by_its_power_of_ten() -> None:
    spoken = grammar(plain={"0": "few", "20": "< tens [ and > | sharp ]", "300": "< big >"})

    assert spoken.spell(19, "plain") == ("few",)
    assert spoken.spell(20, "plain") == ("few", "tens", "sharp")
    assert spoken.spell(45, "plain") == ("few", "tens", "and", "few")
    assert spoken.spell(300, "plain") == ("few", "big", "few")


def test_a_rule_may_divide_otherwise_and_count_a_noun() -> None:
    spoken = grammar(plain={"0": "x", "20/20": "< *score [ >last ]"}, last={"1": "=plain _ y"})

    assert spoken.spell(20, "plain") == ("x", "score")
    assert spoken.spell(79, "plain") == ("x", "scores", "x", "_", "y")


def test_a_number_below_every_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="no rule for 0"):
        grammar(plain={"1": "one"}).spell(0, "plain")


@pytest.mark.parametrize("text", ["[ one", "one ]", "a | b", "[ a | b | c ]", "[ a | b"])
def test_brackets_that_do_not_match_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"stands where no|never closed"):
        parse_steps(text)


@pytest.mark.parametrize(
    ("n", "category"),
    [
        (0, "many"), (1, "one"), (2, "few"), (4, "few"), (5, "many"), (11, "many"), (12, "many"),
        (14, "many"), (20, "many"), (21, "one"), (22, "few"), (25, "many"), (101, "one"),
        (111, "many"), (112, "many"), (122, "few"), (1_000, "many"), (1_000_001, "one"), (-21, "one"),
    ],
)  # fmt: skip
def test_russian_plurals(n: int, category: str) -> None:
    rules = parse_plurals(
        {
            Category.ONE: "n % 10 = 1 and n % 100 != 11",
            Category.FEW: "n % 10 = 2..4 and n % 100 != 12..14",
            Category.MANY: "n % 10 = 0 or n % 10 = 5..9 or n % 100 = 11..14",
        }
    )

    assert rules.category(n) == category


def test_french_plurals() -> None:
    rules = parse_plurals({Category.ONE: "n = 0,1", Category.MANY: "n != 0 and n % 1000000 = 0"})

    found = [rules.category(n) for n in (0, 1, 2, 999_999, 1_000_000, 1_000_001, 3_000_000)]

    assert found == ["one", "one", "other", "other", "many", "other", "many"]


@pytest.mark.parametrize(
    "text", ["", "n", "n = ", "v = 0", "n = 1..", "n % = 3", "n = 1 or", "n = 1 and x = 2"]
)
def test_what_is_no_plural_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_plurals({Category.ONE: text})
