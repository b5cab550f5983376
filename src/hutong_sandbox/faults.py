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
#: Subjects that were struck, kept for whoever counts them afterwards.
STRUCK_KEPT_MAX: Final = 1_000_000


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
        self._kinds: dict[str, Mapping[str, str]] = {}
        self._rules: dict[tuple[str, str], FaultRule] = {}
        self._met: Counter[str] = Counter()
        self._struck: Counter[tuple[str, str]] = Counter()
        self._subjects: dict[tuple[str, str], set[str]] = {}

    def declare(self, platform: str, kinds: Mapping[str, str]) -> None:
        """Learn what can go wrong at a platform: kind -> what it does. A platform accepts only its own kinds."""
        self._kinds[platform] = kinds

    def kinds(self) -> Mapping[str, Mapping[str, str]]:
        """Everything that can go wrong, by platform."""
        return self._kinds

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in force and no others."""
        if len(rules) > RULES_MAX:
            raise InvalidInput(field="faults", problem=f"> {RULES_MAX}")
        for rule in rules:
            if rule.kind not in self._kinds.get(rule.platform, {}):
                raise InvalidInput(field="kind", problem=f"{rule.platform}/{rule.kind}")
            if not 0 <= rule.rate <= 1:
                raise InvalidInput(field="rate", problem="0..1")
        self._rules = {(rule.platform, rule.kind): rule for rule in rules}
        self._met.clear()
        self._struck.clear()
        self._subjects.clear()

    def rules(self) -> list[FaultRule]:
        """The rules in force."""
        return list(self._rules.values())

    def strike(self, platform: str, kind: str, subject: str) -> FaultRule | None:
        """The rule, if the fault strikes this subject this time."""
        assert kind in self._kinds.get(platform, {}), f"{platform} declares no fault {kind}"
        rule = self._rules.get((platform, kind))
        if rule is None or (rule.limit is not None and self._struck[platform, kind] >= rule.limit):
            return None
        label = f"{platform} {kind} {subject}"
        self._met[label] += 1
        if share_of(self._seed, f"{label} {self._met[label]}") >= round(rule.rate * _MILLION):
            return None
        self._struck[platform, kind] += 1
        if self._struck.total() <= STRUCK_KEPT_MAX:
            self._subjects.setdefault((platform, kind), set()).add(subject)
        return rule

    def struck(self) -> dict[str, dict[str, list[str]]]:
        """Whom each fault has struck since the rules were set: platform -> kind -> subjects (order numbers, paths)."""
        found: dict[str, dict[str, list[str]]] = {}
        for (platform, kind), subjects in self._subjects.items():
            found.setdefault(platform, {})[kind] = sorted(subjects)
        return found
