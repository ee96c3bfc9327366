"""CLIs in the form that identifies: without Argentina's mobile 9, and old forms as those of today.

What this gives is what commands of this version write, so it is asked of the same functions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ringflow.numbers import identifying_form, normalise_number

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_RENUMBERED = ("52%", "54%", "55%", "229%")
_ANY_COUNTRY = "US"
_CLIS = sa.table("clis", sa.column("id", sa.Integer), sa.column("number", sa.Text))


def upgrade() -> None:
    """Rewrite the numbers; one whose new form another CLI has stays: whose it is is not guessed."""
    connection = op.get_bind()
    concerned = sa.or_(*[_CLIS.c.number.like(prefix) for prefix in _RENUMBERED])
    for cli_id, number in connection.execute(sa.select(_CLIS.c.id, _CLIS.c.number).where(concerned)).all():
        form = identifying_form(normalise_number(f"+{number}", _ANY_COUNTRY) or number)
        if form == number:
            continue
        taken = sa.select(_CLIS.c.id).where(_CLIS.c.number == form)
        if connection.execute(taken).first() is None:
            connection.execute(_CLIS.update().where(_CLIS.c.id == cli_id).values(number=form))


def downgrade() -> None:
    """Leave them: the older version reads these forms too."""
