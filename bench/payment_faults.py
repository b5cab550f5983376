"""What goes wrong in the payments proof: how often, of which kind it is, and whether all of it was met.

The numbers of the kinds are those of the list of failure modes in the payments reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payment_buyers import WALLETS
from restartable import World

#: A buyer types his password a moment later: within the time that the till gives him.
PASSWORD_S = 20
RATES: dict[str, dict[str, Any]] = {
    "callback_lost": {"rate": 0.05},
    "callback_duplicate": {"rate": 0.05, "count": 4},
    "callback_reordered": {"rate": 0.03},
    "callback_delayed": {"rate": 0.03, "seconds": 3000},
    "amount_mismatch": {"rate": 0.02},
    "foreign_appid": {"rate": 0.01},
    "foreign_mchid": {"rate": 0.01},
    "foreign_order": {"rate": 0.01},
    "foreign_currency": {"rate": 0.01},
    "foreign_app_id": {"rate": 0.01},
    "foreign_seller_id": {"rate": 0.01},
    "sign_type_changed": {"rate": 0.03},
    "system_error": {"rate": 0.02},
    "callback_tampered": {"rate": 0.04},
    "callback_stale": {"rate": 0.03},
    "sign_probe": {"rate": 0.04},
    "create_timeout": {"rate": 0.05},
    "server_error": {"rate": 0.01},
    "rate_limited": {"rate": 0.01},
    "refund_timeout": {"rate": 0.2},
    "refund_stuck": {"rate": 0.1, "seconds": 90},
    "not_enough": {"rate": 0.1},
    "close_race": {"rate": 1.0},
    "code_userpaying": {"rate": 0.6, "seconds": PASSWORD_S},
    "code_payerror": {"rate": 0.1, "seconds": PASSWORD_S},
    "code_not_enough": {"rate": 0.05},
    "user_paying": {"rate": 0.6, "seconds": PASSWORD_S},
    "user_gives_up": {"rate": 0.1},
    "reverse_race": {"rate": 0.5},
    "reverse_timeout": {"rate": 0.3},
    "bill_row_missing": {"rate": 0.01},
    "bill_row_extra": {"rate": 0.01},
    "bill_amount": {"rate": 0.01},
    "bill_fee": {"rate": 0.01},
    "bill_row_late": {"rate": 0.02},
    "bill_late": {"rate": 0.5, "seconds": 7200},
    "bill_hash": {"rate": 0.5},
}
#: Number in the list of failure modes -> the faults of it; what a buyer wishes stands as ``wish:``, what was seen
#: to happen as ``did:``.
KINDS: dict[str, tuple[str, ...]] = {
    "F1 lost callback": ("callback_lost",),
    "F2 duplicates at once": ("callback_duplicate",),
    "F3 reordered": ("callback_reordered", "did:refund_first"),
    "F4 delayed, paid after close": ("callback_delayed", "wish:late"),
    "F5 amount": ("amount_mismatch",),
    "F6 foreign": (
        "foreign_appid",
        "foreign_mchid",
        "foreign_order",
        "foreign_currency",
        "foreign_app_id",
        "foreign_seller_id",
    ),
    "F7 tampered, stale, probe": (
        "callback_tampered",
        "callback_stale",
        "sign_probe",
        "sign_type_changed",
        "wish:abandon",
    ),
    "F8 no answer, 500, 429": ("create_timeout", "server_error", "system_error", "rate_limited"),
    "F9 paid twice": ("wish:double",),
    "F10 refund unclear, abnormal": ("refund_timeout", "refund_stuck", "not_enough", "did:applied_again"),
    "F11 password typed late, reverse race": (
        "code_userpaying",
        "user_paying",
        "code_payerror",
        "user_gives_up",
        "code_not_enough",
        "reverse_race",
        "reverse_timeout",
    ),
    "F12 killed": ("did:killed",),
    "F13 certificates rotated": ("did:key_met",),
    "F14 bill differs": (
        "bill_row_missing",
        "bill_row_extra",
        "bill_amount",
        "bill_fee",
        "bill_row_late",
        "bill_late",
        "bill_hash",
    ),
    "F15 merchant's webhook down for a day": ("did:silent_days",),
    "F16 slow acknowledgement": ("did:slow_and_again",),
}
#: At least this share of the payments must be met by a fault.
SHARE_MIN = 0.3
#: From so many payments on every part of every kind must have struck.
ALL_KINDS_FROM = 2_000

Struck = Mapping[str, Mapping[str, list[str]]]


def rules(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The faults to put in force; each wallet has its own kinds."""
    return [
        {"platform": wallet, "kind": kind, **rate}
        for wallet in WALLETS
        for kind, rate in RATES.items()
        if kind in known[wallet]
    ]


class Tally:
    """How often each part of each kind struck, and whom."""

    def __init__(self, world: World, struck: Struck, wished: Mapping[str, set[str]], did: Mapping[str, int]) -> None:
        """``wished``: what buyers did -> ids of their payments; ``did``: what was seen to happen -> how often."""
        self._struck = struck
        self._known = world.sandbox.get("/faults").json()["kinds"]
        by_number = {row[0]: str(row[1]) for row in world.sql("SELECT out_trade_no, payment_id FROM attempt")}
        by_number |= {row[0]: str(row[1]) for row in world.sql("SELECT out_refund_no, payment_id FROM refund")}
        self.parts: dict[str, dict[str, int]] = {}
        self.hit: set[str] = set()
        for name, parts in KINDS.items():
            counts = self.parts[name] = {}
            for part in parts:
                scope, _, what = part.rpartition(":")
                if scope == "did":
                    counts[part] = did[what]
                elif scope == "wish":
                    counts[part] = len(wished[what])
                    self.hit |= wished[what]
                else:
                    subjects = {subject for kinds in struck.values() for subject in kinds.get(part, ())}
                    counts[part] = len(subjects)
                    self.hit |= {by_number[one] for one in subjects if one in by_number}

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> strikes."""
        return {name: sum(parts.values()) for name, parts in self.parts.items()}

    @property
    def kinds(self) -> int:
        """How many of the kinds struck."""
        return sum(bool(count) for count in self.counts.values())

    def wanting(self) -> list[str]:
        """Parts of kinds that never struck, or not at each wallet that knows them."""
        found = [f"{name}: {part}" for name, parts in self.parts.items() for part, count in parts.items() if not count]
        return found + [
            f"{name}: {part} at {wallet}"
            for name, parts in self.parts.items()
            for part, count in parts.items()
            for wallet in WALLETS
            if count and part in self._known[wallet] and not self._struck.get(wallet, {}).get(part)
        ]
