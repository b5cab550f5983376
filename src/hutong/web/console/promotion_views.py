"""What the pages of alliances show."""

from __future__ import annotations

from hutong.links.attribution.queries import Touch
from hutong.links.promotions.places import PlaceRow
from hutong.links.promotions.queries import SoldLine, SoldSum
from hutong.web.console.paging import Paging
from hutong.web.console.payment_views import StateTab
from hutong.web.console.views import View


class PromotionsView(View, frozen=True, kw_only=True):
    """Orders that came by alliances. ``alliances``: names of the connected ones; ``link_title``: of one link alone;
    ``order_no``: of one order alone, with what its buyer ``touches`` before.
    """

    rows: tuple[SoldLine, ...]
    sums: tuple[SoldSum, ...]
    paging: Paging
    show: str
    tabs: tuple[StateTab, ...]
    alliances: tuple[str, ...]
    link_code: str = ""
    link_title: str = ""
    order_no: str = ""
    touches: tuple[Touch, ...] = ()


class LinkPromotion(View, frozen=True, kw_only=True):
    """What alliances do for one link."""

    places: tuple[PlaceRow, ...] = ()
    sums: tuple[SoldSum, ...] = ()
