"""ties

Why: a sale on another platform, or one that followed several clicks, was tied to nothing or to the last click alone.
Each order gets what ties it and how surely, and what its buyer touched before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLES = ("order_tie", "order_touch", "click_parent", "click_person", "visit", "link_word", "told_evidence")


def upgrade() -> None:
    """Ties of orders, and what leads to them."""
    op.create_table(
        "order_tie",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("strength", sa.SmallInteger(), nullable=False),
        sa.Column("confidence_bps", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=True),
        sa.Column("word", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("tied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", name=op.f("pk_order_tie")),
    )
    op.create_table(
        "order_touch",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("touch_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", "touch_id", name=op.f("pk_order_touch")),
    )
    _clicks()
    _told()
    op.create_index("ix_order_tie_channel", "order_tie", ["merchant_id", "channel_id"])
    op.create_index("ix_click_person_mark", "click_person", ["merchant_id", "mark", "seen_at"])
    op.create_index("ix_link_word_link", "link_word", ["merchant_id", "link_id"])
    op.create_index("ix_click_address", "click", ["merchant_id", "address_hash", "clicked_at"])
    for table in _TABLES:
        for statement in protect(table):
            op.execute(statement)


def _clicks() -> None:
    """Whose click brought whose, whose clicks are one person's, and which arrived."""
    op.create_table(
        "click_parent",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", name=op.f("pk_click_parent")),
    )
    op.create_table(
        "click_person",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", "mark", name=op.f("pk_click_person")),
    )
    op.create_table(
        "visit",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "click_id", name=op.f("pk_visit")),
    )


def _told() -> None:
    """Words of links, and evidence that came before its order."""
    op.create_table(
        "link_word",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "word", name=op.f("pk_link_word")),
    )
    op.create_table(
        "told_evidence",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("touch_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "merchant_id", "source", "order_no", "evidence", "touch_id", name=op.f("pk_told_evidence")
        ),
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
