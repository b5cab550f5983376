"""Compares the hub with the sandbox's own books, order by order and to the fen; looks inside only to compare."""

from __future__ import annotations

from collections import Counter
from typing import Any

from restartable import World

SHOWN_MAX = 20

#: Sums of refunds first: asked for attempt by attempt they are looked for in all refunds each time.
ATTEMPTS = """
SELECT a.out_trade_no, a.state, a.amount_minor, p.order_id, p.payment_id,
       a.attempt_id = p.captured_attempt_id AS captured,
       coalesce(r.refunded_minor, 0) AS refunded_minor, coalesce(r.refunding_minor, 0) AS refunding_minor
FROM attempt a JOIN payment p USING (merchant_id, payment_id)
LEFT JOIN (
    SELECT merchant_id, attempt_id,
           sum(amount_minor) FILTER (WHERE state = 'succeeded') AS refunded_minor,
           sum(amount_minor) FILTER (WHERE state IN ('created', 'unknown', 'sent', 'abnormal')) AS refunding_minor
    FROM refund GROUP BY merchant_id, attempt_id
) r USING (merchant_id, attempt_id)
"""
FEES = """
SELECT b.subject_id AS order_id, sum(t.amount_minor) AS fee_minor
FROM posting t JOIN ledger_batch b USING (merchant_id, batch_id) JOIN ledger_account c USING (merchant_id, account_id)
WHERE c.path LIKE 'expense:wallet_fee%' AND b.subject_kind = 'order' GROUP BY b.subject_id
"""
#: What must not exist at all.
NONE: dict[str, str] = {
    "failed jobs": "SELECT kind || ' ' || coalesce(last_error, '') FROM job WHERE state = 'failed'",
    "events told twice": (
        "SELECT name || ' ' || min(event_id::text) FROM outbox WHERE name IN ('payment.paid', 'payment.closed') "
        "GROUP BY name, convert_from(body, 'UTF8')::json ->> 'payment_id' HAVING count(*) > 1"
    ),
    "paid without one event": (
        "SELECT p.payment_id::text FROM payment p LEFT JOIN outbox o ON o.merchant_id = p.merchant_id "
        "AND o.name = 'payment.paid' AND convert_from(o.body, 'UTF8')::json ->> 'payment_id' = p.payment_id::text "
        "WHERE (p.captured_attempt_id IS NULL) <> (o.event_id IS NULL)"
    ),
    "surplus without exactly one refund": (
        "SELECT a.out_trade_no FROM attempt a JOIN payment p USING (merchant_id, payment_id) "
        "LEFT JOIN refund r ON r.merchant_id = a.merchant_id AND r.attempt_id = a.attempt_id "
        "AND r.cause = 'automatic' WHERE a.state = 'paid' AND a.attempt_id IS DISTINCT FROM "
        "p.captured_attempt_id GROUP BY a.out_trade_no HAVING count(r.refund_id) <> 1"
    ),
    "surplus without exactly one ticket": (
        "SELECT a.out_trade_no FROM attempt a JOIN payment p USING (merchant_id, payment_id) LEFT JOIN ticket t ON "
        "t.merchant_id = a.merchant_id AND t.kind = 'surplus_captured' "
        "AND t.dedupe_key = replace(a.attempt_id::text, '-', '') WHERE a.state = 'paid' "
        "AND a.attempt_id IS DISTINCT FROM p.captured_attempt_id GROUP BY a.out_trade_no HAVING count(t.ticket_id) <> 1"
    ),
    "automatic refund of no surplus": (
        "SELECT r.out_refund_no FROM refund r JOIN payment p USING (merchant_id, payment_id) "
        "WHERE r.cause = 'automatic' AND r.attempt_id IS NOT DISTINCT FROM p.captured_attempt_id"
    ),
    "refunds that did not end": "SELECT out_refund_no || ' ' || state FROM refund WHERE state <> 'succeeded'",
    "unsettled attempts": (
        "SELECT out_trade_no || ' ' || state FROM attempt WHERE state IN ('created', 'open', 'unknown', 'reversing')"
    ),
    "open payments": "SELECT payment_id::text FROM payment WHERE state = 'open'",
    "orders that differ from their payment": (
        "SELECT o.order_no || ' ' || o.state || ' / ' || p.state FROM sales_order o JOIN payment p USING (merchant_id, "
        "order_id) WHERE o.paid_minor <> CASE WHEN p.captured_attempt_id IS NULL THEN 0 ELSE p.amount_minor END "
        "OR o.refunded_minor <> p.refunded_minor"
    ),
}


def compare(world: World, paid_to: set[str], given_back: dict[str, int]) -> tuple[dict[str, Any], list[str]]:
    """Figures, and everything that does not agree.

    ``given_back``: number -> what the shop gave back in the wallet's own console, of which nobody told the hub to book.
    """
    books = {row["order_no"]: row for row in world.sandbox.get("/books").json() if row["platform"] != "taobao"}
    attempts = {row["out_trade_no"]: row for row in world.sql(ATTEMPTS)}
    fees = {row["order_id"]: int(row["fee_minor"]) for row in world.sql(FEES)}
    wrong = [f"{number}: a buyer paid it, the wallet does not know" for number in paid_to - set(books)]
    for number, fen in given_back.items():
        wrong += _put_by(number, books[number], fen) if number in books else []
    kept: Counter[Any] = Counter()
    for number, row in books.items():
        attempt = attempts.get(number)
        wrong += _order(number, row, attempt)
        if attempt is not None:
            kept[attempt["order_id"]] += row["fee_fen"] - row["refunded_fee_fen"]
    wrong += [
        f"order {order_id}: fee {fees.get(order_id, 0)} here, {kept[order_id]} at the wallets"
        for order_id in {*kept, *fees}
        if fees.get(order_id, 0) != kept[order_id]
    ]
    for number, attempt in attempts.items():
        if attempt["state"] == "paid" and number not in books:
            wrong.append(f"{number}: paid here, not at the wallet")
    for rule, statement in NONE.items():
        wrong += [f"{rule}: {row[0]}" for row in world.sql(statement)]
    wrong += _balances(world, books)
    states = Counter(attempt["state"] for attempt in attempts.values())
    figures = {
        "orders": len({attempt["order_id"] for attempt in attempts.values()}),
        "attempts": dict(states),
        "undone_paid": sum(attempts[number]["state"] == "reversed" for number in set(books) & set(attempts)),
        "captured": sum(bool(attempt["captured"]) for attempt in attempts.values()),
        "surplus": sum(a["state"] == "paid" and not a["captured"] for a in attempts.values()),
        "refunds": {row[0]: row[1] for row in world.sql("SELECT state, count(*) FROM refund GROUP BY state")},
        "tickets": {row[0]: row[1] for row in world.sql("SELECT kind, count(*) FROM ticket GROUP BY kind")},
        "amount_fen": sum(row["amount_fen"] for row in books.values()),
        "refunded_fen": sum(row["refunded_fen"] for row in books.values()),
    }
    return figures, wrong


def _put_by(number: str, row: dict[str, Any], given_back_fen: int) -> list[str]:
    """Take what was given back by hand out of the wallet's row: the hub does not know it."""
    if row["refunded_fen"] != given_back_fen:
        return [f"{number}: {row['refunded_fen']} went back, {given_back_fen} of it by hand"]
    row["refunded_fen"] = row["refunded_fee_fen"] = 0
    return []


def _order(number: str, row: dict[str, Any], attempt: Any) -> list[str]:  # noqa: ANN401 (a row)
    if attempt is not None and attempt["state"] == "reversed":  # paid while it was being undone, so all of it is back
        gone = row["refunded_fen"] == row["amount_fen"] and not row["refunding_fen"] and not attempt["captured"]
        return [] if gone else [f"{number}: undone here, at the wallet {row['status']}"]
    if attempt is None or attempt["state"] != "paid":
        return [f"{number}: paid at the wallet, here {attempt and attempt['state']}"]
    wrong = []
    for name, ours, theirs in (
        ("amount", attempt["amount_minor"], row["amount_fen"]),
        ("refunded", attempt["refunded_minor"], row["refunded_fen"]),
        ("refunding", attempt["refunding_minor"], row["refunding_fen"]),
    ):
        if int(ours) != theirs:
            wrong.append(f"{number}: {name} {ours} here, {theirs} at the wallet")
    return wrong


def _balances(world: World, books: dict[str, dict[str, Any]]) -> list[str]:
    """The wallets' accounts in the ledger against what the wallets hold."""
    held: Counter[str] = Counter()
    for row in books.values():
        held[row["platform"]] += row["amount_fen"] - row["refunded_fen"] - (row["fee_fen"] - row["refunded_fee_fen"])
    ours: Counter[str] = Counter()
    rows = world.sql(
        "SELECT c.path, b.balance_minor FROM account_balance b JOIN ledger_account c USING (merchant_id, account_id) "
        "WHERE c.path LIKE 'wallet:%'"
    )
    for row in rows:
        ours[row["path"].split(":")[1]] += row["balance_minor"]
    return [
        f"{platform}: the ledger holds {ours[platform]}, the wallet {held[platform]}"
        for platform in held | ours
        if ours[platform] != held[platform]
    ]
