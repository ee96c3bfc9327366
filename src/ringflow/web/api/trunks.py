"""Trunks over HTTP: the ways out to carriers."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import trunks
from ringflow.accounts.directory_changes import lock_directory
from ringflow.accounts.number_forms import NumberForm
from ringflow.accounts.trunks import TRUNKS, Rated, Trunk, TrunkChanges, TrunkFilter
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.config import DEFAULT_FAILOVER, DEFAULT_SILENT_S
from ringflow.forms.trunk import TrunkForm, TrunkHeadersForm, masked_trunk_form
from ringflow.rights import Right
from ringflow.store.pages import Page, PageRequest
from ringflow.web.rest.conditions import IfMatch
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch, unchanged

RESOURCE = Resource("trunks", "/trunks", "The ways out to carriers.")


class TrunkQuery(Input):
    """Which trunks."""

    enabled: bool | None = None
    rated: Rated | None = None
    q: str | None = None
    """A part of the name or of what is dialled."""


class TrunkFields(Input):
    """What a trunk is, besides its name and what it dials."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of the INVITE, in their order on the wire."""
    position: int = 100
    """Low ones are tried first."""
    enabled: bool = True
    caller_id: str | None = None
    """The number shown to callees; null: as it came or as the customer has it."""
    server: str = ""
    """The name that X-CX-Sec is signed for; empty: the trunk's own."""
    rated: Rated = "local"
    """Who charges for calls: we, or the switch behind it."""
    failover: tuple[str, ...] = DEFAULT_FAILOVER
    """The SIP answers after which the next trunk is tried, such as 408 and 5xx."""
    silent_s: int = DEFAULT_SILENT_S
    """After so long without any answer the next trunk is tried; 0: never."""
    number_form: NumberForm = "e164"
    number_prefix: str = ""
    """Digits before each number."""
    caller_id_form: NumberForm | None = None
    """null: as it came or was set."""
    caller_id_prefix: str = ""
    as_keyed: tuple[str, ...] = ()
    """Numbers dialled as they were keyed, such as 112 or 1XX."""
    script: str | None = None
    """The script that runs before each leg."""
    script_timeout_s: float | None = None
    script_fallback: str | None = None
    """What becomes of a leg whose script fails: `skip`, `dial`, or a SIP code and a reason; null: `skip`."""
    script_vars: str | None = None
    """What the script is given as vars: a JSON object, as text."""


class NewTrunk(TrunkFields):
    """A trunk that is to be made."""

    name: str
    dial: str
    """What Asterisk dials, such as PJSIP/{number}@carrier."""


class TrunkPatch(Patch):
    """What is to be changed of a trunk: the fields that are there. Lists and headers are replaced whole."""

    dial: str = unchanged()
    headers: dict[str, str] = unchanged()
    """`****` as a value: the value that the trunk has, which reading it masks."""
    position: int = unchanged()
    enabled: bool = unchanged()
    caller_id: str | None = unchanged()
    server: str = unchanged()
    rated: Rated = unchanged()
    failover: tuple[str, ...] = unchanged()
    silent_s: int = unchanged()
    number_form: NumberForm = unchanged()
    number_prefix: str = unchanged()
    caller_id_form: NumberForm | None = unchanged()
    caller_id_prefix: str = unchanged()
    as_keyed: tuple[str, ...] = unchanged()
    script: str | None = unchanged()
    script_timeout_s: float | None = unchanged()
    script_fallback: str | None = unchanged()
    script_vars: str | None = unchanged()


class TrunkOrder(Input):
    """In which order trunks are to be tried."""

    trunks: list[str]
    """The names of all trunks, the first one first."""


@RESOURCE.get(Right.TRUNKS_READ, listing=TRUNKS)
async def list_trunks(connection: AsyncConnection, query: TrunkQuery, asked: PageRequest) -> Page[TrunkForm]:
    """List trunks, in the order in which they are tried."""
    wanted = TrunkFilter(query.enabled, query.rated, search=query.q)
    return (await trunks.page(connection, wanted, asked)).map(masked_trunk_form)


@RESOURCE.post(Right.TRUNKS_CHANGE)
async def add_trunk(actor: Actor, body: NewTrunk) -> TrunkForm:
    """Make a trunk."""
    return masked_trunk_form(await trunks.add(actor, Trunk(**body.model_dump())))


@RESOURCE.post(Right.TRUNKS_CHANGE, ":reorder", status=HTTPStatus.OK)
async def reorder_trunks(actor: Actor, body: TrunkOrder) -> Page[TrunkForm]:
    """Say in which order trunks are tried, all at once. Those of config.yaml keep their positions."""
    return Page([masked_trunk_form(one) for one in await trunks.reorder(actor, body.trunks)], None)


@RESOURCE.get(Right.TRUNKS_READ, "/{trunk}", tagged=True)
async def show_trunk(connection: AsyncConnection, trunk: str) -> TrunkForm:
    """Return a trunk."""
    return masked_trunk_form(await trunks.show(connection, trunk))


@RESOURCE.get(Right.SECRETS_READ, "/{trunk}/headers")
async def show_trunk_headers(actor: Actor, trunk: str) -> TrunkHeadersForm:
    """Return a trunk's headers with their values.

    Elsewhere these are masked, for they may be credentials. The audit log says who read them.
    """
    found = await trunks.show(actor.connection, trunk)
    await note(actor, Verb.READ, f"trunk {found.name}", {"headers": sorted(found.headers)}, None)
    return TrunkHeadersForm(found.name, found.headers)


@RESOURCE.patch(Right.TRUNKS_CHANGE, "/{trunk}")
async def alter_trunk(actor: Actor, trunk: str, match: IfMatch, body: TrunkPatch) -> TrunkForm:
    """Change the fields that the body has; the others stay. Calls go by it from the next one on."""
    await lock_directory(actor)
    match.require(masked_trunk_form(await trunks.show(actor.connection, trunk)))
    changes: TrunkChanges = body.changes()  # type: ignore[assignment]
    return masked_trunk_form(await trunks.alter(actor, trunk, **changes))


@RESOURCE.delete(Right.TRUNKS_CHANGE, "/{trunk}")
async def delete_trunk(actor: Actor, trunk: str, match: IfMatch) -> None:
    """Delete a trunk. Its rate card stays, without it."""
    await lock_directory(actor)
    match.require(masked_trunk_form(await trunks.show(actor.connection, trunk)))
    await trunks.delete(actor, trunk)
