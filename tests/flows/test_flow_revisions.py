"""Texts of flows that were in service are kept, and serve again while their file is broken."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from ringflow.actor import shell_operator
from ringflow.app import open_application, running
from ringflow.bench.load import run_load
from ringflow.config import ChargingConfig, Config, DatabaseConfig
from ringflow.documents import Document
from ringflow.flows.library import FlowLibrary
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.registry import slot_types
from ringflow.flows.revisions import Revision, keep, last_good
from ringflow.flows.service_register import flows_of_servers
from ringflow.flows.surroundings import configured_surroundings
from ringflow.store import Store
from ringflow.store.flow_tables import flow_revisions

FIRST = Revision("card.yaml", "card", "aaa", b"app: card\n# the first: \xc3\xa9\n")
SECOND = Revision("card.yaml", "card", "bbb", b"app: card\n# the second\n")
OTHER = Revision("other.yaml", "other", "ccc", b"app: other\n")


async def test_the_last_good_text_of_each_file_is_the_one_that_was_loaded_last(store: Store) -> None:
    async with store.writing() as connection:
        await keep(connection, [FIRST, OTHER], 1000)
        await keep(connection, [SECOND], 2000)
    async with store.reading() as connection:
        assert await last_good(connection) == [SECOND, OTHER]
    async with store.writing() as connection:
        await keep(connection, [FIRST], 3000)
    async with store.reading() as connection:
        assert await last_good(connection) == [FIRST, OTHER]
        rows = await connection.execute(flow_revisions.select().order_by(flow_revisions.c.id))
        assert [(row.revision, row.first_loaded_ms, row.loaded_ms) for row in rows] == [
            ("aaa", 1000, 3000),
            ("ccc", 1000, 1000),
            ("bbb", 2000, 2000),
        ]


@pytest.fixture
def flow(server_config: Config, tmp_path: Path) -> tuple[Config, Path]:
    """The server's configuration with flows of its own, and the file of the app that its DID leads to."""
    folder = tmp_path / "flows"
    folder.mkdir()
    shipped = server_config.path(server_config.flows)
    for name in ("calling_card.yaml", "prepaid_card.yaml"):
        (folder / name).write_bytes((shipped / name).read_bytes())
    return server_config.model_copy(update={"flows": folder}), folder / "calling_card.yaml"


async def test_a_server_that_starts_with_a_broken_file_serves_its_last_good_text_and_says_so(
    flow: tuple[Config, Path],
) -> None:
    config, file = flow
    async with running(config) as application:
        good = application.core.book.get("calling_card")
        assert good is not None
    whole = file.read_text("utf-8")
    file.write_text(whole.replace("slot: ivr", "slot: irv", 1), "utf-8")
    async with running(config) as application:
        served = application.core.book.get("calling_card")
        assert served is not None
        assert served.revision == good.revision
        assert [problem.path for problem in application.core.book.problems] == [str(file)]
        assert (await run_load(application.fastagi.port, calls=1, at_once=1)).complete == 1
    file.write_text(whole + "\n# corrected\n", "utf-8")
    async with running(config) as application:
        corrected = application.core.book.get("calling_card")
        assert corrected is not None
        assert corrected.revision != good.revision
        assert application.core.book.problems == ()


async def test_a_running_server_takes_over_what_another_one_published(
    flow: tuple[Config, Path], database_url: str, tmp_path: Path
) -> None:
    config, file = flow
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(file.parent, elsewhere)
    database = DatabaseConfig(url=database_url)
    configs = [
        config.model_copy(
            update={"flows": folder, "database": database, "charging": ChargingConfig(server=name)}
        ).read_from(Document(str(tmp_path / "config.yaml"), None, {}))
        for name, folder in (("a", file.parent), ("b", elsewhere))
    ]
    async with running(configs[0]) as here, running(configs[1]) as there:
        core = here.core
        library = FlowLibrary(core.store, file.parent, slot_types(), "US", core.charging.ledger.now_ms)
        draft = file.read_bytes().replace(b"app: calling_card", b"app: calling_card  # another text", 1)
        await library.save_draft(shell_operator("ann"), "calling_card", draft)
        publisher = FlowPublisher(library, configured_surroundings(config, core.library))
        (made,) = await publisher.publish_drafts(shell_operator("ann"), ["calling_card"])
        async with asyncio.timeout(30):
            for server in (here, there):
                while server.core.book.current()["calling_card"].revision != made.revision:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            while await library.lagging(made, 30):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (elsewhere / file.name).read_bytes() == draft
        states = {one.app: one for one in await library.states(30)}
        assert [(one.server, one.revision) for one in states["calling_card"].servers] == [
            ("a", made.revision),
            ("b", made.revision),
        ]
        assert (await run_load(there.fastagi.port, calls=1, at_once=1)).complete == 1
    # Who stops serves nothing any more.
    store = await Store.open(database_url)
    async with store.reading() as connection:
        assert await flows_of_servers(connection, 0) == []
    await store.close()


async def test_a_file_that_was_deleted_is_not_served_again(flow: tuple[Config, Path]) -> None:
    config, file = flow
    async with running(config):
        pass
    file.unlink()
    application = await open_application(config)
    try:
        assert application.core.book.apps() == ("prepaid_card",)
    finally:
        await application.core.close()
