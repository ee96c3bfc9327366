"""Compiles Ringflow's call path in place, where it is not compiled yet of the sources as they are now.

`make compile` runs it. It exits 0 if the call path is compiled and 1 if not: then nothing compiled is left,
and Ringflow runs from source. With `--remove` it only removes what was compiled.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from hashlib import sha256
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).parent.parent
SRC = PROJECT / "src"
PACKAGE = SRC / "ringflow"
LOG = PROJECT / "build" / "compile.log"
LAST_LINES = 15


def main() -> int:
    """Compile or remove; the exit code."""
    compiled = _stamps()
    if "--remove" in sys.argv[1:]:
        remove(compiled.STAMP)
        return 0
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["ringflow"]
    sources: list[str] = settings["compiled"]
    stamp = compiled.stamp_of(PACKAGE, sources, _builder())
    if compiled.read_stamp(PACKAGE) == stamp and _are_there(sources, compiled.SUFFIX):
        return 0
    remove(compiled.STAMP)
    if missing := _missing():
        print(f"The call path is not compiled, so calls take more processor time: {missing}", file=sys.stderr)
        return 1
    print("Compiling the call path, which takes about a minute ...", file=sys.stderr)
    (PACKAGE / compiled.STAMP).write_text(json.dumps(stamp, indent=1))
    try:
        compiles = _compile()
    except BaseException:
        remove(compiled.STAMP)
        raise
    if not compiles:
        remove(compiled.STAMP)
        _show_failure()
        return 1
    return 0


def remove(stamp: str) -> None:
    """Remove all compiled modules, whatever version of Python they are for, and then the stamp."""
    for module in SRC.rglob("*.so"):
        module.unlink()
    (PACKAGE / stamp).unlink(missing_ok=True)


def _stamps() -> ModuleType:
    """`ringflow.compiled` without `ringflow`, whose import ends the process where something is stale."""
    spec = spec_from_file_location("compiled", PACKAGE / "compiled.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _builder() -> str:
    """What else than the sources decides about the machine code: the options and the compiler from Python."""
    return f"mypy {version('mypy')}, {sha256((PROJECT / 'setup.py').read_bytes()).hexdigest()}"


def _are_there(sources: list[str], suffix: str) -> bool:
    return all((PACKAGE / source).with_suffix(suffix).exists() for source in sources)


def _missing() -> str | None:
    """What to install, or None where there is a C compiler and Python's headers."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler}): apt install gcc python3-dev"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h: apt install python3-dev"
    return None


def _compile() -> bool:
    LOG.parent.mkdir(exist_ok=True)
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    with LOG.open("wb") as log:
        environment = {**os.environ, "RINGFLOW_COMPILE": "1"}
        done = subprocess.run(
            command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode == 0


def _show_failure() -> None:
    last = LOG.read_text(errors="replace").splitlines()[-LAST_LINES:]
    print(*last, sep="\n", file=sys.stderr)
    print(f"The call path could not be compiled, and runs from source. All of it: {LOG}", file=sys.stderr)
    print("What may be the reason and how to mend it: docs/building.md", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
