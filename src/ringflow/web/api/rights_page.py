"""`docs/api-rights.md`: which role may call which operation, made of the operations themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringflow.rights import BUILT_IN_ROLES, Access, Audience, Right
from ringflow.web.rest.operation import Operation, Resource

_HEAD = """# Who may call which operation

This page is made by `ringflow schema --rights --out docs/api-rights.md --overwrite` from the operations of
the [REST API](api.md) and the roles that are always there ([operators](operators.md#roles)). A test calls
every operation as every role and compares.
"""


def rights_text(resources: Sequence[Resource], prefix: str) -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_roles(), "", *_operations(resources, prefix), ""])


def may_call(role: str, access: Access | None) -> bool:
    """Return whether operators of a role that is always there may call what asks for this."""
    if access in (None, Audience.OPERATOR, Audience.SESSION):
        return True
    return access in BUILT_IN_ROLES[role]


def _roles() -> Iterator[str]:
    yield "## Rights of the roles"
    yield ""
    yield _row(["right", *BUILT_IN_ROLES])
    yield _row(["---", *[":-:"] * len(BUILT_IN_ROLES)])
    for right in Right:
        yield _row([f"`{right.value}`", *(_mark(right in rights) for rights in BUILT_IN_ROLES.values())])


def _operations(resources: Sequence[Resource], prefix: str) -> Iterator[str]:
    yield "## Operations"
    yield ""
    yield (
        "An operation that asks for `operator` is for every operator, whatever the role; one that asks for "
        "`session` for every operator who has signed in, and no token; one that asks for "
        "`customer` is for customers, and theirs alone; one that asks for nothing is for anyone."
    )
    yield ""
    yield _row(["operation", "asks for", *BUILT_IN_ROLES, "customer"])
    yield _row(["---", "---", *[":-:"] * (len(BUILT_IN_ROLES) + 1)])
    found = [operation for resource in resources for operation in resource.operations]
    for one in sorted(found, key=lambda operation: (operation.path, operation.method)):
        yield _operation(one, prefix)


def _operation(operation: Operation, prefix: str) -> str:
    access = operation.access
    customer = access is None or access is Audience.CUSTOMER
    return _row(
        [
            f"`{operation.method} {prefix}{operation.path}`",
            "" if access is None else f"`{access.value}`",
            *(_mark(may_call(role, access)) for role in BUILT_IN_ROLES),
            _mark(customer),
        ]
    )


def _mark(allowed: bool) -> str:
    return "yes" if allowed else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
