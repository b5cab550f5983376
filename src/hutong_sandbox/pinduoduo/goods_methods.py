"""The methods about goods: search, detail, and the addresses that promote them."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import NotFound
from hutong_sandbox.http import Json
from hutong_sandbox.pinduoduo.addresses import Addresses
from hutong_sandbox.pinduoduo.calls import Call, uid_of
from hutong_sandbox.pinduoduo.errors import business, invalid, unfiled
from hutong_sandbox.pinduoduo.goods import Goods, GoodsShelf
from hutong_sandbox.world import World

SEARCH_ROWS_MIN: Final = 10
SEARCH_ROWS_MAX: Final = 100
_NAME: Final = "pinduoduo_alliance"


class GoodsMethods:
    """What promoters do with goods."""

    def __init__(self, world: World, goods: GoodsShelf, addresses: Addresses) -> None:
        self._world = world
        self._goods = goods
        self._addresses = addresses

    def search(self, call: Call) -> Json:
        """pdd.ddk.goods.search: by number, address, title or signs."""
        rows = call.number("page_size", SEARCH_ROWS_MAX, low=SEARCH_ROWS_MIN, high=SEARCH_ROWS_MAX)
        page = call.number("page", 1, low=1, high=10_000)
        self._check_filed(call, call.optional("pid"), call.custom())
        if call.optional("goods_sign_list"):
            signs = call.texts("goods_sign_list")
            found = [goods for goods in self._goods.all() if goods.goods_sign in signs]
        else:
            found = self._by_keyword(call.text("keyword"))
        if found and self._world.faults.strike(_NAME, "search_strays", call.optional("keyword")):
            found = [*[goods for goods in self._goods.all() if goods not in found][:1], *found]
        shown = found[(page - 1) * rows : page * rows]
        body: Json = {"total_count": len(found), "list_id": "", "search_id": f"search{len(found)}"}
        return {"goods_search_response": {"goods_list": [_row(goods) for goods in shown], **body}}

    def detail(self, call: Call) -> Json:
        """pdd.ddk.goods.detail, by sign."""
        self._check_filed(call, call.optional("pid"), call.custom())
        goods = self._goods.by_sign(call.text("goods_sign"))
        return {"goods_detail_response": {"goods_details": [] if goods is None else [_row(goods)]}}

    def promote(self, call: Call) -> Json:
        """pdd.ddk.goods.promotion.url.generate: an address for each sign, in their order."""
        pid, custom, signs = call.text("p_id"), call.custom(), call.texts("goods_sign_list")
        self._check_filed(call, pid, custom)
        wanted = [self._promotable(sign) for sign in signs]
        forms = {
            "is_short": call.flag("generate_short_url"),
            "is_scheme": call.flag("generate_schema_url"),
            "is_mini": call.flag("generate_we_app"),
        }
        made = [self._addresses.make(call.promoter, pid, custom, goods) for goods in wanted]
        rows = [self._addresses.wire(stands, **forms) for stands in made]
        self._world.events.add(_NAME, "promoted", merchant=call.promoter.merchant, pid=pid, count=len(rows))
        return {"goods_promotion_url_generate_response": {"goods_promotion_url_list": rows}}

    def _by_keyword(self, keyword: str) -> list[Goods]:
        """By a promotion address, whoever made it (进宝长链/短链), else as the shelf searches."""
        try:
            goods = self._addresses.found(keyword).goods
        except NotFound:
            return self._goods.search(keyword)
        return [] if goods is None else [goods]

    def _promotable(self, sign: str) -> Goods:
        goods = self._goods.by_sign(sign)
        if goods is None:
            raise business("50001", "商品不存在或已下架，无法推广")
        return goods

    def _check_filed(self, call: Call, pid: str, custom: str) -> None:
        """The position itself, or the position with this ``uid``; a missing position counts as not filed."""
        if pid and pid not in call.promoter.positions:
            raise invalid("pid", "用户PID不正确")
        uid = uid_of(custom)
        strict = bool(uid) and self._world.faults.strike(_NAME, "filed_uid_only", pid) is not None
        is_filed = call.promoter.is_filed(pid, uid) or (not strict and call.promoter.is_filed(pid, ""))
        if not is_filed or self._world.faults.strike(_NAME, "not_filed", pid):
            raise unfiled()


def _row(goods: Goods) -> Json:
    return {
        "goods_sign": goods.goods_sign,
        "goods_name": goods.title,
        "goods_desc": goods.title,
        "min_group_price": goods.price_fen,
        "min_normal_price": goods.price_fen,
        "promotion_rate": goods.rate,
        "predict_promotion_rate": goods.rate,
        "coupon_discount": 0,
        "has_coupon": False,
        "mall_name": "店",
        "plan_type": 1,
        "sales_tip": "0",
        "search_id": f"search-{goods.goods_sign[:8]}",
    }
