"""The form of a split rule, read: what was typed becomes a rule, or a sentence says why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from hutong.core.errors import ErrorText, InvalidInput
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
from hutong.web.console.typed import ChoiceUnknown, typed_amount, typed_rate
from hutong.web.labels import mark
from hutong.web.told import Told

KindT = TypeVar("KindT", bound=StrEnum)

#: Steps that the form has room for; the API takes more.
STEPS_SHOWN: Final = 4
#: Names of scopes in the form -> fields of a scope.
SCOPES: Final = {
    "channel": "channel_id",
    "live": "live_session_id",
    "link": "link_id",
    "sku": "sku_id",
    "product": "product_id",
    "person": "person_id",
}
#: Fields of the form -> what it calls them.
_LABELS: Final = {
    "kind": mark("怎么算"),
    "party_id": mark("给谁"),
    "rate": mark("百分之几"),
    "rest": mark("一共分百分之几"),
    "amount": mark("多少元"),
    "step_from": mark("满多少元起"),
    "step_rate": mark("百分之几"),
    "order_max_rate": mark("每单最多百分之几"),
    "order_max": mark("每单最多多少元"),
    "period_max": mark("每月最多多少元"),
    "scope": mark("管哪些成交"),
    "base": mark("按什么算"),
}


class StepsUnordered(InvalidInput):
    """The steps of a rule do not begin at nothing, or do not rise."""

    code = "steps_unordered"
    zh = ErrorText(
        "“满多少元起”的顺序不对。",
        "第一档要从 0 元起，后面每一档都要比前一档高。",
        "例如 0、100、500；用不到的档空着。",
    )
    en = ErrorText(
        "“From (yuan)” is not in order.",
        "The first step begins at 0, and each further one is higher than the one before.",
        "0, 100, 500, for example; leave steps empty that you do not need.",
    )


class NoLimit(InvalidInput):
    """A rule that shall limit somebody says no limit."""

    code = "no_limit"
    zh = ErrorText(
        "没有填写上限。",
        "只管上限的规则至少要有一个上限。",
        "请填“每单最多百分之几”“每单最多多少元”“每月最多多少元”中的一项。",
    )
    en = ErrorText(
        "No limit was filled in.",
        "A rule that only limits needs one.",
        "Fill in the most per order, in per cent or money, or the most per month.",
    )


def rule_of(given: Mapping[str, str], currency: str) -> NewRule:
    """The rule that a form describes.

    Raises:
        InvalidInput: a field cannot be read, and which one; the rule book judges the rest.
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
    is_tier, is_cap = kind is RuleKind.TIER, kind is RuleKind.CAP
    terms = RuleTerms(
        rate_bps=_rate_of(given, kind),
        amount_minor=typed_amount(given.get("amount", ""), _LABELS["amount"], currency).amount_minor
        if kind is RuleKind.FIXED
        else 0,
        per=FixedPer.PIECE if kind is RuleKind.FIXED and given.get("per") == "piece" else FixedPer.ORDER,
        steps=_steps(given, currency) if is_tier else (),
        by=TierBy.TURNOVER if is_tier and given.get("by") == "turnover" else TierBy.ORDER,
        mode=TierMode.WHOLE if is_tier and given.get("mode") == "whole" else TierMode.MARGINAL,
        order_max_minor=_limit(given, "order_max", currency),
        order_max_bps=typed_rate(given["order_max_rate"], _LABELS["order_max_rate"])
        if is_cap and given.get("order_max_rate", "").strip()
        else None,
        period_max_minor=_limit(given, "period_max", currency),
    )
    if is_cap and terms.order_max_bps is terms.order_max_minor is terms.period_max_minor is None:
        raise NoLimit
    return terms


def _rate_of(given: Mapping[str, str], kind: RuleKind) -> int:
    if kind not in (RuleKind.PERCENT, RuleKind.REMAINDER):
        return 0
    label = _LABELS["rest" if kind is RuleKind.REMAINDER else "rate"]
    return typed_rate(given.get("rate", ""), label, may_be_zero=False)


def _steps(given: Mapping[str, str], currency: str) -> tuple[TierStep, ...]:
    steps = []
    for number in range(STEPS_SHOWN):
        rate, start = given.get(f"step_rate_{number}", ""), given.get(f"step_from_{number}", "")
        if number == 0 or rate.strip():
            start = start if start.strip() or number else "0"
            from_minor = typed_amount(start, _LABELS["step_from"], currency, may_be_zero=True).amount_minor
            steps.append(TierStep(from_minor, typed_rate(rate, _LABELS["step_rate"])))
    edges = [step.from_minor for step in steps]
    if edges[0] != 0 or edges != sorted(set(edges)):
        raise StepsUnordered
    return tuple(steps)


def _scope(text: str) -> RuleScope:
    name, _, key = text.partition(":")
    if not name:
        return RuleScope()
    if name not in SCOPES:
        raise ChoiceUnknown(label=Told(_LABELS["scope"]))
    return RuleScope(**{SCOPES[name]: _id(key, "scope")})


def _limit(given: Mapping[str, str], name: str, currency: str) -> int | None:
    """Minor units of a limit in major units; None where nothing was typed."""
    text = given.get(name, "")
    return typed_amount(text, _LABELS[name], currency, may_be_zero=True).amount_minor if text.strip() else None


def _id(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ChoiceUnknown(label=Told(_LABELS[field])) from None


def _one_of(kinds: type[KindT], given: Mapping[str, str], field: str) -> KindT:
    try:
        return kinds(given.get(field, ""))
    except ValueError:
        raise ChoiceUnknown(label=Told(_LABELS[field])) from None
