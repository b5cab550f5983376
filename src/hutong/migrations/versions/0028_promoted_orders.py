"""promoted orders

Why: an order that an alliance tells and no connected shop knows is a sale of its link: it stands here once, with what
brought it, until a shop tells it too. Its lines stand once as well, whichever accounts tell them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hutong.db.tenancy import protect

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

#: Every merchant's are meant.
_WALLED = ("promoted_line", "sales_order")
#: A line that two accounts told: the last word stays, with what the other one knew of its link.
_ONCE = """
WITH ranked AS (
  SELECT ctid, merchant_id, source, order_no, line_id, row_number() OVER (
    PARTITION BY merchant_id, source, order_no, line_id
    ORDER BY (status <> 'pending') DESC, changed_at DESC, rank DESC, connection_id) AS place
  FROM promoted_line
), named AS (
  SELECT DISTINCT ON (merchant_id, source, order_no, line_id)
    merchant_id, source, order_no, line_id, mark, link_id, channel_id, click_id
  FROM promoted_line WHERE link_id IS NOT NULL
  ORDER BY merchant_id, source, order_no, line_id, click_id DESC NULLS LAST, link_id
), kept AS (
  UPDATE promoted_line line SET mark = named.mark, link_id = named.link_id, channel_id = named.channel_id,
    click_id = named.click_id
  FROM ranked JOIN named USING (merchant_id, source, order_no, line_id)
  WHERE line.ctid = ranked.ctid AND ranked.place = 1 AND line.link_id IS NULL
)
DELETE FROM promoted_line line USING ranked WHERE line.ctid = ranked.ctid AND ranked.place > 1
"""
#: Orders that were told before: of their paid lines, else of all, the latest click, else a link.
_TOLD_BEFORE = """
WITH line AS (
  SELECT *, status IN ('paid', 'received', 'settled') AS is_sold FROM promoted_line
)
INSERT INTO promoted_order (merchant_id, source, order_no, order_id, shop_order_id, evidence, word, link_id, channel_id,
  click_id, currency, paid_minor, is_sold, was_sold, placed_at, paid_at)
SELECT line.merchant_id, line.source, line.order_no, gen_random_uuid(),
  (SELECT o.order_id FROM sales_order o
   WHERE o.merchant_id = line.merchant_id AND o.source = line.source AND o.order_no = line.order_no
   ORDER BY o.created_at DESC LIMIT 1),
  'carried', '',
  (array_agg(line.link_id ORDER BY line.is_sold DESC, line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.channel_id ORDER BY line.is_sold DESC, line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.click_id ORDER BY line.is_sold DESC, line.click_id DESC NULLS LAST, line.link_id))[1],
  min(line.currency),
  coalesce(sum(line.paid_minor) FILTER (WHERE line.is_sold), 0)::bigint, bool_or(line.is_sold), bool_or(line.is_sold),
  min(line.placed_at), coalesce(min(line.paid_at), min(line.placed_at))
FROM line
WHERE line.link_id IS NOT NULL
GROUP BY line.merchant_id, line.source, line.order_no
"""


def upgrade() -> None:
    """Orders of alliances, each once."""
    op.create_table(
        "promoted_order",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("shop_order_id", sa.Uuid()),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_sold", sa.Boolean(), nullable=False),
        sa.Column("was_sold", sa.Boolean(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "source", "order_no", name=op.f("pk_promoted_order")),
    )
    op.create_index("ix_promoted_order_link", "promoted_order", ["merchant_id", "link_id"])
    op.create_index("ix_promoted_order_click", "promoted_order", ["merchant_id", "click_id"])
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_ONCE)
    op.execute(_TOLD_BEFORE)
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.drop_constraint("pk_promoted_line", "promoted_line")
    op.create_primary_key("pk_promoted_line", "promoted_line", ["merchant_id", "source", "order_no", "line_id"])
    for statement in protect("promoted_order"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
