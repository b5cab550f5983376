"""What channels cost: commissions by the books beside the sales they were paid for."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import and_, func, select

from hutong.analytics.models import sale_fact
from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.ledger.accounts import EXPENSE_COMMISSION
from hutong.ledger.joins import ON_ACCOUNT, ON_BATCH
from hutong.ledger.models import ledger_account, ledger_batch, posting

#: Channels × currencies of one answer.
GROUPS_MAX: Final = 10_000


async def channel_commissions(unit: Unit) -> dict[UUID, tuple[Money, ...]]:
    """What the orders of each channel owe to parties, in each currency; refunds took their part back."""
    on_sale = and_(
        sale_fact.c.merchant_id == ledger_batch.c.merchant_id, sale_fact.c.order_id == ledger_batch.c.subject_id
    )
    statement = (
        select(sale_fact.c.channel_id, posting.c.currency, func.sum(posting.c.amount_minor).label("owed_minor"))
        .select_from(posting.join(ledger_account, ON_ACCOUNT).join(ledger_batch, ON_BATCH).join(sale_fact, on_sale))
        .where(posting.c.merchant_id == unit.merchant_id, ledger_account.c.path == EXPENSE_COMMISSION)
        .where(ledger_batch.c.subject_kind == "order", sale_fact.c.channel_id.is_not(None))
        .group_by(sale_fact.c.channel_id, posting.c.currency)
        .order_by(sale_fact.c.channel_id, posting.c.currency)
        .limit(GROUPS_MAX)
    )
    found: dict[UUID, tuple[Money, ...]] = {}
    for row in await unit.all(statement):
        found[row.channel_id] = (*found.get(row.channel_id, ()), Money(int(row.owed_minor), row.currency))
    return found
