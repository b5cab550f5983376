"""Seeded faults: whether one strikes depends on seed, kind, subject and how often that subject came before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.drbg import share_of

_MILLION: Final = 1_000_000
RULES_MAX: Final = 100

#: Kind -> (number in the reference list, what it does). A platform accepts only its own kinds.
WECHATPAY_KINDS: Final[Mapping[str, str]] = {
    "callback_lost": "F1: a notice is never sent, nor retried",
    "callback_duplicate": "F2: a notice is sent ``count`` times at once",
    "callback_reordered": "F3: the payment's notice waits until the refund's was sent",
    "callback_delayed": "F4: the first delivery comes ``seconds`` later",
    "amount_mismatch": "F5: a validly signed notice says one fen more",
    "foreign_appid": "F6: a valid notice of another app",
    "foreign_mchid": "F6: a valid notice of another merchant",
    "foreign_order": "F6: a valid notice of another order",
    "foreign_currency": "F6: a valid notice in another currency",
    "callback_tampered": "F7: a bad copy of the notice precedes the good one",
    "callback_stale": "F7: a rightly signed copy with an old timestamp precedes the good one",
    "sign_probe": "F7: a WECHATPAY/SIGNTEST/ probe precedes the notice",
    "create_timeout": "F8: the order exists, the answer is lost",
    "server_error": "F8: 500 SYSTEM_ERROR, nothing done",
    "rate_limited": "F8: 429 FREQUENCY_LIMITED, nothing done",
    "refund_timeout": "F10: the refund exists, the answer is lost",
    "refund_stuck": "F10: the refund stays PROCESSING for ``seconds``, then is ABNORMAL",
    "not_enough": "the merchant's balance does not cover the refund: 403 NOT_ENOUGH",
    "slow": "every answer takes ``seconds`` of real time",
}
TAOBAO_KINDS: Final[Mapping[str, str]] = {
    "throttled": "7 App Call Limited",
    "invalid_session": "27 Invalid Session",
    "server_error": "15 Remote service error, isp.top-remote-connection-timeout",
    "lost_answer": "a write is done, its answer is lost",
    "rows_shift": "after a page is served, its first row is modified and leaves the window: rows shift forward",
    "slow": "every answer takes ``seconds`` of real time",
}
KINDS: Final[Mapping[str, Mapping[str, str]]] = {"wechatpay": WECHATPAY_KINDS, "taobao": TAOBAO_KINDS}


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a fault strikes (``rate`` from 0 to 1), and its measure."""

    platform: str
    kind: str
    rate: float = 1.0
    seconds: int | None = None
    count: int = 2
    limit: int | None = None  # strike at most so many times


class Faults:
    """The rules in force."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._rules: dict[tuple[str, str], FaultRule] = {}
        self._met: Counter[str] = Counter()
        self._struck: Counter[tuple[str, str]] = Counter()

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in force and no others."""
        if len(rules) > RULES_MAX:
            raise InvalidInput(field="faults", problem=f"> {RULES_MAX}")
        for rule in rules:
            if rule.kind not in KINDS.get(rule.platform, {}):
                raise InvalidInput(field="kind", problem=f"{rule.platform}/{rule.kind}")
            if not 0 <= rule.rate <= 1:
                raise InvalidInput(field="rate", problem="0..1")
        self._rules = {(rule.platform, rule.kind): rule for rule in rules}
        self._met.clear()
        self._struck.clear()

    def rules(self) -> list[FaultRule]:
        """The rules in force."""
        return list(self._rules.values())

    def strike(self, platform: str, kind: str, subject: str) -> FaultRule | None:
        """The rule, if the fault strikes this subject this time."""
        rule = self._rules.get((platform, kind))
        if rule is None or (rule.limit is not None and self._struck[platform, kind] >= rule.limit):
            return None
        label = f"{platform} {kind} {subject}"
        self._met[label] += 1
        if share_of(self._seed, f"{label} {self._met[label]}") >= round(rule.rate * _MILLION):
            return None
        self._struck[platform, kind] += 1
        return rule
