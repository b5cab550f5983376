"""promoted orders

Why: an order that an alliance tells and no connected shop knows is a sale of its link: it stands here once, with what
brought it, until a shop tells it too.
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
#: Orders that were told before: of their lines the latest click, else a link.
_TOLD_BEFORE = """
INSERT INTO promoted_order (merchant_id, source, order_no, order_id, shop_order_id, link_id, channel_id, click_id,
  currency, paid_minor, is_sold, placed_at, paid_at)
SELECT line.merchant_id, line.source, line.order_no, gen_random_uuid(),
  (SELECT o.order_id FROM sales_order o
   WHERE o.merchant_id = line.merchant_id AND o.source = line.source AND o.order_no = line.order_no
   ORDER BY o.created_at DESC LIMIT 1),
  (array_agg(line.link_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.channel_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  (array_agg(line.click_id ORDER BY line.click_id DESC NULLS LAST, line.link_id))[1],
  min(line.currency),
  coalesce(sum(line.paid_minor) FILTER (WHERE line.status IN ('paid', 'received', 'settled')), 0)::bigint,
  bool_or(line.status IN ('paid', 'received', 'settled')),
  min(line.placed_at), coalesce(min(line.paid_at), min(line.placed_at))
FROM promoted_line line
GROUP BY line.merchant_id, line.source, line.order_no
HAVING count(line.link_id) > 0
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
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("click_id", sa.Uuid()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("is_sold", sa.Boolean(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "source", "order_no", name=op.f("pk_promoted_order")),
    )
    op.create_index("ix_promoted_order_link", "promoted_order", ["merchant_id", "link_id"])
    op.create_index("ix_promoted_order_click", "promoted_order", ["merchant_id", "click_id"])
    op.create_index("ix_promoted_line_order", "promoted_line", ["merchant_id", "source", "order_no"])
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_TOLD_BEFORE)
    for table in _WALLED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for statement in protect("promoted_order"):
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise RuntimeError("migrations only go forward; restore a backup instead")
