"""Sample views of the split pages."""

from __future__ import annotations

import msgspec
from browser_samples import CHANNELS, SKUS, fen, uid

from hutong.core.money import Money
from hutong.ledger.commission_queries import CommissionTotals
from hutong.ledger.rule_terms import Rule, RuleKind, RuleScope, RuleTerms, TierBy, TierStep
from hutong.ledger.rules import Cut, CutReason, Sold, Split, SplitLine
from hutong.ledger.split_terms import SplitTerms
from hutong.shops.names import OrderName
from hutong.web.console.split_picture import picture_of
from hutong.web.console.split_views import (
    PartyItem,
    ReceiverItem,
    RuleFormView,
    RuleItem,
    ScopeName,
    SplitsView,
    Step,
    TryForm,
)
from hutong.workflows.commands.sold import Tried

PARTIES = {uid(1): "老李", uid(2): "小王（抖音探店，粉丝三十万）", uid(3): "代运营小张"}


def rule(number: int, kind: RuleKind, terms: RuleTerms, *scopes: ScopeName, level: int = 1) -> RuleItem:
    made = Rule(
        rule_id=uid(number),
        party_id=uid(number % 3 + 1),
        kind=kind,
        terms=terms,
        scope=RuleScope(channel_id=uid(1)) if scopes else RuleScope(),
        level=level,
    )
    return RuleItem(
        rule=made,
        party=PARTIES[made.party_id],
        scopes=scopes,
        amount=fen(terms.amount_minor),
        steps=tuple(Step(from_amount=fen(step.from_minor), rate_bps=step.rate_bps) for step in terms.steps),
        order_max=None if terms.order_max_minor is None else fen(terms.order_max_minor),
        period_max=None if terms.period_max_minor is None else fen(terms.period_max_minor),
    )


STEPS = (TierStep(0, 500), TierStep(10_000, 800), TierStep(50_000, 1_200))
RULES = (
    rule(1, RuleKind.PERCENT, RuleTerms(rate_bps=1_000), ScopeName(kind="channel", name="老李的微博")),
    rule(2, RuleKind.FIXED, RuleTerms(amount_minor=500, order_max_minor=2_000), ScopeName(kind="sku", name="马克杯")),
    rule(3, RuleKind.TIER, RuleTerms(steps=STEPS, by=TierBy.TURNOVER, period_max_minor=300_000)),
    rule(4, RuleKind.CAP, RuleTerms(order_max_bps=1_500)),
    rule(5, RuleKind.REMAINDER, RuleTerms(rate_bps=2_000), level=2),
)
SALE = Sold(gross=fen(10_080), fee=fen(60))
SPLIT = Split(
    lines=(
        SplitLine(
            rule_id=uid(1),
            party_id=uid(2),
            kind=RuleKind.PERCENT,
            level=1,
            base_minor=10_080,
            wanted_minor=1_008,
            amount_minor=1_008,
        ),
        SplitLine(
            rule_id=uid(3),
            party_id=uid(1),
            kind=RuleKind.TIER,
            level=1,
            base_minor=10_080,
            wanted_minor=4_200,
            amount_minor=3_532,
            cuts=(Cut(CutReason.TOTAL_CAP, 668),),
        ),
        SplitLine(
            rule_id=uid(5),
            party_id=uid(3),
            kind=RuleKind.REMAINDER,
            level=2,
            base_minor=10_080,
            wanted_minor=500,
            amount_minor=500,
        ),
    ),
    total_minor=5_040,
    limit_minor=5_040,
    currency="CNY",
)
ORDER_TRIED = OrderName(order_no="28710144206170331", title="手工陶瓷马克杯 釉下彩")


def totals(amount: int) -> CommissionTotals:
    zero = Money(0)
    return CommissionTotals(
        currency="CNY",
        estimated=fen(amount),
        confirmed=fen(amount * 3),
        outside=fen(amount // 5),
        settled=fen(amount * 7),
        reversed=zero,
        owed_back=fen(amount // 9),
    )


SPLITS = SplitsView(
    rules=RULES,
    parties=tuple(
        PartyItem(
            party_id=key,
            name=name,
            introducer="老李" if number == 1 else "",
            totals=(totals(12_345),) if number < 2 else (),
            receivers=(ReceiverItem(platform="wechatpay", masked="****8f3A"),) if number == 0 else (),
        )
        for number, (key, name) in enumerate(PARTIES.items())
    ),
    terms=SplitTerms(),
    wallets=("alipay", "wechatpay"),
    channels=CHANNELS,
    orders=((ORDER_TRIED.order_no, ORDER_TRIED),),
    tried=TryForm(order=ORDER_TRIED.order_no),
    picture=picture_of(Tried(sold=SALE, split=SPLIT, refunded=fen(2_000)), PARTIES, ORDER_TRIED),
)
NO_RULES = msgspec.structs.replace(
    SPLITS,
    rules=(),
    tried=TryForm(amount="100"),
    picture=picture_of(
        Tried(
            sold=Sold(gross=fen(10_000), fee=fen(60)),
            split=Split(lines=(), total_minor=0, limit_minor=5_000, currency="CNY"),
            refunded=fen(0),
        ),
        PARTIES,
        OrderName(),
    ),
)
NO_SPLITS = msgspec.structs.replace(
    SPLITS, rules=(), parties=(), orders=(), channels=(), tried=TryForm(), picture=None, wallets=()
)


def form(kind: str, **given: str) -> RuleFormView:
    return RuleFormView(
        kind=kind,
        kinds=tuple(one.value for one in RuleKind),
        parties=tuple((str(key), name) for key, name in PARTIES.items()),
        channels=CHANNELS,
        links=((str(uid(1)), "十一月新品微博"),),
        skus=SKUS,
        given=given,
    )


#: address in the gallery -> (path shown as current, template, view)
SPLIT_GALLERY = {
    "splits": ("/splits", "console/splits.html", SPLITS),
    "splits-no-rules": ("/splits", "console/splits.html", NO_RULES),
    "splits-empty": ("/splits", "console/splits.html", NO_SPLITS),
    **{f"rule-{kind.value}": ("/splits/new", "console/rule_form.html", form(kind.value)) for kind in RuleKind},
}
