"""promotions

Why: alliances (多多进宝, 京东联盟, 淘宝联盟, 精选联盟) make addresses that carry what an order came by, and tell it
with the order: kept are the addresses of links, and the lines of orders as they were told last.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

PROTECTED = ("link_promotion", "promoted_place", "promoted_mark", "promoted_line")


def upgrade() -> None:
    """Addresses of alliances, and orders that came by them."""
    op.create_table(
        "link_promotion",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("link_changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "link_id", name=op.f("pk_link_promotion")),
    )
    _places()
    _lines()
    for table in PROTECTED:
        for statement in protect(table):
            op.execute(statement)


def _places() -> None:
    empty = sa.text("''")
    op.create_table(
        "promoted_place",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("carries", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default=empty, nullable=False)
            for name in ("told_as", "url", "app_url", "share_code", "code", "message")
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "link_id", "page_url", name=op.f("pk_promoted_place")),
    )
    op.create_index("ix_promoted_place_link", "promoted_place", ["merchant_id", "link_id"])
    op.create_index("ix_promoted_place_changed", "promoted_place", ["changed_at"])
    op.create_table(
        "promoted_mark",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("told_as", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "told_as", name=op.f("pk_promoted_mark")),
    )


def _lines() -> None:
    op.create_table(
        "promoted_line",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("order_no", "line_id", "platform", "source", "mark", "goods_id", "title")
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("raw_status", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Uuid()) for name in ("link_id", "channel_id", "click_id")),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "connection_id", "order_no", "line_id", name=op.f("pk_promoted_line")),
    )
    op.create_index("ix_promoted_line_placed", "promoted_line", ["merchant_id", "placed_at"])
    op.create_index("ix_promoted_line_link", "promoted_line", ["merchant_id", "link_id", "placed_at"])


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
