"""What the builder's own tests take for the server's word is that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "src/console/app/flow/fixture.py"


def test_the_slot_types_and_pictures_that_the_builder_is_tested_with_are_those_of_the_server() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.stderr == "", "src/console/app/flow/fixture.py --write makes it anew"
