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
    Column("payer_scope", Text),  # which app of the platform knows the buyer by that id
    Column("order_id", Uuid),
    Column("payment_id", Uuid),
    moment("created_at"),
    moment("expires_at"),
    PrimaryKeyConstraint("merchant_id", "checkout_id"),
    UniqueConstraint("merchant_id", "click_id"),
    Index("ix_checkout_till", "merchant_id", "created_at", postgresql_where=text("sku_id IS NULL")),
    Index("ix_checkout_order", "merchant_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    Index("ix_checkout_payment", "merchant_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
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
    Column("closes_count", Integer, nullable=False, server_default=text("0")),  # tries to close it at the wallets
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
    Column("refusal", Text),  # the wallet's own code, where it refused to open
    Column("combined_try_id", Uuid),  # of a part of a combined payment: its wallet is asked about all parts at once
    Column("told_by_id", Uuid),  # its combined payment's connection: there it is asked about, whoever gets the money
    moment("created_at"),
    moment("expires_at"),
    moment("asked_at", nullable=True),
    moment("paid_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "attempt_id"),
    UniqueConstraint("merchant_id", "out_trade_no"),
    Index("ix_attempt_payment", "merchant_id", "payment_id"),
    Index(
        "ix_attempt_combined",
        "merchant_id",
        "combined_try_id",
        postgresql_where=text("combined_try_id IS NOT NULL"),
    ),
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
    Column("actor", Text, nullable=False, server_default=text("''")),  # who asked for it, or for its rescue
    Column("problem", Text),  # the wallet's own code, where it did not take or finish it
    Column("tries_count", Integer, nullable=False, server_default=text("0")),  # sends and queries without an end
    moment("created_at"),
    moment("finished_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "refund_id"),
    UniqueConstraint("merchant_id", "out_refund_no"),
    Index("ix_refund_payment", "merchant_id", "payment_id"),
)

#: Failures of a wallet account since its last success. No row: it is well.
wallet_health: Final = Table(
    "wallet_health",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("failures_count", Integer, nullable=False),
    Column("last_word", Text, nullable=False),
    moment("failed_at"),
    moment("down_until_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "connection_id"),
)

#: A QR that hangs in the shop: a typed or a fixed amount, without goods. Sales through it belong to its channel.
shop_code: Final = Table(
    "shop_code",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("code_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger),  # none: the buyer types it
    Column("currency", Text, nullable=False),
    Column("payment_max_minor", BigInteger, nullable=False),
    Column("buyer_day_max_minor", BigInteger, nullable=False),
    Column("code_day_max_minor", BigInteger, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "code_id"),
    UniqueConstraint("merchant_id", "code"),
    CheckConstraint("amount_minor > 0 AND amount_minor <= payment_max_minor", name="amount"),
    CheckConstraint("payment_max_minor > 0 AND buyer_day_max_minor > 0 AND code_day_max_minor > 0", name="limits"),
)

#: A checkout that a shop code opened. It counts against the day's limits from `counted_at` (the first "pay") on, as
#: long as its checkout is not closed. Who pays is only compared, so both marks are blind indexes.
shop_code_use: Final = Table(
    "shop_code_use",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("checkout_id", Uuid, nullable=False),
    Column("code_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("browser_mark", LargeBinary),
    Column("payer_mark", LargeBinary),
    moment("counted_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "checkout_id"),
    Index("ix_shop_code_use_day", "merchant_id", "code_id", "counted_at"),
)
