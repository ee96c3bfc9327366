"""Scripts are published, kept, compared and rolled back, and servers of one database take them over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ringflow.actor import shell_operator
from ringflow.config import Config, ScriptsConfig
from ringflow.errors import Conflict, DocumentError, Refused, Unknown
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.revisions import text_revision
from ringflow.flows.script_library import ScriptLibrary
from ringflow.flows.script_upkeep import ScriptUpkeep
from ringflow.scripts.folder import ScriptFolder
from ringflow.scripts.service import Scripts
from ringflow.store import Store
from ringflow.store.pages import PageRequest

ANN = shell_operator("ann@example.com")
ONE, TWO, THREE = (f"function main() {{ return {{ exit: '{name}' }}; }}\n".encode() for name in "abc")


class Server:
    """A server with a folder of its own."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.folder = folder
        self.scripts = Scripts.configured(Config(scripts=ScriptsConfig(folder=folder)))
        self.library = ScriptLibrary(store, ScriptFolder(folder), "US", lambda: 1_000_000, self.scripts)
        self.upkeep = ScriptUpkeep(store, ScriptFolder(folder), lambda: 2_000_000)

    def write(self, text: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "one.js").write_bytes(text)

    @property
    def here(self) -> bytes | None:
        path = self.folder / "one.js"
        return path.read_bytes() if path.exists() else None

    async def history(self) -> list[tuple[str, str, str]]:
        page = await self.library.history("one", PageRequest(50))
        return [(one.revision, one.kind, one.operator) for one in page.items]


@pytest.fixture
async def servers(empty_database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Server, Server]]:
    store = await Store.open(empty_database_url)
    await store.migrate()
    both = Server(store, tmp_path / "first"), Server(store, tmp_path / "second")
    yield both
    for one in both:
        await one.scripts.close()
    await store.close()


async def test_a_text_is_published_taken_over_and_rolled_back(servers: tuple[Server, Server]) -> None:
    first, second = servers
    made = await first.library.publish(ANN, "one", ONE, None, "the first")
    assert (first.here, second.here, made.note) == (ONE, None, "the first")
    await second.upkeep.look()
    assert second.here == ONE
    await second.library.publish(ANN, "one", TWO, text_revision(ONE))
    await first.upkeep.look()
    assert (first.here, second.here) == (TWO, TWO)
    back = await first.library.roll_back(ANN, "one")
    assert (back.kind, first.here) == ("roll_back", ONE)
    await second.upkeep.look()
    assert second.here == ONE
    names = [(revision, kind) for revision, kind, _ in await first.history() if kind != "disk"]
    one, two = text_revision(ONE), text_revision(TWO)
    assert names == [(one, "roll_back"), (two, "publish"), (one, "publish")]
    different = await first.library.difference("one", two[:6], "file")
    assert [line for line in different.diff if line[0] in "+-" and line[:3] not in ("---", "+++")] == [
        "-function main() { return { exit: 'b' }; }",
        "+function main() { return { exit: 'a' }; }",
    ]
    assert (await first.library.text("one", "published"))[1] == ONE


async def test_what_is_changed_by_hand_stays_and_is_kept(servers: tuple[Server, Server]) -> None:
    first, second = servers
    first.write(ONE)
    second.write(ONE)
    await first.upkeep.look()
    await first.library.publish(ANN, "one", TWO, text_revision(ONE))
    await second.upkeep.look()
    assert second.here == TWO
    second.write(THREE)
    await second.upkeep.look()
    assert (await second.history())[0] == (text_revision(THREE), "disk", "")
    await first.library.publish(ANN, "one", ONE, text_revision(TWO))
    with capture_logs() as logs:
        await second.upkeep.look()
        await second.upkeep.look()
    (told,) = [one for one in logs if one["event"] == "script not taken over"]
    assert (second.here, "changed by hand" in told["detail"]) == (THREE, True)
    assert f"`ringflow script rollback one {text_revision(ONE)}`" in told["mend"]
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await second.library.publish(ANN, "one", None, None)
    await second.library.roll_back(ANN, "one", text_revision(ONE)[:8])
    assert second.here == ONE
    await second.library.roll_back(ANN, "one", text_revision(THREE))
    await first.upkeep.look()
    assert (first.here, second.here) == (THREE, THREE)


async def test_of_two_writers_the_second_is_refused(servers: tuple[Server, Server]) -> None:
    first, second = servers
    await first.library.publish(ANN, "one", ONE, None)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await second.library.publish(ANN, "one", TWO, None)
    with pytest.raises(Conflict, match="was changed meanwhile"):
        await first.library.publish(ANN, "one", TWO, None)
    with pytest.raises(Conflict, match="and it is published"):
        await first.library.publish(ANN, "one", None, None)
    first.write(THREE)
    with pytest.raises(Conflict) as refused:
        await first.library.publish(ANN, "one", TWO, text_revision(ONE))
    assert refused.value.fields["found"] == text_revision(THREE)
    assert (first.here, second.here) == (THREE, None)


async def test_a_text_with_problems_is_not_published_and_changes_nothing(
    servers: tuple[Server, Server],
) -> None:
    first, _ = servers
    for text, what in ((b"require('./nowhere');", "no module"), (b"\xff", "not UTF-8")):
        with pytest.raises(DocumentError) as refused:
            await first.library.publish(ANN, "one", text, None)
        assert what in str(refused.value.problems[0])
    for name in ("../one", "", "a b"):
        with pytest.raises(Unknown):
            await first.library.publish(ANN, name, ONE, None)
    with pytest.raises(Refused, match="one line"):
        await first.library.publish(ANN, "one", ONE, None, "a\nb")
    assert (first.here, await first.history()) == (None, [])


async def test_a_script_says_who_uses_it_and_what_is_wrong_with_it(servers: tuple[Server, Server]) -> None:
    first, _ = servers
    flow = (
        b"app: main\nslots:\n  - {slot: script, script: one, on: {a: hangup}}\n"
        b"on_hangup: [{slot: script, script: one}]\n"
    )
    draft = draft_from_bytes(flow, slot_types(), "main.yaml")
    await first.library.publish(ANN, "one", ONE, None)
    store = first.library._store
    async with store.writing() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO trunks (name, dial, headers, position, enabled, server, rated, source, created_ms,"
            " updated_ms, script) VALUES ('t', 'PJSIP/{number}@t', '{}', 1, true, '', 'local', 'operator', 1,"
            " 1, 'gone')"
        )
    (gone, one) = await first.library.states([draft])
    assert (gone.name, gone.revision, gone.uses.trunks, gone.problems[0].what) == (
        "gone",
        None,
        ("t",),
        "there is no script gone",
    )
    assert (one.name, one.revision, one.problems) == ("one", text_revision(ONE), ())
    assert one.published is not None
    assert [(place.slot, place.line) for place in one.uses.slots] == [
        ("script[1]", 3),
        ("script[1]", 4),
    ]
    with pytest.raises(Unknown, match="did you mean `one`"):
        await first.library.state("ome", [draft])


async def test_what_keeps_a_script_from_being_run_and_fields_that_are_not_there_are_told_of(
    servers: tuple[Server, Server],
) -> None:
    first, _ = servers
    first.write(b"let a = = 1;\n")
    broken = await first.library.state("one", [])
    assert [(one.path, one.line) for one in broken.problems] == [("one.js", 1)]
    odd = b"function main(data) { return data.routing.cly; }\n"
    await first.library.publish(ANN, "one", odd, text_revision(b"let a = = 1;\n"))
    told = await first.library.state("one", [])
    assert [one.what for one in told.problems] == ["there is no field data.routing.cly"]
    assert told.problems == tuple(await first.library.check("one", odd))
