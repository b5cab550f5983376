"""What the channel cost page shows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from hutong.analytics.costs import AgentPrice, ChannelCost
from hutong.analytics.dependence import Dependence
from hutong.core.money import Money
from hutong.web.charts import RateChart
from hutong.web.console.views import View


class CostRow(View, frozen=True, kw_only=True):
    """A channel by name and what it took."""

    channel_id: UUID | None
    name: str  # as the merchant wrote it; empty where no link brought the sale
    source: str
    cost: ChannelCost


class FeeRate(View, frozen=True, kw_only=True):
    """A shop's account and what its platform keeps of each sale; None: nobody has told."""

    connection_id: UUID
    platform: str
    title: str
    rate_bps: int | None
    mode: str = ""


class Share(View, frozen=True, kw_only=True):
    """A coloured piece of the whole; ``tone`` is its colour's number."""

    key: str
    is_platform: bool
    orders: int
    kept: Money
    share_bps: int
    tone: int
    start: int  # where it begins and how wide it is, in thousandths of the bar
    width: int


class Reliance(View, frozen=True, kw_only=True):
    """How much hangs on one platform. ``kind`` (traffic or shops) picks the words; ``a_day`` is what it brings."""

    kind: str
    figures: Dependence
    shares: tuple[Share, ...]
    a_day: Money | None


class CostsView(View, frozen=True, kw_only=True):
    """The channel cost page; ``unbilled`` are the platforms whose own fee is not known."""

    period: str
    quiet_since: datetime | None = None  # the last sale, where the page opens on all because the usual period has none
    periods: tuple[str, ...]
    currency: str
    currencies: tuple[str, ...]
    rows: tuple[CostRow, ...]
    total: ChannelCost
    agent: AgentPrice
    chart: RateChart | None
    reliances: tuple[Reliance, ...]
    unbilled: tuple[str, ...]
    fees: tuple[FeeRate, ...] = ()

    @property
    def has_fee_form(self) -> bool:
        """Whether a missing fee can be told here: files alone make no account that it could be told of."""
        return any(fee.platform in self.unbilled for fee in self.fees)
