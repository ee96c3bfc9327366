"""A server that is killed between the commit of changes and their answers.

Arguments: its configuration, and how many requests it carries out. It runs as `ringflow serve` does, but
answers nobody. In the moment in which it would answer the last one it kills itself, so that nothing that it
holds in memory is of any use to anybody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ringflow.app import running
from ringflow.config import load_config
from ringflow.web.rest import responses

_carried_out = responses._carried_out


async def main(config: Path, left: int) -> None:
    async def carry_out(*given: Any) -> Any:
        nonlocal left
        await _carried_out(*given)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()

    responses._carried_out = carry_out  # type: ignore[assignment]
    async with running(load_config(config)) as application:
        print(application.http_port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
