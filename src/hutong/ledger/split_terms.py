"""The merchant's own bounds of all splits: how much of a sale may be given away, and how long goods may come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from hutong.core.errors import InvalidInput
from hutong.core.money import BPS_WHOLE
from hutong.db.fixed import Fixed, mine
from hutong.db.unit import Unit
from hutong.ledger.split_models import split_terms

TOTAL_CAP_BPS_DEFAULT: Final = 5_000
RETURN_WINDOW_DAYS_DEFAULT: Final = 7
RETURN_WINDOW_DAYS_MAX: Final = 365

_TERMS: Final = Fixed(select(split_terms).where(mine(split_terms.c.merchant_id)))


class SplitTerms(msgspec.Struct, frozen=True, kw_only=True):
    """``total_cap_bps`` of the gross price go to parties at most; shares are sure after ``return_window_days``."""

    total_cap_bps: int = TOTAL_CAP_BPS_DEFAULT
    return_window_days: int = RETURN_WINDOW_DAYS_DEFAULT

    @property
    def return_window(self) -> timedelta:
        """The window as a span of time."""
        return timedelta(days=self.return_window_days)


async def get_terms(unit: Unit) -> SplitTerms:
    """The merchant's terms, or the defaults."""
    rows = await unit.ask(_TERMS)
    if not rows:
        return SplitTerms()
    row = rows[0]
    return SplitTerms(total_cap_bps=row.total_cap_bps, return_window_days=row.return_window_days)


async def set_terms(unit: Unit, terms: SplitTerms) -> None:
    """Change the terms for sales from now on; rules that stand are cut where they exceed a lower cap.

    Raises:
        InvalidInput: out of bounds.
    """
    if not 0 <= terms.total_cap_bps <= BPS_WHOLE:
        raise InvalidInput(field="total_cap_bps", problem=f"0–{BPS_WHOLE}")
    if not 0 <= terms.return_window_days <= RETURN_WINDOW_DAYS_MAX:
        raise InvalidInput(field="return_window_days", problem=f"0–{RETURN_WINDOW_DAYS_MAX}")
    values = {**msgspec.structs.asdict(terms), "changed_at": unit.now()}
    statement = upsert(split_terms).values(merchant_id=unit.merchant_id, **values)
    await unit.run(statement.on_conflict_do_update(index_elements=["merchant_id"], set_=values))
