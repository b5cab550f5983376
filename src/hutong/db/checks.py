"""What a doctor finds: every domain has ``checks.check(unit)``, which proves its invariants on one merchant's rows."""

from __future__ import annotations

from typing import Final

import msgspec

#: Breaches one rule reports for one merchant; a broken counter is shown by its first cases, not by all of them.
BREACHES_PER_RULE_MAX: Final = 100


class Breach(msgspec.Struct, frozen=True):
    """One broken invariant: ``rule`` is stable (``ledger.batch_balances``), ``subject`` names the row."""

    rule: str
    subject: str
    detail: str
