"""Bulk actions over HTTP: one thing done to many customers, CLIs, DIDs or vouchers, or to none."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

from ringflow.accounts.bulk_actions import Action, BulkOrder, carry_out
from ringflow.accounts.cli_bulk import CliBulk
from ringflow.accounts.clis import CliFilter
from ringflow.accounts.customer_bulk import CustomerBulk
from ringflow.accounts.customer_overview import CustomerFilter
from ringflow.accounts.did_bulk import DidBulk
from ringflow.accounts.dids import DidFilter
from ringflow.accounts.vouchers.bulk import act_on_vouchers
from ringflow.accounts.vouchers.voucher import VoucherFilter
from ringflow.actor import Actor
from ringflow.forms.bulk import BulkForm, bulk_form
from ringflow.rights import Right
from ringflow.web.api.clis import CliPatch, CliQuery
from ringflow.web.api.customers import CustomerPatch, CustomerQuery
from ringflow.web.api.dids import DidPatch, DidQuery
from ringflow.web.api.vouchers import VoucherQuery
from ringflow.web.rest.operation import Resource
from ringflow.web.rest.request_input import Input, Patch

CUSTOMERS = Resource("customers", "/customers:bulk", "The accounts that pay.")
CLIS = Resource("clis", "/clis:bulk", "The calling numbers that identify customers.")
DIDS = Resource("dids", "/dids:bulk", "The numbers that callers dial.")
VOUCHERS = Resource("vouchers", "/vouchers:bulk", "Vouchers.")


class Bulk(Input):
    """What is to be done to which rows. They are named by one of `ids` and `filter`."""

    dry_run: bool = False
    """Change nothing, and say how many are concerned."""
    expect: int | None = None
    """How many are meant, as all counts of a dry run together say. Needed with a filter."""


class CustomersBulk(Bulk):
    """What is to be done to which customers. They are named by one of `ids` and `filter`."""

    action: Literal["change", "delete"]
    ids: list[int] | None = None
    filter: CustomerQuery | None = None
    changes: CustomerPatch | None = None
    """With the action `change`: the fields that are to be changed."""
    cascade: bool = False
    """With the action `delete`: their CLIs and DIDs too."""


class ClisBulk(Bulk):
    """What is to be done to which CLIs. They are named by one of `ids` and `filter`."""

    action: Literal["change", "delete"]
    ids: list[int] | None = None
    filter: CliQuery | None = None
    changes: CliPatch | None = None
    """With the action `change`: the fields that are to be changed."""


class DidsBulk(Bulk):
    """What is to be done to which DIDs. They are named by one of `ids` and `filter`."""

    action: Literal["change", "enable", "disable", "delete"]
    ids: list[str] | None = None
    """Their numbers."""
    filter: DidQuery | None = None
    changes: DidPatch | None = None
    """With the action `change`: the fields that are to be changed."""


class VouchersBulk(Bulk):
    """What is to be done to which vouchers. They are named by one of `ids` and `filter`."""

    action: Literal["enable", "disable", "delete"]
    ids: list[int] | None = None
    filter: VoucherQuery | None = None


@CUSTOMERS.post(Right.CUSTOMERS_CHANGE, status=HTTPStatus.OK)
async def change_customers(actor: Actor, body: CustomersBulk) -> BulkForm:
    """Change or delete many customers at once: all of them, or none.

    First ask with `dry_run`: all of its counts together are what `expect` has to be with a filter. Where as
    many are not meant any more, nothing is done (409). Customers that `config.yaml` declares are refused
    where they are named, and passed over where a filter finds them. 20,000 can be changed at once, and 1,000
    deleted.
    """
    query = body.filter
    wanted = None if query is None else CustomerFilter(query.q, query.status, query.currency, query.source)
    return bulk_form(await carry_out(CustomerBulk(actor), _order(body, wanted, cascade=body.cascade)))


@CLIS.post(Right.CUSTOMERS_CHANGE, status=HTTPStatus.OK)
async def change_clis(actor: Actor, body: ClisBulk) -> BulkForm:
    """Change or delete many CLIs at once, as `POST /customers:bulk` does customers; 20,000 at most."""
    query = body.filter
    wanted = None if query is None else CliFilter(query.customer, query.pattern, search=query.q)
    return bulk_form(await carry_out(CliBulk(actor), _order(body, wanted)))


@DIDS.post(Right.DIDS_CHANGE, status=HTTPStatus.OK)
async def change_dids(actor: Actor, body: DidsBulk) -> BulkForm:
    """Change, enable, disable or delete many DIDs at once, as `POST /customers:bulk` does customers."""
    query = body.filter
    wanted = None if query is None else DidFilter(query.customer, query.app, query.enabled, search=query.q)
    return bulk_form(await carry_out(DidBulk(actor), _order(body, wanted)))


@VOUCHERS.post(Right.CARDS_CHANGE, status=HTTPStatus.OK)
async def change_vouchers(actor: Actor, body: VouchersBulk) -> BulkForm:
    """Enable, disable or delete many vouchers at once, however many fit.

    Used ones stay: they are refused where they are named, and passed over where a filter finds them.
    """
    query = body.filter
    wanted = (
        None
        if query is None
        else VoucherFilter(query.batch, query.status, query.kind, query.redeemed_by, query.q)
    )
    return bulk_form(await act_on_vouchers(actor, _order(body, wanted)))


def _order(
    body: CustomersBulk | ClisBulk | DidsBulk | VouchersBulk, wanted: Any, *, cascade: bool = False
) -> BulkOrder[Any, Any]:
    patch: Patch | None = getattr(body, "changes", None)
    changes = {} if patch is None else patch.changes()
    if "customer" in changes:
        changes["customer_id"] = changes.pop("customer")
    ids = None if body.ids is None else tuple(body.ids)
    return BulkOrder(Action(body.action), ids, wanted, changes, body.expect, body.dry_run, cascade)
