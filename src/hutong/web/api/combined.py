"""Combined payments (合单支付): several orders that a buyer pays with one tap, opened by the merchant's own server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, get, post

from hutong.core.money import Money
from hutong.db.unit import Unit
from hutong.merchants.keys import ApiKey
from hutong.payments.combined import PARTS_MAX, PARTS_MIN
from hutong.payments.combined_queries import CombinedRow, one_combined
from hutong.platforms.payments import PaymentCreated, PayMethod
from hutong.shops.stock import QUANTITY_MAX
from hutong.web.api.bodies import Line, Price, RequestBody, Word
from hutong.web.api.callers import CREATED, once_kept
from hutong.web.api.examples import with_example
from hutong.web.api.opened import PAYER_CHARS_MAX
from hutong.workflows.commands.combined_parts import CombinedWanted, PartWanted, lay_out_parts
from hutong.workflows.commands.open_combined import open_combined_payment
from hutong.workflows.runtime import Runtime

CLIENT_IP_CHARS_MAX: Final = 45
EXAMPLE: Final = {
    "platform": "wechatpay",
    "method": "app",
    "parts": [
        {"amount_fen": 4990, "title": "青瓷饭碗 两只"},
        {"amount_fen": 1200, "title": "同城配送"},
    ],
}


class NewPart(RequestBody, frozen=True, kw_only=True):
    """One part: a payment that is open already, or pieces of a SKU, or an amount with a title.

    ``connection_id``: the account of the wallet that gets its money; without, the one that opens the whole.
    """

    payment_id: UUID | None = None
    sku_id: UUID | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX)] = 1
    amount_fen: Price | None = None
    title: Line = ""
    connection_id: UUID | None = None
    link_id: UUID | None = None
    channel_id: UUID | None = None

    def wanted(self) -> PartWanted:
        """As the command takes it."""
        return PartWanted(
            payment_id=self.payment_id,
            sku_id=self.sku_id,
            quantity=self.quantity,
            amount=None if self.amount_fen is None else Money.fen(self.amount_fen),
            title=self.title,
            connection_id=self.connection_id,
            link_id=self.link_id,
            channel_id=self.channel_id,
        )


class NewCombined(RequestBody, frozen=True, kw_only=True):
    """What a buyer is to pay with one tap, at which wallet and how. ``connection_id``: this account opens it."""

    platform: Word
    method: Literal["jsapi", "app", "native", "h5"]
    parts: Annotated[tuple[NewPart, ...], msgspec.Meta(min_length=PARTS_MIN, max_length=PARTS_MAX)]
    payer_id: Annotated[str, msgspec.Meta(max_length=PAYER_CHARS_MAX)] = ""
    client_ip: Annotated[str, msgspec.Meta(max_length=CLIENT_IP_CHARS_MAX)] = ""
    connection_id: UUID | None = None

    def wanted(self) -> CombinedWanted:
        """As the command takes it."""
        return CombinedWanted(
            platform=self.platform,
            method=PayMethod(self.method),
            parts=tuple(part.wanted() for part in self.parts),
            payer_id=self.payer_id,
            client_ip=self.client_ip,
            connection_id=self.connection_id,
        )


class Desks(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept under the Idempotency-Key: where the parts of the first request lie."""

    checkout_ids: tuple[UUID, ...]


class CombinedPartItem(msgspec.Struct, frozen=True, kw_only=True):
    """A part. It is a payment as any other: ``GET /payments/{payment_id}`` tells its attempts and refunds."""

    payment_id: UUID
    order_id: UUID
    state: str
    amount_minor: int
    refunded_minor: int
    connection_id: UUID | None
    out_trade_no: str
    attempt_state: str
    transaction_id: str | None


class CombinedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A combined payment: ``open``, ``partly_paid`` (a person looks at the rest), ``paid`` or ``closed``."""

    combined_id: UUID
    state: str
    platform: str
    method: str
    combine_out_trade_no: str
    connection_id: UUID | None
    currency: str
    amount_minor: int
    created_at: datetime
    expires_at: datetime | None
    parts: tuple[CombinedPartItem, ...]


class CombinedOpenedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A combined payment, and what to invoke the wallet with; nothing of that once it has ended."""

    combined: CombinedItem
    invoke: Mapping[str, str] | None
    code_url: str | None
    redirect_url: str | None


class CombinedApi(Controller):
    """Combined payments."""

    path = "/api/v1/payments/combined"
    tags = ["Payments"]

    @post(
        opt={"scope": "payments:write"},
        summary="Open a combined payment: several orders, one tap",
        operation_class=with_example("Two orders in an app", EXAMPLE),
    )
    async def open(
        self, request: Request[Any, Any, Any], runtime: Runtime, caller: ApiKey, data: NewCombined
    ) -> Response[CombinedOpenedItem]:
        """Order every part and have the wallet open one order for all; they are paid together or not at all.

        `parts`, 2 to 50 (WeChat Pay: 10 for a merchant, 50 for a service provider): each is `payment_id`, a payment
        that is open already (one that is opened anywhere else is closed there first), or `sku_id` with `quantity`, or
        `amount_fen` with `title`. Each keeps its own order, payment, refunds and lines in the books; all of one
        currency. `connection_id` of a part: the account that gets its money; of the whole: the account that opens it.
        Without, the first that can; one that refuses for reasons of its own leaves it to the next.

        `method`: `jsapi`, a page inside the wallet's own app (send `payer_id`, the buyer's openid); `app`, the wallet's
        SDK in an app of yours; `native`, a QR code; `h5`, a phone's browser (send `client_ip`, the buyer's address).
        `invoke`, `code_url` or `redirect_url` is what the buyer goes on with, as for `POST /payments`.

        Send an Idempotency-Key: the same request again finds the same combined payment, with fresh parameters, so that
        nobody pays twice after an answer that was lost (`platform_unknown`); two requests for the same payments find
        the same one, too. Whether a part is paid, `GET` of its payment and the event `payment.paid` tell.
        """
        wanted = data.wanted()

        async def work(unit: Unit) -> Desks:
            return Desks(checkout_ids=await lay_out_parts(runtime, unit, wanted))

        desks = msgspec.json.decode(await once_kept(runtime, caller, request, "api.combined_open", work), type=Desks)
        opened = await open_combined_payment(runtime, caller.merchant_id, desks.checkout_ids, wanted)
        answer = _opened(opened.row, opened.created)
        return Response(answer, status_code=CREATED, headers={"cache-control": "no-store"})

    @get("/{combined_id:uuid}", opt={"scope": "payments:read"}, summary="One combined payment")
    async def combined(self, runtime: Runtime, caller: ApiKey, combined_id: UUID) -> CombinedItem:
        """A combined payment with its parts, as it stands."""
        async with runtime.unit(caller.merchant_id, "api.combined", snapshot=True) as unit:
            return _item(await one_combined(unit, combined_id))


def _opened(row: CombinedRow, created: PaymentCreated | None) -> CombinedOpenedItem:
    return CombinedOpenedItem(
        combined=_item(row),
        invoke=None if created is None else created.invoke,
        code_url=None if created is None else created.code_url,
        redirect_url=None if created is None else created.redirect_url,
    )


def _item(row: CombinedRow) -> CombinedItem:
    view = row.view
    return CombinedItem(
        combined_id=view.combined_id,
        state=view.state.value,
        platform=view.platform,
        method=view.method,
        combine_out_trade_no=row.number,
        connection_id=row.connection_id,
        currency=view.amount.currency,
        amount_minor=view.amount.amount_minor,
        created_at=view.created_at,
        expires_at=row.expires_at,
        parts=tuple(
            CombinedPartItem(
                payment_id=part.payment_id,
                order_id=part.order_id,
                state=part.state,
                amount_minor=part.amount.amount_minor,
                refunded_minor=part.refunded.amount_minor,
                connection_id=part.connection_id,
                out_trade_no=part.out_trade_no,
                attempt_state=part.attempt_state,
                transaction_id=part.transaction_id,
            )
            for part in row.parts
        ),
    )
