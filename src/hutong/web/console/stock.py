"""The stock page: one stock for all platforms, and its journal."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get

from hutong.shops.queries import stock_moves, stock_page
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.views import StockView

MOVES_SHOWN: Final = 20


class StockController(Controller):
    """The stock page."""

    path = "/stock"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, search: str = "", page: int = 1) -> Response[str]:
        """SKUs: what runs out first stands first."""
        search = search.strip()
        async with desk.unit(request, "console.stock") as unit:
            found = await stock_page(unit, search=search, limit=PAGE_ROWS, offset=page_offset(page))
            view = StockView(
                rows=found.rows,
                paging=paging("/stock", {"search": search}, page=page, total=found.total, shown=len(found.rows)),
                search=search,
                moves=await stock_moves(unit, limit=MOVES_SHOWN),
            )
            return await desk.page(request, unit, "console/stock.html", view)
