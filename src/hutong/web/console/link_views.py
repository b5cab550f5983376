"""The page of one link, and the comparisons on it."""

from __future__ import annotations

from datetime import datetime

from hutong.core.money import Money
from hutong.web.console.promotion_views import LinkPromotion
from hutong.web.console.views import LinkGuardView, LinkRow, View


class VariantRow(View, frozen=True, kw_only=True):
    """A variant. ``leads_to``: its address or the goods; ``share_bps``: of visitors by now. ``bar``, ``low`` and
    ``high`` are places on the picture's scale of 1,000, which ends with the highest of all variants.
    """

    number: int
    leads_to: str
    clicks: int
    orders: int
    rate_bps: int
    low_bps: int
    high_bps: int
    chance_bps: int
    share_bps: int
    money: tuple[Money, ...]
    bar: int
    low: int
    high: int
    is_winner: bool
    is_paused: bool


class ComparisonView(View, frozen=True, kw_only=True):
    """One comparison. ``state``: quiet (nobody came yet), running, even (its weeks are over), over (the winner has all)
    or continued (there was a winner, and somebody gave the others their shares back). ``winner``: a variant's number.
    """

    rule: int
    state: str
    weeks: int
    weeks_max: int
    clicks_min: int
    orders_min: int
    winner: int | None
    named_at: datetime | None
    variants: tuple[VariantRow, ...]


class LinkView(View, frozen=True, kw_only=True):
    """One link with its QR (SVG)."""

    row: LinkRow
    qr_svg: str
    sku_code: str
    guard: LinkGuardView = LinkGuardView()
    comparisons: tuple[ComparisonView, ...] = ()
    promotion: LinkPromotion = LinkPromotion()
