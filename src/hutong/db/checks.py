"""What a doctor finds: every domain has ``checks.check(unit)``, which proves its invariants on one merchant's rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

import msgspec
from sqlalchemy import Select, func, select, text

from hutong.db.unit import Unit

#: Breaches one rule reports for one merchant; a broken counter is shown by its first cases, not by all of them.
BREACHES_PER_RULE_MAX: Final = 100
#: The subject of a breach that says how many more there are.
MORE: Final = "…"


class Breach(msgspec.Struct, frozen=True):
    """One broken invariant: ``rule`` is stable (``ledger.batch_balances``), ``subject`` names the row."""

    rule: str
    subject: str
    detail: str


Check = Callable[[Unit], Awaitable[list[Breach]]]


def over_whole_tables(check: Check) -> Check:
    """A check whose rules go over whole tables: none of them may be planned as a nested loop.

    Until the planner has statistics of a merchant (just after an import, or for seconds in any young shop) it takes
    his rows for few, and would read one table anew for each row of the other: minutes instead of a second. It holds
    until the end of the transaction.
    """

    @wraps(check)
    async def examined(unit: Unit) -> list[Breach]:
        await unit.scalar(select(func.set_config("enable_nestloop", "off", True)))
        return await check(unit)

    return examined


async def breaches(unit: Unit, rule: str, query: str | Select[Any, Any]) -> list[Breach]:
    """Run one rule: a query whose rows are ``subject, detail`` of what breaks it; in SQL ``:m`` is the merchant.

    Of very many the first are named, in a lasting order, and one more breach says how many there are in all: so also
    a further one is seen.
    """
    most = BREACHES_PER_RULE_MAX
    rows: list[tuple[Any, ...]]
    if isinstance(query, str):
        sql = f"SELECT *, count(*) OVER () FROM ({query}) q(subject, detail) ORDER BY 1, 2 LIMIT :most"  # noqa: S608 (a rule of ours)
        rows = [tuple(row) for row in await unit.all(text(sql), {"m": unit.merchant_id, "most": most})]
    else:
        found = query.subquery()
        columns = list(found.c)
        whole = select(*columns, func.count().over())  # law: allow tenant-in-statement because the query names it
        rows = [tuple(row) for row in await unit.all(whole.order_by(*columns).limit(most))]
    named = [Breach(rule=rule, subject=str(subject), detail=str(detail)) for subject, detail, _ in rows]
    if rows and rows[0][2] > len(rows):
        named.append(Breach(rule=rule, subject=MORE, detail=f"{rows[0][2]} in all, {len(rows)} are shown"))
    return named
