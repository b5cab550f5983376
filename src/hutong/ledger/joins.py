"""How the ledger's tables hang together, always by merchant first."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_

from hutong.ledger.models import ledger_account, ledger_batch, posting, statement_line

ON_ACCOUNT: Final = and_(
    ledger_account.c.merchant_id == posting.c.merchant_id, ledger_account.c.account_id == posting.c.account_id
)
ON_BATCH: Final = and_(
    ledger_batch.c.merchant_id == posting.c.merchant_id, ledger_batch.c.batch_id == posting.c.batch_id
)
ON_LINE: Final = and_(
    posting.c.merchant_id == statement_line.c.merchant_id,
    posting.c.batch_id == statement_line.c.batch_id,
    posting.c.leg_no == statement_line.c.leg_no,
)
