"""What `--out` names is written by one rule, whatever the command."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ringflow.errors import Refused, StartError
from ringflow.output_file import new_file, new_table
from ringflow.spreadsheets import Table

from .conftest import Ran

Run = Callable[..., Ran]
COMMANDS = [("schema",), ("rate", "export", "retail"), ("card", "export"), ("record", "export")]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_writes_over_a_file_unless_it_is_told_to(
    ringflow: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ringflow("rate", "add", "retail", "--currency", "USD")
    out = tmp_path / "out.txt"
    out.write_text("what was there before")
    refused = ringflow(*words, "--out", "out.txt")
    assert refused.code == 1
    assert refused.err == "ringflow: out.txt exists already; choose another name, or add --overwrite\n"
    assert out.read_text() == "what was there before"

    assert ringflow(*words, "--out", "out.txt", "--overwrite").code == 0
    assert ringflow(*words, "--out", "new.txt").code == 0
    assert out.read_text() == (tmp_path / "new.txt").read_text() != ""
    assert ringflow(*words, "--out", "-").out == out.read_text()
    assert [path.name for path in tmp_path.glob(".*.part")] == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path, overwrite: bool) -> None:
    out = tmp_path / "out.csv"
    if overwrite:
        out.write_text("before")

    def fail(table: Table) -> None:
        table.write([["half a line"]])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), new_table(out, False, overwrite=overwrite) as table:
        fail(table)
    assert [path.name for path in tmp_path.iterdir()] == (["out.csv"] if overwrite else [])
    assert not overwrite or out.read_text() == "before"


def test_a_file_that_comes_while_another_is_written_stays(tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    with pytest.raises(Refused, match="exists already"), new_file(out):
        out.write_text("theirs")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.txt", "theirs")]


def test_a_file_system_without_hard_links_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(*args: object, **named: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none_here)
    with new_file(tmp_path / "out.txt") as stream:
        stream.write("mine")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.txt", "mine")]


def test_a_link_goes_on_leading_to_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("before")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with new_file(tmp_path / "link.txt", overwrite=True) as stream:
        stream.write("after")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "after"


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    with new_file(pipe, overwrite=False) as stream:
        stream.write("through")
    reader.join(10)
    assert heard == ["through"]


def test_records_are_for_their_owner_only(ringflow: Run, tmp_path: Path) -> None:
    for words in ((), ("--overwrite",)):
        assert ringflow("record", "export", "--out", "calls.csv", *words).code == 0
        assert (tmp_path / "calls.csv").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = pytest.raises(StartError, match="cannot be written: No such file or directory")
    with missing, new_file(tmp_path / "none" / "out.txt"):
        pass
