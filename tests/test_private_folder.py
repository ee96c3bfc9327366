"""Folders that are made for secrets and databases: nobody but their owner can list them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ringflow.secret import make_secret, replace_secret
from ringflow.store import Store
from ringflow.store.dump import write_rows
from ringflow.store.schema import HEAD


async def generate(folder: Path) -> None:
    assert make_secret(folder / "security.key")


async def replace(folder: Path) -> None:
    replace_secret(folder / "pin.pepper", "v1:a pepper for tests\n")


async def open_store(folder: Path) -> None:
    store = await Store.open(f"sqlite:///{folder}/ringflow.db")
    await store.close()


async def restore(folder: Path) -> None:
    await write_rows(f"sqlite:///{folder}/ringflow.db", HEAD, [], replace=False, kept_as="before")


@pytest.mark.parametrize("make", [generate, replace, open_store, restore])
async def test_a_folder_made_for_a_secret_or_a_database_can_be_passed_through_but_not_listed(
    make: Callable[[Path], Awaitable[None]], tmp_path: Path
) -> None:
    await make(tmp_path / "new" / ".ringflow")
    assert (tmp_path / "new" / ".ringflow").stat().st_mode & 0o777 == 0o711
    assert {one.stat().st_mode & 0o077 for one in (tmp_path / "new" / ".ringflow").iterdir()} == {0}
    assert (tmp_path / "new").stat().st_mode & 0o777 != 0o711


async def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o750)
    await generate(folder)
    assert folder.stat().st_mode & 0o777 == 0o750
