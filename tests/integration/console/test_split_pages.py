"""What the split pages show: rules by name, a sale tried, accounts of which only the end may be seen."""

from __future__ import annotations

import pytest

from hutong.core.errors import InvalidInput
from hutong.core.money import Money
from hutong.ledger import service
from hutong.ledger.queries import party_names
from hutong.ledger.rule_terms import RuleKind, TierStep
from hutong.ledger.split_rules import make_rule
from hutong.links.service import ChannelKind, create_channel
from hutong.web.console.split_forms import rule_of
from hutong.web.console.split_reading import rule_items, tried
from hutong.web.console.split_views import TryForm


async def party(unit, name="小王"):
    return await service.create_party(unit, name=name)


def test_a_typed_sale_is_shared_to_the_fen_and_drawn_without_gaps(room):
    async def work(unit):
        wang, li = await party(unit), await party(unit, "老李")
        weibo = await create_channel(unit, ChannelKind.POST, "weibo", "老李的微博")
        form = {"party_id": str(wang), "kind": "percent", "rate": "12.5", "scope": f"channel:{weibo}"}
        await make_rule(unit, rule_of(form, "CNY"))
        await make_rule(unit, rule_of({"party_id": str(li), "kind": "fixed", "amount": "3.00"}, "CNY"))
        names = await party_names(unit)
        return (
            await tried(unit, TryForm(amount="99.99", channel=str(weibo)), "CNY", names),
            await tried(unit, TryForm(amount="99.99"), "CNY", names),
            await tried(unit, TryForm(), "CNY", names),
            await rule_items(unit, names),
        )

    on_weibo, elsewhere, nothing, rules = room.do(work)
    pieces = {(piece.kind, piece.name): piece.amount.amount_minor for piece in on_weibo.pieces}
    assert pieces == {("fee", ""): 60, ("party", "小王"): 1_250, ("party", "老李"): 300, ("yours", ""): 8_389}
    assert sum(pieces.values()) == on_weibo.gross.amount_minor == 9_999
    edges = [(piece.start, piece.start + piece.width) for piece in on_weibo.pieces]
    assert [end for _, end in edges[:-1]] == [start for start, _ in edges[1:]]
    assert edges[-1][1] == 9_999
    assert [piece.name for piece in elsewhere.pieces] == ["", "老李", ""]
    assert nothing is None
    assert {item.party for item in rules} == {"小王", "老李"}
    assert [scope.name for item in rules for scope in item.scopes] == ["老李的微博"]


def test_what_cannot_be_tried_says_why(room):
    async def work(unit):
        for form, problem in (
            (TryForm(order="no such order"), InvalidInput),
            (TryForm(amount="0"), InvalidInput),
            (TryForm(amount="ten"), InvalidInput),
        ):
            with pytest.raises(problem):
                await tried(unit, form, "CNY", {})

    room.do(work)


def test_forms_of_every_kind_become_rules():
    who = {"party_id": "01890000-0000-7000-8000-000000000001", "period_max": "300"}
    percent = rule_of({**who, "kind": "percent", "rate": "10", "amount": "left over"}, "CNY")
    assert (percent.kind, percent.terms.rate_bps, percent.terms.period_max_minor) == (RuleKind.PERCENT, 1_000, 30_000)
    tier = rule_of(
        {**who, "kind": "tier", "step_from_0": "0", "step_rate_0": "5", "step_from_1": "100", "step_rate_1": "8%"},
        "CNY",
    )
    assert tier.terms.steps == (TierStep(0, 500), TierStep(10_000, 800))
    cap = rule_of({**who, "kind": "cap", "order_max_rate": "15"}, "CNY")
    assert cap.terms.order_max_bps == 1_500
    piece = rule_of({**who, "kind": "fixed", "amount": "5", "per": "piece", "level": "2"}, "CNY")
    assert (Money(piece.terms.amount_minor), piece.terms.per.value, piece.level) == (Money(500), "piece", 2)
    product = rule_of({**who, "kind": "percent", "rate": "10", "scope": f"product:{who['party_id']}"}, "CNY")
    assert {name: str(key) for name, key in product.scope.named().items()} == {"product_id": who["party_id"]}


@pytest.mark.parametrize(
    "change",
    [
        {"party_id": "nobody"},
        {"kind": "bribe"},
        {"rate": "101"},
        {"rate": "0.001"},
        {"rate": "1e1"},
        {"scope": "everything:1"},
        {"scope": "channel:1"},
        {"base": "wishes"},
    ],
)
def test_what_is_no_rule_is_refused(change):
    form = {"party_id": "01890000-0000-7000-8000-000000000001", "kind": "percent", "rate": "10", **change}
    with pytest.raises(InvalidInput):
        rule_of(form, "CNY")
