"""Compares the differences that the hub found in the wallets' bills with what was planted: these and no others."""

from __future__ import annotations

from collections import Counter
from typing import Any

from restartable import World

#: Fault -> the kind of difference that it must be told as. A row that comes a day late must not be told at all.
KINDS = {
    "bill_row_missing": "missing_in_bill",
    "bill_row_extra": "unknown_to_us",
    "bill_amount": "amount_differs",
    "bill_fee": "fee_differs",
}
FOUND = (
    "SELECT c.platform, d.kind, d.number, count(*)::int FROM bill_difference d "
    "JOIN connection c USING (merchant_id, connection_id) GROUP BY c.platform, c.connection_id, d.kind, d.number"
)
STATES = "SELECT state, count(*)::int FROM bill GROUP BY state"
ROWS = "SELECT verdict, count(*)::int FROM bill_row GROUP BY verdict"
#: Bills that should have been read by now.
UNREAD = (
    "SELECT platform || ' ' || day || ' ' || state FROM bill "
    "WHERE state IN ('expected', 'missing') AND day < (SELECT max(day) - 1 FROM bill)"
)


MOVING = "SELECT out_refund_no FROM refund WHERE state <> 'succeeded'"
#: Of a refund whose money has not come back neither the fee nor a missing row says anything yet.
SILENT_WHILE_MOVING = ("bill_fee", "bill_row_missing")
#: A charge that was undone stands in its bill twice, the second time under the same number or under none: of these rows
#: only that they are known is judged.
REVERSED = "SELECT out_trade_no FROM attempt WHERE state = 'reversed'"
UNJUDGED_OF_REVERSED = ("missing_in_bill", "amount_differs", "fee_differs")


def planted(struck: dict[str, dict[str, list[str]]], moving: set[str]) -> set[tuple[str, str, str]]:
    """Platform, kind and number of what must be found. Another amount is told as that, whatever the fee."""
    expected: set[tuple[str, str, str]] = set()
    for platform, kinds in struck.items():
        amounts = set(kinds.get("bill_amount", ()))
        for fault, kind in KINDS.items():
            for number in kinds.get(fault, ()):
                if (fault == "bill_fee" and number in amounts) or (fault in SILENT_WHILE_MOVING and number in moving):
                    continue
                expected.add((platform, kind, f"{number[:-1]}X" if fault == "bill_row_extra" else number))
    return expected


def compare_bills(
    world: World, struck: dict[str, dict[str, list[str]]], by_hand: set[tuple[str, str]]
) -> tuple[dict[str, Any], list[str]]:
    """Figures, and what was planted and not found, or found and not planted.

    ``by_hand``: wallet and number of refunds that the shop made in the wallet's own console: the bill tells of them
    """
    expected = planted(struck, {row[0] for row in world.sql(MOVING)})
    missing = {(platform, number) for platform, kind, number in expected if kind == KINDS["bill_row_missing"]}
    expected = {(p, kind, number) for p, kind, number in expected if (p, number) not in by_hand}
    expected |= {(platform, "unknown_to_us", number) for platform, number in by_hand - missing}
    unjudged = {row[0] for row in world.sql(REVERSED)} | {""}
    expected = {one for one in expected if one[1] not in UNJUDGED_OF_REVERSED or one[2] not in unjudged}
    rows = [(row[0], row[1], row[2], row[3]) for row in world.sql(FOUND)]
    rows = [row for row in rows if row[1] not in UNJUDGED_OF_REVERSED or row[2] not in unjudged]
    found = {row[:3] for row in rows}
    wrong = [f"bill: planted and not told: {' '.join(one)}" for one in sorted(expected - found)]
    wrong += [f"bill: told and not planted: {' '.join(one)}" for one in sorted(found - expected)]
    wrong += [f"bill: told {row[3]} times: {' '.join(row[:3])}" for row in sorted(rows) if row[3] > 1]
    wrong += [f"bill: not read: {row[0]}" for row in world.sql(UNREAD)]
    figures = {
        "states": dict(world.sql(STATES)),
        "rows": dict(world.sql(ROWS)),
        "planted": dict(Counter(kind for _, kind, _ in expected)),
        "told": dict(Counter(kind for _, kind, _ in found)),
        "late_rows": sum(len(kinds.get("bill_row_late", ())) for kinds in struck.values()),
    }
    return figures, wrong
