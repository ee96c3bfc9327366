"""The audit log says from where and by which token or session somebody acted; roles have other names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_NEW_NAMES = {"owner": "admin", "manager": "operator"}
_NEW_ROLES = ("admin", "operator", "finance")
_SUPPORT_BEFORE = (
    *("calendars.override", "calendars.read", "calls.control", "calls.read", "cards.change", "cards.read"),
    *("customers.change", "customers.read", "dids.read", "flows.read", "lists.change", "lists.read"),
    *("money.move", "money.read", "rates.read", "recordings.listen", "recordings.read", "sounds.read"),
    *("system.read", "trunks.read"),
)
_MAKE = sa.text(
    "INSERT INTO roles (name, rights, notes, created_ms, updated_ms) VALUES (:name, :rights, :notes, 0, 0)"
).bindparams(sa.bindparam("rights", type_=sa.JSON))


def upgrade() -> None:
    """Add the columns, and rename the roles. Whoever has a role goes on to have its rights."""
    op.add_column("audit_log", sa.Column("credential", sa.Text))
    op.add_column("audit_log", sa.Column("address", sa.Text))
    op.add_column("tokens", sa.Column("last_used_from", sa.Text))
    connection = op.get_bind()
    taken = {str(name) for name in connection.execute(sa.text("SELECT name FROM roles")).scalars()}
    # Operators may have made roles of these names, which have other rights than those that are there now.
    for name in (one for one in _NEW_ROLES if one in taken):
        other = _free(f"old-{name}", taken)
        _run("UPDATE roles SET name = :new WHERE name = :old", name, other)
        _give(name, other)
    # The role `support` may do less now: those who have it keep what they can do, under another name.
    holders = sa.text("SELECT role FROM operators UNION SELECT role FROM tokens WHERE revoked_ms IS NULL")
    if "support" in set(connection.execute(holders).scalars()):
        other = _free("old-support", taken)
        notes = "what the role support could do before"
        connection.execute(_MAKE, {"name": other, "rights": list(_SUPPORT_BEFORE), "notes": notes})
        _give("support", other)
    for old, new in _NEW_NAMES.items():
        _give(old, new)


def downgrade() -> None:
    """Take them away. The role `finance` becomes `viewer`, which is the nearest that there was."""
    for old, new in {**_NEW_NAMES, "viewer": "finance"}.items():
        _give(new, old)
    op.drop_column("tokens", "last_used_from")
    op.drop_column("audit_log", "address")
    op.drop_column("audit_log", "credential")


def _free(name: str, taken: set[str]) -> str:
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    found = next(one for one in names if one not in taken)
    taken.add(found)
    return found


def _give(old: str, new: str) -> None:
    """Give another role to all that have one."""
    _run("UPDATE operators SET role = :new WHERE role = :old", old, new)
    _run("UPDATE tokens SET role = :new WHERE role = :old", old, new)


def _run(statement: str, old: str, new: str) -> None:
    op.get_bind().execute(sa.text(statement), {"old": old, "new": new})
