"""The merchant, the staff and the keys; read-only for now."""

from __future__ import annotations

from litestar import Controller, Response, get

from hutong.merchants.queries import api_keys, this_merchant
from hutong.merchants.staff import STAFF_ROLES
from hutong.merchants.staffing import members
from hutong.web.console.desk import ConsoleRequest, Desk, session_of
from hutong.web.console.views import SettingsView


class SettingsController(Controller):
    """The settings page."""

    path = "/settings"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Merchant, staff, keys."""
        async with desk.unit(request, "console.settings") as unit:
            leads = session_of(request).role in STAFF_ROLES
            view = SettingsView(
                merchant=await this_merchant(unit),
                staff=await members(unit) if leads else (),
                keys=await api_keys(unit),
            )
            return await desk.page(request, unit, "console/settings.html", view)
