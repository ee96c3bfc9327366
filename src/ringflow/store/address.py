"""A database's URL as operators write it, turned into what the drivers take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ringflow.errors import StartError

DialectName = Literal["sqlite", "postgresql"]

IN_MEMORY = "sqlite:///:memory:"

_DRIVERS: dict[str, tuple[DialectName, str]] = {
    "sqlite": ("sqlite", "sqlite+aiosqlite"),
    "sqlite+aiosqlite": ("sqlite", "sqlite+aiosqlite"),
    "postgresql": ("postgresql", "postgresql+asyncpg"),
    "postgresql+asyncpg": ("postgresql", "postgresql+asyncpg"),
}
# `host` and `port` name a Unix socket: postgresql:///name?host=/run/postgresql.
_OPTIONS = frozenset({"sslmode", "host", "port"})
_MEND = "write sqlite:///path/to/file.db or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. `shown` is the URL without its password; `path` is SQLite's file, if any."""

    dialect: DialectName
    url: URL
    shown: str
    path: Path | None = None

    @property
    def in_memory(self) -> bool:
        """Whether the database ends with the process."""
        return self.dialect == "sqlite" and self.path is None


def read_address(text: str) -> Address:
    """Understand a database URL. Raises `StartError`, which never shows the text: passwords."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StartError(f"database.url is not a database's URL; {_MEND}") from error
    if url.drivername not in _DRIVERS:
        raise StartError(f"database.url: `{url.drivername}` is not a database that is known here; {_MEND}")
    dialect, driver = _DRIVERS[url.drivername]
    shown = url.set(drivername=dialect).render_as_string(hide_password=True)
    url = url.set(drivername=driver)
    if dialect == "postgresql":
        return Address(dialect, _with_options(url), shown)
    if url.host or url.username or url.query:
        raise StartError("database.url: SQLite takes a path after three slashes and nothing else; " + _MEND)
    if url.database in (None, "", ":memory:"):
        return Address(dialect, url.set(database=":memory:"), IN_MEMORY)
    path = Path(url.database or "").absolute()
    return Address(dialect, url.set(database=str(path)), shown, path)


def _with_options(url: URL) -> URL:
    """The options after `?`, with libpq's `sslmode` under the name that asyncpg gives it."""
    for name in url.query:
        if name not in _OPTIONS:
            raise StartError(f"database.url: unknown option `{name}`; known: {', '.join(sorted(_OPTIONS))}")
    mode = url.query.get("sslmode")
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode}) if mode else url
