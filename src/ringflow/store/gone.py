"""The database was there and is not any more."""

from __future__ import annotations

from ringflow.errors import RingflowError


class StoreGone(RingflowError):
    """The database cannot be reached or read in mid-flight; one line, without its password.

    Whatever was under way may be tried again later; a transaction that raised this was not committed, unless
    it was lost in the very moment of its commit.
    """

    code = "database.gone"


class StoreLocked(StoreGone):
    """Another transaction has kept what was wanted locked for too long. Nothing was written."""

    code = "database.locked"
