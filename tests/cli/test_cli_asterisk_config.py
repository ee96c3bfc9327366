"""`ringflow asterisk config` as an operator runs it: the first time, after an edit, and for an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Ran


def test_a_diff_writes_nothing_and_a_run_writes_every_file(
    tmp_path: Path, ringflow: Callable[..., Ran]
) -> None:
    shown = ringflow("asterisk", "config", "--out", "asterisk", "--diff")
    assert (shown.code, shown.out.count(": new\n")) == (0, 6)
    assert not (tmp_path / "asterisk").exists()
    written = ringflow("asterisk", "config", "--out", "asterisk", "--carrier", "198.51.100.1")
    assert written.code == 0
    assert len(written.out.splitlines()) == 6
    assert "--carrier changed nothing" not in written.err
    assert "match = 198.51.100.1\n" in (tmp_path / "asterisk" / "pjsip_trunks.conf").read_text()
    assert ringflow("asterisk", "config", "--out", "asterisk", "--diff").out == "nothing would change\n"


def test_the_files_lead_to_the_ports_of_the_configuration_and_to_no_address_that_is_any(
    tmp_path: Path, ringflow: Callable[..., Ran]
) -> None:
    (tmp_path / "config.yaml").write_text("fastagi: {host: 0.0.0.0, port: 4999}\nami: {port: 5999}\n")
    assert ringflow("asterisk", "config", "--out", "asterisk").code == 0
    dialplan = (tmp_path / "asterisk" / "extensions_ringflow.conf").read_text()
    assert "agi://127.0.0.1:4999/call" in dialplan
    assert ringflow("asterisk", "config", "--out", "other", "--host", "192.0.2.7").code == 0
    assert "agi://192.0.2.7:4999/call" in (tmp_path / "other" / "extensions_ringflow.conf").read_text()


def test_an_edited_file_needs_replace_and_is_kept(tmp_path: Path, ringflow: Callable[..., Ran]) -> None:
    ringflow("asterisk", "config", "--out", "asterisk")
    dialplan = tmp_path / "asterisk" / "extensions_ringflow.conf"
    edited = dialplan.read_text() + "; mine\n"
    dialplan.write_text(edited)
    refused = ringflow("asterisk", "config", "--out", "asterisk")
    assert (refused.code, refused.out) == (1, "")
    assert f"{dialplan} was edited after an earlier run wrote it. Nothing was written." in refused.err
    assert "--diff" in refused.err
    assert "--replace" in refused.err
    assert "-; mine\n" in ringflow("asterisk", "config", "--out", "asterisk", "--diff").out
    replaced = ringflow("asterisk", "config", "--out", "asterisk", "--replace")
    assert replaced.code == 0
    assert f"Kept the file that was edited as {dialplan}.bak.\n" in replaced.err
    assert Path(f"{dialplan}.bak").read_text() == edited


def test_a_carrier_is_not_put_into_trunks_that_are_the_operators(
    tmp_path: Path, ringflow: Callable[..., Ran]
) -> None:
    ringflow("asterisk", "config", "--out", "asterisk")
    again = ringflow("asterisk", "config", "--out", "asterisk", "--carrier", "198.51.100.1")
    assert "--carrier changed nothing" in again.err
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "pjsip_ringflow.conf").write_text("[ringflow-trunk](!)\ntype = endpoint\n")
    old = ringflow("asterisk", "config", "--out", "old", "--carrier", "198.51.100.1")
    assert old.code == 0
    assert "--carrier changed nothing" in old.err
    assert "Add to it: " in old.err
