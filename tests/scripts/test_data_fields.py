"""What editors and `script check` are told of scripts is what scripts are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import JsonValue

from ringflow.accounts.admission import Admission
from ringflow.accounts.customers import Customer
from ringflow.accounts.dids import Did
from ringflow.accounts.trunks import Trunk
from ringflow.config import Config, ScriptsConfig
from ringflow.scripts.data_fields import FIELDS, DataField
from ringflow.scripts.egress import EgressLeg, egress_data
from ringflow.scripts.flow_step import StepCall, step_data
from ringflow.scripts.routing import routing_data
from ringflow.scripts.script import LIBRARY_LINES
from ringflow.scripts.service import Scripts
from ringflow.scripts.type_declarations import declarations_text
from ringflow.scripts.worker import LIBRARY

from .conftest import Bench

PACKAGE = Path(declarations_text.__code__.co_filename).parent
WRITTEN = {
    "headers",
    "remove_headers",
    "egress_routing",
    "routing.headers",
    "routing.remove_headers",
    "record",
}
"""Fields that scripts write and are not given, and the one of calls that are over."""


def names(value: object, before: str = "") -> set[str]:
    """The names of all fields of an object, or of a table of fields, with those in them."""
    found = set()
    if isinstance(value, Mapping):
        for name, one in value.items():
            inner = one.fields if isinstance(one, DataField) else one
            found |= {f"{before}{name}", *names(inner, f"{before}{name}.")}
    return found


def given() -> list[JsonValue]:
    """What scripts are given, at each place where they run."""
    customer = Customer(42, "Ann")
    did = Did("18005550100", "card", script="one")
    admission = Admission(did, customer, "441910000001", "441910000001")
    step = StepCall("c1", "PJSIP/a", "a", did.number, did.app, "441910000001", False, True, customer)
    leg = EgressLeg(
        *(
            "c1",
            "PJSIP/a",
            did.number,
            did.app,
            "441910000001",
            False,
            customer,
            Trunk("out", "PJSIP/{number}"),
        ),
        *("ringflow", "442071838750", "02071838750", "441910000001", {}, [("first", "busy", 486)]),
    )
    return [
        routing_data(admission, "c1", "PJSIP/a", "a", "ringflow", None),
        step_data(step, "ringflow", {"a": 1}, {"b": 2}),
        egress_data(leg),
    ]


def test_the_fields_are_those_that_scripts_are_given_wherever_they_run() -> None:
    seen = set()
    for data in given():
        assert isinstance(data, dict)
        seen |= names({name: value for name, value in data.items() if name not in ("vars", "variables")})
        for name, field in FIELDS.items():
            if field.is_everywhere:
                inner = data[name]
                assert isinstance(inner, dict)
                assert {one for one in field.fields if field.fields[one].is_everywhere} <= set(inner), name
    known = names(FIELDS)
    assert seen - known == set()
    assert known - seen - {"vars", "variables"} == WRITTEN


def test_the_declarations_have_what_the_library_has_and_nothing_else(bench: Bench) -> None:
    text = declarations_text()
    for module, members in {
        "cxHelper": {"generatePbxSecurityKey"},
        "cxKV": {"get", "set", "incr", "decr", "del", "delete", "keys", "usage", "kv", "ko"},
        "cxCurl": {"get", "post", "put", "delete", "request"},
    }.items():
        body = text.partition(f"declare module '{module}' {{")[2].partition("\n}")[0]
        declared = set(re.findall(r"export (?:function|const) (\w+)", body)) | set(
            re.findall(r" as (\w+)", body)
        )
        assert declared == members, module


async def test_the_library_has_what_the_declarations_say(bench: Bench) -> None:
    api = re.findall(
        r"^  (\w+)(?:\(|: Api)", declarations_text().partition("interface Api {")[2].partition("\n}")[0], re.M
    )
    result = await bench.run(
        """
        const modules = ['cxHelper', 'cxKV', 'cxCurl'];
        function main(data, ctx) {
          const found = {};
          for (const name of modules) found[name] = Object.keys(require(name)).sort();
          found.api = Object.keys(require('cxRest').auth('x')).sort();
          found.ctx = ['get', 'set', 'log'].every((name) => typeof ctx[name] === 'function');
          found.globals = ['vars', 'exit', 'err', 'process'].filter((name) => !(name in globalThis));
          return found;
        }
        """
    )
    assert result.value == {
        "cxHelper": ["generatePbxSecurityKey"],
        "cxKV": sorted(["get", "set", "incr", "decr", "del", "delete", "keys", "usage", "kv", "ko"]),
        "cxCurl": sorted(["get", "post", "put", "delete", "request"]),
        "api": sorted(set(api)),
        "ctx": True,
        "globals": [],
    }


def test_the_library_ends_before_scripts_begin() -> None:
    for name in LIBRARY:
        assert (PACKAGE / name).read_text().count("\n") < LIBRARY_LINES, name


CHECKED = [
    (
        "function main(data) { return data.routing.clii; }",
        ["one.js:1:43: there is no field data.routing.clii"],
    ),
    (
        "async function main(vars) { return vars.call?.trnk; }",
        ["one.js:1:47: there is no field vars.call.trnk"],
    ),
    ("function main(data) { return data.variabels; }", ["one.js:1:35: there is no field data.variabels"]),
    (
        "function main(data) { return [data.did.x, data.did.x]; }",
        ["one.js:1:40: there is no field data.did.x"],
    ),
    # What may be one of the vars, what is set, and what is another thing of that name.
    ("function main(data) { return data.schedule.week; }", []),
    ("function main(data) { data.routing.note = 1; return data.routing.note; }", []),
    ("function main(data) { return data.routing.cli.slice(1) + data.customer.toString(); }", []),
    ("async function main(data) { const get = async (data) => data.routing.x; return get(data); }", []),
    ("async function main(data) { const { data: answer } = data; return answer.routing.x; }", []),
    ("function main(data) { return data.cli..x; }", ["one.js:1:39: SyntaxError: "]),
]


@pytest.mark.parametrize(("text", "said"), CHECKED)
async def test_the_check_names_fields_that_are_not_there(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "one.js").write_text(text)
    scripts = Scripts.configured(Config(scripts=ScriptsConfig(folder=tmp_path)))
    problems = sorted(set(await scripts.findings("one")))
    await scripts.close()
    assert len(problems) == len(said)
    for problem, start in zip(problems, said, strict=True):
        assert str(problem).startswith(start)
