"""At a start: bills for which nobody waits any more, or never did, are waited for."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from hutong.payments.bills import ONE_DAY, BillTask
from hutong.workflows.commands.read_bill import bills_of, first_bill, wait_for_bill
from hutong.workflows.jobs import READ_BILL
from hutong.workflows.runtime import Runtime

#: Bills for which one start begins to wait; the rest is left to the next one.
BEGUN_MAX: Final = 10_000
#: What a job is about stands in its payload alone once it was tried: its key is free again from then on.
_UNWAITED: Final = text(
    "WITH waited AS MATERIALIZED (SELECT j.merchant_id, (told ->> 'connection_id')::uuid AS connection_id, "
    "(told ->> 'day')::date AS day FROM job j CROSS JOIN LATERAL "
    "(SELECT convert_from(j.payload, 'UTF8')::jsonb AS told) payload WHERE j.kind = :kind AND j.finished_at IS NULL), "
    "newest AS (SELECT c.merchant_id, c.connection_id, c.platform, (SELECT max(b.day) FROM bill b "
    "WHERE b.merchant_id = c.merchant_id AND b.connection_id = c.connection_id) AS day "
    "FROM connection c WHERE c.platform = ANY(:able)) "
    # Days whose job is gone: it failed for good, or there was no connector for it.
    "SELECT n.merchant_id, n.connection_id, n.platform, b.day, b.day = n.day AS is_last, true AS is_lost FROM newest n "
    "JOIN bill b ON b.merchant_id = n.merchant_id AND b.connection_id = n.connection_id AND b.state = 'expected' "
    "WHERE NOT EXISTS (SELECT 1 FROM waited w WHERE w.merchant_id = b.merchant_id "
    "AND w.connection_id = b.connection_id AND w.day = b.day) "
    # Accounts that wait for nothing: connected before bills were read, or with no day after the newest one.
    "UNION ALL SELECT n.merchant_id, n.connection_id, n.platform, n.day, true, false FROM newest n "
    "WHERE NOT EXISTS (SELECT 1 FROM bill b WHERE b.merchant_id = n.merchant_id "
    "AND b.connection_id = n.connection_id AND b.state = 'expected') "
    "AND NOT EXISTS (SELECT 1 FROM waited w WHERE w.merchant_id = n.merchant_id "
    "AND w.connection_id = n.connection_id) LIMIT :most"
)


async def begin_bills(runtime: Runtime) -> int:
    """Wait for the bills for which nobody does, and tell how many there were.

    These are the accounts that were connected before bills were read, and days whose job ended without a bill: the
    account's connector was away, or had no bills for a time. It is safe at each start, in as many processes as start.
    """
    able = [connector.name for connector in runtime.registry.all() if connector.bills is not None]
    async with runtime.database.plain("system") as connection:
        found = (await connection.execute(_UNWAITED, {"able": able, "kind": READ_BILL, "most": BEGUN_MAX})).all()
    for row in found:
        bills = bills_of(runtime, row.platform)
        assert bills is not None, "only accounts of wallets with bills were looked for"
        async with runtime.unit(row.merchant_id, "bill.first") as unit:
            if row.day is None:
                first_bill(unit, row.connection_id, bills)
            else:
                day = row.day if row.is_lost else row.day + ONE_DAY
                wait_for_bill(unit, bills, BillTask(row.connection_id, day, follows=row.is_last))
    return len(found)
