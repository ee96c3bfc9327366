"""What flow and scenario files may contain, over HTTP: for editors, and programs that write flows."""

from __future__ import annotations

import asyncio
import json
from functools import cache

from sqlalchemy import Text, column

from ringflow.errors import Unknown
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import form_schema, schema_text
from ringflow.forms.flow import SlotTypeForm, slot_type_form
from ringflow.rights import Right
from ringflow.simulator.scenario_schema import scenario_schema_text
from ringflow.store.pages import Listing, Page, PageRequest, page_of_all
from ringflow.web.rest.content import Content
from ringflow.web.rest.operation import Resource
from ringflow.wording import did_you_mean, known_words, quoted

RESOURCE = Resource("flows", "/slot-types", "The types of slots that flows are made of.")
SCHEMAS = Resource("flows", "/schemas", "What the files of flows and scenarios may contain.")

JSON_SCHEMA = "application/schema+json"
SLOT_TYPES = Listing("types of slots", {"type": (column("type", Text),)}, "type")


@RESOURCE.get(Right.FLOWS_READ, listing=SLOT_TYPES)
async def list_slot_types(asked: PageRequest) -> Page[SlotTypeForm]:
    """List the types of slots, with the exits by which they end."""
    rows = ((name, slot_type_form(name, kind)) for name, kind in slot_types().items())
    return page_of_all(SLOT_TYPES, rows, asked)


@RESOURCE.get(Right.FLOWS_READ, "/{name}/schema", media=(JSON_SCHEMA,))
async def show_slot_schema(name: str) -> Content:
    """Return the JSON Schema of one type of slots, made for a form.

    Each field has a title, a description, and in `x-group` what it belongs to: `main`, `prompts`, `keys`,
    `more` or `ways`. `x-order` is its place.
    """
    types = slot_types()
    if name not in types:
        mend = did_you_mean(name, types, f"slot types: {known_words(types)}")
        raise Unknown("slot_type.unknown", f"there is no type of slots {quoted(name)} ({mend})", type=name)
    return Content(await asyncio.to_thread(_form_schema, name), JSON_SCHEMA)


@SCHEMAS.get(Right.FLOWS_READ, "/flow", media=(JSON_SCHEMA,))
async def show_flow_schema() -> Content:
    """Return the JSON Schema of a flow file."""
    return Content(await asyncio.to_thread(_flow_schema), JSON_SCHEMA)


@SCHEMAS.get(Right.FLOWS_READ, "/scenarios", media=(JSON_SCHEMA,))
async def show_scenario_schema() -> Content:
    """Return the JSON Schema of a file of scenarios."""
    return Content(await asyncio.to_thread(_scenario_schema), JSON_SCHEMA)


@cache
def _form_schema(name: str) -> bytes:
    return json.dumps(form_schema(name, slot_types()[name]), ensure_ascii=False).encode()


@cache
def _flow_schema() -> bytes:
    return schema_text(slot_types()).encode()


@cache
def _scenario_schema() -> bytes:
    return scenario_schema_text(slot_types()).encode()
