"""The compiled call path: that tests run what they are meant to, and that nothing stale is ever run."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import ringflow
from ringflow.compiled import EXIT_STALE, STAMP, SUFFIX, is_compiled, stamp_of

PROJECT = Path(__file__).parent.parent
COMPILED: list[str] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["ringflow"]["compiled"]
ENGINE = "engine/engine.py"


def module_name(source: str) -> str:
    return "ringflow." + source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("source", COMPILED)
def test_a_module_to_be_compiled_exists(source: str) -> None:
    assert (PROJECT / "src" / "ringflow" / source).is_file()


def loses_exceptions(node: ast.AST) -> bool:
    """Whether mypyc would lose an exception here: one that is raised again after an `await`."""
    if isinstance(node, ast.ExceptHandler):
        inside = list(ast.walk(node))
        awaits = any(isinstance(one, ast.Await) for one in inside)
        return awaits and any(isinstance(one, ast.Raise) and one.exc is None for one in inside)
    return isinstance(node, ast.AsyncWith)


@pytest.mark.parametrize("source", COMPILED)
def test_a_compiled_module_raises_nothing_again_after_an_await(source: str) -> None:
    tree = ast.parse((PROJECT / "src" / "ringflow" / source).read_text())
    assert [node.lineno for node in ast.walk(tree) if loses_exceptions(node)] == []  # type: ignore[attr-defined]


def test_the_tests_run_all_of_the_call_path_compiled_or_none_of_it() -> None:
    found = {"compiled" if is_compiled(module_name(source)) else "interpreted" for source in COMPILED}
    assert len(found) == 1
    assert found == {os.environ.get("RINGFLOW_CODE_TESTED", *found)}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of Ringflow's package, stamped as if its engine had been compiled."""
    copy = tmp_path / "src" / "ringflow"
    shutil.copytree(Path(ringflow.__file__).parent, copy, ignore=shutil.ignore_patterns("*.so", STAMP))
    (copy / STAMP).write_text(json.dumps(stamp_of(copy, [ENGINE], "mypy")))
    return copy


def import_from(package: Path) -> tuple[int, str]:
    """Import the package's engine in a process of its own; the exit code, and what it said."""
    command = [sys.executable, "-c", "import ringflow.engine.engine"]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def edit(package: Path) -> None:
    source = package / ENGINE
    source.write_text(source.read_text() + "\n")


def edit_unseen(package: Path) -> None:
    """A change that neither the file's size nor its time tells, as `cp -p` of another version may be."""
    source = package / ENGINE
    before = source.stat()
    source.write_text(source.read_text().replace("One", "Two", 1).replace("one", "two", 1))
    assert source.stat().st_size == before.st_size
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def rename(package: Path) -> None:
    (package / ENGINE).rename(package / "engine" / "renamed.py")


@pytest.mark.parametrize("change", [edit, edit_unseen, rename])
def test_a_source_that_changed_since_it_was_compiled_ends_the_process_with_one_line(
    package: Path, change: Callable[[Path], None]
) -> None:
    change(package)
    code, said = import_from(package)
    assert code == EXIT_STALE
    assert said == (
        f"ringflow: {package}/engine/engine.py is not what was compiled: "
        "run `make compile`, or `make interpreted` to run from source\n"
    )


def touch(package: Path) -> None:
    """What `git checkout` there and back, a clone and `cp -r` do."""
    os.utime(package / ENGINE, (0, 0))


def edit_another(package: Path) -> None:
    (package / "app.py").write_text("")


def compile_for_another_python(package: Path) -> None:
    stamp = json.loads((package / STAMP).read_text())
    (package / STAMP).write_text(json.dumps({**stamp, "suffix": ".cpython-30-x86_64-linux-gnu.so"}))
    edit(package)


def run_from_source(package: Path) -> None:
    (package / STAMP).unlink()
    edit(package)


@pytest.mark.parametrize("change", [touch, edit_another, compile_for_another_python, run_from_source])
def test_what_leaves_the_compiled_modules_right_is_no_alarm(
    package: Path, change: Callable[[Path], None]
) -> None:
    change(package)
    assert import_from(package) == (0, "")


def compile_call_path(package: Path, *options: str, compiler: str = "gcc") -> tuple[int, str]:
    """Run the package's own `tools/compile.py`; the exit code, and what it said."""
    project = package.parent.parent
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(PROJECT / name, project / name)
    shutil.copytree(PROJECT / "tools", project / "tools")
    environment = {**os.environ, "CC": compiler, "PYTHONPATH": str(package.parent)}
    command = [sys.executable, str(project / "tools" / "compile.py"), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_without_a_compiler_it_says_what_to_install_and_leaves_nothing_stale(package: Path) -> None:
    (package / ENGINE).with_suffix(SUFFIX).write_bytes(b"compiled of an older source")
    edit(package)
    code, said = compile_call_path(package, compiler="no-such-compiler")
    assert code == 1
    assert said == (
        "The call path is not compiled, so calls take more processor time: "
        "no C compiler (no-such-compiler): apt install gcc python3-dev\n"
    )
    assert import_from(package) == (0, "")


def test_removing_leaves_neither_a_module_nor_a_stamp(package: Path) -> None:
    renamed_since = package / "engine" / f"of_old{SUFFIX}"
    shared = package.parent / f"1234__mypyc{SUFFIX}"
    for module in (renamed_since, shared):
        module.write_bytes(b"")
    assert compile_call_path(package, "--remove") == (0, "")
    assert not list(package.parent.rglob("*.so"))
    assert not (package / STAMP).exists()
