"""The form of a split rule, read: what was typed becomes a rule, or a sentence says why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from hutong.core.errors import InvalidInput
from hutong.core.money import BPS_WHOLE, Money, decimal_of
from hutong.ledger.rule_terms import (
    LEVELS_MAX,
    FixedPer,
    RuleBase,
    RuleKind,
    RuleScope,
    RuleTerms,
    TierBy,
    TierMode,
    TierStep,
)
from hutong.ledger.split_rules import NewRule

KindT = TypeVar("KindT", bound=StrEnum)

#: Steps that the form has room for; the API takes more.
STEPS_SHOWN: Final = 4
#: Names of scopes in the form -> fields of a scope.
SCOPES: Final = {
    "channel": "channel_id",
    "live": "live_session_id",
    "link": "link_id",
    "sku": "sku_id",
    "person": "person_id",
}


def rule_of(given: Mapping[str, str], currency: str) -> NewRule:
    """The rule that a form describes.

    Raises:
        InvalidInput, InvalidAmount: a field cannot be read; the rule book judges the rest.
    """
    kind = _one_of(RuleKind, given, "kind")
    return NewRule(
        party_id=_id(given.get("party_id", ""), "party_id"),
        kind=kind,
        terms=_terms(given, kind, currency),
        scope=_scope(given.get("scope", "")),
        base=_one_of(RuleBase, given, "base") if given.get("base") else RuleBase.GROSS,
        level=LEVELS_MAX if given.get("level") == str(LEVELS_MAX) else 1,
        currency=currency,
    )


def _terms(given: Mapping[str, str], kind: RuleKind, currency: str) -> RuleTerms:
    """The fields of this kind; what was left in fields of another one does not count."""
    rated = kind in (RuleKind.PERCENT, RuleKind.REMAINDER)
    is_tier = kind is RuleKind.TIER
    return RuleTerms(
        rate_bps=rate_of(given.get("rate", ""), "rate") if rated else 0,
        amount_minor=_amount(given.get("amount", ""), currency) or 0 if kind is RuleKind.FIXED else 0,
        per=FixedPer.PIECE if kind is RuleKind.FIXED and given.get("per") == "piece" else FixedPer.ORDER,
        steps=_steps(given, currency) if is_tier else (),
        by=TierBy.TURNOVER if is_tier and given.get("by") == "turnover" else TierBy.ORDER,
        mode=TierMode.WHOLE if is_tier and given.get("mode") == "whole" else TierMode.MARGINAL,
        order_max_minor=_amount(given.get("order_max", ""), currency),
        order_max_bps=rate_of(given["order_max_rate"], "order_max_rate")
        if kind is RuleKind.CAP and given.get("order_max_rate")
        else None,
        period_max_minor=_amount(given.get("period_max", ""), currency),
    )


def _steps(given: Mapping[str, str], currency: str) -> tuple[TierStep, ...]:
    steps = []
    for number in range(STEPS_SHOWN):
        rate = given.get(f"step_rate_{number}", "").strip()
        if rate:
            from_minor = _amount(given.get(f"step_from_{number}", ""), currency) or 0
            steps.append(TierStep(from_minor, rate_of(rate, f"step_rate_{number}")))
    return tuple(steps)


def _scope(text: str) -> RuleScope:
    name, _, key = text.partition(":")
    if not name:
        return RuleScope()
    if name not in SCOPES:
        raise InvalidInput(field="scope", problem=text)
    return RuleScope(**{SCOPES[name]: _id(key, "scope")})


def rate_of(text: str, field: str) -> int:
    """Hundredths of a per cent of a number of per cent: ``"12.5"`` is 1250."""
    exact: Decimal = decimal_of(text.strip().removesuffix("%")) * (BPS_WHOLE // 100)
    if exact != exact.to_integral_value() or not 0 <= exact <= BPS_WHOLE:
        raise InvalidInput(field=field, problem=text)
    return int(exact)


def _amount(text: str, currency: str) -> int | None:
    """Minor units of an amount in major units; None where nothing was typed."""
    return Money.parse(text, currency).amount_minor if text.strip() else None


def _id(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(field=field, problem=text) from None


def _one_of(kinds: type[KindT], given: Mapping[str, str], field: str) -> KindT:
    try:
        return kinds(given.get(field, ""))
    except ValueError:
        raise InvalidInput(field=field, problem=given.get(field, "")) from None
