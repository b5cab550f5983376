"""walls

Why: where a wall between two apps stands is kept, so that a person is told when it closes or opens; a merchant's own
word on a cell of the matrix has its place; and a link has one for the platform's own code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from hutong.db.tenancy import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Walls, choices of merchants, codes of links."""
    op.add_column("link", sa.Column("share_code", sa.Text()))
    op.create_table(
        "wall",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("left_count", sa.SmallInteger(), nullable=False),
        sa.Column("tries_count", sa.SmallInteger(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "container", "system", "destination", name=op.f("pk_wall")),
    )
    op.create_table(
        "jump_choice",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("picks", JSONB()),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "container", "destination", name=op.f("pk_jump_choice")),
    )
    op.create_index("ix_jump_choice_changed", "jump_choice", ["changed_at"])
    for table in ("wall", "jump_choice"):
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
