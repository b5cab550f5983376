"""Douyin's alliance as the control port sees it: credentials, items, buyers who come by an address, books."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.books import BookRow
from hutong_sandbox.douyin.accounts import Goods, Promoters
from hutong_sandbox.douyin.addresses import Addresses
from hutong_sandbox.douyin.faults import KINDS
from hutong_sandbox.douyin.gateway import Gateway
from hutong_sandbox.douyin.orders import Order, OrderEvent, Orders, OrderStatus, wire
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "hmac-sha256 signature, timestamp as text": "judged",
    "error envelope": "judged",
    "token.refresh, its call": "judged",
    "names of arguments of buyin.kolProductShare and buyin.doukeOrderAds (the documents)": "simulated",
    "timestamp in seconds (official Go SDK)": "simulated",
    "names and units of an order's fields (the document)": "simulated",
    "codes of both methods (the documents)": "simulated",
    "addresses in the app, and zlinks that end after 60 days (public samples)": "simulated",
    "md5 signature": "unverified",
    "the page's host and what it carries the promoter in; the form of codes": "unverified",
    "order of the gateway's checks": "unverified",
    "cursor: its form, oldest first, empty on the last page": "unverified",
    "the commission is told without the platform's fee": "unverified",
    "err_no of an error": "unverified",
}
EVENTS: Final = tuple(event.value for event in OrderEvent)


class DouyinAlliance(Platform):
    """The simulated platform."""

    name = "douyin_alliance"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self._promoters = Promoters(world)
        self._addresses = Addresses(world)
        self.orders = Orders(world)
        self.gateway = Gateway(world, self._promoters, self._addresses, self.orders)

    def place(self, base_url: str) -> None:
        """The gateway never names itself: promoted addresses are on the platform's real hosts."""

    def credentials(self, merchant: str) -> Json:
        """The promoter's app, token and PID."""
        promoter = self._promoters.of(merchant)
        return {
            "app_key": promoter.app_key,
            "app_secret": promoter.app_secret,
            "access_token": promoter.access_token,
            "refresh_token": promoter.refresh_token,
            "pid": promoter.pid,
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        return await self.gateway.handle(request)

    async def buy(self, order: Json) -> Json:
        """A buyer opens a promoted ``address`` (page, zlink, the app's own, or a code) and orders the item."""
        place = self._addresses.place(text_of(order, "address"))
        placed = self.orders.place(place, count_of(order, "quantity", 1))
        if order.get("paid", True) is not False:
            self.orders.move(placed, OrderEvent.PAY)
        return self._shown(placed)

    async def move(self, which: Json) -> Json:
        """Let buyer or platform act: ``pay``, ``abandon``, ``confirm``, ``settle``, or ``refund`` in full."""
        event = text_of(which, "event")
        if event not in EVENTS:
            raise InvalidInput(field="event", problem=", ".join(EVENTS))
        number = text_of(which, "order_no")
        order = self.orders.find(number)
        if order is None:
            raise NotFound(what="order", key=number)
        self.orders.move(order, OrderEvent(event))
        return self._shown(order)

    def stock(self, entry: Json) -> Json:
        """Create an item of the alliance, or set its figures; ``"promotable": false`` closes its promotion."""
        promoter = self._promoters.of(text_of(entry, "merchant", DEFAULT_MERCHANT))
        goods = promoter.put(entry)
        self._world.events.add(self.name, "stocked", merchant=promoter.merchant, sku=goods.sku, quantity=goods.quantity)
        return {"platform": self.name, "merchant": promoter.merchant, **_row(goods)}

    def shops(self) -> list[Json]:
        """What each promoter may promote."""
        return [
            {
                "platform": self.name,
                "merchant": promoter.merchant,
                "shop_id": promoter.pid,
                "skus": [_row(goods) for goods in promoter.goods.values()],
            }
            for promoter in self._promoters.all()
        ]

    def books(self) -> list[BookRow]:
        """Every paid order."""
        return [
            BookRow(
                platform=self.name,
                merchant=order.promoter.merchant,
                order_no=str(order.order_id),
                amount_fen=order.amount_fen,
                refunded_fen=order.amount_fen if order.status is OrderStatus.REFUND else 0,
                status=order.status.value,
                fee_fen=0,
                refunded_fee_fen=0,
            )
            for order in self.orders.all()
            if order.paid_at is not None
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders, addresses and items; the first tokens are valid again."""
        self.orders.clear()
        self._addresses.clear()
        self.gateway.clear()
        for promoter in self._promoters.all():
            promoter.clear()

    def _shown(self, order: Order) -> Json:
        return {
            "platform": self.name,
            "order_no": str(order.order_id),
            "amount_fen": order.amount_fen,
            "status": order.status.value,
            "row": wire(order),
        }


def _row(goods: Goods) -> Json:
    return {
        "sku": goods.sku,
        "title": goods.title,
        "quantity": goods.quantity,
        "price_fen": goods.price_fen,
        "commission_bps": goods.commission_bps,
        "goods_id": str(goods.product_id),
        "url": f"https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id={goods.product_id}",
    }
