"""Which exits a script names, as its text shows."""

from __future__ import annotations

import pytest

from ringflow.scripts.exit_names import exit_names

from .conftest import Bench


@pytest.mark.parametrize(
    ("text", "named", "is_open"),
    [
        ("function main(data) { data.exit = 'gold'; }", {"gold"}, False),
        ('function main(data) { data.exit = "gold"\n return data }', {"gold"}, False),
        ("const main = () => ({ exit: 'gold', variables: {} });", {"gold"}, False),
        ("const main = () => ({ 'exit': 'gold' });", {"gold"}, False),
        ("function main(d) { d.exit = d.ok ? 'gold' : 'none'; }", {"gold", "none"}, False),
        (
            "function main(d) { d.exit = d.x === 'a' ? 'gold' : d.x ? 'tin' : 'none'; }",
            {"gold", "tin", "none"},
            False,
        ),
        ("function main(d) { d.exit = d.vars.exit || 'none'; }", {"none"}, True),
        ("function main(d) { d.exit = table['gold']; }", set(), True),
        ("function main(d) { d.exit = d.ok ? f('gold') : 'none'; }", {"none"}, True),
        ("function main(d) { d.exit = 'a' + 'b'; }", set(), True),
        ("function main(d) { d.exit = `gold`; }", set(), True),
        ("function main(d) { if (d.exit === 'gold') d.other = 'x'; }", set(), False),
        ("// data.exit = 'gold';\nfunction main(d) { console.log('exit: x'); }", set(), False),
    ],
)
def test_the_exits_that_a_text_names_are_found(
    bench: Bench, text: str, named: set[str], is_open: bool
) -> None:
    found = exit_names(bench.script(text))
    assert (set(found.named), found.is_open) == (named, is_open)


def test_an_exit_has_its_first_place_also_in_a_module(bench: Bench) -> None:
    bench.write(lib="exports.go = (data) => {\n  data.exit = 'far';\n};")
    found = exit_names(
        bench.script("const lib = require('./lib');\n\nfunction main(d) { d.exit = 'near'; lib.go(d); }")
    )
    assert {name: str(place) for name, place in found.named.items()} == {
        "near": "one.js:3:29",
        "far": "lib.js:2:15",
    }
