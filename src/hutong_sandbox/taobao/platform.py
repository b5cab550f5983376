"""Taobao as the control port sees it: credentials, stock, buyers who order, books."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.books import BookRow
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.taobao.accounts import Shop, Sku
from hutong_sandbox.taobao.faults import KINDS
from hutong_sandbox.taobao.gateway import Gateway
from hutong_sandbox.taobao.market import Market
from hutong_sandbox.taobao.trades import Trade, TradeEvent, TradeStatus
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

LINES_MAX: Final = 50
#: What a buyer may write with an order, and a shop beside it.
MESSAGE_CHARS_MAX: Final = 500
MEMO: Final = "memo"
BUYERS_EVENTS: Final = ("pay", "abandon", "confirm", "refund")

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "md5 signature, timestamp in milliseconds": "judged",
    "error envelope": "judged",
    "taobao.trades.sold.increment.get, arguments and paging": "judged",
    "taobao.trades.sold.get, arguments": "judged",
    "taobao.trade.fullinfo.get, arguments": "judged",
    "taobao.items.onsale.get, arguments": "judged",
    "taobao.item.skus.get, arguments": "judged",
    "taobao.skus.custom.get, arguments": "judged",
    "taobao.time.get": "judged",
    "field names and values of orders, items and SKUs": "simulated",
    "buyer_message and seller_memo of an order": "unverified",
    "taobao.skus.quantity.update, type 1 (answer as seen in public code)": "simulated",
    "taobao.skus.quantity.update, type 2": "unverified",
    "taobao.item.quantity.update": "unverified",
    "taobao.logistics.offline.send (answer and B01, B04 as seen in public code)": "simulated",
    "taobao.logistics.online.send": "unverified",
    "taobao.top.auth.token.refresh": "unverified",
    "hmac signature, timestamp as text": "simulated",
    "hmac-sha256 signature": "unverified",
    "window of one day, newest first, page backwards": "simulated",
    "sub codes other than B01 and B04": "unverified",
    "oaid only with include_oaid": "unverified",
}


class Taobao(Platform):
    """The simulated platform."""

    name = "taobao"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        market = world.shared(Market)
        self._shops, self.trades = market.shops, market.trades
        self.gateway = Gateway(world, self._shops, self.trades)

    def place(self, base_url: str) -> None:
        """The gateway never names itself."""

    def credentials(self, merchant: str) -> Json:
        """The merchant's app and session."""
        shop = self._shops.of(merchant)
        return {
            "app_key": shop.app_key,
            "app_secret": shop.app_secret,
            "access_token": shop.access_token,
            "refresh_token": shop.refresh_token,
            "shop_id": shop.shop_id,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        return await self.gateway.handle(request)

    async def buy(self, order: Json) -> Json:
        """Place a paid order: one ``sku`` and ``quantity``, or several in ``lines``."""
        shop = self._shop(order)
        lines = order.get("lines", [order])
        if not isinstance(lines, list) or not 1 <= len(lines) <= LINES_MAX:
            raise InvalidInput(field="lines", problem=f"1..{LINES_MAX}")
        wanted = [(text_of(line, "sku"), count_of(line, "quantity", 1)) for line in lines]
        trade = self.trades.place(shop, wanted, count_of(order, "buyer", 1), count_of(order, "post_fen", 0))
        trade.buyer_message = str(order.get("buyer_message", ""))[:MESSAGE_CHARS_MAX]
        if order.get("paid", True) is not False:
            self.trades.move(trade, TradeEvent.PAY)
        return self._shown(trade)

    async def move(self, which: Json) -> Json:
        """Let the buyer act on an order: ``pay``, ``abandon``, ``confirm``, or ``refund`` in full; or the shop write a
        ``memo`` (``text``) beside it.
        """
        event = text_of(which, "event")
        if event not in (*BUYERS_EVENTS, MEMO):
            raise InvalidInput(field="event", problem=", ".join((*BUYERS_EVENTS, MEMO)))
        tid = text_of(which, "order_no")
        trade = self.trades.find(self._shop(which), tid)
        if trade is None:
            raise NotFound(what="order", key=tid)
        if event == MEMO:
            self.trades.write_memo(trade, text_of(which, "text")[:MESSAGE_CHARS_MAX])
        else:
            self.trades.move(trade, TradeEvent(event))
        return self._shown(trade)

    def stock(self, entry: Json) -> Json:
        """Create a SKU, or set its figures."""
        shop = self._shop(entry)
        sku = shop.put(entry)
        self._world.events.add(self.name, "stocked", merchant=shop.merchant, sku=sku.outer_id, quantity=sku.quantity)
        return {"platform": self.name, "shop_id": shop.shop_id, **_row(sku)}

    def shops(self) -> list[Json]:
        """Every shop with its stock."""
        return [
            {
                "platform": self.name,
                "merchant": shop.merchant,
                "shop_id": shop.shop_id,
                "skus": [_row(sku) for sku in shop.skus.values()],
            }
            for shop in self._shops.all()
        ]

    def books(self) -> list[BookRow]:
        """Every paid order; the platform takes no fee in this simulation."""
        return [
            BookRow(
                platform=self.name,
                merchant=trade.shop.merchant,
                order_no=str(trade.tid),
                amount_fen=trade.amount_fen,
                refunded_fen=trade.amount_fen if trade.status is TradeStatus.TRADE_CLOSED else 0,
                status=trade.status.value,
                fee_fen=0,
                refunded_fee_fen=0,
            )
            for trade in self.trades.all()
            if trade.paid_at is not None
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders and goods; the first tokens are valid again."""
        self.trades.clear()
        self.gateway.clear()
        for shop in self._shops.all():
            shop.clear()

    def _shown(self, trade: Trade) -> Json:
        return {
            "platform": self.name,
            "shop_id": trade.shop.shop_id,
            "order_no": str(trade.tid),
            "amount_fen": trade.amount_fen,
            "status": trade.status.value,
            "trade": self.trades.wire(trade),
        }

    def _shop(self, body: Json) -> Shop:
        if "shop_id" in body:
            return self._shops.by_id(text_of(body, "shop_id"))
        return self._shops.of(text_of(body, "merchant", DEFAULT_MERCHANT))


def _row(sku: Sku) -> Json:
    return {
        "sku": sku.outer_id,
        "title": sku.title,
        "quantity": sku.quantity,
        "price_fen": sku.price_fen,
        "num_iid": str(sku.num_iid),
        "sku_id": str(sku.sku_id),
    }
