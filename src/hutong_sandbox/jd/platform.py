"""京东联盟 as the control port sees it: credentials, goods, buyers who come by an address, books."""

from __future__ import annotations

from typing import Final

import msgspec

from hutong.core.errors import InvalidInput
from hutong_sandbox.books import BookRow
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.jd.accounts import Addresses, Goods, Promoters, Shelf
from hutong_sandbox.jd.faults import KINDS
from hutong_sandbox.jd.gateway import Gateway
from hutong_sandbox.jd.methods import Methods
from hutong_sandbox.jd.orders import Order, OrderEvent, Orders, wire_row
from hutong_sandbox.world import Platform, World, count_of, text_of

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "md5 signature, both addresses of the gateway, time as text and as the official SDK writes it": "judged",
    "error envelope of the gateway": "judged",
    "jd.union.open.promotion.common.get, arguments and envelope": "judged",
    "jd.union.open.order.row.query, arguments, window, pages and envelope": "judged",
    "jd.union.open.promotion.bysubunionid.get (documents)": "simulated",
    "field names and values of rows (documents)": "simulated",
    "the alliance's error codes (documents)": "simulated",
    "the gateway's error codes, six minutes (public code, help pages)": "simulated",
    "order of the gateway's checks": "unverified",
    "order of rows; both ends of a window belong to it": "unverified",
    "a settlement changes modifyTime; the 20th of the next month": "unverified",
    "returned after the end: 17 with skuReturnNum, actual sums of zero": "unverified",
    "without the permission for subUnionId rows come without it": "unverified",
}


class JdAlliance(Platform):
    """The simulated platform."""

    name = "jd_alliance"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self._promoters = Promoters(world)
        self.shelf = Shelf(world)
        self.addresses = Addresses(world, self.shelf)
        self.orders = Orders(world, self.shelf)
        self.gateway = Gateway(world, self._promoters, Methods(world, self.addresses, self.orders))

    def place(self, base_url: str) -> None:
        """The gateway never names itself."""

    def credentials(self, merchant: str) -> Json:
        """The merchant's app."""
        promoter = self._promoters.of(merchant)
        return {"app_key": promoter.app_key, "app_secret": promoter.app_secret}

    def more_credentials(self, merchant: str) -> Json:
        """With its site addresses are made by the call for sites; a place is told with each order."""
        promoter = self._promoters.of(merchant)
        return {"site_id": str(promoter.site_id), "position_id": str(promoter.position_id)}

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        return await self.gateway.handle(request)

    async def buy(self, order: Json) -> Json:
        """A buyer opens a promoted ``address`` and orders; paid unless ``paid`` is false."""
        address = self.addresses.opened(text_of(order, "address"))
        placed = self.orders.place(address, count_of(order, "quantity", 1))
        if order.get("paid", True) is not False:
            self.orders.move(placed, OrderEvent.PAY)
        return self._shown(placed)

    async def move(self, which: Json) -> Json:
        """``pay``, ``abandon``, ``confirm``, full ``refund``; the alliance's ``settle`` and ``refuse``."""
        event = text_of(which, "event")
        if event not in list(OrderEvent):
            raise InvalidInput(field="event", problem=", ".join(OrderEvent))
        order = self.orders.one(text_of(which, "order_no"))
        self.orders.move(order, OrderEvent(event))
        return self._shown(order)

    def stock(self, entry: Json) -> Json:
        """Let a SKU be promoted, or set its figures."""
        goods = self.shelf.put(entry)
        self._world.events.add(self.name, "stocked", sku=goods.code, quantity=goods.quantity)
        return {"platform": self.name, **_row(goods)}

    def shops(self) -> list[Json]:
        """One shop: all goods that can be promoted."""
        rows = [_row(goods) for goods in self.shelf.all()]
        return [{"platform": self.name, "merchant": "", "shop_id": "", "skus": rows}]

    def books(self) -> list[BookRow]:
        """Every paid order; ``fee_fen`` is the promoter's commission as the shop pays it."""
        return [
            BookRow(
                platform=self.name,
                merchant=order.address.promoter.merchant,
                order_no=str(order.order_id),
                amount_fen=order.amount_fen,
                refunded_fen=order.amount_fen if order.is_refunded else 0,
                status=order.status.value,
                fee_fen=order.fee_fen,
                refunded_fee_fen=order.fee_fen if order.is_refunded else 0,
            )
            for order in self.orders.all()
            if order.paid_at is not None
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders, addresses and goods."""
        self.orders.clear()
        self.addresses.clear()
        self.shelf.clear()
        self.gateway.clear()

    def _shown(self, order: Order) -> Json:
        encoder = msgspec.json.Encoder(decimal_format="number")
        return {
            "platform": self.name,
            "order_no": str(order.order_id),
            "amount_fen": order.amount_fen,
            "commission_fen": order.fee_fen,
            "status": order.status.value,
            "row": msgspec.Raw(encoder.encode(wire_row(order))),
        }


def _row(goods: Goods) -> Json:
    return {
        "sku": goods.code,
        "title": goods.title,
        "quantity": goods.quantity,
        "price_fen": goods.price_fen,
        "commission_bps": goods.rate_bps,
        "goods_id": str(goods.sku_id),
        "url": goods.page,
    }
