"""What rules promise together before any sale: which of them can meet in one sale, and how much that may come to.

Pure. A fixed amount promises no part of a price that nobody knows yet; it is cut when the sale is paid. An order of
several goods never gives away more than the dearest of its lines would alone, so a sale of one line is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from hutong.ledger.rule_terms import Rule, RuleKind
from hutong.ledger.rules import Person

#: Stands for "nobody" where a sale's person or introducer is known not to exist.
NOBODY: Final = UUID(int=0)
#: What of a sale is about its goods; all else is about where it came from.
GOODS: Final = frozenset({"sku_id", "product_id"})

#: What a sale must be, by the field of a rule's scope and ``introducer``.
Conditions = frozenset[tuple[str, UUID]]
NOTHING: Final[Conditions] = frozenset()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from what: a link is of a channel, a channel brings a party's sales, a SKU is of a product."""

    owners: Mapping[UUID, UUID] = {}  # channel -> the party that brings its sales
    people: Mapping[UUID, Person] = {}
    channels: Mapping[UUID, UUID] = {}  # link -> its channel
    products: Mapping[UUID, UUID] = {}  # SKU -> its product


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The most that rules which meet in one sale can take: of all parties, and of the new rule's party."""

    rules_count: int
    total_bps: int
    party_bps: int
    party_cap_bps: int | None


class _Sum(msgspec.Struct, frozen=True):
    """Rules added up: how many, what they pay, the largest pot of a remainder; ``own``: of the new rule's party."""

    count: int = 0
    paid_bps: int = 0
    pot_bps: int = 0
    own_paid_bps: int = 0
    own_pot_bps: int = 0
    own_cap_bps: int | None = None

    def __add__(self, other: _Sum) -> _Sum:
        caps = [cap for cap in (self.own_cap_bps, other.own_cap_bps) if cap is not None]
        return _Sum(
            self.count + other.count,
            self.paid_bps + other.paid_bps,
            max(self.pot_bps, other.pot_bps),
            self.own_paid_bps + other.own_paid_bps,
            max(self.own_pot_bps, other.own_pot_bps),
            min(caps, default=None),
        )

    def promise(self) -> Promise:
        """Rules add up; a remainder only fills its pot."""
        return Promise(
            rules_count=self.count,
            total_bps=max(self.paid_bps, self.pot_bps),
            party_bps=max(self.own_paid_bps, self.own_pot_bps),
            party_cap_bps=self.own_cap_bps,
        )


class _Told(msgspec.Struct, frozen=True):
    """A rule with what a sale must be for it: where it came from, its goods, and what the rule adds."""

    origin: Conditions
    goods: Conditions
    adds: _Sum


def conditions_of(rule: Rule, facts: Facts) -> Conditions | None:
    """What a sale must be for a rule, with what follows from it; None where no sale can be all of that.

    A live session is a channel of its own kind: its id is the channel's.
    """
    found = rule.conditions()

    def follows(name: str, value: UUID | None) -> bool:
        return value is None or found.setdefault(name, value) == value

    fits = "link_id" not in found or follows("channel_id", facts.channels.get(found["link_id"]))
    fits &= follows("channel_id", found.get("live_session_id"))
    if "channel_id" in found:
        fits &= follows("live_session_id", found["channel_id"])
        fits &= follows("person_id", facts.owners.get(found["channel_id"], NOBODY))
    if "person_id" in found:
        person = facts.people.get(found["person_id"])
        fits &= follows("introducer", (person.introduced_by if person else None) or NOBODY)
    if "sku_id" in found:
        fits &= follows("product_id", facts.products.get(found["sku_id"]))
    return frozenset(found.items()) if fits else None


def promises(new: Rule, others: Sequence[Rule], facts: Facts) -> set[Promise]:
    """What is promised in every kind of sale that the new rule is about.

    Where a sale comes from is known best by its link, then its channel, its person, its introducer, each of which tells
    all that come after it; so of rules that meet in a sale one says all that the others ask for, and the new rule's
    conditions with those of each other rule are every kind of sale there is. The same holds for its goods.
    """
    own = conditions_of(new, facts)
    if own is None:
        return set()
    told = list(_told(new, (new, *others), facts))
    first = told[0]
    found: set[Promise] = set()
    for origin in _meetings(first.origin, (one.origin for one in told)):
        present = [one for one in told if one.origin <= origin]
        by_goods: dict[Conditions, _Sum] = defaultdict(_Sum)
        for one in present:
            by_goods[one.goods] += one.adds
        for goods in _meetings(first.goods, by_goods):
            sums = (by_goods[part] for part in _parts(goods) if part in by_goods)
            found.add(sum(sums, start=_Sum()).promise())
    return found


def _told(new: Rule, rules: Iterable[Rule], facts: Facts) -> Iterator[_Told]:
    for rule in rules:
        asked = conditions_of(rule, facts)
        if asked is not None:
            goods = frozenset(one for one in asked if one[0] in GOODS)
            yield _Told(asked - goods, goods, _adds(rule, is_own=rule.party_id == new.party_id))


def _adds(rule: Rule, *, is_own: bool) -> _Sum:
    most_bps = rule.terms.most_bps(rule.kind)
    if rule.kind is RuleKind.CAP:
        return _Sum(count=1, own_cap_bps=rule.terms.order_max_bps if is_own else None)
    if rule.kind is RuleKind.REMAINDER:
        return _Sum(count=1, pot_bps=most_bps, own_pot_bps=most_bps if is_own else 0)
    return _Sum(count=1, paid_bps=most_bps, own_paid_bps=most_bps if is_own else 0)


def _meetings(own: Conditions, others: Iterable[Conditions]) -> set[Conditions]:
    """The own conditions together with each of the others that they do not contradict."""
    return {own | theirs for theirs in {own, *others} if len(dict(own | theirs)) == len(own | theirs)}


def _parts(goods: Conditions) -> list[Conditions]:
    """All that rules may ask of such goods: nothing, one thing, or all of it."""
    return list({NOTHING, goods, *(frozenset({one}) for one in goods)})
