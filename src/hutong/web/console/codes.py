"""Shop codes: make one, print it, pause it, change its limits, and see what it took today."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from hutong.core.errors import Forbidden
from hutong.core.money import Money
from hutong.merchants.queries import this_merchant
from hutong.merchants.staff import CODE_ROLES
from hutong.payments.shop_codes import (
    CodeDay,
    CodeLimits,
    ShopCode,
    change_limits,
    code_day,
    get_shop_code,
    list_shop_codes,
    move_shop_code,
)
from hutong.payments.states import ShopCodeEvent
from hutong.web.console.desk import ConsoleRequest, Desk, go_to, session_of
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.typed import FieldBlank, amount_outside, money_text, typed_amount
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.qr import qr_png, qr_svg
from hutong.web.scene import Scene
from hutong.web.told import Told
from hutong.workflows.commands.counter import open_shop_code

_PNG: Final = "image/png"
_SVG: Final = "image/svg+xml"


class CodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its address and its day."""

    code: ShopCode
    address: str
    today: CodeDay


class CodesView(msgspec.Struct, frozen=True, kw_only=True):
    """The shop codes page; ``defaults`` fill the form."""

    rows: tuple[CodeRow, ...]
    currency: str
    defaults: CodeLimits
    may_change: bool


class CodeView(msgspec.Struct, frozen=True, kw_only=True):
    """One code with its QR (SVG)."""

    row: CodeRow
    qr_svg: str
    may_change: bool


class SheetView(msgspec.Struct, frozen=True, kw_only=True):
    """The sheet that hangs in the shop, A6."""

    shop: str
    title: str
    amount: Money | None
    payment_max: Money
    buyer_day_max: Money
    code_day_max: Money
    qr_svg: str


#: Fields of the forms -> what the forms call them.
_LABELS: Final = {
    "title": mark("名称，顾客看得到"),
    "amount": mark("固定金额，不填就由顾客输入"),
    "payment_max": mark("单笔最多"),
    "buyer_day_max": mark("每位顾客每天最多"),
    "code_day_max": mark("这张码每天最多"),
}


class LimitsForm(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in major units, as text."""

    payment_max: str
    buyer_day_max: str
    code_day_max: str

    def limits(self, currency: str) -> CodeLimits:
        """The limits in minor units.

        Raises:
            FieldBlank, AmountUnreadable, AmountOutside: with the field's name on the form.
        """
        payment_max, buyer_day_max, code_day_max = (
            typed_amount(text, _LABELS[name], currency).amount_minor
            for name, text in (
                ("payment_max", self.payment_max),
                ("buyer_day_max", self.buyer_day_max),
                ("code_day_max", self.code_day_max),
            )
        )
        return CodeLimits(
            payment_max_minor=payment_max, buyer_day_max_minor=buyer_day_max, code_day_max_minor=code_day_max
        )

    def limits_above(self, amount: Money | None, currency: str) -> CodeLimits:
        """The limits for a code whose fixed amount (if it has one) stays as it is.

        Raises:
            FieldBlank, AmountUnreadable, AmountOutside: with the field's name on the form.
        """
        limits = self.limits(currency)
        if amount is not None and amount.amount_minor > limits.payment_max_minor:
            reason = Told(mark("这张码的固定金额是 %(amount)s"), amount=money_text(amount))
            raise amount_outside(_LABELS["payment_max"], mark("不能小于 %(bound)s"), amount, reason)
        return limits


class NewCode(LimitsForm, frozen=True, kw_only=True):
    """The form for a code; without an ``amount`` the buyer types it."""

    title: str
    amount: str = ""

    def fixed_amount(self, limits: CodeLimits, currency: str) -> Money | None:
        """The amount that the code asks for, if it is fixed.

        Raises:
            AmountUnreadable, AmountOutside: with the field's name on the form.
        """
        if not self.amount.strip():
            return None
        amount = typed_amount(self.amount, _LABELS["amount"], currency)
        most = Money(limits.payment_max_minor, currency)
        if amount.amount_minor > most.amount_minor:
            reason = Told(mark("“单笔最多”填的是 %(most)s，比它大的固定金额没有人付得了"), most=money_text(most))
            raise amount_outside(_LABELS["amount"], mark("不能超过 %(bound)s"), most, reason)
        return amount


class CodesController(Controller):
    """The shop codes pages."""

    path = "/codes"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """All codes, the newest first, with what they took today."""
        async with desk.unit(request, "console.codes") as unit:
            rows = [
                CodeRow(code=code, address=_address(desk, code), today=await code_day(unit, code))
                for code in await list_shop_codes(unit)
            ]
            view = CodesView(
                rows=tuple(rows),
                currency=(await this_merchant(unit)).currency,
                defaults=CodeLimits(),
                may_change=session_of(request).role in CODE_ROLES,
            )
            return await desk.page(request, unit, "console/codes.html", view)

    @post("/")
    async def create(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[NewCode, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Make a code and look at it."""
        _manager(request)
        async with desk.unit(request, "console.code_create") as unit:
            currency = (await this_merchant(unit)).currency
        if not data.title.strip():
            raise FieldBlank(label=Told(_LABELS["title"]))
        limits = data.limits(currency)
        made = await open_shop_code(
            desk.runtime,
            session_of(request).merchant_id,
            title=data.title,
            amount=data.fixed_amount(limits, currency),
            limits=limits,
        )
        return go_to(f"/codes/{made.code_id}")

    @get("/{code_id:uuid}")
    async def one(self, request: ConsoleRequest, desk: Desk, code_id: UUID) -> Response[str]:
        """One code."""
        async with desk.unit(request, "console.code") as unit:
            code = await get_shop_code(unit, code_id)
            address = _address(desk, code)
            view = CodeView(
                row=CodeRow(code=code, address=address, today=await code_day(unit, code)),
                qr_svg=qr_svg(address, "QR"),
                may_change=session_of(request).role in CODE_ROLES,
            )
            return await desk.page(request, unit, "console/code.html", view)

    @get("/{code_id:uuid}/sheet")
    async def sheet(self, request: ConsoleRequest, desk: Desk, code_id: UUID) -> Response[str]:
        """The sheet for the printer."""
        async with desk.unit(request, "console.code_sheet") as unit:
            code = await get_shop_code(unit, code_id)
            shop = (await this_merchant(unit)).name
        view = SheetView(
            shop=shop,
            title=code.title,
            amount=code.amount,
            payment_max=Money(code.limits.payment_max_minor, code.currency),
            buyer_day_max=Money(code.limits.buyer_day_max_minor, code.currency),
            code_day_max=Money(code.limits.code_day_max_minor, code.currency),
            qr_svg=qr_svg(_address(desk, code), "QR"),
        )
        html = desk.renderer.page("console/code_sheet.html", view, Scene(path="/codes", locale=locale_of(request)))
        return Response(content=html, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)

    @get("/{code_id:uuid}/qr.svg")
    async def svg(self, request: ConsoleRequest, desk: Desk, code_id: UUID) -> Response[str]:
        """The code as a drawing."""
        code = await self._read(request, desk, code_id)
        return Response(qr_svg(_address(desk, code), code.title), media_type=_SVG, headers=_as_file(code, "svg"))

    @get("/{code_id:uuid}/qr.png")
    async def png(self, request: ConsoleRequest, desk: Desk, code_id: UUID) -> Response[bytes]:
        """The code as a picture."""
        code = await self._read(request, desk, code_id)
        return Response(qr_png(_address(desk, code)), media_type=_PNG, headers=_as_file(code, "png"))

    @post("/{code_id:uuid}/{event:str}")
    async def move(self, request: ConsoleRequest, desk: Desk, code_id: UUID, event: ShopCodeEvent) -> Redirect:
        """Pause a code, or let it take money again."""
        _manager(request)
        async with desk.unit(request, "console.code_move") as unit:
            await move_shop_code(unit, code_id, event)
        return go_to(f"/codes/{code_id}")

    @post("/{code_id:uuid}/limits")
    async def limit(
        self,
        request: ConsoleRequest,
        desk: Desk,
        code_id: UUID,
        data: Annotated[LimitsForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Redirect:
        """Other limits."""
        _manager(request)
        async with desk.unit(request, "console.code_limits") as unit:
            code = await get_shop_code(unit, code_id)
            await change_limits(unit, code_id, data.limits_above(code.amount, code.currency))
        return go_to(f"/codes/{code_id}")

    async def _read(self, request: ConsoleRequest, desk: Desk, code_id: UUID) -> ShopCode:
        async with desk.unit(request, "console.code_file") as unit:
            return await get_shop_code(unit, code_id)


def _manager(request: ConsoleRequest) -> None:
    """Only these may change where money goes in.

    Raises:
        Forbidden: the role may look only.
    """
    if session_of(request).role not in CODE_ROLES:
        raise Forbidden(scope="shop_codes:write")


def _address(desk: Desk, code: ShopCode) -> str:
    return f"{desk.runtime.public_url}/s/{code.code}"


def _as_file(code: ShopCode, kind: str) -> dict[str, str]:
    return {**CONSOLE_HEADERS, "content-disposition": f'attachment; filename="hutong-{code.code}.{kind}"'}
