"""Tables of splits: who earns, what of each order, and how it was paid. Amounts in minor units."""

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
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hutong.db.tables import METADATA, moment

#: Whose posts, links and sessions a channel's are: sales of the channel are brought by this party.
party_channel: Final = Table(
    "party_channel",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "channel_id"),
    Index("ix_party_channel_party", "merchant_id", "party_id"),
)

#: A party's account at a wallet; kind, reference and name are sealed, `digest` tells whether they changed.
party_receiver: Final = Table(
    "party_receiver",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("receiver", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "party_id", "platform"),
)

#: Which receivers a connection's wallet has been told of: once each, again only when the account changed.
receiver_added: Final = Table(
    "receiver_added",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    moment("added_at"),
    PrimaryKeyConstraint("merchant_id", "connection_id", "party_id"),
)

#: The merchant's own bounds of all splits; no row means the defaults.
split_terms: Final = Table(
    "split_terms",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("total_cap_bps", Integer, nullable=False),
    Column("return_window_days", Integer, nullable=False),
    moment("changed_at"),
    PrimaryKeyConstraint("merchant_id"),
)

#: A rule of a party; ended, never changed. `rate_bps` is the most of its base that its terms can take.
split_rule: Final = Table(
    "split_rule",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("rule_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("channel_id", Uuid),
    Column("rate_bps", Integer, nullable=False),
    moment("created_at"),
    moment("ended_at", nullable=True),
    Column("kind", Text, nullable=False, server_default=text("'percent'")),
    Column("terms", JSONB, nullable=False, server_default=text("'{}'")),
    Column("scope", JSONB, nullable=False, server_default=text("'{}'")),
    Column("base", Text, nullable=False, server_default=text("'gross'")),
    Column("level", SmallInteger, nullable=False, server_default=text("1")),
    Column("priority", Integer, nullable=False, server_default=text("100")),
    Column("currency", Text, nullable=False, server_default=text("'CNY'")),
    Column("replaces_rule_id", Uuid),
    PrimaryKeyConstraint("merchant_id", "rule_id"),
    CheckConstraint("level BETWEEN 1 AND 2", name="level"),
    Index("ix_split_rule_open", "merchant_id", "channel_id", postgresql_where=text("ended_at IS NULL")),
)

#: What one rule gives a party of one order. Owed = amount − reversed − settled; below zero the party owes it back.
commission: Final = Table(
    "commission",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("commission_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("rule_id", Uuid, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("base_minor", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),  # of the order
    Column("reversed_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("settled_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("channel_id", Uuid),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("outside_reason", Text),  # why the wallet does not carry what is still owed
    moment("paid_at"),
    moment("due_at"),
    moment("confirmed_at", nullable=True),
    moment("settled_at", nullable=True),
    moment("reversed_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "commission_id"),
    UniqueConstraint("merchant_id", "order_id", "party_id", "rule_id", name="uq_commission_order"),
    CheckConstraint("reversed_minor >= 0 AND reversed_minor <= amount_minor", name="reversed"),
    CheckConstraint("settled_minor >= 0 AND settled_minor <= amount_minor", name="settled"),
    Index("ix_commission_party", "merchant_id", "party_id", "paid_at"),
)

#: Every change of what is settled of a commission; `settled_minor` is the fold of these.
commission_move: Final = Table(
    "commission_move",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("move_id", Uuid, nullable=False),
    Column("commission_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reference", Text, nullable=False),
    moment("moved_at"),
    PrimaryKeyConstraint("merchant_id", "move_id"),
    UniqueConstraint("merchant_id", "commission_id", "kind", "reference", name="uq_commission_move_once"),
)

#: A wallet order that was opened with its money frozen, so that it can be shared.
sharing: Final = Table(
    "sharing",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("platform", Text, nullable=False),
    Column("out_trade_no", Text, nullable=False),
    Column("finish_no", Text, nullable=False),
    Column("state", Text, nullable=False),
    moment("created_at"),
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "attempt_id"),
    Index("ix_sharing_order", "merchant_id", "order_id"),
)

#: One request to share an order's money; the number is the same on every retry.
share_request: Final = Table(
    "share_request",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("out_share_no", Text, nullable=False),
    Column("attempt_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    moment("created_at"),
    moment("sent_at", nullable=True),  # from then on the wallet may know it
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "out_share_no"),
    Index("ix_share_request_order", "merchant_id", "order_id"),
)

#: One party's part of a request. `takes_back`: whether the wallet can take it back (not from a person's account).
share_line: Final = Table(
    "share_line",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("out_share_no", Text, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("receiver", LargeBinary, nullable=False),  # sealed, as it was when the request was made
    Column("takes_back", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("merchant_id", "out_share_no", "party_id"),
)

#: A share that is taken back because of a refund; the number is the same on every retry.
take_back: Final = Table(
    "take_back",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("out_return_no", Text, nullable=False),
    Column("out_share_no", Text, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    moment("created_at"),
    moment("ended_at", nullable=True),
    PrimaryKeyConstraint("merchant_id", "out_return_no"),
    UniqueConstraint("merchant_id", "refund_id", "out_share_no", "party_id", name="uq_take_back_once"),
)

#: What the merchant paid a party outside the wallet: who paid, when, and the bank's or anybody's reference.
outside_payment: Final = Table(
    "outside_payment",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("outside_payment_id", Uuid, nullable=False),
    Column("party_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("paid_by", Text, nullable=False),
    Column("reference", Text, nullable=False),
    moment("paid_at"),
    moment("recorded_at"),
    Column("method", Text, nullable=False, server_default=text("''")),
    Column("note", Text, nullable=False, server_default=text("''")),
    # How often this reference had been recorded and undone before: it is free again after an undoing, and only then.
    Column("undone_before", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("merchant_id", "outside_payment_id"),
    UniqueConstraint("merchant_id", "party_id", "reference", "undone_before", name="uq_outside_payment_reference"),
)

#: A payment outside the wallet that was recorded by mistake: undone once, by whom and why. The payment's row stays.
outside_payment_undo: Final = Table(
    "outside_payment_undo",
    METADATA,
    Column("merchant_id", Uuid, nullable=False),
    Column("outside_payment_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("undone_by", Text, nullable=False),  # staff:ID or key:ID
    moment("undone_at"),
    PrimaryKeyConstraint("merchant_id", "outside_payment_id"),
)

#: All tables of this file, for the migration's `tenancy.protect`.
PROTECTED_TABLES: Final = (
    "split_rule",
    "party_channel",
    "party_receiver",
    "receiver_added",
    "split_terms",
    "commission",
    "commission_move",
    "sharing",
    "share_request",
    "share_line",
    "take_back",
    "outside_payment",
    "outside_payment_undo",
)
#: Those of them that the app role may only add to (`tenancy.make_append_only`).
APPEND_ONLY_TABLES: Final = ("commission_move", "outside_payment", "outside_payment_undo")
