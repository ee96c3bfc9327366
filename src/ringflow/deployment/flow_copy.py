"""A flow of one's own from one that comes with Ringflow: its text and its scenarios, under another name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringflow.accounts.dids import APP_PATTERN, MAX_APP_LENGTH
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.deployment.shipped_files import FLOWS, is_shipped_flow, shipped
from ringflow.documents import Document, Location, Value, decode_document
from ringflow.errors import Conflict, Refused, StartError, Unknown
from ringflow.flows.draft import Draft
from ringflow.flows.folder import SCENARIO_SUFFIX, FlowFolder
from ringflow.flows.registry import slot_types
from ringflow.flows.slot import APP_PREFIX
from ringflow.wording import did_you_mean, known_words, quoted


@dataclass(frozen=True, slots=True)
class CopiedFlow:
    """What was written. `prompts` are those that the flow plays from the library."""

    app: str
    files: tuple[Path, ...]
    prompts: frozenset[str]


@dataclass(frozen=True, slots=True)
class FlowTemplate:
    """A shipped flow. `apps` are the shipped flows that it leads to."""

    name: str
    title: str
    apps: tuple[str, ...]


def templates() -> list[FlowTemplate]:
    """The shipped flows, by name. It reads files: call it in a thread."""
    beside = _by_app(shipped(FLOWS))
    flows = {app: draft for app, draft in beside.items() if is_shipped_flow(Path(draft.path))}
    return [
        FlowTemplate(app, _title(draft), tuple(_led_to(app, flows))) for app, draft in sorted(flows.items())
    ]


async def add_flow(actor: Actor, name: str, source: str, folder: Path) -> CopiedFlow:
    """Copy a shipped flow as `copy_flow` does, with its entry in the audit log."""
    made = await asyncio.to_thread(copy_flow, name, source, folder)
    files = [path.name for path in made.files]
    await note(actor, Verb.ADD, f"flow {name}", None, {"template": source, "files": files})
    return made


def copy_flow(name: str, source: str, folder: Path) -> CopiedFlow:
    """Write the shipped flow `source` and its scenarios into `folder` as the app `name`.

    Shipped apps that it leads to come along under their own names, where the folder has none of that name.
    Nothing that is there is replaced. Raises `Refused` for a name that cannot be one, is taken, or is not
    shipped, `StartError` for a folder that cannot be written.
    """
    if not re.fullmatch(APP_PATTERN, name) or len(name) > MAX_APP_LENGTH:
        what = f"no app can be called {quoted(name)}; use at most {MAX_APP_LENGTH} letters, digits, - and _"
        raise Refused("flow.malformed_name", what, flow=name, most=MAX_APP_LENGTH)
    beside = _by_app(shipped(FLOWS))
    flows = {app: draft for app, draft in beside.items() if is_shipped_flow(Path(draft.path))}
    if source not in flows:
        mend = did_you_mean(source, flows, f"shipped are {known_words(flows)}")
        raise Unknown("flow.not_shipped", f"no flow {quoted(source)} is shipped; {mend}", flow=source)
    if not folder.is_dir():
        raise StartError(f"there is no folder {folder}; `ringflow init` makes it")
    here = _by_app(folder)
    wanted = {name: source} | {app: app for app in _led_to(source, flows) if app not in here}
    texts = [one for new, old in wanted.items() for one in _texts(new, old, flows[old])]
    files = [folder / file for file, _ in texts]
    taken = [Path(here[name].path)] if name in here else [file for file in files if _is_there(file)]
    if taken:
        what = f"{taken[0]} is there already, and stays; choose another name"
        raise Conflict("flow.name_taken", what, flow=name, path=str(taken[0]))
    for file, (_, text) in zip(files, texts, strict=True):
        _write(file, text)
    slots = [slot for app in wanted.values() for slot in flows[app].slots if slot is not None]
    return CopiedFlow(name, tuple(files), frozenset(one for slot in slots for _, one in slot.prompts()))


def _title(draft: Draft) -> str:
    found = draft.document.at(("title",))
    return found if isinstance(found, str) else ""


def _by_app(folder: Path) -> dict[str, Draft]:
    drafts, _ = FlowFolder(folder, slot_types()).drafts()
    return {draft.app: draft for draft in drafts.values() if draft.app is not None}


def _led_to(source: str, flows: Mapping[str, Draft]) -> list[str]:
    """The shipped apps that a flow leads to, directly or by others; without itself."""
    found = [source]
    for app in found:
        led = {one for slot in flows[app].slots if slot is not None for one in slot.apps()}
        found += sorted(led & flows.keys() - set(found))
    return found[1:]


def _texts(new: str, old: str, draft: Draft) -> Iterator[tuple[str, bytes]]:
    """The files of a flow under another name: the flow, and its scenarios where it has some."""
    path = Path(draft.path)
    yield f"{new}.yaml", _renamed(path.read_bytes(), path.name, old, new)
    scenarios = path.with_name(path.stem + SCENARIO_SUFFIX)
    if scenarios.is_file():
        yield f"{new}{SCENARIO_SUFFIX}", _renamed(scenarios.read_bytes(), scenarios.name, old, new)


def _renamed(raw: bytes, shown_as: str, old: str, new: str) -> bytes:
    """The text with another name where it names its app; all else stays, comments too."""
    document = decode_document(raw, shown_as)
    lines = raw.decode("utf-8").split("\n")
    # From the end, so that places before a change stay right.
    for line, column in sorted(_named(document, old), reverse=True):
        text = lines[line - 1]
        lines[line - 1] = text[: column - 1] + text[column - 1 :].replace(old, new, 1)
    return "\n".join(lines).encode("utf-8")


def _named(document: Document, app: str) -> Iterator[tuple[int, int]]:
    """Where a document names an app: as `app`, as a slot's `call`, or in a target."""
    for location, value in _scalars(document.value, ()):
        by_key = value == app and location[-1:] in (("app",), ("call",), ("internal",))
        if by_key or value == f"{APP_PREFIX}{app}":
            yield document.place(location)


def _scalars(value: Value, location: Location) -> Iterator[tuple[Location, Value]]:
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _scalars(inner, (*location, step))
    else:
        yield location, value


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _write(path: Path, text: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(text)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from error
