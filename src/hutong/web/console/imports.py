"""Past imports of order files, with their figures."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get

from hutong.shops.queries import ImportRow, past_imports
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.views import ImportItem, ImportsView


class ImportsController(Controller):
    """The imports page."""

    path = "/imports"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The latest imports."""
        async with desk.unit(request, "console.imports") as unit:
            view = ImportsView(rows=tuple(_item(run) for run in await past_imports(unit)))
            return await desk.page(request, unit, "console/imports.html", view)


def _item(run: ImportRow) -> ImportItem:
    return ImportItem(
        run=run,
        rows_read=_count(run.figures, "rows_read"),
        imported=_count(run.figures, "imported"),
        rejected=_count(run.figures, "rejected"),
        merged=_count(run.figures, "merged"),
        orders=_count(run.figures, "orders"),
        total=str(run.figures.get("total", "")),
        currency=str(run.figures.get("currency", "")),
    )


def _count(figures: dict[str, Any], name: str) -> int:
    value = figures.get(name, 0)
    return value if isinstance(value, int) else 0
