"""What this Ringflow is, over HTTP."""

from __future__ import annotations

from ringflow import __version__
from ringflow.actor import Principal
from ringflow.forms.system import PrincipalForm, VersionForm
from ringflow.rights import Audience, Right
from ringflow.web.rest.operation import Resource

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
