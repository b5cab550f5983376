"""delivery

Why: events were handed to their handlers by a job each, four transactions for one event. Now the outbox keeps apart
which events still wait, and a dispatcher hands them over many at a time. Events of before keep their jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table of what waits."""
    op.create_table(
        "undelivered",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "event_id", name=op.f("pk_undelivered")),
    )
    # Each sale looks its checkout up by order and by payment; without these the cost grew with every sale before it.
    for column in ("order", "payment"):
        op.create_index(
            f"ix_checkout_{column}",
            "checkout",
            ["merchant_id", f"{column}_id"],
            postgresql_where=sa.text(f"{column}_id IS NOT NULL"),
        )
    for statement in rights():
        op.execute(statement)


def rights() -> Iterator[str]:
    """Row-level security and grants."""
    yield from protect("undelivered")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
