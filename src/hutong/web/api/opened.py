"""Payments of a merchant's own app or mini-program: its server opens them, the app invokes the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, post

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.keys import ApiKey
from hutong.platforms.payments import PayMethod
from hutong.shops.stock import QUANTITY_MAX
from hutong.web.api.bodies import Line, Price, RequestBody, Word
from hutong.web.api.callers import CREATED, once_kept
from hutong.web.api.examples import with_example
from hutong.workflows.commands.open_payment import Opened, Wanted, lay_out, open_payment
from hutong.workflows.runtime import Runtime

PAYER_CHARS_MAX: Final = 128
LOGIN_CODE_CHARS_MAX: Final = 512
EXAMPLE: Final = {
    "platform": "wechatpay",
    "method": "mini",
    "amount_fen": 4990,
    "title": "青瓷饭碗 两只",
    "payer_id": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
}


class NewPayment(RequestBody, frozen=True, kw_only=True):
    """What is to be paid (pieces of a SKU, or an amount with a title), how the buyer reaches the wallet, and who he is.

    ``connection_id``: this account alone takes it. A link or a channel tells who is to earn by it.
    """

    platform: Word
    method: Literal["app", "mini", "jsapi", "native"]
    sku_id: UUID | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)] = 1
    amount_fen: Price | None = None
    title: Line = ""
    payer_id: Annotated[str, msgspec.Meta(max_length=PAYER_CHARS_MAX)] = ""
    login_code: Annotated[str, msgspec.Meta(max_length=LOGIN_CODE_CHARS_MAX)] = ""
    connection_id: UUID | None = None
    link_id: UUID | None = None
    channel_id: UUID | None = None

    def wanted(self) -> Wanted:
        """As the command takes it."""
        return Wanted(
            platform=self.platform,
            method=PayMethod(self.method),
            sku_id=self.sku_id,
            quantity=self.quantity,
            amount=None if self.amount_fen is None else Money.fen(self.amount_fen),
            title=self.title,
            payer_id=self.payer_id,
            login_code=self.login_code,
            connection_id=self.connection_id,
            link_id=self.link_id,
            channel_id=self.channel_id,
        )


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept under the Idempotency-Key: where the goods of the first request lie."""

    checkout_id: UUID


class PaymentOpened(msgspec.Struct, frozen=True, kw_only=True):
    """An open payment, and what to invoke the wallet with; nothing of that once it has ended."""

    payment_id: UUID
    order_id: UUID
    state: str
    platform: str
    method: str
    out_trade_no: str
    currency: str
    amount_minor: int
    expires_at: datetime
    invoke: Mapping[str, str] | None
    code_url: str | None
    checkout_url: str


class OpenedPaymentsApi(Controller):
    """Payments opened by the merchant's own server."""

    path = "/api/v1"
    tags = ["Payments"]

    @post(
        "/payments",
        opt={"scope": "payments:write"},
        summary="Open a payment for your own app or mini-program",
        operation_class=with_example("In a mini-program", EXAMPLE),
    )
    async def open(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewPayment
    ) -> Response[PaymentOpened]:
        """Order the goods and have the wallet open its order; the answer is what the app invokes the wallet with.

        `method`: `app`, the wallet's SDK in an app of yours; `mini`, a mini-program; `jsapi`, a page of yours inside
        the wallet's own app; `native`, a QR code. For `mini` and `jsapi` send either `payer_id`, the buyer's openid
        (WeChat) or user_id or open_id (Alipay) in that very app, or `login_code`, the one-time code of `wx.login` or
        `my.getAuthCode` (of a page: of its authorisation), which the hub exchanges. `connection_id`: this account
        alone takes it; without, the first of the wallet that can. `link_id` or `channel_id`: who is to earn by it.

        `invoke`, WeChat: `wx.requestPayment` takes `timeStamp`, `nonceStr`, `package`, `signType`, `paySign`; the SDK's
        `PayReq` in an app `appId`, `partnerId`, `prepayId`, `packageValue`, `nonceStr`, `timeStamp`, `sign`. Alipay:
        `tradeNO` for `my.tradePay`, `orderStr` for the SDK in an app. `code_url` is the text of a QR code, and
        `checkout_url` a page of the hub where the same order can be paid by any wallet.

        Send an Idempotency-Key: the same request again finds the same payment, with fresh parameters, so that nobody
        pays twice after an answer that was lost (`platform_unknown`). Whether it is paid, `GET` of the payment and the
        event `payment.paid` tell, never the app.
        """
        wanted = data.wanted()

        async def work(unit: Unit) -> Desk:
            return Desk(checkout_id=await lay_out(runtime, unit, wanted))

        desk = msgspec.json.decode(await once_kept(runtime, caller, request, "api.payment_open", work), type=Desk)
        opened = await open_payment(runtime, caller.merchant_id, desk.checkout_id, wanted)
        answer = _answer(opened, f"{runtime.public_url}/c/{desk.checkout_id}")
        return Response(answer, status_code=CREATED, headers={"cache-control": "no-store"})


def _answer(opened: Opened, checkout_url: str) -> PaymentOpened:
    created = opened.created
    return PaymentOpened(
        payment_id=opened.payment_id,
        order_id=opened.order_id,
        state=opened.state,
        platform=opened.platform,
        method=opened.method,
        out_trade_no=opened.out_trade_no,
        currency=opened.amount.currency,
        amount_minor=opened.amount.amount_minor,
        expires_at=opened.expires_at,
        invoke=None if created is None else created.invoke,
        code_url=None if created is None else created.code_url,
        checkout_url=checkout_url,
    )
