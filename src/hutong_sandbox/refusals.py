"""What the control port cannot do in the state that things are in."""

from __future__ import annotations

from hutong.core.errors import ErrorText, HutongError


class SoldOut(HutongError):
    """A platform never sells more than it shows."""

    code = "sandbox_sold_out"
    status = 409
    zh = ErrorText("“{sku}”只剩 {left} 件，买不了 {wanted} 件。", "平台上显示的库存不够。", "请先补货，或少买几件。")
    en = ErrorText(
        "Of “{sku}” {left} are left, not {wanted}.", "The platform shows no more.", "Restock it first, or buy fewer."
    )


class TradeNotOpen(HutongError):
    """Only an order that waits for its payment can be paid."""

    code = "sandbox_trade_not_open"
    status = 409
    zh = ErrorText("订单“{order}”现在不能付款。", "它的状态是 {state}。", "请新开一笔订单。")
    en = ErrorText("The order “{order}” cannot be paid now.", "Its state is {state}.", "Open a new order.")
