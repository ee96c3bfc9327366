"""`ringflow script`, and the script of a DID at the command line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ringflow as package

Run = Callable[..., Any]
PINLESS = Path(package.__file__).parents[2] / "app_flows" / "scripts" / "pinless.js"
FLOW = 'app: calling_card\nslots: [{slot: destination, external: "441234567890"}]\n'


def test_the_shipped_script_is_checked_listed_and_tried(ringflow: Run, tmp_path: Path) -> None:
    folder = tmp_path / "app_flows" / "scripts"
    folder.mkdir(parents=True)
    (tmp_path / "app_flows" / "calling_card.yaml").write_text(FLOW)
    (folder / "pinless.js").write_text(PINLESS.read_text())
    (tmp_path / "config.yaml").write_text("impersonation: {key_env: KEY}\n")
    keys = {"KEY": "a secret that is long enough"}
    ringflow("operator", "add", "scripts@example.com", "--role", "viewer", "--no-password", **keys)
    ringflow("customer", "add", "Acme", "--id", "42", **keys)
    ringflow("cli", "add", "441910000001", "--customer", "42", **keys)
    words = ("did", "add", "18005550100", "calling_card", "--identify", "none", "--script", "pinless")
    made = ringflow(*words, "--script-timeout", "1.5", "--json", **keys)
    assert json.loads(made.out)["script_timeout_s"] == 1.5
    refused = ringflow("did", "set", "18005550100", "--script-fallback", "99 No", **keys)
    assert (refused.code, "write a SIP code of 400 to 699" in refused.err) == (1, True)
    assert ringflow("script", "check", **keys).out == "no problems: 1 script\n"
    (listed,) = json.loads(ringflow("script", "list", "--json", **keys).out)
    assert (listed["name"], listed["dids"]) == ("pinless", ["18005550100"])
    tried = ("script", "run", "pinless", "--did", "18005550100", "--json", "--cli")
    known = json.loads(ringflow(*tried, "441910000001", **keys).out)
    assert (known["reject_sip"], known["customer"], known["app"]) == (None, 42, "calling_card")
    unknown = json.loads(ringflow(*tried, "442071111111", **keys).out)
    assert (unknown["reject_sip"], unknown["reason"]) == (401, "CLI Not Authorized")


def test_the_list_names_the_slots_that_run_a_script_and_what_is_wrong_with_it(
    ringflow: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "app_flows" / "scripts"
    folder.mkdir(parents=True)
    slots = "slots: [{slot: script, script: half}, {slot: script, id: again, script: half}]"
    (tmp_path / "app_flows" / "tried.yaml").write_text(f"app: tried\n{slots}\n")
    (folder / "half.js").write_text("const moment = require('moment');\nasync function main(data) {}\n")
    (tmp_path / "config.yaml").write_text("{}")
    ringflow("customer", "add", "Acme")
    first, second = ringflow("script", "list").out.splitlines()[2:]
    assert "tried script[1]" in first
    assert first.rstrip().endswith("half.js:1:24: there is no module `moment` (use Date)")
    assert second.split() == ["tried", "again"]


WRITES = """
const api = require('cxRest').auth('writer@example.com');
const { incr } = require('cxKV');
async function main(data) {
  await api.post('cli', { cli: '442071838750', company_id: 42 });
  const [made] = await api.get('cli', { cli: '442071838750' });
  const { code } = await fetch('http://localhost:1/', { method: 'POST' }).catch((error) => error);
  const calls = await incr('calls', 2, 60);
  const day = new Date().toJSON().slice(0, 16);
  data.variables = { made: made.company_id, calls, day, code, call: data.call.id };
  return data;
}
"""


def test_a_dry_run_of_a_call_on_record_says_what_it_would_change(ringflow: Run, tmp_path: Path) -> None:
    folder = tmp_path / "app_flows" / "scripts"
    folder.mkdir(parents=True)
    (tmp_path / "app_flows" / "calling_card.yaml").write_text(FLOW)
    (folder / "writes.js").write_text(WRITES)
    (tmp_path / "config.yaml").write_text(
        "impersonation: {key_env: KEY}\nscripts: {hosts: ['localhost:1']}\n"
    )
    keys = {"KEY": "a secret that is long enough"}
    ringflow("operator", "add", "writer@example.com", "--role", "admin", "--no-password", **keys)
    ringflow("customer", "add", "Acme", "--id", "42", **keys)
    ringflow("did", "add", "18005550100", "calling_card", "--identify", "none", **keys)
    with sqlite3.connect(tmp_path / ".ringflow" / "ringflow.db") as database:
        database.execute(
            "INSERT INTO call_records (call_id, server, started_ms, duration_ms, did, cli, outcome, reason)"
            " VALUES ('c1', 'ringflow', 1767225600000, 5, '18005550100', '441910000001', 'x', '')"
        )
    database.close()
    made = json.loads(ringflow("script", "run", "writes", "--record", "c1", "--json", **keys).out)
    assert (made["did"], made["cli"], made["variables"]) == (
        "18005550100",
        "441910000001",
        {"made": 42, "calls": 2, "day": "2026-01-01T00:00", "code": "fetch.dry_run", "call": "c1"},
    )
    assert made["would_change"] == [
        'post cli {"cli": "442071838750", "company_id": 42}',
        "fetch POST http://localhost:1/",
        'kv.incr calls {"by": 2, "ttl_s": 60}',
    ]
    assert ringflow("cli", "list", "--json", **keys).json["items"] == []
    with sqlite3.connect(tmp_path / ".ringflow" / "ringflow.db") as database:
        assert database.execute("SELECT count(*) FROM script_values").fetchone() == (0,)
    database.close()
    missing = ringflow("script", "run", "writes", **keys)
    assert (missing.code, "say which call: --did DID, or --record CALL" in missing.err) == (1, True)
    unknown = ringflow("script", "run", "writes", "--record", "c2", **keys)
    assert "call c2 is not on record" in unknown.err


def test_types_for_editors_are_printed(ringflow: Run) -> None:
    printed = ringflow("schema", "--scripts").out
    assert "interface Data {" in printed
    assert "declare module 'cxRest' {" in printed
    assert "give it without the other options" in ringflow("schema", "--scripts", "--api").err


def test_a_script_that_cannot_be_read_is_named_with_line_and_column(ringflow: Run, tmp_path: Path) -> None:
    folder = tmp_path / "app_flows" / "scripts"
    folder.mkdir(parents=True)
    (folder / "broken.js").write_text("const a = 1;\nlet b = = 2;\n")
    (folder / "lonely.js").write_text("const x = require('./nowhere');\n")
    checked = ringflow("script", "check")
    assert checked.code == 1
    assert checked.err.splitlines() == [
        "broken.js:2:9: SyntaxError: unexpected token in expression: '='",
        (
            "lonely.js:1:19: there is no module `./nowhere`"
            " (put nowhere.js, with all that it loads, into the folder of scripts)"
        ),
    ]


def test_trunks_and_dids_name_scripts_for_legs_and_for_what_comes_after_calls(ringflow: Run) -> None:
    words = ("--script", "leg", "--script-timeout", "0.5", "--script-fallback", "dial", "--script-vars")
    made = ringflow("trunk", "add", "carrier", "PJSIP/{number}@carrier", *words, '{"a": 1}', "--json").json
    assert {name: made[name] for name in made if name.startswith("script")} == {
        "script": "leg",
        "script_timeout_s": 0.5,
        "script_fallback": "dial",
        "script_vars": '{"a": 1}',
    }
    changed = ringflow(
        "trunk", "set", "carrier", "--script-timeout", "none", "--script-fallback", "none", "--json"
    )
    assert (changed.json["script"], changed.json["script_timeout_s"], changed.json["script_fallback"]) == (
        "leg",
        None,
        None,
    )
    refused = ringflow("trunk", "set", "carrier", "--script-fallback", "app")
    assert (refused.code, "or `skip` or `dial`" in refused.err) == (1, True)
    late = ringflow("trunk", "set", "carrier", "--script-timeout", "soon")
    assert "--script-timeout soon is no number of seconds" in late.err
    did = ("--hangup-script", "after", "--hangup-script-timeout", "3", "--hangup-script-vars", '{"b": 2}')
    ringflow("did", "add", "100", "desk", *did)
    shown = ringflow("did", "set", "100", "--hangup-script-timeout", "none", "--json").json
    assert (shown["hangup_script"], shown["hangup_script_timeout_s"], shown["hangup_script_vars"]) == (
        "after",
        None,
        '{"b": 2}',
    )
    wrong = ringflow("did", "set", "100", "--hangup-script", "no way", "--hangup-script-vars", "[]")
    assert ("script `no way`" in wrong.err, "write a JSON object" in wrong.err) == (True, True)
    assert ringflow("trunk", "set", "carrier", "--script", "none", "--json").json["script"] is None
