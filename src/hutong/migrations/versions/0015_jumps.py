"""jumps

Why: whether a way from one app into another works is told by nobody but the visitors' pages: each attempt's outcome is
kept, so that the ways can be put in the order in which they arrive.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Attempts to jump, and what became of them."""
    op.create_table(
        "jump_try",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("os", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("taps", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", "form", name=op.f("pk_jump_try")),
    )
    op.create_index("ix_jump_try_cell", "jump_try", ["merchant_id", "container", "destination", "tried_at"])
    op.create_index("ix_jump_try_tried", "jump_try", ["tried_at"])
    for statement in protect("jump_try"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
