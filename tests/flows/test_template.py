"""Text with variables in it: what may be written, and what becomes of values of every kind."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from ringflow.calls.json_value import JsonValue
from ringflow.flows.template import MAX_TEXT_LENGTH, Template, TextError
from ringflow.flows.value_template import ValueTemplate

VARIABLES: dict[str, JsonValue] = {
    "text": "a",
    "number": 12,
    "price": 0.1,
    "yes": True,
    "nothing": None,
    "order": {"items": [{"name": "é", "Part-No": 7}], "id": "o1", "items.0": "never"},
    "customer.id": "42",
}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("x", "x"),
        ("${text}-${number}", "a-12"),
        ("${price} ${yes}", "0.1 true"),
        ("[${nothing}]", "[]"),
        ("[${nothing|none}]", "[none]"),
        ("${missing|}", ""),
        ("${missing.part|d}", "d"),
        ("${customer.id}", "42"),
        ("${order.id}", "o1"),
        ("${order.items.0.name}", "é"),
        ("${order.items.0.Part-No}", "7"),
        ("${order.items}", '[{"name":"é","Part-No":7}]'),
        ("${order.items.1.name|no}", "no"),
        ("${order.items.x|no}", "no"),
        ("${text.0|no}", "no"),
        ("${order.items.-1|no}", "no"),
        (f"${{order.items.{'9' * 5000}|no}}", "no"),
    ],
)
def test_a_text_is_filled_in(written: str, text: str) -> None:
    assert Template.parse(written).render(VARIABLES) == text


@pytest.mark.parametrize(
    ("written", "missing"),
    [("${missing}", "missing"), ("${order.items.1.name}", "order.items.1"), ("${text.a.b}", "text.a")],
)
def test_what_is_not_set_is_named(written: str, missing: str) -> None:
    with pytest.raises(TextError, match=rf"`\{written[:-1]}}}` cannot be filled in: `{missing}` is not set"):
        Template.parse(written).render(VARIABLES)


@pytest.mark.parametrize(
    "written", ["${Order}", "${order.}", "${.order}", "${order..x}", "${order[0]}", "${1}"]
)
def test_what_is_no_variable_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a variable"):
        Template.parse(written)


def test_a_text_that_is_one_reference_has_the_value_itself() -> None:
    assert Template.parse("${order.items}").value(VARIABLES) == [{"name": "é", "Part-No": 7}]
    assert Template.parse("${yes}").value(VARIABLES) is True
    assert Template.parse("${nothing}").value(VARIABLES) is None
    assert Template.parse("${missing|1}").value(VARIABLES) == "1"
    assert Template.parse("${number} ").value(VARIABLES) == "12 "


def test_every_text_in_a_value_is_filled_in() -> None:
    written = {"a": ["${number}", "n${number}", 3, None, True], "b": {"c": "${order}"}}
    template = TypeAdapter(ValueTemplate).validate_python(written)
    assert template.render(VARIABLES) == {
        "a": [12, "n12", 3, None, True],
        "b": {"c": VARIABLES["order"]},
    }
    assert [one.text for one in template.templates] == ["${number}", "n${number}", "${order}"]


def test_a_text_may_be_as_long_as_asterisk_takes() -> None:
    longest = "a" * MAX_TEXT_LENGTH
    assert Template.parse("${x}").render({"x": longest}) == longest
    with pytest.raises(TextError, match=r"`\$\{x\}b` becomes 1025 characters, and 1024 are the most"):
        Template.parse("${x}b").render({"x": longest})
    # A value for a variable is bounded as a value.
    assert Template.parse("${x}b").value({"x": longest}) == f"{longest}b"
