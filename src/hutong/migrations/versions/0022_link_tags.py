"""link tags

Why: a merchant with hundreds of links sorts them by tags and by campaign.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tags of links, and the campaign that a link belongs to."""
    op.add_column("link", sa.Column("campaign", sa.Text()))
    op.create_index("ix_link_campaign", "link", ["merchant_id", "campaign"])
    op.create_table(
        "link_tag",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", "tag", name=op.f("pk_link_tag")),
    )
    op.create_index("ix_link_tag_tag", "link_tag", ["merchant_id", "tag"])
    for statement in protect("link_tag"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
