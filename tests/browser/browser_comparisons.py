"""A link's comparisons with made-up figures, for the gallery."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from browser_samples import LINK
from msgspec import structs

from hutong.core.money import Money
from hutong.links.rules.model import Rule, Variant
from hutong.links.rules.winner import Count, chances_of, interval_of
from hutong.shops.catalogue import SkuView
from hutong.web.console.link_comparisons import comparison_view
from hutong.workflows.commands.link_winners import Standing, VariantMoney, VariantStanding

AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
MUG = SkuView(
    sku_id=UUID(int=1), product_id=UUID(int=2), title="手工陶瓷马克杯 釉下彩", seller_code="MUG-01", variant="",
    price=Money(4990, "CNY"),
)  # fmt: skip
URLS = (
    "https://item.taobao.com/item.htm?id=657000000001&spm=a21n57.1.item.48.f2d7523cIXVP4l",
    "https://item.m.jd.com/product/100012043978.html",
)


def rule(*weights: int) -> Rule:
    ways = [{"url": URLS[0]}, {"url": URLS[1]}, {"sku_id": MUG.sku_id}]
    variants = [Variant(key=f"v{n}", weight=weight, **way) for n, (weight, way) in enumerate(zip(weights, ways), 1)]  # noqa: B905
    return Rule(key="r1", variants=tuple(variants))


def told(
    figures: list[tuple[int, int]], of: Rule, *, first: int = 1, compared: bool = True
) -> tuple[VariantStanding, ...]:
    counts = [
        Count(choice=f"r1.v{n}", clicks=clicks, orders=orders) for n, (clicks, orders) in enumerate(figures, first)
    ]
    chances = chances_of(counts) if compared and counts else [0.0] * len(counts)
    return tuple(
        VariantStanding(
            choice=one.choice,
            clicks=one.clicks,
            orders=one.orders,
            chance_bps=round(chance * 10_000),
            low_bps=round(interval_of(one)[0] * 10_000),
            high_bps=round(interval_of(one)[1] * 10_000),
            weight=of.variants[number].weight,
            money=(VariantMoney(currency="CNY", net_minor=one.orders * 4_990),) if one.orders else (),
        )
        for number, (one, chance) in enumerate(zip(counts, chances, strict=True), first - 1)
    )


def page(of: Rule, standing: Standing):
    return structs.replace(LINK, comparisons=(comparison_view(standing, of, {MUG.sku_id: MUG}),))


def standing(variants, paused=(), **more) -> Standing:
    plain = {"rule": 1, "weeks": 1, "winner": None, "named_at": None, "is_over": False}
    return Standing(**{**plain, **more}, variants=variants, paused=paused)


TWO, THREE, LEFT = rule(50, 50), rule(50, 50, 0), rule(0, 1, 0)
RUNNING = standing(told([(1_204, 41), (1_188, 63)], THREE), told([(310, 4)], THREE, first=3, compared=False))
ENDED = told([(4_204, 141), (4_188, 262), (4_011, 190)], LEFT)
OVER = standing(ENDED, winner="r1.v2", weeks=2, named_at=AT, is_over=True)
QUIET = standing(told([(0, 0), (0, 0)], TWO), weeks=0)
AGAIN = standing(told([(4_204, 141), (4_388, 251)], TWO), winner="r1.v2", weeks=2, named_at=AT)
COMPARISONS_GALLERY = {
    "link-compared-quiet": (
        "/links/k7Qx1mP",
        "console/link.html",
        page(TWO, QUIET),
    ),
    "link-compared": ("/links/k7Qx1mP", "console/link.html", page(THREE, RUNNING)),
    "link-compared-won": ("/links/k7Qx1mP", "console/link.html", page(LEFT, OVER)),
    "link-compared-again": ("/links/k7Qx1mP", "console/link.html", page(TWO, AGAIN)),
    "link-compared-even": (
        "/links/k7Qx1mP",
        "console/link.html",
        page(TWO, standing(told([(4_204, 141), (4_188, 143)], TWO), weeks=5)),
    ),
}
