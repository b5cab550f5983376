"""The alliance as the control port sees it: credentials, goods that may be promoted, buyers who come by addresses."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import InvalidInput, NotFound
from hutong_sandbox.books import BookRow
from hutong_sandbox.http import HttpRequest, HttpResponse, Json
from hutong_sandbox.taobao.alliance.addresses import Addresses
from hutong_sandbox.taobao.alliance.faults import KINDS
from hutong_sandbox.taobao.alliance.gateway import AllianceGateway
from hutong_sandbox.taobao.alliance.goods import Good, Goods
from hutong_sandbox.taobao.alliance.methods import LinkMethods
from hutong_sandbox.taobao.alliance.orders import Order, Orders, TkEvent, TkStatus
from hutong_sandbox.taobao.alliance.promoters import Promoters
from hutong_sandbox.taobao.alliance.reports import Reports
from hutong_sandbox.taobao.market import Market
from hutong_sandbox.world import DEFAULT_MERCHANT, Platform, World, count_of, text_of

EVENTS: Final = tuple(event.value for event in TkEvent)

#: Capability -> state of proof. ``judged`` names are covered by tests/conformance/judges.
PROOFS: Final = {
    "md5 signature without a session and with one": "judged",
    "error envelope": "judged",
    "taobao.tbk.tpwd.create, arguments": "judged",
    "taobao.tbk.adzone.create (published field lists)": "simulated",
    "taobao.tbk.dg.general.link.convert, of addresses (published field lists)": "simulated",
    "taobao.tbk.order.details.get: fields, windows, codes (published field lists)": "simulated",
    "position_index: seconds and a token of the first row and the last, oldest first": "unverified",
    "codes of numbers alone are sub codes": "unverified",
    "code 10000 for an address of no promoted item": "unverified",
    "isv.pid-not-correct for a place or medium of somebody else": "unverified",
    "two places may have one name; their number has no end": "unverified",
    "unpaid orders have a row": "unverified",
    "a refund after settlement leaves the row settled, with refund_tag 1": "unverified",
    "item_id of an order is the number of the item's page": "unverified",
}


class TaobaoAlliance(Platform):
    """The simulated platform; its orders of simulated shops' goods are trades of those shops."""

    name = "taobao_alliance"
    fault_kinds = KINDS

    def __init__(self, world: World) -> None:
        self._world = world
        market = world.shared(Market)
        self._promoters = Promoters(world)
        self._goods = Goods(world, market.shops)
        self._addresses = Addresses(world)
        self._orders = Orders(world, market.trades)
        links = LinkMethods(world, self._goods, self._addresses)
        self.gateway = AllianceGateway(world, self._promoters, links, Reports(world, self._orders))

    def place(self, base_url: str) -> None:
        """The gateway never names itself."""

    def credentials(self, merchant: str) -> Json:
        """The promoter's app and id; no session, as most promoters' apps have none."""
        promoter = self._promoters.of(merchant)
        return {"app_key": promoter.app_key, "app_secret": promoter.app_secret, "pid": promoter.pid()}

    def more_credentials(self, merchant: str) -> Json:
        """A session, for apps that have one."""
        return {"access_token": self._promoters.of(merchant).access_token}

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer on the platform's own port."""
        return await self.gateway.handle(request)

    def stock(self, entry: Json) -> Json:
        """Let an item be promoted."""
        good = self._goods.put(entry, text_of(entry, "merchant", DEFAULT_MERCHANT))
        self._world.events.add(self.name, "stocked", sku=good.outer_id, item_id=good.item_id)
        return {"platform": self.name, **_row(good)}

    async def buy(self, order: Json) -> Json:
        """A buyer comes by any form of a promoted address, and orders the item that it stands for."""
        form = text_of(order, "address")
        address = self._addresses.find(form)
        good = None if address is None else self._goods.find(address.item_id)
        if address is None or good is None:
            raise NotFound(what="address", key=form)
        placed = self._orders.place(address, good, count_of(order, "quantity", 1), count_of(order, "buyer", 1))
        if order.get("paid", True) is not False:
            self._orders.move(placed, TkEvent.PAY)
        return self._shown(placed)

    async def move(self, which: Json) -> Json:
        """Let buyer, shop or alliance move an order: ``pay``, ``abandon``, ``confirm``, ``refund``, ``settle``."""
        event = text_of(which, "event")
        if event not in EVENTS:
            raise InvalidInput(field="event", problem=", ".join(EVENTS))
        order = self._orders.find(text_of(which, "order_no"))
        self._orders.move(order, TkEvent(event))
        return self._shown(order)

    def shops(self) -> list[Json]:
        """Everything that may be promoted, as one list; nothing where there is nothing."""
        rows = [_row(good) for good in self._goods.all()]
        return [{"platform": self.name, "merchant": "", "shop_id": "", "skus": rows}] if rows else []

    def books(self) -> list[BookRow]:
        """Every paid order; what the promoter has earned on it is ``shared_fen``, once it is settled."""
        return [_book(order) for order in self._orders.all() if order.paid_at is not None]

    def proofs(self) -> dict[str, str]:
        """How far each capability is proved."""
        return dict(PROOFS)

    def reset(self) -> None:
        """Forget orders, addresses, goods and places."""
        self._orders.clear()
        self._addresses.clear()
        self._goods.clear()
        self.gateway.clear()
        for promoter in self._promoters.all():
            promoter.clear()

    def _shown(self, order: Order) -> Json:
        shop = {} if order.trade is None else {"shop_id": order.trade.shop.shop_id}
        return {
            "platform": self.name,
            **shop,
            "order_no": order.parent_id,
            "amount_fen": order.amount_fen,
            "status": order.status.value,
            "row": self._orders.wire(order),
        }


def _book(order: Order) -> BookRow:
    is_settled = order.status is TkStatus.SETTLED
    return BookRow(
        platform=TaobaoAlliance.name,
        merchant=order.address.promoter.merchant,
        order_no=order.parent_id,
        amount_fen=order.amount_fen,
        refunded_fen=order.amount_fen if order.status is TkStatus.VOID or order.is_disputed else 0,
        status=order.status.value,
        fee_fen=0,
        refunded_fee_fen=0,
        shared_fen=order.commission_fen - order.service_fen if is_settled else 0,
    )


def _row(good: Good) -> Json:
    return {
        "sku": good.outer_id,
        "goods_id": good.item_id,
        "num_iid": good.item_id,
        "title": good.title,
        "price_fen": good.price_fen,
        "quantity": good.quantity,
        "commission_bps": good.commission_bps,
        "url": f"https://item.taobao.com/item.htm?id={good.item_id}",
    }
