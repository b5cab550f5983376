"""What each rule gives of one sale, and which limit cut it. Pure and exact: parts in minor units that add up.

In this order: every rule that fits is reckoned exactly on its base; the sum is rounded half-up once and shared by
largest remainder; a rule's own limits cut it; cap rules cut their party; the price and the merchant's total cap cut
all; at last remainder rules take what the others leave of their pot, within the same limits. Where a limit cuts
several rules, a smaller priority is served first, and rules of one priority are cut in proportion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import BPS_WHOLE, Money, allocate, round_half_up, share_bps
from hutong.ledger.rule_terms import (
    LEVELS_MAX,
    FixedPer,
    Rule,
    RuleBase,
    RuleKind,
    RuleScope,
    TierBy,
    TierMode,
)
from hutong.ledger.sales import Share

#: Introductions that are walked upwards to find how far a party stands above a sale.
INTRODUCTIONS_WALKED_MAX: Final = 50


class CutReason(StrEnum):
    """Why a rule gives less than its terms say."""

    RULE_LIMIT = "rule_limit"  # its own limit for an order
    PERIOD_LIMIT = "period_limit"  # its own, or its party's, limit for the month
    PARTY_CAP = "party_cap"  # a cap rule of its party
    TOTAL_CAP = "total_cap"  # the merchant's total cap
    PRICE = "price"  # nobody gets more than the price minus the wallet's fee and what went back
    SELF_PURCHASE = "self_purchase"  # one's own purchase is no level and earns nothing
    LEVELS = "levels"  # the party stands more than two levels above the sale


class Cut(msgspec.Struct, frozen=True):
    """What a limit took away."""

    reason: CutReason
    amount_minor: int


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a sale; amounts of lines only say how the price is spread over them."""

    sku_id: UUID | None
    quantity: int
    amount_minor: int
    product_id: UUID | None = None


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A paid order as rules see it. ``person_id`` is the party that brought it, ``customer_id`` who bought."""

    gross: Money
    fee: Money
    lines: tuple[SoldLine, ...] = ()
    refunded_minor: int = 0
    channel_id: UUID | None = None
    link_id: UUID | None = None
    live_session_id: UUID | None = None
    person_id: UUID | None = None
    customer_id: UUID | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a party: who introduced it, and which customer it is itself."""

    introduced_by: UUID | None = None
    customer_id: UUID | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the month held before this sale, in minor units of the sale's currency."""

    turnover_minor: Mapping[UUID, int] = {}  # party -> what its sales came to
    earned_by_rule_minor: Mapping[UUID, int] = {}
    earned_by_party_minor: Mapping[UUID, int] = {}


class SplitLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule gives, explained: reckoned on ``base_minor`` it would be ``wanted_minor``, less the cuts."""

    rule_id: UUID
    party_id: UUID
    kind: RuleKind
    level: int
    base_minor: int
    wanted_minor: int
    amount_minor: int
    cuts: tuple[Cut, ...] = ()


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """All lines in the order of their rank. ``limit_minor`` is the most that could be given in all."""

    lines: tuple[SplitLine, ...]
    total_minor: int
    limit_minor: int
    currency: str

    def shares(self) -> list[Share]:
        """What goes into the books: one share for each line that gives something."""
        return [
            Share(line.party_id, Money(line.amount_minor, self.currency)) for line in self.lines if line.amount_minor
        ]


class _Draft:
    """A line while limits work on it."""

    def __init__(self, rule: Rule, base_minor: int, wanted_minor: int) -> None:
        self.rule = rule
        self.base_minor = base_minor
        self.wanted_minor = wanted_minor
        self.amount_minor = wanted_minor
        self.cuts: list[Cut] = []

    def cut_to(self, limit_minor: int, reason: CutReason) -> None:
        """Keep at most ``limit_minor`` and say why."""
        limit_minor = max(0, limit_minor)
        if self.amount_minor > limit_minor:
            self.cuts.append(Cut(reason, self.amount_minor - limit_minor))
            self.amount_minor = limit_minor

    def line(self) -> SplitLine:
        """The explained line."""
        rule = self.rule
        return SplitLine(
            rule_id=rule.rule_id,
            party_id=rule.party_id,
            kind=rule.kind,
            level=rule.level,
            base_minor=self.base_minor,
            wanted_minor=self.wanted_minor,
            amount_minor=self.amount_minor,
            cuts=tuple(self.cuts),
        )


def fits(rule: Rule, sold: Sold, people: Mapping[UUID, Person]) -> bool:
    """Whether a rule is about this sale."""
    if rule.terms.names_money() and rule.currency != sold.gross.currency:
        return False
    scope = rule.scope
    of_order = (
        (scope.channel_id, sold.channel_id),
        (scope.link_id, sold.link_id),
        (scope.live_session_id, sold.live_session_id),
        (scope.person_id, sold.person_id),
    )
    if any(wanted is not None and wanted != found for wanted, found in of_order):
        return False
    if rule.level == LEVELS_MAX and introducer_of(sold, people) != rule.party_id:
        return False
    return not scope.chooses_lines() or any(_chosen(scope, line) for line in sold.lines)


def introducer_of(sold: Sold, people: Mapping[UUID, Person]) -> UUID | None:
    """Who introduced the person that brought this sale."""
    person = people.get(sold.person_id) if sold.person_id is not None else None
    return None if person is None else person.introduced_by


def levels_above(party_id: UUID, person_id: UUID | None, people: Mapping[UUID, Person]) -> int:
    """How many introductions a party stands above a person: 0 for the person itself or somebody apart."""
    at, steps = person_id, 0
    while at is not None and steps < INTRODUCTIONS_WALKED_MAX:
        if at == party_id:
            return steps
        at, steps = (people[at].introduced_by if at in people else None), steps + 1
    return 0


def work_out(
    sold: Sold, rules: Iterable[Rule], people: Mapping[UUID, Person], standing: Standing, *, total_cap_bps: int
) -> Split:
    """What every rule gives of a sale. The rules may come in any order; those that do not fit are left out."""
    fitting = sorted((rule for rule in rules if fits(rule, sold, people)), key=lambda rule: rule.rank)
    caps = [rule for rule in fitting if rule.kind is RuleKind.CAP]
    room = _Room(sold, caps, standing, total_cap_bps)
    drafts = _reckon([rule for rule in fitting if rule.kind not in (RuleKind.CAP, RuleKind.REMAINDER)], sold, standing)
    for draft in drafts:
        _cut_by_rule(draft, sold, people, standing)
    room.cut(drafts)
    for rule in (rule for rule in fitting if rule.kind is RuleKind.REMAINDER):
        base_minor, _ = _base(rule, sold)
        pot_minor = share_bps(base_minor, rule.terms.rate_bps)
        draft = _Draft(rule, base_minor, max(0, pot_minor - sum(other.amount_minor for other in drafts)))
        _cut_by_rule(draft, sold, people, standing)
        room.cut([draft], taken=drafts)
        drafts.append(draft)
    lines = tuple(draft.line() for draft in sorted(drafts, key=lambda draft: draft.rule.rank))
    return Split(
        lines=lines,
        total_minor=sum(line.amount_minor for line in lines),
        limit_minor=room.limit_minor,
        currency=sold.gross.currency,
    )


class _Room:
    """The limits that several rules share: each party's caps, the price, and the merchant's total cap."""

    def __init__(self, sold: Sold, caps: Sequence[Rule], standing: Standing, total_cap_bps: int) -> None:
        gross_minor = sold.gross.amount_minor
        price_minor = max(0, gross_minor - sold.fee.amount_minor - sold.refunded_minor)
        cap_minor = max(0, gross_minor * total_cap_bps // BPS_WHOLE)
        self.limit_minor = min(price_minor, cap_minor)
        self._reason = CutReason.PRICE if price_minor < cap_minor else CutReason.TOTAL_CAP
        self._party_limits: list[tuple[UUID, int, CutReason]] = []
        for rule in caps:
            terms = rule.terms
            if terms.order_max_minor is not None:
                self._party_limits.append((rule.party_id, terms.order_max_minor, CutReason.PARTY_CAP))
            if terms.order_max_bps is not None:
                floor_minor = gross_minor * terms.order_max_bps // BPS_WHOLE
                self._party_limits.append((rule.party_id, floor_minor, CutReason.PARTY_CAP))
            if terms.period_max_minor is not None:
                earned_minor = standing.earned_by_party_minor.get(rule.party_id, 0)
                left_minor = max(0, terms.period_max_minor - earned_minor)
                self._party_limits.append((rule.party_id, left_minor, CutReason.PERIOD_LIMIT))

    def cut(self, drafts: Sequence[_Draft], taken: Sequence[_Draft] = ()) -> None:
        """Cut drafts to what the limits leave after those that are ``taken`` already."""
        for party_id, limit_minor, reason in self._party_limits:
            used_minor = sum(draft.amount_minor for draft in taken if draft.rule.party_id == party_id)
            own = [draft for draft in drafts if draft.rule.party_id == party_id]
            _cut_together(own, max(0, limit_minor - used_minor), reason)
        used_minor = sum(draft.amount_minor for draft in taken)
        _cut_together(drafts, max(0, self.limit_minor - used_minor), self._reason)


def _cut_together(drafts: Sequence[_Draft], limit_minor: int, reason: CutReason) -> None:
    """Cut drafts to a common limit: smaller priorities are served first, equal ones in proportion."""
    left_minor = limit_minor
    for priority in sorted({draft.rule.priority for draft in drafts}):
        group = [draft for draft in drafts if draft.rule.priority == priority and draft.amount_minor]
        wanted_minor = sum(draft.amount_minor for draft in group)
        if wanted_minor > left_minor:
            parts = allocate(left_minor, [draft.amount_minor for draft in group])
            for draft, part_minor in zip(group, parts, strict=True):
                draft.cut_to(part_minor, reason)
        left_minor -= sum(draft.amount_minor for draft in group)


def _cut_by_rule(draft: _Draft, sold: Sold, people: Mapping[UUID, Person], standing: Standing) -> None:
    """What a rule may not give by law or by its own limits."""
    rule = draft.rule
    if _bought_by(rule.party_id, sold, people) or (
        rule.level == LEVELS_MAX and sold.person_id is not None and _bought_by(sold.person_id, sold, people)
    ):
        draft.cut_to(0, CutReason.SELF_PURCHASE)
    if levels_above(rule.party_id, sold.person_id, people) >= LEVELS_MAX:
        draft.cut_to(0, CutReason.LEVELS)
    if rule.terms.order_max_minor is not None:
        draft.cut_to(rule.terms.order_max_minor, CutReason.RULE_LIMIT)
    if rule.terms.period_max_minor is not None:
        earned_minor = standing.earned_by_rule_minor.get(rule.rule_id, 0)
        draft.cut_to(rule.terms.period_max_minor - earned_minor, CutReason.PERIOD_LIMIT)


def _bought_by(party_id: UUID, sold: Sold, people: Mapping[UUID, Person]) -> bool:
    person = people.get(party_id)
    return person is not None and person.customer_id is not None and person.customer_id == sold.customer_id


def _reckon(rules: Sequence[Rule], sold: Sold, standing: Standing) -> list[_Draft]:
    """Every rule exactly, then the sum rounded half-up once and shared by largest remainder, ties to the first rank."""
    bases: list[int] = []
    exact: list[int] = []  # in 1/10,000 of a minor unit
    for rule in rules:
        base_minor, pieces = _base(rule, sold)
        bases.append(base_minor)
        exact.append(_RECKON[rule.kind](rule, base_minor, pieces, standing))
    parts = round_together(exact)
    return [_Draft(rule, base, part) for rule, base, part in zip(rules, bases, parts, strict=True)]


def round_together(exact: Sequence[int]) -> list[int]:
    """Minor units of amounts in 1/10,000 of one: they add up to the rounded sum, and none is off by a whole unit.

    Every amount is cut to whole units, and those with the largest remainders get the units that are left of the sum,
    ties to the first.
    """
    parts = [amount // BPS_WHOLE for amount in exact]
    left = round_half_up(sum(exact), BPS_WHOLE) - sum(parts)
    by_remainder = sorted(range(len(exact)), key=lambda i: (-(exact[i] % BPS_WHOLE), i))
    for i in by_remainder[:left]:
        parts[i] += 1
    return parts


def _base(rule: Rule, sold: Sold) -> tuple[int, int]:
    """What a rule is reckoned from, and how many pieces it is about."""
    whole_minor = sold.gross.amount_minor
    if rule.base is RuleBase.AFTER_FEE:
        whole_minor -= sold.fee.amount_minor
    elif rule.base is RuleBase.AFTER_REFUNDS:
        whole_minor -= sold.refunded_minor
    whole_minor = max(0, whole_minor)
    chosen = [not rule.scope.chooses_lines() or _chosen(rule.scope, line) for line in sold.lines]
    pieces = sum(line.quantity for line, taken in zip(sold.lines, chosen, strict=True) if taken)
    if all(chosen):
        return whole_minor, pieces
    weights = [max(0, line.amount_minor) for line in sold.lines]
    if not any(weights):
        return 0, pieces
    parts = allocate(whole_minor, weights)
    return sum(part for part, taken in zip(parts, chosen, strict=True) if taken), pieces


def _chosen(scope: RuleScope, line: SoldLine) -> bool:
    return (scope.sku_id is None or scope.sku_id == line.sku_id) and (
        scope.product_id is None or scope.product_id == line.product_id
    )


def _percent(rule: Rule, base_minor: int, _pieces: int, _standing: Standing) -> int:
    return base_minor * rule.terms.rate_bps


def _fixed(rule: Rule, base_minor: int, pieces: int, _standing: Standing) -> int:
    times = pieces if rule.terms.per is FixedPer.PIECE else 1
    return rule.terms.amount_minor * times * BPS_WHOLE if base_minor else 0


def _tier(rule: Rule, base_minor: int, _pieces: int, standing: Standing) -> int:
    terms = rule.terms
    start_minor = standing.turnover_minor.get(rule.party_id, 0) if terms.by is TierBy.TURNOVER else 0
    end_minor = start_minor + base_minor
    if terms.mode is TierMode.WHOLE:
        reached = [step.rate_bps for step in terms.steps if step.from_minor <= end_minor]
        return base_minor * reached[-1]
    exact = 0
    edges = [step.from_minor for step in terms.steps[1:]]
    for step, edge_minor in zip(terms.steps, [*edges, end_minor], strict=True):
        inside_minor = min(end_minor, edge_minor) - max(start_minor, step.from_minor)
        exact += max(0, inside_minor) * step.rate_bps
    return exact


_RECKON: Final[dict[RuleKind, Callable[[Rule, int, int, Standing], int]]] = {
    RuleKind.PERCENT: _percent,
    RuleKind.FIXED: _fixed,
    RuleKind.TIER: _tier,
}
