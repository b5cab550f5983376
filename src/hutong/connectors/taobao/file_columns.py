"""Columns of Taobao's export files by name, over all generations seen from 2015 to 2026, and their status words.

The names are as headers are matched: narrow, lower case, without spaces. Sources: the project's notes on export
files; the file's name does not tell whether it holds orders or their lines, the columns do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hutong.platforms.shops import ShopOrderStatus

_COMMON: Final[Mapping[str, Sequence[str]]] = {
    "created_at": ("订单创建时间", "创建时间"),
    "paid_at": ("订单付款时间", "付款时间"),
    "shipped_at": ("发货时间",),
    "completed_at": ("确认收货时间",),
    "status": ("订单状态",),
    "title": ("宝贝标题", "商品标题", "标题"),
    "goods_due": ("买家应付货款",),
    "freight": ("买家应付邮费",),
    "order_total": ("总金额", "总金额(旧版)"),
    "paid": ("买家实际支付金额", "买家实付金额"),
    "refunded": ("退款金额",),
    "refund_status": ("退款状态",),
    "buyer": ("买家会员名",),
    "buyer_message": ("买家留言", "主订单买家留言"),
    "memo": ("订单备注", "商家备注", "备注"),
    "variant": ("商品属性", "商品属性sku", "颜色/尺码"),
}

#: 订单报表: one row per order.
ORDER_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    **_COMMON,
    "order_no": ("订单编号",),
    "quantity": ("宝贝总数量",),
}

#: 宝贝报表, 销售明细: one row per sub-order. The oldest has no number of its own and repeats 订单编号.
LINE_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    **_COMMON,
    "order_no": ("主订单编号", "订单编号"),
    "line_no": ("子订单编号",),
    "title": ("标题", "商品标题", "宝贝标题"),
    "unit_price": ("价格", "商品价格"),
    "quantity": ("购买数量", "宝贝数量", "商品数量"),
    "seller_code": ("商家编码",),
    "outer_code": ("外部系统编号", "商品编码"),
    "bundle": ("套餐信息",),
    "line_paid": ("子单实际支付金额",),
}

#: What buyer and seller wrote.
REMARKS: Final = ("buyer_message", "memo")
#: Status words without their commas, which come half and full width.
STATUSES: Final[Mapping[str, ShopOrderStatus]] = {
    "等待买家付款": ShopOrderStatus.UNPAID,
    "付款确认中": ShopOrderStatus.UNPAID,
    "买家已付款等待卖家发货": ShopOrderStatus.PAID,
    "卖家部分发货": ShopOrderStatus.PARTLY_SHIPPED,
    "卖家已发货等待买家确认": ShopOrderStatus.SHIPPED,
    "买家已签收": ShopOrderStatus.SHIPPED,
    "交易成功": ShopOrderStatus.COMPLETED,
    "交易关闭": ShopOrderStatus.CLOSED,
}
#: Words in 退款状态 that mean that the money went back; an open claim has an amount too.
REFUND_DONE_WORDS: Final = ("成功", "完成")
#: A column of Douyin's file, whose order numbers are named as Taobao's are.
FOREIGN_COLUMNS: Final = frozenset({"选购商品"})
