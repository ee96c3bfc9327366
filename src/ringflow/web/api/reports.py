"""Reports over HTTP: what calls came to in a period."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.forms.report import FORMS, report_form
from ringflow.records.reports import By, Calls, report_calls
from ringflow.rights import Right
from ringflow.store.pages import Page
from ringflow.web.api.period import milliseconds
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input
from ringflow.web.rest.services import Services

RESOURCE = Resource("reports", "/reports/calls", "Attempts, answers, minutes and money.")
_ANY_PAGE: Any = Page


class ReportQuery(Input):
    """Which calls count, by when they arrived."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """The first moment after."""
    customer: int | None = None
    trunk: str | None = None


def _add_report(by: By) -> None:
    async def report(connection: AsyncConnection, services: Services, query: ReportQuery) -> Any:
        since_ms, until_ms = milliseconds(query.since), milliseconds(query.until)
        calls = Calls(since_ms, until_ms, query.customer, query.trunk)
        lines = await report_calls(connection, by, calls, services.config.zone)
        return Page([report_form(by, line) for line in lines], None)

    report.__name__ = f"report_calls_by_{by.value}"
    report.__doc__ = (
        f"Report what calls came to, by {by.value}.\n\n"
        "All of it is one page. Amounts of several currencies stand apart; days are the operator's."
    )
    # Each report has a form of its own, which the document describes.
    report.__annotations__["return"] = _ANY_PAGE[FORMS[by]]
    RESOURCE.get(Right.CALLS_READ, f"/by-{by.value}")(report)


for _by in By:
    _add_report(_by)
