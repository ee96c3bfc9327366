"""Where a call is foretold that is then made: what the rehearsal uses up must still be there for the call."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringflow.config import Config
from ringflow.store.address import read_address


@contextmanager
def rehearsing(config: Config) -> Iterator[Config]:
    """The configuration with a copy of its database, where that is a file; else as it is.

    A card that is opened in the copy, or a voucher that is used up there, is as good as new in the real one.
    """
    path = read_address(config.database_url).path
    if path is None or not path.exists():
        yield config
        return
    with TemporaryDirectory(prefix="ringflow-rehearsal-") as folder:
        copy = Path(folder, "rehearsed.db")
        with closing(sqlite3.connect(path)) as real, closing(sqlite3.connect(copy)) as target:
            real.backup(target)
        database = config.database.model_copy(update={"url": f"sqlite:///{copy}"})
        yield config.model_copy(update={"database": database})
