"""`ringflow check` and `ringflow schema`, as they are typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ringflow.accounts.value_lists import value_list
from ringflow.accounts.value_lists.entry_value import ListKind
from ringflow.actor import acting, shell_operator
from ringflow.cli.check import check
from ringflow.cli.schema import schema
from ringflow.config import load_config
from ringflow.errors import StartError
from ringflow.store import Store

FLOW = "app: main\nslots:\n  - {slot: audio, file: IVR/hello}\n  - {slot: destination, external: '100'}\n"
SCENARIO = "- name: it dials\n  call: {did: '18005550100'}\n  expect: {dialled: '100'}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a problem, as the current folder."""
    for folder in ("app_flows", "sounds/IVR", "sounds/MISC"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "config.yaml").write_text("country: GB\ndids:\n  - number: 18005550100\n    app: main\n")
    (tmp_path / "app_flows" / "main.yaml").write_text(FLOW)
    (tmp_path / "app_flows" / "main.test.yaml").write_text(SCENARIO)
    for prompt in ("IVR/hello", "MISC/sorry", "MISC/credit-ends"):
        (tmp_path / "sounds" / f"{prompt}.ulaw").write_bytes(b"\xff" * 800)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RINGFLOW_CONFIG", raising=False)
    return tmp_path


def run(*words: str) -> Result:
    app = typer.Typer()
    app.command("check")(check)
    app.command("schema")(schema)
    return CliRunner().invoke(app, words)


def test_a_project_without_problems_is_one_line_and_exit_0(project: Path) -> None:
    result = run("check")
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "no problems: 1 flow with 2 slots, 1 scenario\n",
        "",
    )


def test_all_problems_of_all_files_are_told_at_once_on_stderr(project: Path) -> None:
    (project / "config.yaml").write_text("apology: MISC/sorri\ndids:\n  - number: 1800\n    app: mein\n")
    (project / "app_flows" / "other.yaml").write_text(
        "app: other\nslots:\n  - {slot: audio, file: IVR/helo}\n"
    )
    (project / "app_flows" / "main.test.yaml").write_text("- nam: it dials\n")
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line for line in lines if ".test." not in line] == [
        "app_flows/other.yaml:3:25: there is no prompt `IVR/helo` (did you mean `IVR/hello`?)",
        "config.yaml:1:10: `apology`: there is no prompt `MISC/sorri` (did you mean `MISC/sorry`?)",
        "config.yaml:4:10: there is no app `mein` (did you mean `main`?)",
    ]
    assert any(line.startswith("app_flows/main.test.yaml:1:3: unknown key `nam`") for line in lines)


def test_declarations_that_no_server_would_take_are_told_with_their_places(project: Path) -> None:
    with (project / "config.yaml").open("a") as file:
        file.write("trunks: [{name: carrier, dial: PJSIP/carrier}]\ncustomers: [{id: 1, clis: [bob]}]\n")
    result = run("check")
    assert result.exit_code == 1
    assert [line.partition(": write")[0] for line in result.stderr.splitlines()] == [
        "config.yaml:5:32: trunk carrier: dial `PJSIP/carrier`",
        "config.yaml:6:28: customer 1: CLI `bob` is not a telephone number",
    ]
    assert not (project / ".ringflow").exists()


def test_what_a_server_would_not_start_with_is_told_beforehand(project: Path) -> None:
    with (project / "config.yaml").open("a") as file:
        file.write("database: {url: 'mysql://user:secret@host/x'}\nsounds: {folder: nowhere}\n")
    lines = [line for line in run("check").stderr.splitlines() if "there is no prompt" not in line]
    assert [line.partition(";")[0] for line in lines] == [
        "config.yaml:5:17: database.url: `mysql` is not a database that is known here",
        "config.yaml:6:18: `folder`: `nowhere` is not there (it is where the prompts are)",
    ]


def test_a_config_that_cannot_be_read_does_not_hide_the_flows_problems(project: Path) -> None:
    (project / "config.yaml").write_text("country: [\n")
    (project / "app_flows" / "main.yaml").write_text("app: main\n")
    result = run("check")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "app_flows/main.yaml:1:1: `slots` is missing (add `slots:`)",
        "config.yaml:1:10: the `[` here is not closed (write ])",
    ]


def test_a_setting_that_is_wrong_does_not_hide_what_the_others_say(project: Path) -> None:
    (project / "app_flows").rename(project / "flows")
    (project / "flows" / "uri.yaml").write_text(
        "app: uri\nslots: [{slot: destination, uri: 'sip:a@b.example'}]\n"
    )
    (project / "config.yaml").write_text(
        "flows: flows\ncountry: GB\nnonsense: 1\ncountry: US\nuri_hosts: [b.example]\n"
        "customers: [{id: 1, clis: [bob]}]\ndids: [{number: '1800', app: mein}]\ntrunks: [{name: '?'}]\n"
    )
    told = [
        line.partition(" (")[0].partition(":")[2].partition(": write")[0]
        for line in run("check").stderr.splitlines()
    ]
    assert told == [
        "3:1: unknown key `nonsense`",
        "4:1: the key `country` stands here a second time",
        "6:28: customer 1: CLI `bob` is not a telephone number",
        "7:30: there is no app `mein`",
        "8:10: `dial` is missing",
        "8:17: `name` cannot be `?`",
    ]
    with (project / "config.yaml").open("a") as file:
        file.write("uri_hosts: 7\n")
    assert "may not be dialled" not in run("check").stderr


def test_a_default_that_is_not_there_is_told_of_the_file_as_a_whole(project: Path) -> None:
    (project / "sounds" / "MISC" / "sorry.ulaw").unlink()
    assert run("check").stderr == (
        "config.yaml: `apology`: there is no prompt `MISC/sorry` "
        "(ringflow sounds import FILE --as MISC/sorry)\n"
    )


def test_a_variable_is_missing_in_an_app_that_a_did_leads_to_past_the_one_that_sets_it(project: Path) -> None:
    (project / "app_flows" / "main.yaml").write_text(
        "app: main\nslots: [{slot: destination, external: '${n}'}]\n"
    )
    (project / "app_flows" / "ask.yaml").write_text(
        "app: ask\nslots:\n  - {slot: ivr, file: IVR/hello, result: n, on: {done: 'app:main'}}\n"
    )
    assert "app_flows/main.yaml:2:39: `${n}` may be unset" in run("check").stderr


def test_one_file_is_checked_among_the_others_and_told_of_alone(project: Path) -> None:
    (project / "app_flows" / "other.yaml").write_text("app: other\nslots:\n  - {slot: audio}\n")
    (project / "app_flows" / "menu.yaml").write_text(
        "app: menu\nslots:\n  - {slot: destination, internal: main}\n"
    )
    assert run("check", "app_flows/menu.yaml").stdout == "no problems: 1 flow with 1 slot, 0 scenarios\n"
    assert run("check", "app_flows/other.yaml").stderr.startswith(
        "app_flows/other.yaml:3:5: `file` is missing"
    )


def test_a_file_that_is_neither_flow_nor_scenarios_is_not_said_to_be_without_problems(project: Path) -> None:
    (project / "app_flows" / "main.yaml.bak").write_text("app: [\n")
    result = run("check", "app_flows/main.yaml.bak")
    assert (result.exit_code, result.stderr) == (
        1,
        "app_flows/main.yaml.bak: is not checked (flows end in .yaml, scenarios in .test.yaml)\n",
    )


def test_a_folder_may_be_named(project: Path) -> None:
    (project / "app_flows").rename(project / "flows")
    assert run("check", "flows").stdout == "no problems: 1 flow with 2 slots, 1 scenario\n"
    assert run("check", "app_flows").stderr == "app_flows: is not there\n"
    assert run("check").stderr.splitlines()[0] == "app_flows: cannot be read: No such file or directory"


def test_programs_get_problems_and_counts_as_json(project: Path) -> None:
    (project / "app_flows" / "main.yaml").write_text(FLOW.replace("audio, file", "audio, fil"))
    result = run("check", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["flow_count"], found["slot_count"], found["scenario_count"]) == (1, 2, 1)
    assert found["problems"][0] == {
        "path": "app_flows/main.yaml",
        "line": 3,
        "column": 19,
        "what": "unknown key `fil`",
        "mend": "did you mean `file`? known here: barge_in, file, id, on, order, repeat, result, slot, until",
        "code": "key_unknown",
    }


def test_the_schema_is_printed_or_written(project: Path) -> None:
    printed = run("schema").stdout
    assert json.loads(printed)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert run("schema", "--out", "flow.schema.json").exit_code == 0
    assert (project / "flow.schema.json").read_text() == printed


def test_the_reference_is_markdown(project: Path) -> None:
    assert "\n## ivr\n" in run("schema", "--reference").stdout


def test_a_place_that_cannot_be_written_is_told(project: Path) -> None:
    result = run("schema", "--out", "nowhere/flow.schema.json")
    assert isinstance(result.exception, StartError)
    assert str(result.exception) == "nowhere/flow.schema.json cannot be written: No such file or directory"


def test_a_list_that_a_flow_looks_into_is_looked_for_where_there_is_a_database(project: Path) -> None:
    (project / "app_flows" / "main.yaml").write_text(
        "app: main\nslots:\n  - slot: condition\n"
        '    cases: [{if: {value: "${did}", in_list: barred}, to: hangup}]\n'
        "  - {slot: destination, external: '100'}\n"
    )
    assert run("check").exit_code == 0
    config = load_config()

    async def keep(name: str | None) -> None:
        (project / ".ringflow").mkdir(exist_ok=True)
        store = await Store.open(config.database_url)
        await store.migrate()
        if name is not None:
            async with acting(store, shell_operator("ann"), "GB") as actor:
                await value_list.add(actor, name, ListKind.NUMBERS)
        await store.close()

    asyncio.run(keep(None))
    result = run("check")
    assert (result.exit_code, result.stderr) == (
        1,
        (
            "app_flows/main.yaml:4:45: there is no list `barred` "
            "(ringflow value-list add barred --kind numbers)\n"
        ),
    )
    asyncio.run(keep("barred"))
    assert run("check").exit_code == 0
