"""Split rules as data: kinds, terms, scopes and bases. Pure; a rule is ended, never changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from hutong.core.money import AMOUNT_MINOR_MAX, BPS_WHOLE, SUM_MINOR_MAX
from hutong.ledger.refusals import PaysForRecruiting, RuleRefused

STEPS_MAX: Final = 20
PRIORITY_DEFAULT: Final = 100
PRIORITY_MAX: Final = 1_000
#: The one who brought the sale (or whom a rule names), and who introduced that one. Never more: the law, not a setting.
LEVELS_MAX: Final = 2
#: What a rule pays for, and the only thing that it may.
PAID_FOR_ORDER: Final = "order"
#: What others have paid for and what is refused by name.
REFUSED_GROUNDS: Final = ("recruiting", "head_count", "entry_fee", "sharing")


class RuleKind(StrEnum):
    """How a rule reckons."""

    PERCENT = "percent"  # `rate_bps` of the base
    FIXED = "fixed"  # `amount_minor` for each order or each piece
    TIER = "tier"  # a rate that depends on the order's base or the party's turnover in the month
    CAP = "cap"  # pays nothing: limits what all other rules give its party
    REMAINDER = "remainder"  # what the others leave of a pot of `rate_bps` of the base


class RuleBase(StrEnum):
    """What a rule is reckoned from. On every base a later refund takes its part back."""

    GROSS = "gross"
    AFTER_FEE = "after_fee"  # gross minus the wallet's fee
    AFTER_REFUNDS = "after_refunds"  # gross minus what had gone back when the share is worked out


class FixedPer(StrEnum):
    """What a fixed amount is for."""

    ORDER = "order"
    PIECE = "piece"


class TierBy(StrEnum):
    """What chooses the step of a tier."""

    ORDER = "order"  # the base of this order
    TURNOVER = "turnover"  # what the party's sales came to in this calendar month, this order included


class TierMode(StrEnum):
    """How a step's rate is applied."""

    MARGINAL = "marginal"  # each step's rate for the part that lies in it
    WHOLE = "whole"  # the reached step's rate for the whole base of this order


class TierStep(msgspec.Struct, frozen=True):
    """From this sum on (minor units), this rate."""

    from_minor: int
    rate_bps: int


class RuleTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figures of a rule; each kind uses its own. ``…_max`` limit the rule itself, or (kind cap) its party."""

    rate_bps: int = 0
    amount_minor: int = 0
    per: FixedPer = FixedPer.ORDER
    steps: tuple[TierStep, ...] = ()
    by: TierBy = TierBy.ORDER
    mode: TierMode = TierMode.MARGINAL
    order_max_minor: int | None = None
    order_max_bps: int | None = None  # of the gross price; kind cap only
    period_max_minor: int | None = None  # in a calendar month of the merchant

    def most_bps(self, kind: RuleKind) -> int:
        """The most of its base that the rule can take, as far as its own terms tell (a fixed amount does not)."""
        if kind is RuleKind.TIER:
            return max(step.rate_bps for step in self.steps)
        return self.rate_bps if kind in (RuleKind.PERCENT, RuleKind.REMAINDER) else 0

    def names_money(self) -> bool:
        """Whether there are amounts in it, so that it fits sales of its own currency only."""
        limits = (self.order_max_minor, self.period_max_minor)
        return bool(self.amount_minor or self.steps) or any(limit is not None for limit in limits)


class RuleScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which sales a rule is about: all that is named must fit; nothing named means every sale.

    ``sku_id`` and ``product_id`` choose lines of an order, and only their part of the price is the base.
    ``person_id`` is the party that brought the sale.
    """

    channel_id: UUID | None = None
    link_id: UUID | None = None
    live_session_id: UUID | None = None
    sku_id: UUID | None = None
    product_id: UUID | None = None
    person_id: UUID | None = None

    def chooses_lines(self) -> bool:
        """Whether the scope is about goods and not about whole orders."""
        return self.sku_id is not None or self.product_id is not None

    def named(self) -> dict[str, UUID]:
        """What is named, by field."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it was made. A smaller ``priority`` is served first where a limit cuts."""

    rule_id: UUID
    party_id: UUID
    kind: RuleKind
    terms: RuleTerms
    scope: RuleScope = RuleScope()
    base: RuleBase = RuleBase.GROSS
    level: int = 1
    priority: int = PRIORITY_DEFAULT
    currency: str = "CNY"

    @property
    def rank(self) -> tuple[int, UUID]:
        """Where the rule stands among others: a total order, so that the order of reading never matters."""
        return (self.priority, self.rule_id)

    def conditions(self) -> dict[str, UUID]:
        """What a sale must be for this rule, level 2's introducer included; two rules that differ never meet."""
        own = {"introducer": self.party_id} if self.level == LEVELS_MAX else {}
        return {**self.scope.named(), **own}


def verify_ground(paid_for: str) -> None:
    """Refuse whatever is not a paid order.

    Raises:
        PaysForRecruiting: recruiting, head-count, an entry fee or sharing as such.
        RuleRefused: a word that nobody knows.
    """
    if paid_for in REFUSED_GROUNDS:
        raise PaysForRecruiting(paid_for=paid_for)
    if paid_for != PAID_FOR_ORDER:
        raise RuleRefused(problem=f"paid_for: {PAID_FOR_ORDER}")


def verify_terms(kind: RuleKind, terms: RuleTerms) -> None:
    """Refuse terms that do not fit the kind.

    Raises:
        RuleRefused: with the field that is wrong.
    """
    problem = _problem(kind, terms)
    if problem:
        raise RuleRefused(problem=problem)


def _problem(kind: RuleKind, terms: RuleTerms) -> str | None:
    """The first thing that is wrong with the terms."""
    limits = (terms.order_max_minor, terms.period_max_minor)
    if any(limit is not None and not 0 <= limit <= AMOUNT_MINOR_MAX for limit in limits):
        return "order_max_minor, period_max_minor: ≥ 0"
    if terms.order_max_bps is not None and (kind is not RuleKind.CAP or not 0 <= terms.order_max_bps <= BPS_WHOLE):
        return f"order_max_bps: 0–{BPS_WHOLE}, kind cap"
    allowed = _ALLOWED[kind]
    foreign = [name for name in _OWN_FIELDS if name not in allowed and getattr(terms, name)]
    if foreign:
        return f"{', '.join(foreign)} × {kind.value}"
    if "rate_bps" in allowed and not 0 < terms.rate_bps <= BPS_WHOLE:
        return f"rate_bps: 1–{BPS_WHOLE}"
    if "amount_minor" in allowed and not 0 < terms.amount_minor <= AMOUNT_MINOR_MAX:
        return "amount_minor: > 0"
    if kind is RuleKind.TIER:
        return _problem_of_steps(terms.steps)
    if kind is RuleKind.CAP and terms.order_max_bps is None and all(limit is None for limit in limits):
        return "order_max_minor, order_max_bps, period_max_minor"
    return None


_OWN_FIELDS: Final = ("rate_bps", "amount_minor", "steps")
_ALLOWED: Final[dict[RuleKind, tuple[str, ...]]] = {
    RuleKind.PERCENT: ("rate_bps",),
    RuleKind.FIXED: ("amount_minor",),
    RuleKind.TIER: ("steps",),
    RuleKind.CAP: (),
    RuleKind.REMAINDER: ("rate_bps",),
}


def _problem_of_steps(steps: tuple[TierStep, ...]) -> str | None:
    edges = [step.from_minor for step in steps]
    if not 0 < len(steps) <= STEPS_MAX or edges != sorted(set(edges)) or edges[0] != 0 or edges[-1] > SUM_MINOR_MAX:
        return f"steps: 1–{STEPS_MAX}, from 0, ascending, to {SUM_MINOR_MAX}"
    if any(not 0 <= step.rate_bps <= BPS_WHOLE for step in steps) or not any(step.rate_bps for step in steps):
        return f"steps.rate_bps: 0–{BPS_WHOLE}"
    return None
