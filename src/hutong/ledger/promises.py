"""What rules promise together before any sale: which of them can meet in one sale, and how much that may come to.

Pure. A fixed amount promises no part of a price that nobody knows yet; it is cut when the sale is paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.ledger.rule_terms import Rule, RuleKind
from hutong.ledger.rules import Person

#: Stands for "nobody" where a sale's person or introducer is known not to exist.
NOBODY: Final = UUID(int=0)

Conditions = Mapping[str, UUID]


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The most that rules which meet in one sale can take: of all parties, and of the new rule's party."""

    rules_count: int
    total_bps: int
    party_bps: int
    party_cap_bps: int | None


def conditions_of(rule: Rule, owners: Mapping[UUID, UUID], known: Mapping[UUID, Person]) -> dict[str, UUID]:
    """What a sale must be for a rule, with what follows: a channel tells its person, a person its introducer."""
    found = rule.conditions()
    if "channel_id" in found:
        found.setdefault("person_id", owners.get(found["channel_id"], NOBODY))
    if "person_id" in found:
        person = known.get(found["person_id"])
        found.setdefault("introducer", (person.introduced_by if person else None) or NOBODY)
    return found


def promises(
    new: Rule, others: Sequence[Rule], owners: Mapping[UUID, UUID], known: Mapping[UUID, Person]
) -> list[Promise]:
    """What is promised in every kind of sale where the new rule meets others."""
    told = [(rule, conditions_of(rule, owners, known)) for rule in (new, *others)]
    own = told[0][1]
    meetings = {tuple(sorted({**own, **theirs}.items())) for _, theirs in told if _agree(own, theirs)}
    return [_promise(new, dict(meeting), told) for meeting in sorted(meetings)]


def _agree(left: Conditions, right: Conditions) -> bool:
    return all(right.get(name, value) == value for name, value in left.items())


def _promise(new: Rule, sale: Conditions, told: Sequence[tuple[Rule, Conditions]]) -> Promise:
    """What the rules that fit such a sale can take at most."""
    present = [rule for rule, theirs in told if all(sale.get(name) == value for name, value in theirs.items())]
    paying = [rule for rule in present if rule.kind is not RuleKind.CAP]
    own = [rule for rule in paying if rule.party_id == new.party_id]
    own_caps = [
        rule.terms.order_max_bps
        for rule in present
        if rule.kind is RuleKind.CAP and rule.party_id == new.party_id and rule.terms.order_max_bps is not None
    ]
    return Promise(
        rules_count=len(present),
        total_bps=_sum_bps(paying),
        party_bps=_sum_bps(own),
        party_cap_bps=min(own_caps, default=None),
    )


def _sum_bps(rules: Sequence[Rule]) -> int:
    """Rules add up; a remainder only fills its pot."""
    added = sum(rule.terms.most_bps(rule.kind) for rule in rules if rule.kind is not RuleKind.REMAINDER)
    pots = [rule.terms.rate_bps for rule in rules if rule.kind is RuleKind.REMAINDER]
    return max([added, *pots])
