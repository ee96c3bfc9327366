"""A server that is killed between the commit of a change and its answer. Argument: its configuration.

It runs as `ringflow serve` does, but kills itself in the moment in which an answer would be written, so
that nothing that it holds in memory is of any use to anybody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ringflow.app import running
from ringflow.config import load_config
from ringflow.web.rest import answering


def killed(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nothing runs after that")


async def main(config: Path) -> None:
    answering._response = killed  # type: ignore[assignment]
    async with running(load_config(config)) as application:
        print(application.http_port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
