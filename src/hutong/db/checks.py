"""What a doctor finds: every domain has ``checks.check(unit)``, which proves its invariants on one merchant's rows."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import text

from hutong.db.unit import Unit

#: Breaches one rule reports for one merchant; a broken counter is shown by its first cases, not by all of them.
BREACHES_PER_RULE_MAX: Final = 100


class Breach(msgspec.Struct, frozen=True):
    """One broken invariant: ``rule`` is stable (``ledger.batch_balances``), ``subject`` names the row."""

    rule: str
    subject: str
    detail: str


async def breaches(unit: Unit, rule: str, sql: str) -> list[Breach]:
    """Run one rule: a query whose rows are ``subject, detail`` of what breaks it. ``:m`` is the merchant."""
    rows = await unit.all(text(f"{sql} LIMIT {BREACHES_PER_RULE_MAX}"), {"m": unit.merchant_id})
    return [Breach(rule=rule, subject=str(subject), detail=str(detail)) for subject, detail in map(tuple, rows)]
