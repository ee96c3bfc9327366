"""The database: SQLite by default, PostgreSQL by URL; transactions, look-ups in one hop, and migrations."""

from ringflow.store.database import DirectConnection, LookUp, Row
from ringflow.store.gone import StoreGone, StoreLocked
from ringflow.store.store import Store

__all__ = ["DirectConnection", "LookUp", "Row", "Store", "StoreGone", "StoreLocked"]
