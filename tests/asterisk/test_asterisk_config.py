"""The files for an operator's Asterisk: complete, private where they must be, and stable from run to run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringflow.asterisk import AsteriskConfigSettings, write_asterisk_config
from ringflow.asterisk.modules import (
    CALL_MODULES,
    CHECK_MODULES,
    MANAGER_MODULES,
    NO_MANAGER_MODULES,
    SLOT_MODULES,
)
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import Refused, StartError
from ringflow.lab.asterisk_files import MODULES


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_writes_what_the_readme_says_to_include(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    written = write_asterisk_config(out, AsteriskConfigSettings()).paths
    files = read(out)
    assert sorted(path.name for path in written) == sorted(files)
    includes = re.findall(r"#include (\S+?)`", files["README.md"])
    assert [Path(one).name for one in includes] == [
        "extensions_ringflow.conf",
        "pjsip_ringflow.conf",
        "manager_ringflow.conf",
    ]
    assert all(Path(one) in written for one in includes)
    assert [name for name, text in files.items() if "%%" in text] == []


def test_settings_reach_the_files(tmp_path: Path) -> None:
    settings = AsteriskConfigSettings("ringflow.example.net", 4999, 5039, "telco", "198.51.100.7")
    write_asterisk_config(tmp_path, settings)
    files = read(tmp_path)
    said = f"AGI(agi://ringflow.example.net:4999/call,{DIALPLAN_VERSION},5/3,${{RINGFLOW_ASTERISK}},${{RINGFLOW_PRIVACY}})"
    assert files["extensions_ringflow.conf"].count(said) == 2
    assert "[telco](ringflow-trunk)\n" in files["pjsip_trunks.conf"]
    assert "match = 198.51.100.7\n" in files["pjsip_trunks.conf"]
    assert "port = 5039" in files["manager_ringflow.conf"]
    assert "agi://ringflow.example.net:4999/call" in files["README.md"]


def test_the_secret_is_private_and_kept_on_a_second_run(tmp_path: Path) -> None:
    write_asterisk_config(tmp_path, AsteriskConfigSettings())
    first = read(tmp_path)
    secret = first["ami.secret"].strip()
    assert len(secret) >= 32
    assert f"secret = {secret}\n" in first["manager_ringflow.conf"]
    assert {name for name, text in first.items() if secret in text} == {"ami.secret", "manager_ringflow.conf"}
    (tmp_path / "ami.secret").chmod(0o644)
    write_asterisk_config(tmp_path, AsteriskConfigSettings(fastagi_port=4999))
    assert read(tmp_path)["ami.secret"].strip() == secret
    for name in ("ami.secret", "manager_ringflow.conf"):
        assert mode(tmp_path / name) == 0o600, name
    (tmp_path / "ami.secret").unlink()
    write_asterisk_config(tmp_path, AsteriskConfigSettings())
    assert read(tmp_path)["ami.secret"].strip() != secret


def test_the_manager_user_is_for_this_machine_and_has_no_more_than_it_needs(tmp_path: Path) -> None:
    write_asterisk_config(tmp_path, AsteriskConfigSettings())
    lines = [line for line in read(tmp_path)["manager_ringflow.conf"].splitlines() if line and line[0] != ";"]
    assert [line for line in lines if not line.startswith("secret")] == [
        "[ringflow]",
        "deny = 0.0.0.0/0.0.0.0",
        "permit = 127.0.0.1/255.255.255.255",
        "read = call,dtmf",
        "eventfilter = !Event: DTMFBegin",
        "eventfilter = !Direction: Sent",
        "write = reporting,call,originate",
        "writetimeout = 1000",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"fastagi_host": "a b"},
        {"fastagi_host": "host)\nexten => x"},
        {"carrier_host": ""},
        {"carrier_host": "192.0.2.1\nmatch=0.0.0.0/0"},
        {"fastagi_port": 0},
        {"ami_port": 65536},
        {"carrier_name": "x]\n[y"},
    ],
)
def test_settings_that_would_break_a_file_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(Refused):
        AsteriskConfigSettings(**settings)  # type: ignore[arg-type]


def test_a_secret_that_cannot_be_used_is_refused_and_stays(tmp_path: Path) -> None:
    (tmp_path / "ami.secret").write_text("short\n")
    with pytest.raises(Refused, match=r"ami\.secret holds no usable secret"):
        write_asterisk_config(tmp_path, AsteriskConfigSettings())
    assert read(tmp_path) == {"ami.secret": "short\n"}


def test_a_folder_that_cannot_be_included_or_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="without spaces"):
        write_asterisk_config(tmp_path / "my files", AsteriskConfigSettings())
    (tmp_path / "taken").write_text("")
    with pytest.raises(StartError, match="cannot be written"):
        write_asterisk_config(tmp_path / "taken", AsteriskConfigSettings())


def test_the_modules_that_an_asterisk_needs_are_told_alike_and_are_those_of_the_lab(tmp_path: Path) -> None:
    write_asterisk_config(tmp_path, AsteriskConfigSettings())
    module = re.compile(r"\b(?:app|bridge|chan|format|func|res)_[a-z_]+")
    header, _, _ = read(tmp_path)["extensions_ringflow.conf"].partition("[ringflow-incoming]")
    page = (Path(__file__).parents[2] / "docs" / "asterisk.md").read_text("utf-8")
    told = set(module.findall(page.partition("the modules that it needs")[2].partition("\n\n")[0]))
    assert told == set(module.findall(header))
    assert told == {*CALL_MODULES, *MANAGER_MODULES, *NO_MANAGER_MODULES, *SLOT_MODULES}
    # The lab loads no others of these, so its calls show that they are enough.
    assert told - set(MODULES) == set()
    others = {name for name in MODULES if name.startswith(("app_", "func_"))} - told
    assert others == {name for name in CHECK_MODULES if name.startswith("func_")}


def test_every_endpoint_forbids_transfers_and_ends_calls_without_sound(tmp_path: Path) -> None:
    write_asterisk_config(tmp_path, AsteriskConfigSettings())
    files = read(tmp_path)
    text = files["pjsip_ringflow.conf"] + files["pjsip_trunks.conf"]
    # The telephone is an example in comments.
    sections = re.findall(r"^(?:; )?\[([^\]]+)\](\([^)]*\))?\n((?:(?!^(?:; )?\[).*\n?)*)", text, re.MULTILINE)
    endpoints = {
        name: (parent, re.sub(r"^; ?", "", body, flags=re.MULTILINE))
        for name, parent, body in sections
        if re.search(r"^(?:; )?type = endpoint$", body, re.MULTILINE) or parent == "(ringflow-trunk)"
    }
    assert set(endpoints) == {"ringflow-trunk", "ringflow-carrier", "ringflow-uri", "ringflow-phone"}
    for parent, body in endpoints.values():
        if parent == "(ringflow-trunk)":
            assert not re.search(r"^(allow_transfer|rtp_timeout)", body, re.MULTILINE)
        else:
            assert "\nallow_transfer = no\n" in body
            assert "\nrtp_timeout = 60\n" in body
            assert "\nrtp_timeout_hold = 300\n" in body
