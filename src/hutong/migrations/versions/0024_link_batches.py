"""link batches

Why: a file of links is looked at before it is made, is made once however often it is sent, and what came of it can be
downloaded later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from hutong.db.tenancy import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Files of links."""
    op.create_table(
        "link_batch",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("rows_count", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("link_ids", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("merchant_id", "batch_id", name=op.f("pk_link_batch")),
        sa.UniqueConstraint("merchant_id", "digest", name=op.f("uq_link_batch_merchant_id")),
    )
    op.create_index("ix_link_batch_created", "link_batch", ["merchant_id", "created_at"])
    for statement in protect("link_batch"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
