"""The tone of a badge by what it says."""

from __future__ import annotations

from typing import Final

from hutong.web.labels import mark

#: kind of value -> value -> tone of its badge; what is not listed is neutral.
TONES: Final[dict[str, dict[str, str]]] = {
    "promoted_status": {"paid": "good", "received": "good", "settled": "good", "unpaid": "wait", "pending": "wait"},
    "order_status": {
        "pending": "wait", "unpaid": "wait", "paid": "act", "partly_shipped": "act", "shipped": "good",
        "completed": "good",
    },
    "payment_status": {"open": "wait", "paid": "good"},
    "payment_shown": {"open": "wait", "checking": "act", "paid": "good"},
    "attempt_status": {
        "created": "wait",
        "open": "wait",
        "unknown": "wait",
        "paid": "good",
        "refused": "bad",
        "reversing": "wait",
        "mismatched": "bad",
    },
    "bill_status": {"expected": "wait", "read": "good", "empty": "mute", "missing": "bad"},
    "difference_kind": {
        "missing_in_bill": "bad",
        "unknown_to_us": "bad",
        "amount_differs": "bad",
        "fee_differs": "act",
    },
    "difference_status": {"open": "act", "explained": "good"},
    "refund_status": {
        "created": "wait",
        "unknown": "wait",
        "sent": "wait",
        "succeeded": "good",
        "abnormal": "bad",
        "failed": "bad",
    },
    "commission_status": {"estimated": "wait", "confirmed": "act", "settled": "good"},
    "wall_state": {"open": "good", "half": "act", "closed": "bad"},
    "severity": {"urgent": "bad", "normal": "wait"},
    "severity_group": {"urgent": mark("现在就要处理"), "normal": mark("有空看一下")},
    "ticket_status": {"open": "act", "resolved": "mute", "closed": "mute"},
    "proof": {"simulated": "wait", "judged": "good", "file-tested": "good", "live-tested": "good", "unverified": "bad"},
    "mode": {"sandbox": "wait", "live": "good"},
    "reliance": {"low": "good", "medium": "act", "high": "bad"},
    "till_status": {"paying": "wait", "paid": "good"},
    "shop_code_state": {"active": "good", "paused": "mute"},
    "link_standing": {
        "active": "good", "early": "wait", "expired": "mute", "used_up": "mute", "off": "mute",
        "all_off": "bad",
    },
    "host_state": {"pending": "wait", "verified": "good", "lost": "bad"},
    "health": {"ok": "good", "broken": "bad", "unclear": "mute"},
    "webhook_health": {"fine": "good", "failing": "bad", "disabled": "mute", "new": "wait"},
    "webhook_delivery": {"waiting": "wait", "delivered": "good", "failed": "bad"},
}  # fmt: skip


def tone_of(kind: str, value: str) -> str:
    """The tone of a value's badge: good, act, wait, bad or mute."""
    return TONES.get(kind, {}).get(value, "mute")
