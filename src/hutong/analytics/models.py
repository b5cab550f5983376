"""Tables of facts. They repeat what events told, so that figures never lock or join the domains' rows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from hutong.db.tables import METADATA, moment

#: A paid order. `is_refund`: a return document of its own, whose sale we do not know; it is no order and its
#: `gross_minor` is 0.
sale_fact: Final = Table(
    "sale_fact",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("channel_id", Uuid),
    Column("link_id", Uuid),
    Column("click_id", Uuid),
    Column("container", Text, nullable=False),
    Column("customer_id", Uuid),
    Column("is_refund", Boolean, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    moment("paid_at"),
    PrimaryKeyConstraint("merchant_id", "order_id"),
    Index("ix_sale_fact_paid", "merchant_id", "paid_at"),
    Index("ix_sale_fact_channel", "merchant_id", "channel_id"),
    Index("ix_sale_fact_link", "merchant_id", "link_id"),
    Index("ix_sale_fact_click", "merchant_id", "click_id"),
    Index("ix_sale_fact_customer", "merchant_id", "customer_id"),
)

#: A line of a paid order; negative on a return document.
sale_line_fact: Final = Table(
    "sale_line_fact",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("sku_id", Uuid),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    moment("paid_at"),
    PrimaryKeyConstraint("merchant_id", "order_id", "line_no"),
    Index("ix_sale_line_fact_sku", "merchant_id", "sku_id"),
    Index("ix_sale_line_fact_paid", "merchant_id", "paid_at"),
)

#: All tables of this room, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("sale_fact", "sale_line_fact")
