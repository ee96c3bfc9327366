"""Publishing: drafts, roll-backs, two writers, and servers with folders of their own that take texts over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from ringflow.actor import shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.errors import DocumentError, Problem, Refused
from ringflow.flows.book import FlowBook
from ringflow.flows.conflict import ConflictKind, FlowConflict
from ringflow.flows.flow_file import FlowFile
from ringflow.flows.flow_upkeep import FlowUpkeep
from ringflow.flows.library import FlowLibrary
from ringflow.flows.publication import How, newest_of
from ringflow.flows.publisher import FlowPublisher
from ringflow.flows.registry import slot_types
from ringflow.flows.revisions import Revision, keep, last_good, text_revision
from ringflow.flows.service_register import ServerFlow
from ringflow.flows.surroundings import Surroundings
from ringflow.ledger.server_liveness import see_server
from ringflow.store import Store
from ringflow.store.flow_tables import flow_publications, flows_in_service
from ringflow.store.pages import PageRequest


def text(mark: str, app: str = "card", slots: str = "  - {slot: hangup}\n") -> bytes:
    return f"app: {app}   # {mark}\nslots:\n{slots}".encode()


FIRST, SECOND, THIRD = text("first: é"), text("second"), text("third")
BROKEN = text("broken", slots="  - {slot: hangpu}\n")


@dataclass
class Machine:
    """A folder of flows, the server that runs them, and its operators' commands; all share a store."""

    folder: Path
    publisher: FlowPublisher
    book: FlowBook
    upkeep: FlowUpkeep

    @property
    def library(self) -> FlowLibrary:
        return self.publisher.library

    def write(self, content: bytes, name: str = "card.yaml") -> None:
        (self.folder / name).write_bytes(content)

    def text(self, name: str = "card.yaml") -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def serves(self, app: str = "card") -> str | None:
        flow = self.book.get(app)
        return None if flow is None else flow.revision

    async def reload(self) -> None:
        """What the watch on the folder does when a file was changed by hand."""
        self.book.reload()
        await self.upkeep.look()

    async def publish(self, content: bytes, operator: str = "ann", name: str = "card") -> None:
        await self.library.save_draft(shell_operator(operator), name, content)
        await self.publisher.publish_drafts(shell_operator(operator), [name])


Make = Callable[[str, bytes | None], Machine]


@pytest.fixture
def machine(store: Store, tmp_path: Path) -> Make:
    clock = count(1_000_000, 60_000)

    def make(name: str, content: bytes | None = FIRST) -> Machine:
        folder = tmp_path / name / "flows"
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "card.yaml").write_bytes(content)
        now_ms = lambda: next(clock)  # noqa: E731
        library = FlowLibrary(store, folder, slot_types(), "US", now_ms)
        book = FlowBook.load(folder)
        # A minute goes by from look to look.
        upkeep = FlowUpkeep(store, book, folder, f"{name}#1", now_ms, lambda: next(clock) / 1000)
        return Machine(folder, FlowPublisher(library, Surroundings()), book, upkeep)

    return make


async def test_a_published_draft_is_in_the_file_byte_for_byte_and_the_draft_is_gone(
    store: Store, machine: Make
) -> None:
    one = machine("a", FIRST)
    content = b"\xef\xbb\xbfapp: card\r\nslots:   # spaced, and with a comment\r\n  - {slot: hangup}\r\n"
    await one.library.save_draft(shell_operator("ann"), "card", content)
    (made,) = await one.publisher.publish_drafts(shell_operator("bob"), ["card"], "a louder welcome")
    assert one.text() == content
    assert (made.revision, made.replaced) == (text_revision(content), text_revision(FIRST))
    assert (made.app, made.operator, made.note) == ("card", "bob", "a louder welcome")
    assert await one.library.drafts() == []
    assert [path.name for path in one.folder.iterdir() if path.name.startswith(".card")] == []
    async with store.reading() as connection:
        entries = (await entry_page(connection, EntryFilter(), PageRequest(9))).items
    assert [(one.operator, one.verb, one.subject) for one in entries] == [
        ("bob", "publish", "flow card"),
        ("ann", "save", "draft of card.yaml"),
    ]
    assert (entries[0].before, entries[0].after) == (
        {"revision": text_revision(FIRST)},
        {"revision": text_revision(content), "file": "card.yaml", "note": "a louder welcome"},
    )


async def test_servers_with_folders_of_their_own_take_a_published_text_over_at_their_next_look(
    machine: Make,
) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    before = there.book.get("card")
    await here.publish(SECOND)
    await here.upkeep.look()
    await there.upkeep.look()
    assert (here.text(), there.text()) == (SECOND, SECOND)
    assert there.serves() == text_revision(SECOND)
    assert there.upkeep.problems == ()
    # A call that began before has the flow that it began with.
    assert before is not None
    assert before.revision == text_revision(FIRST)


async def test_a_server_that_was_away_takes_the_newest_of_several_publications_over(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.publish(SECOND)
    await here.publish(THIRD)
    await there.upkeep.look()
    assert there.text() == THIRD


async def test_a_machine_without_the_file_gets_it(machine: Make) -> None:
    here, there = machine("a", None), machine("b", None)
    await here.publish(FIRST, name="card")
    await there.upkeep.look()
    assert (here.text(), there.text()) == (FIRST, FIRST)
    assert there.serves() == text_revision(FIRST)


async def test_a_file_that_was_changed_by_hand_is_not_overwritten_and_that_is_reported(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    there.write(THIRD)
    await there.reload()
    await here.publish(SECOND)
    await there.upkeep.look()
    assert there.text() == THIRD
    (problem,) = there.upkeep.problems
    assert problem.what == (
        f"ann published revision {text_revision(SECOND)} of it, and the file was changed by hand here: "
        f"it has revision {text_revision(THIRD)}"
    )
    assert f"`ringflow flow publish --file card --over {text_revision(SECOND)}`" in problem.mend


async def test_a_change_by_hand_can_be_published_from_its_machine(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    there.write(THIRD)
    await there.reload()
    await here.publish(SECOND)
    await there.upkeep.look()
    with pytest.raises(FlowConflict) as caught:
        await there.publisher.publish_files(shell_operator("bob"), ["card"])
    assert (caught.value.kind, caught.value.found) == (ConflictKind.PUBLICATION, text_revision(SECOND))
    await there.publisher.publish_files(shell_operator("bob"), ["card"], over=[text_revision(SECOND)])
    await here.upkeep.look()
    await there.upkeep.look()
    assert (here.text(), there.text()) == (THIRD, THIRD)
    assert there.upkeep.problems == ()


async def test_a_machine_with_a_change_by_hand_can_take_what_is_published(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    there.write(THIRD)
    await there.reload()
    await here.publish(SECOND)
    await there.upkeep.look()
    await there.publisher.roll_back(shell_operator("bob"), "card", text_revision(SECOND))
    await there.upkeep.look()
    assert (there.text(), there.upkeep.problems) == (SECOND, ())
    # What was there is kept.
    assert (await there.library.old_text("card", text_revision(THIRD))).text == THIRD


async def test_the_first_publication_of_a_file_changed_by_hand_replaces_what_other_machines_had_before(
    machine: Make,
) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    for one in (here, there):
        await one.upkeep.look()
    here.write(SECOND)
    await here.reload()
    (made,) = await here.publisher.publish_files(shell_operator("ann"), ["card"])
    await there.upkeep.look()
    assert made.replaced == text_revision(FIRST)
    assert there.text() == SECOND


async def test_a_server_that_kept_its_own_text_shows_it_until_the_file_is_as_published(
    store: Store, machine: Make
) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    there.write(THIRD)
    await there.reload()
    await here.publish(SECOND)
    async with store.writing() as connection:
        await see_server(connection, "b#1", 10**9)
        made = await newest_of(connection, "card.yaml")
    assert made is not None
    await there.upkeep.look()
    (on_b,) = await here.library.lagging(made, 10**9)
    assert (on_b.server, on_b.revision) == ("b", text_revision(THIRD))
    assert "was changed by hand here" in on_b.problem
    there.write(SECOND)
    await there.reload()
    assert there.upkeep.problems == ()
    assert await here.library.lagging(made, 10**9) == []


async def test_an_old_text_that_is_put_back_by_hand_after_a_publication_stays(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.publish(SECOND)
    for one in (here, there):
        await one.upkeep.look()
    there.write(FIRST)
    await there.reload()
    # A second server of the same folder, which has never looked before, knows it too.
    second = FlowUpkeep(there.library.store, there.book, there.folder, "c#1", lambda: 1)
    await second.look()
    assert there.text() == FIRST
    assert (await there.library.states(30))[0].published is not None
    # The next publication began from what is published, not from this.
    await here.publish(THIRD)
    await there.upkeep.look()
    assert there.text() == THIRD


async def test_a_file_deleted_by_hand_does_not_come_back(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.publish(SECOND)
    await there.upkeep.look()
    (there.folder / "card.yaml").unlink()
    await there.reload()
    await here.publish(THIRD)
    await there.upkeep.look()
    assert there.text() is None
    assert "the file was deleted here" in there.upkeep.problems[0].what


async def test_a_new_copy_of_a_folder_takes_what_is_published(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.publish(SECOND)
    # As an image of the machine's first day has it: with the old file, and without the note of publications.
    there = machine("b", FIRST)
    await there.upkeep.look()
    assert there.text() == SECOND


async def test_an_app_that_is_in_another_file_elsewhere_is_not_there_twice(machine: Make) -> None:
    here, there = machine("a", None), machine("b", None)
    there.write(FIRST, "old_name.yaml")
    await there.reload()
    await here.publish(SECOND, name="card.yaml")
    await there.upkeep.look()
    assert there.text() is None
    assert "the app `card` is in" in there.upkeep.problems[0].what
    assert there.upkeep.problems[0].mend == "rename old_name.yaml to card.yaml"


async def test_a_name_in_the_database_leads_no_server_out_of_its_folder(store: Store, machine: Make) -> None:
    here = machine("a", FIRST)
    async with store.writing() as connection:
        row = {"key": "k", "follows": 0, "app": "card", "revision": "r", "kind": "publish", "operator": "eve"}
        await connection.execute(
            flow_publications.insert().values(file="../out.yaml", note="", at_ms=1, **row)
        )
    await here.upkeep.look()
    assert "is no name of a flow file" in here.upkeep.problems[0].what
    assert [path.name for path in here.folder.parent.iterdir()] == ["flows"]


async def test_a_publication_whose_writer_died_before_it_wrote_the_file_is_written(
    machine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    with monkeypatch.context() as patch:
        # The process is killed right after the commit: nothing of what follows is done.
        patch.setattr(FlowPublisher, "_put", lambda *_: None)
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert here.text() == FIRST
    await here.upkeep.look()
    assert (here.text(), here.serves()) == (SECOND, text_revision(SECOND))


async def test_a_draft_is_not_published_over_a_file_that_was_changed_by_hand_meanwhile(
    store: Store, machine: Make
) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    here.write(THIRD)
    with pytest.raises(FlowConflict, match="was changed on disk") as caught:
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert (caught.value.kind, caught.value.seen, caught.value.found) == (
        ConflictKind.FILE,
        text_revision(FIRST),
        text_revision(THIRD),
    )
    assert here.text() == THIRD
    assert len(await here.library.drafts()) == 1
    async with store.reading() as connection:
        assert await newest_of(connection, "card.yaml") is None


async def test_a_changed_file_is_replaced_where_its_text_is_named_and_that_text_is_kept(
    machine: Make,
) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    here.write(BROKEN)
    with pytest.raises(FlowConflict):
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"], over=[text_revision(THIRD)])
    await here.publisher.publish_drafts(shell_operator("ann"), ["card"], over=[text_revision(BROKEN)])
    assert here.text() == SECOND
    assert (await here.library.old_text("card", text_revision(BROKEN))).text == BROKEN


async def test_a_draft_with_the_changes_taken_in_is_published(machine: Make) -> None:
    here = machine("a", FIRST)
    draft = await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    here.write(THIRD)
    merged = text("second and third")
    with pytest.raises(FlowConflict):
        await here.library.save_draft(
            shell_operator("ann"), "card", merged, over=draft.revision, onto=text_revision(FIRST)
        )
    await here.library.save_draft(
        shell_operator("ann"), "card", merged, over=draft.revision, onto=text_revision(THIRD)
    )
    await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert here.text() == merged


async def test_of_two_writers_on_two_machines_the_second_is_told_of_the_first(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    there.write(THIRD)
    await there.publisher.publish_files(shell_operator("bob"), ["card"])
    # Here the file is still as the writer saw it; in the database it is not.
    with pytest.raises(FlowConflict) as caught:
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert caught.value.kind is ConflictKind.PUBLICATION
    assert str(caught.value) == f"bob published revision {text_revision(THIRD)} of card meanwhile"
    assert here.text() == FIRST


async def test_a_draft_begins_from_what_is_published_where_no_server_took_it_over_yet(
    machine: Make,
) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.publish(SECOND)
    draft = await there.library.save_draft(shell_operator("bob"), "card", THIRD)
    assert (there.text(), draft.began_from) == (SECOND, text_revision(SECOND))
    await there.publisher.publish_drafts(shell_operator("bob"), ["card"])
    await here.upkeep.look()
    assert here.text() == THIRD


async def test_what_was_published_elsewhere_is_not_replaced_by_a_draft_of_a_file_changed_by_hand(
    machine: Make,
) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    there.write(text("by hand"))
    await here.publish(SECOND)
    await there.library.save_draft(shell_operator("bob"), "card", THIRD)
    with pytest.raises(FlowConflict, match="ann published revision"):
        await there.publisher.publish_drafts(shell_operator("bob"), ["card"])
    with pytest.raises(FlowConflict, match="ann published revision"):
        await there.publisher.publish_drafts(shell_operator("bob"), ["card"], over=[text_revision(THIRD)])
    assert there.text() == text("by hand")
    await there.publisher.publish_drafts(shell_operator("bob"), ["card"], over=[text_revision(SECOND)])
    assert there.text() == THIRD


async def test_of_publications_at_the_same_instant_one_is_made(store: Store, machine: Make) -> None:
    machines = [machine(name, FIRST) for name in "abcd"]
    for one in machines:
        one.write(text(one.folder.parent.name))
    results = await asyncio.gather(
        *(one.publisher.publish_files(shell_operator("ann"), ["card"]) for one in machines),
        return_exceptions=True,
    )
    assert sum(isinstance(one, list) for one in results) == 1
    assert sum(isinstance(one, FlowConflict) for one in results) == 3
    async with store.reading() as connection:
        assert len((await connection.execute(select(flow_publications.c.id))).all()) == 1


async def test_a_draft_of_another_operator_is_not_replaced_unless_it_is_named(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    with pytest.raises(FlowConflict, match="ann has a draft of card") as caught:
        await here.library.save_draft(shell_operator("bob"), "card", THIRD)
    assert caught.value.found == text_revision(SECOND)
    with pytest.raises(FlowConflict):
        await here.library.save_draft(shell_operator("bob"), "card", THIRD, over=text_revision(FIRST))
    await here.library.save_draft(shell_operator("bob"), "card", THIRD, over=text_revision(SECOND))
    assert [one.operator for one in await here.library.drafts()] == ["bob"]


async def test_a_draft_that_was_changed_while_it_was_published_is_not_lost(
    store: Store, machine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine("a", FIRST)
    draft = await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    check = FlowPublisher._new_problems

    def change_it_meanwhile(
        self: FlowPublisher, texts: list[Revision], surroundings: Surroundings
    ) -> list[Problem]:
        changed = here.library.save_draft(shell_operator("bob"), "card", THIRD, over=draft.revision)
        asyncio.run_coroutine_threadsafe(changed, loop).result()
        return check(self, texts, surroundings)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(FlowPublisher, "_new_problems", change_it_meanwhile)
    with pytest.raises(FlowConflict, match="was changed meanwhile"):
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert here.text() == FIRST
    assert (await here.library.draft("card")).text == THIRD


async def test_what_is_no_flow_is_kept_as_a_draft_and_not_published(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", BROKEN)
    problems = await here.publisher.check_draft("card")
    assert [problem.what for problem in problems] == ["unknown slot type `hangpu`"]
    assert problems[0].path.endswith("flows/card.yaml")
    with pytest.raises(DocumentError) as caught:
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert list(caught.value.problems) == problems
    assert here.text() == FIRST


async def test_a_text_that_harms_another_flow_is_refused_and_an_old_fault_elsewhere_is_not(
    machine: Make,
) -> None:
    here = machine("a", FIRST)
    here.write(text("front", "front", "  - {slot: destination, internal: card}\n"), "front.yaml")
    here.write(text("faulty", "faulty", "  - {slot: hangpu}\n"), "faulty.yaml")
    await here.library.save_draft(shell_operator("ann"), "card", text("renamed", "card2"))
    with pytest.raises(DocumentError, match="there is no app `card`"):
        await here.publisher.publish_drafts(shell_operator("ann"), ["card.yaml"])
    await here.library.discard_draft(shell_operator("ann"), "card.yaml")
    await here.publish(SECOND)
    assert here.text() == SECOND


async def test_flows_that_need_each_other_are_published_together_or_not_at_all(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.library.save_draft(shell_operator("ann"), "card", text("to pay", slots=TO_PAY))
    await here.library.save_draft(shell_operator("ann"), "pay", text("pay", "pay"))
    with pytest.raises(DocumentError, match="there is no app `pay`"):
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    here.write(THIRD)
    with pytest.raises(FlowConflict):
        await here.publisher.publish_drafts(shell_operator("ann"), ["pay", "card"])
    assert here.text("pay.yaml") is None
    here.write(FIRST)
    made = await here.publisher.publish_drafts(shell_operator("ann"), ["pay", "card"])
    assert [one.file for one in made] == ["pay.yaml", "card.yaml"]
    await here.reload()
    assert here.book.apps() == ("card", "pay")


TO_PAY = "  - {slot: destination, internal: pay}\n"


async def test_a_roll_back_publishes_the_text_before_and_is_taken_over_too(machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await here.publish(SECOND)
    made = await here.publisher.roll_back(shell_operator("bob"), "card", text="too loud")
    await there.upkeep.look()
    assert (made.kind, made.revision, made.replaced) == (
        "roll_back",
        text_revision(FIRST),
        text_revision(SECOND),
    )
    assert (here.text(), there.text()) == (FIRST, FIRST)
    with pytest.raises(Refused, match="was rolled back last; name the revision"):
        await here.publisher.roll_back(shell_operator("bob"), "card")
    await here.publisher.roll_back(shell_operator("bob"), "card", text_revision(SECOND)[:6])
    assert here.text() == SECOND


async def test_a_roll_back_undoes_a_change_by_hand_that_was_in_service(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.publish(SECOND)
    here.write(THIRD)
    await here.reload()
    await here.publisher.roll_back(shell_operator("bob"), "card")
    assert here.text() == SECOND


async def test_a_roll_back_does_not_lose_a_text_on_disk_that_never_ran(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.publish(SECOND)
    here.write(BROKEN)
    await here.reload()
    with pytest.raises(FlowConflict) as caught:
        await here.publisher.roll_back(shell_operator("bob"), "card")
    assert caught.value.found == text_revision(BROKEN)
    await here.publisher.roll_back(shell_operator("bob"), "card", over=[text_revision(BROKEN)])
    assert here.text() == SECOND
    assert (await here.library.old_text("card", text_revision(BROKEN))).text == BROKEN


async def test_a_text_that_is_published_already_is_refused(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.publish(SECOND)
    with pytest.raises(Refused, match="and it is published"):
        await here.publisher.publish_files(shell_operator("ann"), ["card"])


async def test_the_history_has_every_publication_and_every_text_that_ran_from_the_disk(machine: Make) -> None:
    here = machine("a", FIRST)
    await here.upkeep.look()
    await here.publish(SECOND)
    await here.upkeep.look()
    here.write(THIRD)
    await here.reload()
    await here.publisher.roll_back(shell_operator("bob"), "card", text_revision(FIRST), "as it was")
    page = await here.library.history("card", PageRequest(10))
    assert page.next is None
    entries = page.items
    assert [(one.how, one.revision, one.operator, one.note) for one in entries] == [
        (How.ROLLED_BACK, text_revision(FIRST), "bob", "as it was"),
        (How.ON_DISK, text_revision(THIRD), None, ""),
        (How.PUBLISHED, text_revision(SECOND), "ann", ""),
        (How.ON_DISK, text_revision(FIRST), None, ""),
    ]
    first = await here.library.history("card", PageRequest(3))
    assert first.next is not None
    rest = await here.library.history("card", PageRequest(3, first.next))
    assert ([*first.items, *rest.items], rest.next) == (entries, None)


async def test_every_text_that_ran_is_kept_though_the_database_was_away_while_it_did(
    store: Store, machine: Make
) -> None:
    here = machine("a", FIRST)
    for content in (SECOND, BROKEN, THIRD):
        here.write(content)
        here.book.reload()
    await here.upkeep.look()
    for content in (FIRST, SECOND, THIRD):
        assert (await here.library.old_text("card", text_revision(content))).text == content
    with pytest.raises(Refused, match="has no revision"):
        await here.library.old_text("card", text_revision(BROKEN))
    async with store.reading() as connection:
        assert [one.revision for one in await last_good(connection)] == [text_revision(THIRD)]


async def test_the_list_shows_what_each_living_server_has_in_service(store: Store, machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", SECOND)
    async with store.writing() as connection:
        for run in ("a#1", "b#1"):
            await see_server(connection, run, 10**9)
    for one in (here, there):
        await one.upkeep.look()
    here.write(BROKEN)
    await here.reload()
    (state,) = await here.library.states(10**9)
    assert (state.app, state.file, state.revision) == ("card", "card.yaml", text_revision(BROKEN))
    on_a, on_b = state.servers
    assert on_a.server == "a"
    assert on_a.revision == text_revision(FIRST)
    assert "unknown slot type" in on_a.problem
    assert on_b == ServerFlow("b", "card.yaml", "card", text_revision(SECOND), "")
    await there.upkeep.leave()
    (state,) = await here.library.states(10**9)
    assert [one.server for one in state.servers] == ["a"]


async def test_what_a_run_that_is_over_had_in_service_is_forgotten(store: Store, machine: Make) -> None:
    here, there = machine("a", FIRST), machine("b", FIRST)
    await there.upkeep.look()
    async with store.writing() as connection:
        await see_server(connection, "a#1", 10**9)
    await here.upkeep.look()
    async with store.reading() as connection:
        runs = await connection.execute(select(flows_in_service.c.run))
        assert runs.scalars().all() == ["a#1"]


async def test_a_server_whose_clock_is_a_little_behind_makes_no_change_by_hand_of_a_publication(
    store: Store, machine: Make
) -> None:
    here = machine("a", FIRST)
    await here.publish(SECOND)
    async with store.writing() as connection:
        made = await newest_of(connection, "card.yaml")
        assert made is not None
        await keep(connection, [Revision("card.yaml", "card", made.revision, SECOND)], made.at_ms - 3000)
    page = await here.library.history("card", PageRequest(10))
    assert [one.how for one in page.items] == [How.PUBLISHED]


async def test_a_link_is_not_replaced_by_a_file(machine: Make) -> None:
    here = machine("a", None)
    here.write(FIRST, ".real.yaml")
    (here.folder / "card.yaml").symlink_to(".real.yaml")
    await here.library.save_draft(shell_operator("ann"), "card", SECOND)
    with pytest.raises(DocumentError, match="is a link, and links are not replaced"):
        await here.publisher.publish_drafts(shell_operator("ann"), ["card"])
    assert (here.folder / "card.yaml").is_symlink()


async def test_a_published_file_keeps_the_permissions_of_the_one_before(machine: Make) -> None:
    here = machine("a", FIRST)
    (here.folder / "card.yaml").chmod(0o640)
    await here.publish(SECOND)
    assert (here.folder / "card.yaml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"app: \xff", "not UTF-8"), (b"app: a\0", "NUL"), (b"# " + b"x" * 1_000_000, "larger than")],
)
async def test_a_text_that_cannot_be_kept_is_refused(machine: Make, content: bytes, what: str) -> None:
    with pytest.raises(Refused, match=what):
        await machine("a", FIRST).library.save_draft(shell_operator("ann"), "card", content)


@pytest.mark.parametrize("name", ["../card", "a/b.yaml", ".hidden.yaml", "x.test.yaml", "a\nb"])
async def test_a_draft_is_of_a_file_that_would_be_read_as_a_flow(machine: Make, name: str) -> None:
    with pytest.raises(Refused):
        await machine("a", FIRST).library.save_draft(shell_operator("ann"), name, SECOND)


def test_a_text_staged_for_a_new_file_does_not_replace_one_that_came_meanwhile(tmp_path: Path) -> None:
    file = FlowFile(tmp_path, "card.yaml")
    with file.staged(SECOND) as staged:
        file.path.write_bytes(THIRD)
        assert staged.put(None) is False
    with file.staged(SECOND) as staged:
        assert staged.put(text_revision(FIRST)) is False
        assert staged.put(text_revision(THIRD)) is True
    assert file.text() == SECOND
