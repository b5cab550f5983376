"""link_rules

Why: one link leads different people to different places, between two moments or for so many clicks; and with each click
that a rule led it is kept which one, so that sales can be counted by it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import let_ingest_insert, make_append_only, protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rules of links, and what each click was led by."""
    op.create_table(
        "link_rules",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "link_id", name=op.f("pk_link_rules")),
    )
    op.create_table(
        "click_choice",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", name=op.f("pk_click_choice")),
    )
    op.create_index("ix_click_choice_link", "click_choice", ["merchant_id", "link_id", "choice"])
    for statement in (
        *protect("link_rules"),
        *protect("click_choice"),
        *make_append_only("click_choice"),
        *let_ingest_insert("click_choice"),
    ):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
