"""The methods about items, SKUs and stock."""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json
from hutong_sandbox.taobao.accounts import Sku
from hutong_sandbox.taobao.calls import Call, picked
from hutong_sandbox.taobao.errors import invalid, missing, remote
from hutong_sandbox.taobao.trades import wire_time, yuan
from hutong_sandbox.world import World

ITEMS_PER_CALL_MAX: Final = 40
SKUS_PER_WRITE_MAX: Final = 20
QUANTITY_MAX: Final = 900_000_000
_FULL: Final = 1
_DELTA: Final = 2


class GoodsMethods:
    """Reads of goods, and writes of stock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_sale(self, call: Call) -> Json:
        """taobao.items.onsale.get."""
        fields = call.fields()
        page_no, page_size = call.page()
        numbers = list(dict.fromkeys(sku.num_iid for sku in call.shop.skus.values()))
        served = numbers[(page_no - 1) * page_size : page_no * page_size]
        body: Json = {"total_results": len(numbers)}
        if served:
            body["items"] = {"item": [picked(_item(call.shop.item(n)), fields) for n in served]}
        return body

    def skus_of_items(self, call: Call) -> Json:
        """taobao.item.skus.get."""
        fields = call.fields()
        wanted = call.text("num_iids").split(",")
        if len(wanted) > ITEMS_PER_CALL_MAX:
            raise invalid("num_iids", f"<= {ITEMS_PER_CALL_MAX}")
        return _skus([sku for sku in call.shop.skus.values() if str(sku.num_iid) in wanted], fields)

    def skus_by_code(self, call: Call) -> Json:
        """taobao.skus.custom.get: by the seller's own code."""
        fields = call.fields()
        sku = call.shop.skus.get(call.text("outer_id"))
        return _skus([sku] if sku else [], fields)

    def write_skus(self, call: Call) -> Json:
        """taobao.skus.quantity.update: full (1) or delta (2), several SKUs of one item."""
        num_iid, kind = self._target(call)
        if "skuid_quantities" in call.arguments:
            pairs, key = _pairs(call.text("skuid_quantities"), "skuid_quantities"), "sku_id"
        elif "outerid_quantities" in call.arguments:
            pairs, key = _pairs(call.text("outerid_quantities"), "outerid_quantities"), "outer_id"
        else:
            raise missing("skuid_quantities")
        skus = {str(getattr(sku, key)): sku for sku in call.shop.item(num_iid)}
        if unknown := set(pairs) - set(skus):
            raise remote("isv.invalid-parameter:sku", f"SKU不存在：{min(unknown)}")
        self._write(call, [(skus[code], quantity) for code, quantity in pairs.items()], kind)
        return {"item": _written(call.shop.item(num_iid), [skus[code] for code in pairs])}

    def write_item(self, call: Call) -> Json:
        """taobao.item.quantity.update: one SKU, or an item without choice."""
        num_iid, kind = self._target(call)
        quantity = call.number("quantity", low=-QUANTITY_MAX, high=QUANTITY_MAX)
        sku_id, outer_id = call.arguments.get("sku_id", ""), call.arguments.get("outer_id", "")
        found = [
            sku
            for sku in call.shop.item(num_iid)
            if (not sku_id or str(sku.sku_id) == sku_id) and (not outer_id or sku.outer_id == outer_id)
        ]
        if len(found) != 1:
            raise remote("isv.invalid-parameter:sku", "请指定一个SKU")
        self._write(call, [(found[0], quantity)], kind)
        return {"item": _written(call.shop.item(num_iid), found)}

    def _target(self, call: Call) -> tuple[int, int]:
        num_iid = call.number("num_iid", low=1, high=10**18)
        if not call.shop.item(num_iid):
            raise remote("isv.item-not-exist", "商品不存在")
        return num_iid, call.number("type", _FULL, low=_FULL, high=_DELTA)

    def _write(self, call: Call, pairs: list[tuple[Sku, int]], kind: int) -> None:
        """All figures or none."""
        figures = [(sku, quantity if kind == _FULL else sku.quantity + quantity) for sku, quantity in pairs]
        if any(not 0 <= quantity <= QUANTITY_MAX for _, quantity in figures):
            raise remote("isv.invalid-parameter:quantity", "库存不能小于0")
        for sku, quantity in figures:
            call.shop.set_quantity(sku, quantity)
            self._world.events.add(
                "taobao", "stock_written", merchant=call.shop.merchant, sku=sku.outer_id, quantity=quantity
            )


def _pairs(text: str, name: str) -> dict[str, int]:
    """``id:quantity;id:quantity``."""
    pairs: dict[str, int] = {}
    for part in text.split(";"):
        code, _, figure = part.rpartition(":")
        digits = figure.removeprefix("-")
        if not code or not (digits.isascii() and digits.isdigit() and len(digits) < 12) or code in pairs:
            raise invalid(name, "id:quantity;id:quantity")
        pairs[code] = int(figure)
    if len(pairs) > SKUS_PER_WRITE_MAX:
        raise invalid(name, f"<= {SKUS_PER_WRITE_MAX}")
    return pairs


def _item(skus: list[Sku]) -> Json:
    first = skus[0]
    return {
        "num_iid": first.num_iid,
        "title": first.title,
        "outer_id": first.outer_id,
        "price": yuan(first.price_fen),
        "num": sum(sku.quantity for sku in skus),
        "modified": wire_time(max(sku.modified_at for sku in skus)),
        "approve_status": "onsale",
    }


def _sku(sku: Sku) -> Json:
    return {
        "sku_id": sku.sku_id,
        "num_iid": sku.num_iid,
        "outer_id": sku.outer_id,
        "quantity": sku.quantity,
        "price": yuan(sku.price_fen),
        "properties": "",
        "properties_name": "",
        "status": "normal",
        "modified": wire_time(sku.modified_at),
    }


def _skus(skus: list[Sku], fields: set[str]) -> Json:
    return {"skus": {"sku": [picked(_sku(sku), fields) for sku in skus]}} if skus else {}


def _written(all_skus: list[Sku], changed: list[Sku]) -> Json:
    item = _item(all_skus)
    rows = [{name: _sku(sku)[name] for name in ("sku_id", "quantity", "modified")} for sku in changed]
    return {
        "iid": str(item["num_iid"]),
        "num_iid": item["num_iid"],
        "num": item["num"],
        "modified": item["modified"],
        "skus": {"sku": rows},
    }
