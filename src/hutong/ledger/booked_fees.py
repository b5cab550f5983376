"""What the books took as the wallet's fee, by the batch that booked it: what a wallet's bill is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hutong.db.unit import Unit
from hutong.ledger.accounts import EXPENSE_WALLET_FEE

_FEES: Final = (
    "SELECT b.idempotency_key, coalesce(sum(p.amount_minor) FILTER (WHERE a.path = $3), 0)::bigint AS fee_minor "
    "FROM ledger_batch b JOIN posting p ON p.merchant_id = b.merchant_id AND p.batch_id = b.batch_id "
    "JOIN ledger_account a ON a.merchant_id = p.merchant_id AND a.account_id = p.account_id "
    "WHERE b.merchant_id = $1 AND b.idempotency_key = ANY($2::text[]) GROUP BY b.idempotency_key"
)


async def booked_fees(unit: Unit, keys: Sequence[str]) -> dict[str, int]:
    """The fee that each batch booked, in minor units, below zero where it came back; keys never booked are missing."""
    rows = await unit.fetch(_FEES, unit.merchant_id, list(keys), EXPENSE_WALLET_FEE)
    return {row.idempotency_key: row.fee_minor for row in rows}
