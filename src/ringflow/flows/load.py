"""From YAML to flows: each slot checked against its type, all problems at once with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ringflow import config
from ringflow.accounts.dids import APP_PATTERN
from ringflow.accounts.value_lists.list_name import NAME_PATTERN as LIST_NAME_PATTERN
from ringflow.calendars.names import FILE_PATTERN
from ringflow.calendars.names import NAME_PATTERN as CALENDAR_PATTERN
from ringflow.documents import Document, Location, Value, decode_document
from ringflow.errors import DocumentError, Problem, ProblemCode
from ringflow.flows.draft import Draft
from ringflow.flows.flow import ON_HANGUP, Flow
from ringflow.flows.follow_on import HELD_KEYS_PATTERN
from ringflow.flows.header import MAX_SLOTS, ON_ERROR_PATTERN, AppSettings, FlowHeader, SlotDefaults
from ringflow.flows.key_options import OPTION_PATTERN
from ringflow.flows.remains import remains_type, without
from ringflow.flows.revisions import text_revision
from ringflow.flows.slot import (
    ANSWER_PATH_PATTERN,
    DIGITS_PATTERN,
    KEYS_PATTERN,
    ONE_KEY_PATTERN,
    PATH_PATTERN,
    PRINTABLE_PATTERN,
    PROMPT_PATTERN,
    STATE_PATTERN,
    TARGET_PATTERN,
    VARIABLE_PATTERN,
    Slot,
)
from ringflow.flows.variable_prompt import VARIABLE_PROMPT_PATTERN
from ringflow.look_alikes import joined_text
from ringflow.validation import check_model, wrong_locations
from ringflow.wording import did_you_mean, known_words, no_value, quoted

RESERVED_IDS = frozenset({"next", "hangup"})
"""Targets of `on:` that are not slots."""
_TYPE_KEYS = frozenset({"type", "kind", "module", "action", "name", "step"})
"""Keys under which other systems have the type of a step."""

_NAME_MEND = "use letters, digits, - and _, beginning with a letter or digit"
PATTERN_MENDS = {
    PROMPT_PATTERN: "a prompt is named as in IVR/ivr-please, without an extension",
    VARIABLE_PATTERN: "use small letters, digits and _, beginning with a letter",
    ON_ERROR_PATTERN: "name a slot's id or app:NAME",
    ANSWER_PATH_PATTERN: "name status, body or a part of it such as body.order.id, or such as headers.etag",
    PATH_PATTERN: "name a variable, as in order, or a part of it, as in order.items.0",
    TARGET_PATTERN: "name a slot's id, app:NAME, return:EXIT, next or hangup",
    APP_PATTERN: _NAME_MEND,
    DIGITS_PATTERN: "write digits only",
    OPTION_PATTERN: "keys are 0-9 * #, at most 8 of them",
    KEYS_PATTERN: "keys are 0-9 * #",
    ONE_KEY_PATTERN: "write one key: 0-9 * or #",
    HELD_KEYS_PATTERN: 'write "*", "#" or "*#"',
    STATE_PATTERN: "use small letters, digits, - and _, beginning with a letter",
    CALENDAR_PATTERN: "use letters, digits, - and _, beginning with a letter or digit",
    FILE_PATTERN: "name a file in the folder of calendars, such as england.ics",
    LIST_NAME_PATTERN: "a list is named by small letters, digits, - and _, beginning with a letter",
    VARIABLE_PROMPT_PATTERN: "name a prompt with a variable in it, as in IVR/${department}",
    PRINTABLE_PATTERN: "use the letters, digits and signs of ASCII",
    **{
        pattern: config.PATTERN_MENDS[pattern]
        for pattern in (config.LANGUAGE_PATTERN, config.NAME_PATTERN, config.VOICE_PATTERN)
    },
}
"""What the regular expressions of slots' fields ask for, in words."""


def draft_from_bytes(raw: bytes, types: Mapping[str, type[Slot]], name: str) -> Draft:
    """The draft of a flow file's bytes."""
    revision = text_revision(raw)
    try:
        document = decode_document(raw, name)
    except DocumentError as error:
        return unreadable_draft(name, error)
    draft = _draft(document, (), document.value, types, revision)
    if not document.problems:
        return replace(draft, raw=raw)
    return replace(draft, problems=(*document.problems, *draft.problems), flow=None, raw=raw)


def unreadable_draft(name: str, error: DocumentError) -> Draft:
    """What stands for a file that could not be read at all."""
    return Draft(Document(name, None, {}), (), (), None, (), (), error.problems, None)


def draft_from_value(
    document: Document, location: Location, types: Mapping[str, type[Slot]], default_app: str
) -> Draft:
    """The draft of a flow inside another file: a mapping as in a flow file, or just the list of its slots.

    Where `app` is missing, it is `default_app`.
    """
    value = document.at(location)
    revision = text_revision(repr(value).encode("utf-8", "replace"))
    if isinstance(value, list):
        value = {"app": default_app, "slots": value}
        return _draft(document, location, value, types, revision, slots_at=location)
    if isinstance(value, dict):
        value = {"app": default_app, **value}
    return _draft(document, location, value, types, revision)


def _draft(
    document: Document,
    location: Location,
    value: Value,
    types: Mapping[str, type[Slot]],
    revision: str,
    slots_at: Location | None = None,
) -> Draft:
    slots_at = (*location, "slots") if slots_at is None else slots_at
    homes = {key: "in a slot, indented" for kind in types.values() for key in kind.model_fields}
    header, problems = check_model(FlowHeader, document, value, location, PATTERN_MENDS, homes)
    written = value if isinstance(value, dict) else {}
    # Fields of a slot that are not indented are reported as such, and not as missing in it.
    strays = {f"`{key}` is missing" for key in written.keys() & homes.keys()}
    defaults = _defaults(document, written, location)
    read = _read_slots(document, slots_at, written.get("slots"), types, defaults)
    problems += [problem for problem in read.problems if problem.what not in strays]
    app = written.get("app")
    if header is not None:
        problems += [
            document.problem((*location, one.field), one.what, one.mend, code=ProblemCode.CONTRADICTION)
            for one in header.problems()
        ]
    settings = header.settings() if header is not None else _settings(document, written, location)
    name = app if isinstance(app, str) else None
    after = None
    if "on_hangup" in written:
        last_at = (*location, "on_hangup")
        last = _read_slots(document, last_at, written["on_hangup"], types, defaults)
        problems += last.problems
        # There a slot that fails leads nowhere.
        own = settings and settings.model_copy(update={"on_error": None})
        after = last.draft(document, location, last_at, name and f"{name} {ON_HANGUP}", own)
    flow = None
    if header is not None and settings is not None and not problems:
        flow = Flow(header.app, header.title, read.whole, document.path, revision, settings)
        if after is not None:
            flow = replace(flow, on_hangup=replace(flow, slots=last.whole, label_prefix=ON_HANGUP))
    draft = read.draft(document, location, slots_at, name, settings)
    return replace(draft, problems=tuple(problems), flow=flow, on_hangup=after)


@dataclass(frozen=True, slots=True)
class _ReadSlots:
    """A list of slots: None where one has problems, and in `remains` what it would be without them."""

    slots: tuple[Slot | None, ...]
    ids: tuple[str | None, ...]
    remains: Mapping[int, Slot]
    problems: tuple[Problem, ...]

    @property
    def whole(self) -> tuple[Slot, ...]:
        """Those without problems."""
        return tuple(slot for slot in self.slots if slot is not None)

    def draft(
        self,
        document: Document,
        location: Location,
        slots_at: Location,
        app: str | None,
        settings: AppSettings | None,
    ) -> Draft:
        """A draft with these slots, of which only their problems are known."""
        parts = (self.slots, self.ids, self.problems, None, self.remains)
        return Draft(document, location, slots_at, app, *parts, settings=settings)


def _read_slots(
    document: Document,
    slots_at: Location,
    listed: Value,
    types: Mapping[str, type[Slot]],
    defaults: Mapping[str, Value],
) -> _ReadSlots:
    raw_slots = listed[:MAX_SLOTS] if isinstance(listed, list) else []
    slots: list[Slot | None] = []
    remains: dict[int, Slot] = {}
    problems: list[Problem] = []
    for index, raw in enumerate(raw_slots):
        slot, found = _slot(document, (*slots_at, index), raw, types, defaults)
        slots.append(None if found else slot)
        if found and slot is not None:
            remains[index] = slot
        problems += found
    ids = tuple(_id_of(raw) for raw in raw_slots)
    problems += _id_problems(document, slots_at, ids)
    return _ReadSlots(tuple(slots), ids, remains, tuple(problems))


def _defaults(document: Document, written: dict[str, Value], location: Location) -> Mapping[str, Value]:
    """The app's defaults for slots as they are written, less what is wrong in them."""
    value = written.get("defaults")
    if not isinstance(value, dict):
        return {}
    at = (*location, "defaults")
    wrong = wrong_locations(SlotDefaults, document, value, at)
    return {key: one for key, one in value.items() if (*at, key) not in wrong and one is not None}


def _settings(document: Document, written: dict[str, Value], location: Location) -> AppSettings | None:
    """What is said of the app as a whole, where the file has problems elsewhere."""
    said = {key: value for key, value in written.items() if key in AppSettings.model_fields}
    return check_model(AppSettings, document, said, location)[0]


def _slot(
    document: Document,
    location: Location,
    raw: Value,
    types: Mapping[str, type[Slot]],
    defaults: Mapping[str, Value],
) -> tuple[Slot | None, list[Problem]]:
    """The slot, or what remains of it without its problems; and these."""
    known = f"slot types: {known_words(types)}"
    if isinstance(raw, str) and (words := joined_text(raw)) is not None:
        return None, [document.problem(location, *words, code=ProblemCode.SYNTAX)]
    if not isinstance(raw, dict):
        return None, [
            document.problem(
                location, f"a slot must be a mapping, not {quoted(raw)}", known, code=ProblemCode.VALUE_WRONG
            )
        ]
    kind = raw.get("slot")
    if "slot" not in raw:
        return None, [_no_type(document, location, raw, types)]
    if not isinstance(kind, str) or kind not in types:
        near = did_you_mean(kind, types) if isinstance(kind, str) else ""
        mend = f"{near} {known}".strip()
        return None, [
            document.problem(
                (*location, "slot"),
                f"unknown slot type {quoted(kind)}",
                mend,
                code=ProblemCode.SLOT_TYPE_UNKNOWN,
            )
        ]
    fields = types[kind].model_fields
    own_sense = types[kind].without_default
    taken = {
        key: one for key, one in defaults.items() if key in fields and key not in raw and key not in own_sense
    }
    raw = raw | taken
    # If names that a slot makes up itself may look like any field's, a key does not show that it is an exit.
    made_up = () if types[kind].may_end_by("slot") else filter(types[kind].may_end_by, raw)
    own = types[kind].own_exits
    homes = dict.fromkeys(made_up, f"under `{own.field if own is not None else 'on'}:`, indented")
    homes |= dict.fromkeys(types[kind].fixed_exits, "under `on:`, indented")
    if raw.get("on", "") is None and homes.keys() & raw.keys():
        # What was to stand under it is reported as standing beside it.
        raw = {key: value for key, value in raw.items() if key != "on"}
    slot, problems = check_model(types[kind], document, raw, location, PATTERN_MENDS, homes)
    wrong = wrong_locations(types[kind], document, raw, location) if problems else set()
    for key, value in raw.items():
        # A field that may be left out takes None, but whoever writes `regex: #...` did not mean that.
        if value is None and key in types[kind].model_fields and (*location, key) not in wrong:
            problems.append(
                document.key_problem((*location, key), *no_value(key), code=ProblemCode.VALUE_WRONG)
            )
            wrong.add((*location, key))
    if problems:
        slot, _ = check_model(remains_type(types[kind]), document, without(wrong, raw, location), location)
    if slot is not None:
        # Set are the fields that the slot's author wrote: a slot with no use for a default has no mistake.
        slot.model_fields_set.difference_update(taken)
    return slot, problems


def _no_type(
    document: Document, location: Location, raw: dict[str, Value], types: Mapping[str, type[Slot]]
) -> Problem:
    """What to say of a slot without `slot`: the type may stand under another key, or be the key."""
    for key, value in raw.items():
        if isinstance(value, str) and value in types and (key.lower() == "slot" or key in _TYPE_KEYS):
            return document.key_problem(
                (*location, key),
                f"unknown key {quoted(key)}",
                f"write `slot: {value}`",
                code=ProblemCode.KEY_UNKNOWN,
            )
        if key in types and (value is None or isinstance(value, dict)):
            mend = f"write `slot: {key}`, and its fields in line with `slot`"
            return document.key_problem(
                (*location, key), "a slot's type is not a key", mend, code=ProblemCode.KEY_UNKNOWN
            )
    return document.problem(
        location,
        "`slot` is missing",
        f"add `slot:`; slot types: {known_words(types)}",
        code=ProblemCode.KEY_MISSING,
    )


def _id_of(raw: Value) -> str | None:
    # A slot whose `Id:` is refused for that has this id nevertheless.
    written = raw.items() if isinstance(raw, dict) else ()
    slot_id = next((value for key, value in written if key.lower() == "id"), None)
    return slot_id if isinstance(slot_id, str) else None


def _id_problems(document: Document, slots_at: Location, ids: tuple[str | None, ...]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, slot_id in enumerate(ids):
        place = (*slots_at, index, "id")
        if slot_id is None:
            continue
        if slot_id in RESERVED_IDS:
            what = f"`{slot_id}` cannot be an id: in `on:` it means something else"
            yield document.problem(place, what, "choose another one", code=ProblemCode.ID_TAKEN)
        elif slot_id in first:
            line, _ = document.place((*slots_at, first[slot_id], "id"))
            what = f"the id {quoted(slot_id)} is already the slot's on line {line}"
            yield document.problem(place, what, "ids are unique in a flow", code=ProblemCode.ID_TAKEN)
        first.setdefault(slot_id, index)
