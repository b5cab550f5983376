"""Sample views of the money pages."""

from __future__ import annotations

from browser_samples import fen, uid

from hutong.analytics.costs import ChannelCost, cost_total, held_against_agent
from hutong.analytics.dependence import Dependence, Part
from hutong.web.console.cost_views import CostsView
from hutong.web.console.costs import cost_row, rate_chart, reliance
from hutong.web.console.periods import PERIODS, Period
from hutong.web.format import Formats
from hutong.web.i18n import Catalogues, Locale

PERIOD = Period(name="30d", days=30)


def cost(number: int, source: str, gross: int, refunded: int, fee: int, commission: int, platform_fee: int = 0):
    return ChannelCost(
        channel_id=uid(number) if number else None,
        source=source,
        orders_count=gross // 4990,
        gross=fen(gross),
        refunded=fen(refunded),
        wallet_fee=fen(fee),
        commission=fen(commission),
        platform_fee=fen(platform_fee),
    )


COSTS = (
    cost(2, "", 4_545_890, 90_800, 26_730, 445_509),
    cost(1, "", 3_003_980, 60_000, 17_663, 441_597),
    cost(0, "taobao", 1_180_450, 9_900, 0, 0),
    cost(4, "", 320_000, 0, 1_920, 121_600, 6_400),
    cost(3, "", 204_590, 0, 1_227, 0),
    cost(0, "own", 184_630, 4_990, 1_077, 0),
    cost(5, "", 9_900, 9_900, 0, 0),
    cost(0, "", 0, 0, 0, 0, 1_999),
)
NAMES = {
    uid(1): "老李的微博",
    uid(2): "快手直播间",
    uid(3): "门店海报",
    uid(4): "小王带货团（代运营，按成交额抽佣金和坑位费）",
    uid(5): "试投的小红书笔记",
}


def dependence(*parts: tuple[str, bool, int], hhi: int) -> Dependence:
    total = sum(kept for _, _, kept in parts)
    return Dependence(
        total=fen(total),
        parts=tuple(
            Part(
                key=key,
                is_platform=is_platform,
                orders_count=kept // 4990,
                kept=fen(kept),
                share_bps=round(kept * 10_000 / total),
            )
            for key, is_platform, kept in parts
        ),
        hhi=hhi,
    )


TRAFFIC = dependence(
    ("kuaishou", True, 6_455_090),
    ("weibo", True, 1_943_980),
    ("taobao", True, 1_170_550),
    ("other", False, 204_590),
    ("direct", False, 179_640),
    hhi=4_717,
)
SHOPS = dependence(("own", False, 8_100_000), ("taobao", True, 1_170_550), hhi=160)


def costs(locale: Locale) -> CostsView:
    """The channel cost page in the reader's language."""
    rows = tuple(cost_row(row, NAMES) for row in COSTS)
    return CostsView(
        period="30d",
        periods=PERIODS,
        currency="CNY",
        currencies=("CNY", "GBP"),
        rows=rows,
        total=cost_total(COSTS, "CNY"),
        agent=held_against_agent(COSTS, "CNY", 3_500),
        chart=rate_chart(rows, 3_500, Formats(locale), Catalogues()),
        reliances=(reliance("traffic", TRAFFIC, PERIOD), reliance("shops", SHOPS, PERIOD)),
        unbilled=("taobao",),
    )


NO_COSTS = CostsView(
    period="7d",
    periods=PERIODS,
    currency="CNY",
    currencies=("CNY",),
    rows=(),
    total=cost_total((), "CNY"),
    agent=held_against_agent((), "CNY", 3_500),
    chart=None,
    reliances=(),
    unbilled=(),
)
#: address in the gallery -> (path shown as current, template, view)
MONEY_GALLERY = {
    "costs": ("/costs", "console/costs.html", costs),
    "costs-empty": ("/costs", "console/costs.html", NO_COSTS),
}
