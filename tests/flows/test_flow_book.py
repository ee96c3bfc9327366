"""The flows in service: reloading never makes anything worse, and never stops."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ringflow.documents import MAX_DOCUMENT_BYTES
from ringflow.flows.book import FlowBook
from ringflow.flows.folder import MAX_FLOWS_BELOW
from ringflow.flows.slot import Slot

PLAY = "  - {slot: audio, file: MISC/error}\n"
DIAL = "  - {slot: destination, external: '${number|100}'}\n"
DIAL_CERTAIN = "  - {slot: destination, external: '${number}'}\n"
BROKEN = "  - {slot: audio, fil: MISC/error}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "app_flows"
    path.mkdir()
    return path


def write(folder: Path, name: str, slots: str, app: str | None = None) -> None:
    # Written beside and renamed, as editors do: a reader sees the old file or the new one.
    beside = folder / f".{name}.new"
    beside.write_text(f"app: {app or name.partition('.')[0]}\nslots:\n{slots}")
    beside.replace(folder / name)


def to(app: str) -> str:
    return f"  - {{slot: destination, internal: {app}}}\n"


def first_slot(book: FlowBook, app: str) -> Slot:
    flow = book.get(app)
    assert flow is not None
    return flow.slots[0]


def told(book: FlowBook) -> list[str]:
    return [Path(problem.path).name + ": " + problem.what for problem in book.problems]


def test_the_yaml_files_of_a_folder_are_flows_but_scenarios_and_hidden_files_are_not(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    write(folder, "a.test.yaml", BROKEN)
    write(folder, ".hidden.yaml", BROKEN)
    (folder / "deeper.yaml").mkdir()
    (folder / "flow.schema.json").write_text("{}")
    book = FlowBook.load(folder)
    assert book.apps() == ("a",)
    assert book.problems == ()


def test_a_revision_is_the_beginning_of_the_files_sha_256(folder: Path) -> None:
    (folder / "a.yaml").write_text("app: a\nslots:\n  - slot: hangup\n")
    flow = FlowBook.load(folder).get("a")
    assert flow is not None
    assert flow.revision == "70ed70d2c4f7"


def test_a_file_called_yml_is_told_instead_of_passed_over(folder: Path) -> None:
    for name in ("a.yml", "b.YAML", "c.yaml~", "#d.yaml#", ".e.yaml"):
        write(folder, name, PLAY)
    assert told(FlowBook.load(folder)) == [
        f"{name}: is not read: flow files end in .yaml" for name in ("a.yml", "b.YAML")
    ]


def test_flows_in_folders_within_the_folder_are_told_instead_of_passed_over(folder: Path) -> None:
    for name in ("uk", "uk/deep", ".old", "empty"):
        (folder / name).mkdir()
    write(folder, "a.yaml", PLAY)
    for name in ("uk/b.yaml", "uk/c.YML", "uk/d.test.yaml", "uk/.e.yaml", "uk/deep/f.yaml", ".old/g.yaml"):
        (folder / name).write_text(PLAY)
    book = FlowBook.load(folder)
    assert book.apps() == ("a",)
    assert told(book) == [
        f"{name}: is not read: flow files in folders of their own are not"
        for name in ("b.yaml", "c.YML", "f.yaml")
    ]
    problem = str(book.problems[0]).removeprefix(f"{folder}/")
    assert problem.endswith(f"(move it to {folder}, or begin its folder's name with a dot)")


def test_of_many_flows_in_folders_within_the_folder_the_first_are_told(folder: Path) -> None:
    (folder / "old").mkdir()
    for number in range(MAX_FLOWS_BELOW + 1):
        (folder / "old" / f"{number}.yaml").write_text(PLAY)
    assert len(told(FlowBook.load(folder))) == MAX_FLOWS_BELOW


def test_a_broken_file_leaves_the_others_in_service(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    write(folder, "b.yaml", BROKEN)
    book = FlowBook.load(folder)
    assert book.apps() == ("a",)
    assert told(book) == ["b.yaml: unknown key `fil`"]


def test_a_flow_that_leads_to_a_broken_one_does_not_start_either(folder: Path) -> None:
    write(folder, "a.yaml", to("b"))
    write(folder, "b.yaml", BROKEN)
    book = FlowBook.load(folder)
    assert book.apps() == ()
    assert told(book)[0] == "a.yaml: there is no app `b`"


def test_a_new_revision_replaces_the_old_one_and_a_call_keeps_its_own(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    in_call = book.get("a")
    write(folder, "a.yaml", DIAL)
    changes = book.reload()
    assert [flow.app for flow in changes.loaded] == ["a"]
    assert first_slot(book, "a").slot == "destination"
    assert in_call is not None
    assert in_call.slots[0].slot == "audio"


def test_a_reload_without_changes_changes_nothing(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    before = book.get("a")
    changes = book.reload()
    assert (changes.loaded, changes.removed, changes.problems) == ((), (), ())
    assert book.get("a") is before


def test_a_broken_revision_does_not_replace_a_good_one_until_it_is_mended(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    before = book.get("a")
    for text in (BROKEN, PLAY + "\n  - {", "  - {slot: audio, file: F, id: x, on: {done: x}}\n"):
        write(folder, "a.yaml", text)
        assert book.reload().loaded == ()
        assert book.get("a") is before
        assert book.problems
    write(folder, "a.yaml", DIAL)
    book.reload()
    assert first_slot(book, "a").slot == "destination"
    assert book.problems == ()


def test_a_revision_that_makes_another_flow_faulty_waits(folder: Path) -> None:
    write(folder, "card.yaml", to("pay"))
    write(folder, "pay.yaml", DIAL)
    book = FlowBook.load(folder)
    write(folder, "pay.yaml", DIAL, app="payment")
    book.reload()
    assert book.apps() == ("card", "pay")
    assert told(book) == ["card.yaml: there is no app `pay`"]
    write(folder, "card.yaml", to("payment"))
    book.reload()
    assert book.apps() == ("card", "payment")
    assert book.problems == ()


def test_a_harmless_change_is_taken_while_a_harmful_one_waits(folder: Path) -> None:
    write(folder, "card.yaml", to("pay"))
    write(folder, "pay.yaml", DIAL)
    write(folder, "other.yaml", PLAY)
    book = FlowBook.load(folder)
    write(folder, "pay.yaml", DIAL, app="payment")
    write(folder, "other.yaml", DIAL)
    book.reload()
    assert book.apps() == ("card", "other", "pay")
    assert first_slot(book, "other").slot == "destination"


def test_a_revision_that_needs_a_variable_nobody_sets_waits(folder: Path) -> None:
    write(folder, "card.yaml", to("pay"))
    write(folder, "pay.yaml", DIAL)
    book = FlowBook.load(folder)
    before = book.get("pay")
    write(folder, "pay.yaml", DIAL_CERTAIN)
    book.reload()
    assert book.get("pay") is before
    assert len(book.problems) == 1


def test_a_second_file_with_the_name_of_an_app_in_service_does_not_push_it_out(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    before = book.get("a")
    write(folder, "b.yaml", DIAL, app="a")
    book.reload()
    assert book.get("a") is before
    assert len(book.problems) == 2


def test_an_app_may_move_from_one_file_to_another(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    (folder / "a.yaml").rename(folder / "b.yaml")
    book.reload()
    flow = book.get("a")
    assert flow is not None
    assert Path(flow.path).name == "b.yaml"
    assert book.problems == ()


def test_deleting_a_file_removes_its_app_and_tells_who_led_to_it(folder: Path) -> None:
    write(folder, "card.yaml", to("pay"))
    write(folder, "pay.yaml", DIAL)
    book = FlowBook.load(folder)
    (folder / "pay.yaml").unlink()
    assert book.reload().removed == ("pay",)
    assert book.apps() == ("card",)
    assert told(book) == ["card.yaml: there is no app `pay`"]


def test_a_fault_that_was_there_before_does_not_hold_other_changes_up(folder: Path) -> None:
    write(folder, "card.yaml", to("pay"))
    write(folder, "pay.yaml", DIAL)
    book = FlowBook.load(folder)
    (folder / "pay.yaml").unlink()
    book.reload()
    write(folder, "other.yaml", PLAY)
    book.reload()
    assert book.apps() == ("card", "other")


def test_a_file_that_cannot_be_read_keeps_its_flow(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to(folder / "nowhere")
    book.reload()
    assert book.apps() == ("a",)
    assert told(book) == ["a.yaml: cannot be read: No such file or directory"]


def test_a_link_that_leads_out_of_the_folder_is_refused_and_nothing_of_its_file_is_shown(
    folder: Path,
) -> None:
    secret = folder.parent / "secrets.yaml"
    secret.write_text("password: tulip-4471\n", "utf-8")
    (folder / "a.yaml").symlink_to(secret)
    (folder / "b.yaml").symlink_to(Path("..") / "secrets.yaml")
    write(folder, "c.yaml", PLAY)
    (folder / "d.yaml").symlink_to("d.yaml")
    book = FlowBook.load(folder)
    assert book.apps() == ("c",)
    assert told(book)[:2] == [
        "a.yaml: is a link that leads out of its folder",
        "b.yaml: is a link that leads out of its folder",
    ]
    assert told(book)[2].startswith("d.yaml: cannot be read: ")
    assert "tulip" not in str(book.problems)
    assert "secrets" not in str(book.problems)


def test_a_file_of_more_than_a_megabyte_is_refused_before_it_is_parsed(folder: Path) -> None:
    write(folder, "a.yaml", PLAY + "# " + "x" * MAX_DOCUMENT_BYTES + "\n")
    book = FlowBook.load(folder)
    assert told(book) == ["a.yaml: larger than 1000000 bytes"]


def test_a_folder_that_is_gone_keeps_all_flows(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    shutil.rmtree(folder)
    book.reload()
    assert book.apps() == ("a",)
    assert told(book) == ["app_flows: cannot be read: No such file or directory"]


def test_a_broken_revision_behind_a_link_does_not_replace_a_good_one(folder: Path) -> None:
    for revision, slots in (("1", PLAY), ("2", "  - {slot: adio}\n"), ("3", PLAY + PLAY)):
        (folder / f"..{revision}").mkdir()
        write(folder / f"..{revision}", "a.yaml", slots)
    (folder / "..data").symlink_to("..1")
    (folder / "a.yaml").symlink_to("..data/a.yaml")
    whole = folder.with_name("current")
    whole.symlink_to(folder / "..1")
    books = FlowBook.load(folder), FlowBook.load(whole)
    for revision, slots_in_service, problems in (("2", 1, 1), ("3", 2, 0)):
        for link in (folder / "..data", whole):
            (folder / "..new").symlink_to(folder / f"..{revision}")
            (folder / "..new").replace(link)
        for book in books:
            book.reload()
            flow = book.get("a")
            assert flow is not None
            assert (len(flow.slots), len(book.problems)) == (slots_in_service, problems)


def test_a_book_with_other_flows_leaves_the_first_one_as_it_was(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    write(folder, "b.yaml", PLAY)
    book = FlowBook.load(folder)
    write(folder, "b.yaml", DIAL)
    other = FlowBook.load(folder).get("b")
    assert other is not None
    both = book.with_flows([other])
    assert both.apps() == ("a", "b")
    assert first_slot(both, "b").slot == "destination"
    assert first_slot(book, "b").slot == "audio"
    assert both.reload().removed == ()
    assert both.apps() == ("a", "b")


def test_a_problem_is_logged_once_and_each_revision_too(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    with capture_logs() as logs:
        book = FlowBook.load(folder)
        write(folder, "a.yaml", "  - {slot: audio}\n")
        book.reload()
        book.reload()
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("info", "flow loaded"),
        ("warning", "flow problem"),
    ]
    assert logs[1]["problem"].endswith("a.yaml:3:5: `file` is missing (add `file:`)")


@asynccontextmanager
async def watching(book: FlowBook) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(book.watch(stop))
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        stop.set()
        await task


async def until(true: Callable[[], bool]) -> None:
    # The file system has no clock of ours, and tells nobody in the test.
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_the_watch_takes_changes_new_files_and_deletions(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    async with watching(book):
        write(folder, "a.yaml", DIAL)
        await until(lambda: first_slot(book, "a").slot == "destination")
        write(folder, "b.yaml", PLAY)
        await until(lambda: book.apps() == ("a", "b"))
        (folder / "a.yaml").unlink()
        await until(lambda: book.apps() == ("b",))
        write(folder, "b.yaml", BROKEN)
        await until(lambda: bool(book.problems))
        assert book.apps() == ("b",)


async def test_the_watch_survives_the_folder_being_replaced(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    async with watching(book):
        shutil.rmtree(folder)
        await until(lambda: bool(book.problems))
        assert book.apps() == ("a",)
        folder.mkdir()  # noqa: ASYNC240 -- a local folder
        write(folder, "b.yaml", PLAY)
        await until(lambda: book.apps() == ("b",))
        write(folder, "b.yaml", DIAL)
        await until(lambda: first_slot(book, "b").slot == "destination")
        assert book.problems == ()


async def test_the_watch_stands_on_another_folder_moved_into_its_place(folder: Path) -> None:
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder)
    second = folder.parent / "second"
    second.mkdir()
    write(second, "b.yaml", PLAY)
    async with watching(book):
        folder.rename(folder.parent / "first")  # noqa: ASYNC240 -- a local folder
        second.rename(folder)
        await until(lambda: book.apps() == ("b",))


async def test_a_fault_while_reloading_is_logged_and_the_watch_goes_on(folder: Path) -> None:
    class Prompts:
        faulty = False

        def exists(self, name: str) -> bool:
            if self.faulty:
                raise RuntimeError("the disk is on fire")
            return True

        def suggest(self, name: str) -> tuple[str, ...]:
            return ()

    prompts = Prompts()
    write(folder, "a.yaml", PLAY)
    book = FlowBook.load(folder, prompts=prompts)
    with capture_logs() as logs:
        prompts.faulty = True
        async with watching(book):
            await until(lambda: any(entry["event"] == "watching flows failed" for entry in logs))
            prompts.faulty = False
            write(folder, "b.yaml", PLAY)
            await until(lambda: book.apps() == ("a", "b"))


async def test_the_watch_ends_when_it_is_cancelled(folder: Path) -> None:
    book = FlowBook.load(folder)
    task = asyncio.create_task(book.watch(asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
