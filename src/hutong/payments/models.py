"""Tables of checkouts, payments, attempts and refunds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from hutong.db.tables import METADATA, moment

#: One buyer's visit to our cash desk; it knows where the buyer came from. An order exists from the first "pay" on.
checkout: Final = Table(
    "checkout",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("checkout_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("sku_id", Uuid),  # none: an amount somebody typed
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("channel_id", Uuid),
    Column("link_id", Uuid),
    Column("click_id", Uuid),
    Column("container", Text, nullable=False),
    Column("payer_kind", Text),  # kind of identity, e.g. wechat_openid
    Column("payer_ref", LargeBinary),  # sealed
    Column("order_id", Uuid),
    Column("payment_id", Uuid),
    moment("created_at"),
    moment("expires_at"),
    PrimaryKeyConstraint("merchant_id", "checkout_id"),
    UniqueConstraint("merchant_id", "click_id"),
)

#: What an order owes. At most one capture stays on it.
payment: Final = Table(
    "payment",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("currency", Text, nullable=False),
    Column("captured_attempt_id", Uuid),
    moment("created_at"),
    moment("expires_at"),
    moment("paid_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "payment_id"),
    UniqueConstraint("merchant_id", "order_id"),
    CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor", name="refunded"),
)

#: One wallet's try to take a payment.
attempt: Final = Table(
    "attempt",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("out_trade_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("transaction_id", Text),
    Column("queries_count", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("expires_at"),
    moment("paid_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "attempt_id"),
    UniqueConstraint("merchant_id", "out_trade_no"),
    Index("ix_attempt_payment", "merchant_id", "payment_id"),
)

refund: Final = Table(
    "refund",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("out_refund_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),  # requested, or automatic (double payment, paid after close)
    Column("reason", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("platform_refund_id", Text),
    moment("created_at"),
    moment("finished_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "refund_id"),
    UniqueConstraint("merchant_id", "out_refund_no"),
    Index("ix_refund_payment", "merchant_id", "payment_id"),
)
