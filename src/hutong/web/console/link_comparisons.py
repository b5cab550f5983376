"""The comparisons of a link on its page: how each variant sells, how sure that is, who won, and going on after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Controller, post
from litestar.response import Redirect

from hutong.core.errors import NotFound
from hutong.core.money import BPS_WHOLE, Money
from hutong.db.unit import Unit
from hutong.links.rules.model import Rule, Variant
from hutong.links.rules.service import rules_of
from hutong.links.rules.winner import CLICKS_MIN, ORDERS_MIN, WEEKS_MAX
from hutong.links.service import find_link
from hutong.shops.catalogue import SkuView, get_skus
from hutong.web.console.desk import ConsoleRequest, Desk, go_to
from hutong.web.console.link_views import ComparisonView, VariantRow
from hutong.workflows.commands.link_winners import Standing, VariantStanding, go_on, standings


class LinkComparisonsController(Controller):
    """``/links/{code}/comparisons``."""

    path = "/links/{code:str}/comparisons"
    include_in_schema = False

    @post("/{rule:int}/continue")
    async def proceed(self, request: ConsoleRequest, desk: Desk, code: str, rule: int) -> Redirect:
        """Share visitors out over all variants again, alike."""
        async with desk.unit(request, "console.comparison_continue") as unit:
            found = await find_link(unit, code)
            if found is None:
                raise NotFound(what="link", key=code)
            await go_on(unit, found.link_id, rule)
        return go_to(f"/links/{code}#comparison-{rule}")


async def comparisons_of(unit: Unit, link_id: UUID) -> tuple[ComparisonView, ...]:
    """All comparisons of a link, in the order of its rules; as the API tells them."""
    told = await standings(unit, link_id)
    if not told:
        return ()
    rules = (await rules_of(unit, link_id)).rules.rules
    asked = {variant.sku_id for rule in rules for variant in rule.variants if variant.sku_id is not None}
    goods = await get_skus(unit, asked) if asked else {}
    return tuple(comparison_view(one, rules[one.rule - 1], goods) for one in told)


def comparison_view(standing: Standing, rule: Rule, goods: Mapping[UUID, SkuView]) -> ComparisonView:
    """A comparison as its page shows it."""
    told = {one.choice: one for one in (*standing.variants, *standing.paused)}
    scale = max((one.high_bps for one in told.values() if one.clicks), default=BPS_WHOLE)
    rows = []
    for number, variant in enumerate(rule.variants, 1):
        one = told[f"{rule.key}.{variant.key}"]
        rows.append(_row(number, variant, one, standing, scale, _weights(rule.variants), goods))
    return ComparisonView(
        rule=standing.rule,
        state=_state(standing),
        weeks=standing.weeks,
        weeks_max=WEEKS_MAX,
        clicks_min=CLICKS_MIN,
        orders_min=ORDERS_MIN,
        winner=next((row.number for row in rows if row.is_winner), None),
        named_at=standing.named_at,
        variants=tuple(rows),
    )


def _weights(variants: Sequence[Variant]) -> int:
    return sum(variant.weight for variant in variants)


def _state(standing: Standing) -> str:
    if standing.is_over:
        return "over"
    if standing.named_at is not None:
        return "continued"
    if not any(one.clicks for one in standing.variants):
        return "quiet"
    return "even" if standing.weeks >= WEEKS_MAX and standing.winner is None else "running"


def _row(
    number: int,
    variant: Variant,
    one: VariantStanding,
    standing: Standing,
    scale: int,
    weights: int,
    goods: Mapping[UUID, SkuView],
) -> VariantRow:
    rate_bps = one.orders * BPS_WHOLE // one.clicks if one.clicks else 0
    sold = goods.get(variant.sku_id) if variant.sku_id is not None else None
    return VariantRow(
        number=number,
        leads_to=variant.url or (f"{sold.title} · {sold.seller_code}" if sold else ""),
        clicks=one.clicks,
        orders=one.orders,
        rate_bps=rate_bps,
        low_bps=one.low_bps,
        high_bps=one.high_bps,
        chance_bps=one.chance_bps,
        share_bps=variant.weight * BPS_WHOLE // weights if weights else 0,
        money=tuple(Money(amount.net_minor, amount.currency) for amount in one.money),
        bar=_place(rate_bps, scale),
        low=_place(one.low_bps, scale),
        high=_place(one.high_bps, scale),
        is_winner=one.choice == standing.winner and standing.named_at is not None,
        is_paused=not variant.weight and not standing.is_over,
    )


def _place(rate_bps: int, scale: int) -> int:
    return min(1_000, rate_bps * 1_000 // max(scale, 1))
