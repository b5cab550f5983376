"""多多进宝 as the control port sees it: credentials, goods to promote, buyers who come by an address, books."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import InvalidInput
from hutong_sandbox.books import BookRow
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.pinduoduo.addresses import Addresses
from hutong_sandbox.pinduoduo.calls import uid_of
from hutong_sandbox.pinduoduo.faults import KINDS
from hutong_sandbox.pinduoduo.gateway import Gateway
from hutong_sandbox.pinduoduo.goods import GoodsShelf
from hutong_sandbox.pinduoduo.orders import Order, OrderEvent, Orders, OrderStatus, wire
from hutong_sandbox.pinduoduo.promoters import FILED_UID, Promoters
from hutong_sandbox.world import Platform, World, count_of, text_of

#: A person opens the page that files a position, and agrees.
FILE: Final = "file"
EVENTS: Final = tuple(event.value for event in OrderEvent)
#: No commission is paid.
NOTHING: Final = (OrderStatus.REFUSED, OrderStatus.PUNISHED)

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "md5 signature, timestamp in seconds": "judged",
    "error envelope": "judged",
    "pdd.ddk.goods.search, arguments": "judged",
    "pdd.ddk.goods.detail, arguments": "judged",
    "pdd.ddk.goods.promotion.url.generate, arguments": "judged",
    "pdd.ddk.order.list.increment.get, arguments and paging": "judged",
    "pdd.ddk.order.detail.get, arguments": "judged",
    "pdd.ddk.goods.pid.generate, pdd.ddk.goods.pid.query, arguments": "judged",
    "pdd.ddk.rp.prom.url.generate, channel_type 10, arguments": "judged",
    "pdd.ddk.member.authority.query": "simulated",
    "field names and values of goods, addresses and orders (published field lists)": "simulated",
    "shapes of the addresses (as public clients printed them)": "simulated",
    "refusal of what is not filed, 50001/60001 (as public clients saw it)": "simulated",
    "window of 24 hours, 90 days back, 10 to 100 rows, read backwards": "simulated",
    "whether a filing of the position alone counts for custom parameters": "unverified",
    "sub codes other than 60001; messages of wrong arguments": "unverified",
    "rows come latest first; times that are not yet are null": "unverified",
    "unpaid orders are told as -1, abandoned ones as 4; the rate of duo_id_service_fee": "unverified",
}


class PinduoduoAlliance(Platform):
    """The simulated platform."""

    name = "pinduoduo_alliance"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        self._promoters = Promoters(world)
        self.goods = GoodsShelf(world)
        self.addresses = Addresses(world)
        self.orders = Orders(world, self.goods)
        self.gateway = Gateway(world, self._promoters, self.goods, self.addresses, self.orders)

    def place(self, base_url: str) -> None:
        """The gateway never names itself: addresses are on the platform's real hosts."""

    def credentials(self, merchant: str) -> Json:
        """The merchant's app and first position, which is filed."""
        promoter = self._promoters.of(merchant)
        return {"client_id": promoter.client_id, "client_secret": promoter.client_secret, "pid": promoter.pid}

    def more_credentials(self, merchant: str) -> Json:
        """The ``uid`` under which the position is filed: the account then carries marks in ``sid``."""
        self._promoters.of(merchant)
        return {"uid": FILED_UID}

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        return await self.gateway.handle(request)

    async def buy(self, order: Json) -> Json:
        """A buyer comes by an ``address`` (any of its forms) and orders its item, or another one (``sku``)."""
        stands = self.addresses.found(text_of(order, "address"))
        if stands.goods is None:
            raise InvalidInput(field="address", problem="files a position, sells nothing")
        goods = self.goods.by_sku(text_of(order, "sku")) if "sku" in order else stands.goods
        placed = self.orders.place(stands, goods, count_of(order, "quantity", 1), count_of(order, "buyer", 1))
        if order.get("paid", True) is not False:
            self.orders.move(placed, OrderEvent.PAY)
        return self._shown(placed)

    async def move(self, which: Json) -> Json:
        """Let buyer or platform act on an order, or a person file a position (``file`` with its page's ``address``)."""
        event = text_of(which, "event")
        if event == FILE:
            return self._file(text_of(which, "address"))
        if event not in EVENTS:
            raise InvalidInput(field="event", problem=", ".join((*EVENTS, FILE)))
        order = self.orders.find(text_of(which, "order_no"))
        self.orders.move(order, OrderEvent(event))
        return self._shown(order)

    def stock(self, entry: Json) -> Json:
        """Let an item be promoted, or set its figures."""
        goods = self.goods.put(entry)
        self._world.events.add(self.name, "stocked", sku=goods.sku, quantity=goods.quantity)
        return {"platform": self.name, **goods.row()}

    def shops(self) -> list[Json]:
        """Everything that may be promoted."""
        return [{"platform": self.name, "merchant": "", "skus": [goods.row() for goods in self.goods.all()]}]

    def books(self) -> list[BookRow]:
        """Every paid order, in the name of the merchant who promoted it; the commission is no fee of his."""
        return [
            BookRow(
                platform=self.name,
                merchant=order.stands.promoter.merchant,
                order_no=order.order_sn,
                amount_fen=order.amount_fen,
                refunded_fen=order.amount_fen if OrderEvent.REFUND in order.times else 0,
                status=order.status.value,
                fee_fen=0,
                refunded_fee_fen=0,
            )
            for order in self.orders.all()
            if order.is_paid
        ]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget goods, addresses and orders; the first position is filed again."""
        self.goods.clear()
        self.addresses.clear()
        self.orders.clear()
        self.gateway.clear()
        for promoter in self._promoters.all():
            promoter.clear()

    def _file(self, address: str) -> Json:
        stands = self.addresses.found(address)
        if stands.goods is not None:
            raise InvalidInput(field="address", problem="promotes an item, files nothing")
        stands.promoter.file(stands.pid, uid_of(stands.custom))
        self._world.events.add(self.name, "filed", merchant=stands.promoter.merchant, pid=stands.pid)
        return {"platform": self.name, "pid": stands.pid, "custom_parameters": stands.custom}

    def _shown(self, order: Order) -> Json:
        return {
            "platform": self.name,
            "order_no": order.order_sn,
            "amount_fen": order.amount_fen,
            "commission_fen": 0 if order.status in NOTHING else order.commission_fen - order.service_fee_fen,
            "status": order.status.value,
            "row": wire(order),
        }
