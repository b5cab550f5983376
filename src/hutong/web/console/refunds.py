"""The refunds page: money on its way back, what is stuck first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar import Controller, Response, get

from hutong.payments.queries import refund_counts, refunds_page
from hutong.payments.states import RefundState
from hutong.shops.names import OrderName, order_names
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.payment_views import RefundItem, RefundsView, StateTab

#: What a tab shows; the first one shows all.
TABS: Final[dict[str, tuple[str, ...]]] = {
    "": (),
    "act": (RefundState.ABNORMAL.value,),
    "moving": (RefundState.CREATED.value, RefundState.UNKNOWN.value, RefundState.SENT.value),
    "done": (RefundState.SUCCEEDED.value,),
    "failed": (RefundState.FAILED.value,),
}


class RefundsController(Controller):
    """The refunds page."""

    path = "/refunds"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, show: str = "", page: int = 1) -> Response[str]:
        """Refunds of a tab: those that need a person first, then the newest."""
        show = show if show in TABS else ""
        async with desk.unit(request, "console.refunds") as unit:
            found = await refunds_page(unit, TABS[show], limit=PAGE_ROWS, offset=page_offset(page))
            names = await order_names(unit, [row.order_id for row in found.rows])
            view = RefundsView(
                rows=tuple(RefundItem(refund=row, order=names.get(row.order_id, OrderName())) for row in found.rows),
                paging=paging("/refunds", {"show": show}, page=page, total=found.total, shown=len(found.rows)),
                show=show,
                tabs=refund_tabs(await refund_counts(unit), show),
            )
            return await desk.page(request, unit, "console/refunds.html", view)


def refund_tabs(counts: Mapping[str, int], show: str) -> tuple[StateTab, ...]:
    """The tabs that have refunds, and the one that is looked at."""
    tabs = []
    for name, states in TABS.items():
        count = sum(counts.get(state, 0) for state in states or counts)
        if count or name in ("", show):
            tabs.append(StateTab(state=name, count=count, href=f"/refunds?show={name}" if name else "/refunds"))
    return tuple(tabs)
