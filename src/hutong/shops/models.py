"""Tables of products, stock and orders."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from hutong.db.tables import METADATA, moment

product: Final = Table(
    "product",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "product_id"),
)

#: What is sold and counted. `seller_code` (商家编码) ties listings on all platforms to it.
sku: Final = Table(
    "sku",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("seller_code", Text, nullable=False),
    Column("variant", Text, nullable=False, server_default=text("''")),
    Column("price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "sku_id"),
    UniqueConstraint("merchant_id", "seller_code"),
)

#: Counters, folds of the journal. What is available = on hand − reserved.
stock: Final = Table(
    "stock",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("on_hand", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id", "sku_id"),
    CheckConstraint("reserved >= 0 AND on_hand >= reserved", name="available"),
)

#: The journal of stock: append-only. (kind, subject, sku) is its idempotency key.
stock_move: Final = Table(
    "stock_move",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("move_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("on_hand_delta", Integer, nullable=False),
    Column("reserved_delta", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    moment("moved_at"),
    PrimaryKeyConstraint("merchant_id", "move_id"),
    UniqueConstraint("merchant_id", "subject", "kind", "sku_id"),
    Index("ix_stock_move_sku", "merchant_id", "sku_id", "moved_at"),
)

#: A SKU as listed on a platform, and the last figure we published there.
listing: Final = Table(
    "listing",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("listing_id", Uuid, nullable=False),
    Column("sku_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("platform_listing_id", Text, nullable=False),
    Column("platform_sku_id", Text, nullable=False),
    Column("pushed_quantity", Integer),
    moment("pushed_at", nullable=True),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "listing_id"),
    UniqueConstraint("merchant_id", "connection_id", "platform_listing_id", "platform_sku_id"),
    Index("ix_listing_sku", "merchant_id", "sku_id"),
)

#: Orders of every shop. `source` is "own" for our checkout, else the platform; a platform's order number counts once
#: per shop. Imported cancellation documents are orders with `is_refund`.
sales_order: Final = Table(
    "sales_order",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("shop_ref", Text, nullable=False, server_default=text("''")),
    Column("order_no", Text, nullable=False),
    Column("connection_id", Uuid),
    Column("state", Text, nullable=False),
    Column("raw_status", Text, nullable=False, server_default=text("''")),
    Column("is_refund", Boolean, nullable=False, server_default=text("false")),
    Column("is_short", Boolean, nullable=False, server_default=text("false")),
    Column("currency", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("freight_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("paid_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("customer_id", Uuid),
    Column("channel_id", Uuid),
    Column("link_id", Uuid),
    Column("click_id", Uuid),
    Column("container", Text, nullable=False, server_default=text("''")),
    Column("receiver", LargeBinary),  # sealed; masked everywhere but behind a role
    Column("origin", Text, nullable=False),  # checkout, pull, push or file
    moment("placed_at"),
    moment("paid_at", nullable=True),
    moment("modified_at"),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "order_id"),
    UniqueConstraint("merchant_id", "source", "shop_ref", "order_no"),
    Index("ix_sales_order_placed", "merchant_id", "placed_at"),
)

order_line: Final = Table(
    "order_line",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("line_key", Text, nullable=False),
    Column("sku_id", Uuid),
    Column("seller_code", Text, nullable=False, server_default=text("''")),
    Column("title", Text, nullable=False),
    Column("variant", Text, nullable=False, server_default=text("''")),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", Numeric(20, 6), nullable=False),  # major units; may be finer than a minor unit
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("short_quantity", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("merchant_id", "order_id", "line_key"),
    Index("ix_order_line_sku", "merchant_id", "sku_id"),
)

#: How far a shop's changed orders have been read; moves only together with what was read.
pull_cursor: Final = Table(
    "pull_cursor",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    moment("read_until_at"),
    moment("pulled_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id"),
)

#: One import of files: its figures, for the console and for re-imports.
import_run: Final = Table(
    "import_run",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("file_names", Text, nullable=False),
    Column("figures", LargeBinary, nullable=False),  # the summary line, JSON
    moment("imported_at"),
    PrimaryKeyConstraint("merchant_id", "import_id"),
)
