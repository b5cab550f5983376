"""The counter: staff type an amount, scan the buyer's payment code or show a QR, and see what became of it."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import HTTP_200_OK

from hutong.core.errors import Forbidden
from hutong.core.money import Money
from hutong.merchants.queries import this_merchant
from hutong.merchants.staff import TILL_ROLES, Session
from hutong.payments.till import TillRow, last_at_till
from hutong.web.buyer.desk import hand_over_mark
from hutong.web.buyer.pages import Receipt
from hutong.web.buyer.reading import read_desk, receipt_of, shown_state
from hutong.web.console.desk import ConsoleRequest, Desk, session_of
from hutong.web.console.headers import CONSOLE_HEADERS
from hutong.web.console.typed import amount_outside, typed_amount
from hutong.web.format import Formats, zone_of
from hutong.web.labels import mark
from hutong.web.languages import locale_of
from hutong.web.qr import qr_svg
from hutong.web.scene import Scene
from hutong.web.told import Told
from hutong.workflows.commands.charge_code import (
    CODE_LIFE,
    ChargeView,
    cancel_charge,
    charge_code,
    follow_charge,
    leave_sale,
    wallet_of_code,
)
from hutong.workflows.commands.counter import COUNTER_MAX_FEN, start_counter_checkout

ROWS: Final = 12
#: What a gun or a camera can bring; longer is no payment code of any wallet.
AUTH_CODE_CHARS_MAX: Final = 32


class CounterView(msgspec.Struct, frozen=True, kw_only=True):
    """The counter page; ``password_s`` is how long a buyer may type the password."""

    currency: str
    rows: tuple[TillRow, ...]
    password_s: int
    may_take: bool


class TillView(msgspec.Struct, frozen=True, kw_only=True):
    """The list of last payments alone."""

    rows: tuple[TillRow, ...]


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt for the printer."""

    shop: str
    title: str
    amount: Money
    state: str
    receipt: Receipt | None
    back_href: str


class AmountForm(msgspec.Struct, frozen=True, kw_only=True):
    """An amount in major units, as text."""

    amount: str


class CodeForm(msgspec.Struct, frozen=True, kw_only=True):
    """A scanned payment code. Never logged: forms are not."""

    auth_code: str

    def __repr__(self) -> str:
        return "CodeForm()"


class SaleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A sale as the till's script sees it: ready, waiting, paid or over."""

    checkout_id: UUID
    state: str
    amount_text: str
    codes_count: int
    platform: str = ""
    wallet: str = ""
    qr_svg: str = ""
    url: str = ""


class WalletAnswer(msgspec.Struct, frozen=True):
    """Whose payment code it is, told before anything is charged."""

    platform: str
    wallet: str


class CounterController(Controller):
    """The till."""

    path = "/counter"
    include_in_schema = False

    @get("/")
    async def show(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """Keypad, scanner, and the last payments."""
        async with desk.unit(request, "console.counter") as unit:
            view = CounterView(
                currency=(await this_merchant(unit)).currency,
                rows=await last_at_till(unit, ROWS),
                password_s=int(CODE_LIFE.total_seconds()),
                may_take=session_of(request).role in TILL_ROLES,
            )
            return await desk.page(request, unit, "console/counter.html", view)

    @get("/latest")
    async def latest(self, request: ConsoleRequest, desk: Desk) -> Response[str]:
        """The last payments anew, after a sale."""
        async with desk.unit(request, "console.till") as unit:
            view = TillView(rows=await last_at_till(unit, ROWS))
            scene = Scene(locale=locale_of(request), zone=zone_of((await this_merchant(unit)).timezone))
        html = desk.renderer.page("console/counter_rows.html", view, scene)
        return Response(content=html, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)

    @post("/sales", status_code=HTTP_200_OK)
    async def open(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[AmountForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[SaleAnswer]:
        """A sale of a typed amount, with the QR that any wallet reads."""
        session = cashier(request)
        async with desk.unit(request, "console.counter_open") as unit:
            currency = (await this_merchant(unit)).currency
        amount = typed_at_counter(data.amount, currency)
        checkout_id = await start_counter_checkout(desk.runtime, session.merchant_id, amount)
        sale = await follow_charge(desk.runtime, session.merchant_id, checkout_id)
        handed = hand_over_mark(desk.runtime.link_key, checkout_id)
        url = f"{desk.runtime.public_url}/c/{checkout_id}?h={handed}"
        return self._answer(request, desk, sale, url)

    @post("/wallet", status_code=HTTP_200_OK)
    async def wallet(
        self,
        request: ConsoleRequest,
        desk: Desk,
        data: Annotated[CodeForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[WalletAnswer]:
        """Whose code was scanned.

        Raises:
            CodeUnknown: no connected wallet takes it.
        """
        session = cashier(request)
        platform = await wallet_of_code(desk.runtime, session.merchant_id, _cleaned(data.auth_code))
        return Response(WalletAnswer(platform, _label(request, desk, platform)), headers=CONSOLE_HEADERS)

    @post("/sales/{checkout_id:uuid}/charge", status_code=HTTP_200_OK)
    async def charge(
        self,
        request: ConsoleRequest,
        desk: Desk,
        checkout_id: UUID,
        data: Annotated[CodeForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[SaleAnswer]:
        """Charge the scanned code."""
        session = cashier(request)
        sale = await charge_code(
            desk.runtime,
            session.merchant_id,
            checkout_id,
            _cleaned(data.auth_code),
            client_ip=request.client.host if request.client else "",
        )
        return self._answer(request, desk, sale)

    @get("/sales/{checkout_id:uuid}")
    async def follow(self, request: ConsoleRequest, desk: Desk, checkout_id: UUID) -> Response[SaleAnswer]:
        """Where the sale stands."""
        sale = await follow_charge(desk.runtime, session_of(request).merchant_id, checkout_id)
        return self._answer(request, desk, sale)

    @post("/sales/{checkout_id:uuid}/cancel", status_code=HTTP_200_OK)
    async def cancel(self, request: ConsoleRequest, desk: Desk, checkout_id: UUID) -> Response[SaleAnswer]:
        """Undo the charge that runs; money that came meanwhile stays, and the answer says so."""
        sale = await cancel_charge(desk.runtime, cashier(request).merchant_id, checkout_id)
        return self._answer(request, desk, sale)

    @post("/sales/{checkout_id:uuid}/leave", status_code=HTTP_200_OK)
    async def leave(self, request: ConsoleRequest, desk: Desk, checkout_id: UUID) -> Response[SaleAnswer]:
        """Give the sale up, its QR included; money that came first stays, and the answer says so."""
        sale = await leave_sale(desk.runtime, cashier(request).merchant_id, checkout_id)
        return self._answer(request, desk, sale)

    @get("/sales/{checkout_id:uuid}/receipt")
    async def receipt(self, request: ConsoleRequest, desk: Desk, checkout_id: UUID) -> Response[str]:
        """The receipt again, for the printer."""
        merchant_id = session_of(request).merchant_id
        async with desk.runtime.unit(merchant_id, "console.receipt", snapshot=True) as unit:  # paper stays as it is
            reading = await read_desk(unit, checkout_id)
        view = ReceiptView(
            shop=reading.merchant.name,
            title=reading.view.goods.title,
            amount=reading.view.goods.amount,
            state=shown_state(reading.view.state, reading.payment),
            receipt=receipt_of(reading),
            back_href="/counter",
        )
        scene = Scene(path="/counter", locale=locale_of(request), zone=reading.zone)
        html = desk.renderer.page("console/receipt.html", view, scene)
        return Response(content=html, media_type=MediaType.HTML, headers=CONSOLE_HEADERS)

    def _answer(self, request: ConsoleRequest, desk: Desk, sale: ChargeView, url: str = "") -> Response[SaleAnswer]:
        answer = SaleAnswer(
            checkout_id=sale.checkout_id,
            state=sale.state.value,
            amount_text=Formats(locale_of(request)).money(sale.amount),
            codes_count=sale.codes_count,
            platform=sale.platform,
            wallet=_label(request, desk, sale.platform),
            qr_svg=qr_svg(url, "QR") if url else "",
            url=url,
        )
        return Response(answer, headers=CONSOLE_HEADERS)


def typed_at_counter(text: str, currency: str) -> Money:
    """The amount of a sale.

    Raises:
        FieldBlank, AmountUnreadable, AmountOutside.
    """
    label = mark("金额")
    amount = typed_amount(text, label, currency)
    if amount.amount_minor > COUNTER_MAX_FEN:
        most = Money(COUNTER_MAX_FEN, currency)
        raise amount_outside(label, mark("不能超过 %(bound)s"), most, Told(mark("收银台一笔最多收这么多，以防手误")))
    return amount


def cashier(request: ConsoleRequest) -> Session:
    """Who takes the money.

    Raises:
        Forbidden: the role may look only.
    """
    session = session_of(request)
    if session.role not in TILL_ROLES:
        raise Forbidden(scope="payments:take")
    return session


def _cleaned(auth_code: str) -> str:
    return auth_code.strip()[:AUTH_CODE_CHARS_MAX]


def _label(request: ConsoleRequest, desk: Desk, platform: str) -> str:
    return desk.renderer.label("platform", platform, locale_of(request)) if platform else ""
