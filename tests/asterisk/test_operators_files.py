"""`ringflow asterisk config` run again: what an operator edited stays, the rest is brought up to date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringflow.asterisk import AsteriskConfigSettings, config_diff, write_asterisk_config
from ringflow.asterisk.conf_file import read_conf
from ringflow.errors import Refused

FIRST = AsteriskConfigSettings(carrier_host="192.0.2.1")
LATER = AsteriskConfigSettings(fastagi_port=4999, carrier_host="192.0.2.2")

OLD_SIP = """\
; Ringflow's part of the SIP side: an example, to be fitted to your carrier.
[ringflow-trunk](!)
type = endpoint
context = ringflow-incoming
disallow = all
allow = g722
dtmf_mode = rfc4733
direct_media = no
rtp_symmetric = yes
trust_id_inbound = no
send_pai = yes
send_connected_line = no
allow_transfer = no

[ringflow-carrier](ringflow-trunk)
aors = ringflow-carrier
auth = ringflow-carrier
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_asterisk_config(tmp_path / "ringflow", FIRST)
    return tmp_path / "ringflow"


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def edit(path: Path, old: str, new: str) -> bytes:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path.read_bytes()


def test_trunks_and_telephones_are_written_once(out: Path) -> None:
    edited = edit(out / "pjsip_trunks.conf", "match = 192.0.2.1", "match = 203.0.113.9")
    write_asterisk_config(out, LATER)
    write_asterisk_config(out, LATER, replace=True)
    assert (out / "pjsip_trunks.conf").read_bytes() == edited
    assert not (out / "pjsip_trunks.conf.bak").exists()


def test_an_emptied_file_of_trunks_stays_empty(out: Path) -> None:
    (out / "pjsip_trunks.conf").write_text("")
    write_asterisk_config(out, LATER)
    assert (out / "pjsip_trunks.conf").read_text() == ""


def test_files_that_nobody_edited_are_brought_up_to_date(out: Path) -> None:
    before = contents(out)
    manager = (out / "manager_ringflow.conf").stat().st_ino
    written = write_asterisk_config(out, LATER)
    after = contents(out)
    assert (out / "manager_ringflow.conf").stat().st_ino == manager, "what is the same is not touched"
    assert (written.copies, written.advice) == ([], [])
    assert b":4999/call" in after["extensions_ringflow.conf"]
    assert {name for name in after if before[name] != after[name]} == {
        "extensions_ringflow.conf",
        "README.md",
    }


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("extensions_ringflow.conf", "Hangup(38)", "Hangup(34)"),
        ("pjsip_ringflow.conf", "allow = alaw,ulaw", "allow = g722"),
        ("manager_ringflow.conf", "permit = 127.0.0.1", "permit = 10.0.0.1"),
        ("README.md", "# Connecting", "# Notes on connecting"),
        ("extensions_ringflow.conf", "\n", "\r\n"),
    ],
)
def test_an_edited_file_stops_the_run_before_anything_is_written(
    out: Path, name: str, old: str, new: str
) -> None:
    edit(out / name, old, new)
    before = contents(out)
    with pytest.raises(Refused) as refusal:
        write_asterisk_config(out, LATER)
    assert contents(out) == before
    assert str(out / name) in str(refusal.value)
    # How to look and how to replace it is the command line's to say.
    assert "--" not in str(refusal.value)
    assert [other for other in before if other != name and str(out / other) in str(refusal.value)] == []


def test_an_edited_file_is_no_obstacle_once_it_is_what_would_be_written(out: Path) -> None:
    edit(out / "extensions_ringflow.conf", "Hangup(38)", "Hangup(34)")
    edit(out / "extensions_ringflow.conf", "Hangup(34)", "Hangup(38)")
    assert write_asterisk_config(out, LATER).copies == []


def test_replace_keeps_each_edited_file_beside_the_new_one(out: Path) -> None:
    dialplan = out / "extensions_ringflow.conf"
    first = edit(dialplan, "Hangup(38)", "Hangup(34)")
    assert write_asterisk_config(out, LATER, replace=True).copies == [out / "extensions_ringflow.conf.bak"]
    assert "Hangup(38)" in dialplan.read_text("utf-8")
    second = edit(dialplan, "Hangup(38)", "Hangup(41)")
    assert write_asterisk_config(out, LATER, replace=True).copies == [out / "extensions_ringflow.conf.bak2"]
    assert (out / "extensions_ringflow.conf.bak").read_bytes() == first
    assert (out / "extensions_ringflow.conf.bak2").read_bytes() == second
    assert write_asterisk_config(out, LATER, replace=True).copies == []


def test_a_diff_shows_what_would_change_and_writes_nothing(out: Path) -> None:
    edit(out / "manager_ringflow.conf", "writetimeout = 1000", "writetimeout = 500")
    secret = (out / "ami.secret").read_text().strip()
    edit(out / "manager_ringflow.conf", "permit = 127.0.0.1", "permit = 10.0.0.1")
    before = contents(out)
    lines = config_diff(out, LATER)
    assert contents(out) == before
    assert f"{out}/manager_ringflow.conf was edited after an earlier run wrote it" in lines
    assert f"{out}/extensions_ringflow.conf is as an earlier run wrote it" in lines
    assert lines.index("-writetimeout = 500") + 1 == lines.index("+writetimeout = 1000")
    assert any(line.startswith("-") and ":4573/call" in line for line in lines)
    assert any(line.startswith("+") and ":4999/call" in line for line in lines)
    assert " secret = ****" in lines
    assert not any(secret in line for line in lines)


def test_a_diff_with_an_empty_folder_names_the_new_files_and_makes_none(tmp_path: Path) -> None:
    lines = config_diff(tmp_path / "new", FIRST)
    names = ["ami.secret", "extensions_ringflow.conf", "pjsip_ringflow.conf", "manager_ringflow.conf"]
    names += ["README.md", "pjsip_trunks.conf"]
    assert lines == [f"{tmp_path / 'new' / name}: new" for name in names]
    assert not (tmp_path / "new").exists()


def test_nothing_would_change_after_a_run(out: Path) -> None:
    assert config_diff(out, FIRST) == []


@pytest.mark.parametrize("replace", [False, True])
def test_a_sip_file_of_the_old_layout_stays_and_what_it_lacks_is_said(out: Path, *, replace: bool) -> None:
    (out / "pjsip_ringflow.conf").write_text(OLD_SIP, "utf-8")
    (out / "pjsip_trunks.conf").unlink()
    written = write_asterisk_config(out, LATER, replace=replace)
    assert (out / "pjsip_ringflow.conf").read_text("utf-8") == OLD_SIP
    assert not (out / "pjsip_trunks.conf").exists()
    assert b":4999/call" in contents(out)["extensions_ringflow.conf"]
    assert written.advice[1] == (
        "Add to it: `rtp_timeout = 60` to [ringflow-trunk]; `rtp_timeout_hold = 300` to [ringflow-trunk]; "
        "the section [ringflow-uri](ringflow-trunk)"
    )
    assert config_diff(out, LATER) == written.advice


def test_a_sip_file_of_the_old_layout_becomes_the_operators_as_the_advice_says(out: Path) -> None:
    (out / "pjsip_trunks.conf").write_text(OLD_SIP.partition("\n\n")[2], "utf-8")
    (out / "pjsip_ringflow.conf").unlink()
    write_asterisk_config(out, LATER)
    (carrier,) = [one for one in read_conf(out / "pjsip_ringflow.conf") if one.name == "ringflow-carrier"]
    assert carrier.text("auth") == "ringflow-carrier"
    assert carrier.text("rtp_timeout") == "60"


def test_a_dialplan_of_the_old_layout_is_replaced_only_when_asked(out: Path) -> None:
    dialplan = out / "extensions_ringflow.conf"
    old = dialplan.read_text("utf-8").partition("\n")[2]
    dialplan.write_text(old, "utf-8")
    with pytest.raises(Refused, match="has no digest"):
        write_asterisk_config(out, LATER)
    (copy,) = write_asterisk_config(out, LATER, replace=True).copies
    assert copy.read_text("utf-8") == old


def test_a_replaced_file_keeps_its_mode_but_a_secret_is_not_for_others(out: Path) -> None:
    (out / "extensions_ringflow.conf").chmod(0o664)
    (out / "manager_ringflow.conf").chmod(0o644)
    (out / "ami.secret").unlink()
    write_asterisk_config(out, LATER)
    modes = {path.name: path.stat().st_mode & 0o777 for path in out.iterdir()}
    assert modes["extensions_ringflow.conf"] == 0o664
    assert modes["manager_ringflow.conf"] == 0o640
    assert modes["ami.secret"] == 0o600
    assert modes["pjsip_trunks.conf"] == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_was_given_to_asterisks_user_stays_with_it(out: Path) -> None:
    os.chown(out / "manager_ringflow.conf", 5060, 5061)
    (out / "ami.secret").unlink()
    write_asterisk_config(out, LATER)
    status = (out / "manager_ringflow.conf").stat()
    assert (status.st_uid, status.st_gid) == (5060, 5061)
