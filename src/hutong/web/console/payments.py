"""The payments page: what was taken at our own cash desk, try by try."""

from __future__ import annotations

from litestar import Controller, Response, get

from hutong.payments.queries import payments_page
from hutong.payments.states import PaymentState
from hutong.web.console.desk import ConsoleRequest, Desk
from hutong.web.console.paging import PAGE_ROWS, page_offset, paging
from hutong.web.console.views import PaymentsView


class PaymentsController(Controller):
    """The payments page."""

    path = "/payments"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, payment_state: str = "", page: int = 1) -> Response[str]:
        """Payments, the newest first."""
        async with desk.unit(request, "console.payments") as unit:
            found = await payments_page(unit, state=payment_state, limit=PAGE_ROWS, offset=page_offset(page))
            kept = {"payment_state": payment_state}
            view = PaymentsView(
                rows=found.rows,
                paging=paging("/payments", kept, page=page, total=found.total, shown=len(found.rows)),
                state=payment_state,
                states=tuple(state.value for state in PaymentState),
            )
            return await desk.page(request, unit, "console/payments.html", view)
