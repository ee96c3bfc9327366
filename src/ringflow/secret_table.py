"""Files that PINs and codes are written to, once: only their owner can read them, and they appear whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from ringflow.errors import StartError
from ringflow.output_file import check_suffix, file_taken
from ringflow.spreadsheets import Cell, CsvTable, WorkbookTable


class SecretTable:
    """A table in the making, mode 0600. It gets its name by `keep`; without that nothing of it stays.

    CSV, or for spreadsheets a workbook in which every cell is text.
    """

    def __init__(self, path: Path, heads: Sequence[str], for_spreadsheet: bool = False) -> None:
        check_suffix(path, for_spreadsheet)
        self._for_spreadsheet = for_spreadsheet
        self._path = path
        # A name of its own: two commands with the same file must not write into one.
        self._part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._heads = heads
        self._kept = False

    def __enter__(self) -> SecretTable:
        if self._path.exists():
            raise file_taken(self._path)
        try:
            handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._failed(error) from error
        self._file = os.fdopen(handle, "w+b")
        self._text = TextIOWrapper(self._file, encoding="ascii", newline="", write_through=True)
        self._table: CsvTable | WorkbookTable = (
            WorkbookTable(self._file) if self._for_spreadsheet else CsvTable(self._text)
        )
        self._table.write([self._heads])
        return self

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows. Raises `StartError` when the disk is full."""
        try:
            self._table.write(rows)
        except OSError as error:
            raise self._failed(error) from error

    def keep(self) -> None:
        """Have it on the disk under its name. Raises `Refused` when another file took that meanwhile."""
        try:
            if isinstance(self._table, WorkbookTable):
                self._table.close()
            self._text.flush()
            self._file.flush()
            os.fsync(self._file.fileno())
            os.link(self._part, self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError as error:
            raise file_taken(self._path) from error
        except OSError as error:
            raise self._failed(error) from error
        self._kept = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk was told of when it was written to
            if isinstance(self._table, WorkbookTable):
                self._table.close()
        with suppress(OSError):
            self._text.close()
        self._part.unlink(missing_ok=True)
        if kind is not None and self._kept:
            self._path.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> StartError:
        return StartError(f"{self._path} cannot be written: {error.strerror}")
