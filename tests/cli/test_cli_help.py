"""What `--help` says of every command, as a terminal of 80 columns shows it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer

from ringflow.cli import COMMANDS, build

LIBRARIES = ("sqlalchemy", "aiohttp", "numpy", "pydantic")


def nodes(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for word, below in getattr(command, "commands", {}).items():
        yield from nodes(below, *words, word)


ALL = dict(nodes(typer.main.get_command(build())))


def test_help_and_mistakes_load_the_libraries_of_no_command() -> None:
    said = (
        "import sys; sys.argv = ['ringflow', '--help']\n"
        "from ringflow.cli import main\n"
        "try: main()\n"
        f"finally: assert not set({LIBRARIES!r}) & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert all(f"\n  {words[0]} " in ran.stdout for words in ALL if len(words) == 1)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    command = getattr(importlib.import_module(f"ringflow.cli.{name}"), name)
    assert command.__doc__.split("\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_whole_at_80_columns(words: tuple[str, ...], ringflow: Callable[..., Any]) -> None:
    ran = ringflow(*words, "--help", COLUMNS="80")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    cut_off = [line for line in lines if line.endswith("...") and not line.startswith("Usage: ")]
    assert cut_off == []
    assert "[[" not in ran.out
    assert ringflow(*words, "-h", COLUMNS="80").out == ran.out


@pytest.mark.parametrize(
    "words", [words for words in ALL if not hasattr(ALL[words], "commands")], ids=" ".join
)
def test_each_option_has_a_sentence_and_a_default_that_is_shown(words: tuple[str, ...]) -> None:
    for parameter in ALL[words].params:
        assert parameter.help, parameter.name
        assert parameter.help.endswith("."), parameter.help
        assert "[default" not in parameter.help


def test_two_dashes_before_a_command_change_nothing(ringflow: Callable[..., Any]) -> None:
    ran = ringflow("--", "key", "--help")
    assert ran.code == 0
    assert "verify" in ran.out


def test_an_unknown_command_is_told_the_nearest(ringflow: Callable[..., Any]) -> None:
    ran = ringflow("chekc")
    assert ran.code == 2
    assert "Did you mean 'check'?" in ran.err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ringflow cust", ["customer"]),
        (
            "ringflow customer ",
            ["add", "import", "bulk", "list", "show", "set", "password", "delete", "login", "token"],
        ),
        ("ringflow customer sh", ["show"]),
        ("ringflow --config other.yaml did l", ["list"]),
        ("ringflow customer list --sea", ["--search"]),
        ("ringflow completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_a_shell_is_told_how_a_command_may_go_on(typed: str, offered: list[str]) -> None:
    words = {"COMP_WORDS": typed.replace(" ", "\n"), "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    ran = subprocess.run(
        [sys.executable, "-m", "ringflow"],
        env=words | {"_RINGFLOW_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout.split(), ran.stderr) == (offered, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_names_the_variable_that_is_answered(
    shell: str, ringflow: Callable[..., Any]
) -> None:
    ran = ringflow("completion", shell)
    assert ran.code == 0
    assert f"_RINGFLOW_COMPLETE=complete_{shell}" in ran.out


def test_bash_takes_its_script(ringflow: Callable[..., Any]) -> None:
    script = ringflow("completion", "bash").out
    ran = subprocess.run(
        ["/bin/bash", "-c", f"{script}\ncomplete -p ringflow"], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("complete -o default -F _ringflow_completion ringflow\n", "")
