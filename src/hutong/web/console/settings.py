"""The merchant, the staff and the keys, to look at; one's own password, to change."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from hutong.core.errors import HutongError, InvalidInput
from hutong.db.unit import Unit
from hutong.merchants.own_password import change_password, require_fit
from hutong.merchants.queries import api_keys, this_merchant
from hutong.merchants.staff import STAFF_ROLES
from hutong.merchants.staffing import members
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.typed import FieldBlank
from hutong.web.console.views import SettingsView
from hutong.web.errors import text_for
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.session import TooManyTries, Tries, session_cookie
from hutong.web.told import Told

_LABELS: Final = {"present": mark("现在的密码"), "new": mark("新密码"), "again": mark("再输一次新密码")}
_PLACE: Final = "/settings"
#: Said in the address after a change, so that reloading sends no password again.
_CHANGED: Final = "password"


class PasswordForm(msgspec.Struct, frozen=True, kw_only=True):
    """The present password and, twice, the new one."""

    present: str = ""
    new: str = ""
    again: str = ""

    def __repr__(self) -> str:
        return "PasswordForm()"


class SettingsController(Controller):
    """The settings page; everybody may look, and everybody changes their own password."""

    path = _PLACE
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk, changed: str = "") -> Response[str]:
        """Merchant, own password, staff, keys."""
        async with desk.unit(request, "console.settings") as unit:
            view = await _view(unit, request)
            view = msgspec.structs.replace(view, is_changed=changed == _CHANGED)
            return await desk.page(request, unit, "console/settings.html", view)

    @get("/password")
    async def back(self) -> Response[Any]:
        """Where a refused form stands, asked for anew: the page it is on."""
        return go_to(_PLACE)

    @post("/password", media_type=MediaType.HTML, status_code=HTTP_200_OK)
    async def change(
        self,
        request: ConsoleRequest,
        desk: Desk,
        tries: Tries,
        data: Annotated[PasswordForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        """One's own password. A wrong present one counts as a wrong one at the sign-in does, and is counted before it
        is known: many at once are no more than the limit either.
        """
        session = session_of(request)
        address = request.client.host if request.client else ""
        try:
            for name in _LABELS:
                if not getattr(data, name):
                    raise FieldBlank(label=Told(_LABELS[name]))
            require_fit(data.present, data.new, data.again)
            tries.begin(session.login, address)
            async with desk.unit(request, "console.own_password") as unit:
                await change_password(unit, session, session_cookie(request), present=data.present, new=data.new)
            tries.succeeded(session.login, address)
        except (InvalidInput, TooManyTries) as refusal:
            return await self._refused(request, desk, refusal)
        return go_to(f"{_PLACE}?changed={_CHANGED}")

    async def _refused(self, request: ConsoleRequest, desk: Desk, refusal: HutongError) -> Response[str]:
        """The page with the reason at the form; passwords that were typed are not sent back."""
        text = text_for(refusal, locale_of(request), desk.renderer.catalogues)
        async with desk.unit(request, "console.settings") as unit:
            view = msgspec.structs.replace(await _view(unit, request), refusal=text)
            answer = await desk.page(request, unit, "console/settings.html", view)
        is_held_back = isinstance(refusal, TooManyTries)
        answer.status_code = refusal.status if is_held_back else HTTP_422_UNPROCESSABLE_ENTITY
        return answer


async def _view(unit: Unit, request: ConsoleRequest) -> SettingsView:
    leads = session_of(request).role in STAFF_ROLES
    return SettingsView(
        merchant=await this_merchant(unit),
        staff=await members(unit) if leads else (),
        keys=await api_keys(unit),
    )
