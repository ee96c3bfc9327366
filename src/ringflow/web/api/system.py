"""What this Ringflow is, how it is, and what it runs with, over HTTP."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow import __version__
from ringflow.actor import Principal
from ringflow.asterisk.findings import most_serious_first
from ringflow.forms.system import (
    FindingForm,
    PartForm,
    PrincipalForm,
    ServerForm,
    SettingsForm,
    StatusForm,
    VersionForm,
    server_form,
    setting_form,
)
from ringflow.ledger.server_list import SERVERS, server_page
from ringflow.rights import Audience, Right
from ringflow.setting_origins import settings_in_force
from ringflow.store.pages import Page, PageRequest
from ringflow.web.readiness import part_states
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.services import Services

RESOURCE = Resource("system", "", "What this Ringflow is, and who asks.")


@RESOURCE.get(Right.SYSTEM_READ, "/version")
async def show_version() -> VersionForm:
    """Return which Ringflow answers."""
    return VersionForm(__version__)


@RESOURCE.get(Audience.OPERATOR, "/whoami")
async def show_principal(principal: Principal) -> PrincipalForm:
    """Return who asks, and what they may do."""
    rights = tuple(sorted(one.value for one in principal.rights))
    return PrincipalForm(principal.name, principal.token, rights)


@RESOURCE.get(Right.SYSTEM_READ, "/status")
async def show_status(services: Services) -> StatusForm:
    """Return how the server is that answers, part by part, and what its look at Asterisk found.

    It looks at Asterisk when the manager interface is reached and once an hour, as
    `ringflow asterisk check` does.
    """
    states = await part_states(services.probes)
    findings = services.findings()
    return StatusForm(
        server=services.config.charging.server,
        version=__version__,
        ready=all(one.ready for one in states.values() if one.required),
        parts=tuple(PartForm(name, one.ready, one.required, one.detail) for name, one in states.items()),
        findings=None
        if findings is None
        else tuple(
            FindingForm(one.severity.value, one.where, one.what, one.change)
            for one in most_serious_first(findings)
        ),
    )


@RESOURCE.get(Right.SYSTEM_READ, "/servers", listing=SERVERS)
async def list_servers(
    connection: AsyncConnection, services: Services, asked: PageRequest
) -> Page[ServerForm]:
    """List the servers of the database, those too that were killed and not replaced."""
    silent_ms = round(services.config.charging.dead_after_s * 1000)
    return (await server_page(connection, services.now_ms(), silent_ms, asked)).map(server_form)


@RESOURCE.get(Right.SYSTEM_READ, "/settings")
async def list_settings(services: Services) -> SettingsForm:
    """Return the settings that the server runs with that answers, each with where its value comes from.

    What may be a secret is masked. Customers, DIDs and trunks that `config.yaml` declares are in their lists.
    """
    return SettingsForm(tuple(setting_form(one) for one in settings_in_force(services.config)))
