"""Whether a wallet has to freeze a payment's money, decided once for each attempt and kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hutong.db.unit import Unit
from hutong.ledger.commissions import OrderKey
from hutong.ledger.receivers import parties_with_receiver
from hutong.ledger.sharing import needs_sharing, open_sharing, sharing_of
from hutong.ledger.split_terms import get_terms
from hutong.payments.service import AttemptView
from hutong.platforms.contract import Connector
from hutong.workflows.commands.sold import sold_by_order
from hutong.workflows.jobs import SHARE_OUT

#: After the return window a frozen order is looked at in any case, so that no money stays frozen for nothing.
LOOK_GRACE: Final = timedelta(hours=1)


async def freeze(unit: Unit, connector: Connector, attempt: AttemptView) -> bool:
    """For a new attempt: whether its order is opened so that it can be shared."""
    if connector.sharing is None:
        return False
    able = await parties_with_receiver(unit, connector.name)
    if not able or not await needs_sharing(unit, await sold_by_order(unit, attempt.order_id), able):
        return False
    await open_sharing(
        unit,
        attempt_id=attempt.attempt_id,
        order_id=attempt.order_id,
        connection_id=attempt.connection_id,
        platform=attempt.platform,
        out_trade_no=attempt.out_trade_no,
    )
    window = (await get_terms(unit)).return_window
    unit.schedule(SHARE_OUT, OrderKey(attempt.order_id), delay=window + LOOK_GRACE)
    return True


async def is_frozen(unit: Unit, connector: Connector, attempt: AttemptView) -> bool:
    """For an attempt that is opened again with the same number: as it was opened first."""
    return connector.sharing is not None and await sharing_of(unit, attempt.attempt_id) is not None
