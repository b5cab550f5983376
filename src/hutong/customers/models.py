"""Tables of customers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid, text

from hutong.db.tables import METADATA, moment

#: A person as far as we know one. The name is kept masked only.
customer: Final = Table(
    "customer",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("name_masked", Text, nullable=False, server_default=text("''")),
    moment("first_seen_at"),
    moment("last_seen_at"),
    PrimaryKeyConstraint("merchant_id", "customer_id"),
    Index("ix_customer_last_seen", "merchant_id", "last_seen_at"),
)

#: How a platform names the person. `value_index` finds it (blind), `value_sealed` gives it back to whoever may see it.
identity: Final = Table(
    "identity",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value_index", LargeBinary, nullable=False),
    Column("value_sealed", LargeBinary, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "kind", "value_index"),
    Index("ix_identity_customer", "merchant_id", "customer_id"),
)

#: Which paid orders are whose: the journal that the totals fold, so that each order counts once.
#: `is_refund`: a return document of its own, whose sale we do not know; it counts as no order.
customer_order: Final = Table(
    "customer_order",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("is_refund", Boolean, nullable=False),
    moment("ordered_at"),
    PrimaryKeyConstraint("merchant_id", "order_id"),
    Index("ix_customer_order_customer", "merchant_id", "customer_id", "ordered_at"),
)

#: What a customer bought, in each currency (currencies are never added up).
customer_total: Final = Table(
    "customer_total",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("currency", Text, nullable=False),
    Column("orders_count", BigInteger, nullable=False),
    Column("spent_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("merchant_id", "customer_id", "currency"),
)

#: All tables of this room, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = ("customer", "identity", "customer_order", "customer_total")
