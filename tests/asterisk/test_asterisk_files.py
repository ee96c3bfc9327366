"""Asterisk's files are read as Asterisk reads them, and what is wrong in them is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringflow.accounts.trunks import Trunk
from ringflow.asterisk import AsteriskConfigSettings, write_asterisk_config
from ringflow.asterisk.conf_file import read_conf
from ringflow.asterisk.file_facts import read_files
from ringflow.asterisk.inspection import inspect
from ringflow.errors import StartError

CARRIER = Trunk("carrier", "PJSIP/{number}@ringflow-carrier")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def sections(path: Path) -> dict[str, list[tuple[str, str]]]:
    return {one.name: one.lines for one in read_conf(path)}


def test_templates_comments_includes_and_additions_are_read_as_asterisk_does(tmp_path: Path) -> None:
    write(tmp_path / "more" / "b.conf", "[second](base)\nkey = of b\n")
    write(tmp_path / "more" / "a.conf", "[first](base)\nkey => of a ; a comment\nother=semi\\;colon\n")
    main = write(
        tmp_path / "main.conf",
        "lost = before any section\n"
        "[base](!)\nkey = of base\nkept = yes\n"
        ";-- [ignored]\nkey = no\n--;\n"
        '#include "more/*.conf"\n'
        "#tryinclude nowhere.conf\n"
        "[first](+)\nadded = later\n",
    )
    assert sections(main) == {
        "base": [("key", "of base"), ("kept", "yes")],
        "first": [
            ("key", "of base"),
            ("kept", "yes"),
            ("key", "of a"),
            ("other", "semi;colon"),
            ("added", "later"),
        ],
        "second": [("key", "of base"), ("kept", "yes"), ("key", "of b")],
    }
    assert [one.text("key") for one in read_conf(main)] == ["of base", "of b", "of a"]
    assert [one.is_template for one in read_conf(main)] == [True, False, False]


def test_files_that_include_what_is_missing_or_themselves_are_refused_by_name(tmp_path: Path) -> None:
    missing = write(tmp_path / "one.conf", "#include gone.conf\n")
    with pytest.raises(StartError, match=r"gone\.conf is included, and there is no such file"):
        read_conf(missing)
    itself = write(tmp_path / "two.conf", "#include two.conf\n")
    with pytest.raises(StartError, match="itself among them perhaps"):
        read_conf(itself)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's folder with what `ringflow asterisk config` wrote."""
    shipped = tmp_path / "ringflow"
    write_asterisk_config(shipped, AsteriskConfigSettings(carrier_host="192.0.2.1"))
    etc = tmp_path / "etc"
    write(etc / "extensions.conf", f"[general]\n#include {shipped}/extensions_ringflow.conf\n")
    write(etc / "pjsip.conf", f"#include {shipped}/pjsip_ringflow.conf\n")
    manager = f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\n#include {shipped}/manager_ringflow.conf\n"
    write(etc / "manager.conf", manager)
    write(etc / "modules.conf", "[modules]\nautoload = yes\n")
    return etc


def found(folder: Path, *trunks: Trunk) -> list[tuple[str, str, str]]:
    facts = read_files(folder, trunks or (CARRIER,), "ringflow")
    findings = inspect(facts, with_manager=True, fastagi_port=4573)
    return [(str(one.severity), one.where, one.change) for one in findings]


def test_the_shipped_files_have_no_serious_finding(folder: Path) -> None:
    assert [one for one in found(folder) if one[0] == "serious"] == []


def test_what_an_operator_got_wrong_in_the_files_is_found(folder: Path) -> None:
    shipped = folder.parent / "ringflow"
    write(
        folder / "pjsip.conf",
        f"#include {shipped}/pjsip_ringflow.conf\n"
        "[phones](!)\ntype = endpoint\ncontext = from-desk\nallow_transfer = no\nrtp_timeout = 60\n"
        "rtp_timeout_hold = 300\ndirect_media = no\n"
        "[desk](phones)\nallow_transfer = yes\n"
        "[cellar](phones)\ncontext = elsewhere\nallow_transfer = yes\n",
    )
    extensions = (folder / "extensions.conf").read_text("utf-8")
    write(
        folder / "extensions.conf",
        f"{extensions}[from-desk]\ninclude => outside\n"
        "[outside]\nexten => _1X.,1,Goto(ringflow-incoming,${EXTEN},1)\n[elsewhere]\nexten => 1,1,NoOp()\n",
    )
    write(folder / "asterisk.conf", "[options]\nverbose = 5\n")
    write(folder / "logger.conf", "[general]\n[logfiles]\nfull => notice,verbose\n")
    write(folder / "modules.conf", "[modules]\nautoload = yes\nnoload => app_read.so\n")
    everything = found(folder, CARRIER, Trunk("second", "PJSIP/{number}@second"))
    assert [one for one in everything if one[0] == "serious"] == [
        (
            "serious",
            "pjsip.conf [second]",
            "add the endpoint, or correct the trunk: ringflow trunk set second --dial ...",
        ),
        ("serious", "pjsip.conf [desk]", "allow_transfer = no"),
        ("serious", "modules.conf", "load = app_read.so"),
        (
            "serious",
            "logger.conf, full",
            "take `verbose` out of full, or set verbose = 2 in asterisk.conf",
        ),
    ]


def test_a_folder_that_is_not_asterisks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"has no extensions\.conf: name the folder"):
        read_files(tmp_path, (CARRIER,), "ringflow")


def test_the_folder_that_asterisk_config_wrote_is_not_taken_for_asterisks_own(tmp_path: Path) -> None:
    written = tmp_path / "config"
    write_asterisk_config(written, AsteriskConfigSettings())
    with pytest.raises(StartError, match=r"wrote these files, .* own configuration, such as /etc/asterisk$"):
        read_files(written, (CARRIER,), "ringflow")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "extensions.conf").touch()
    with pytest.raises(StartError, match=rf"wrote these files, .* name {tmp_path}/etc$"):
        read_files(written, (CARRIER,), "ringflow")
