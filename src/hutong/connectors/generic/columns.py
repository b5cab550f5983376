"""Names that shops give to the columns of an order list, English and Chinese. Spaces, ``_``, ``-`` do not count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

ALIASES: Final[Mapping[str, Sequence[str]]] = {
    "order_no": (
        "invoiceno", "invoicenumber", "invoiceid", "invoice", "orderno", "ordernumber", "orderid", "ordersn", "order",
        "transactionid", "receiptno", "订单编号", "订单号", "订单id", "主订单编号", "单号", "小票号",
        "流水号", "交易号",
    ),
    "line_no": (
        "lineno", "linenumber", "lineid", "orderlineid", "orderitemid", "子订单编号", "子订单号", "行号", "明细编号",
    ),
    "created_at": (
        "invoicedate", "orderdate", "orderedat", "ordertime", "createdat", "createdtime", "datetime", "date",
        "transactiondate", "purchasedate", "timestamp", "time", "下单时间", "订单创建时间", "创建时间", "订单时间",
        "下单日期", "订单日期", "销售日期", "销售时间", "成交时间", "交易时间", "日期", "时间",
    ),
    "paid_at": ("paidat", "paymenttime", "paymentdate", "付款时间", "支付时间", "订单付款时间"),
    "sku": (
        "stockcode", "sku", "skucode", "skuid", "itemcode", "itemsku", "productcode", "productid", "itemid", "barcode",
        "商家编码", "规格编码", "sku编码", "商品编码", "商品编号", "货号", "条码", "条形码", "商品id",
    ),
    "title": (
        "description", "productname", "itemname", "title", "product", "item", "商品名称", "商品标题", "宝贝标题",
        "产品名称", "品名", "标题", "商品", "名称",
    ),
    "variant": ("variant", "variantname", "option", "options", "size", "规格", "商品规格", "商品属性", "颜色尺码"),
    "quantity": (
        "quantity", "qty", "count", "units", "numberofcds", "numberofitems", "数量", "商品数量", "购买数量", "件数",
        "销售数量", "商品数量(件)",
    ),
    "unit_price": (
        "unitprice", "price", "itemprice", "priceeach", "单价", "商品单价", "价格", "售价", "商品价格", "单价(元)",
    ),
    "amount": (
        "lineamount", "linetotal", "amount", "dollarvalue", "value", "sales", "revenue", "subtotal", "total",
        "小计", "金额", "商品金额", "行金额", "销售额", "成交金额", "实收金额", "金额(元)",
    ),
    "order_total": (
        "ordertotal", "ordertotalamount", "grandtotal", "订单金额", "订单总额", "订单总金额", "总金额", "应付金额",
    ),
    "order_paid": ("orderpaid", "paidamount", "amountpaid", "实付金额", "实付款", "订单实付金额"),
    "freight": ("freight", "shipping", "shippingfee", "shippingcost", "postage", "运费", "邮费", "快递费"),
    "refunded": ("refunded", "refundedamount", "refundamount", "退款金额", "已退款金额"),
    "status": ("orderstatus", "status", "订单状态", "状态"),
    "customer": (
        "customerid", "customerno", "customernumber", "customercode", "customer", "clientid", "userid", "buyerid",
        "memberid", "客户编号", "客户id", "客户代码", "会员编号", "会员id", "会员卡号", "买家id", "用户编号", "用户id",
        "顾客编号",
    ),
    "remark": ("remark", "remarks", "note", "notes", "备注", "订单备注", "买家留言", "卖家备注", "商家备注", "留言"),
    "coupon": ("coupon", "couponcode", "discountcode", "promocode", "优惠码", "优惠券码", "优惠券编号", "折扣码"),
    "country": ("country", "countryregion", "国家", "国家/地区"),
    "currency": ("currency", "currencycode", "币种", "货币"),
}  # fmt: skip

#: Words for states, lower case, without blanks, ``_``, ``-``, commas and stops. What is not here is pending, which
#: moves nothing. An open claim for money back is a paid order still. ``pending`` itself means too many things.
STATES: Final[Mapping[str, str]] = {
    word: state
    for state, words in {
        "unpaid": (
            "unpaid pendingpayment paymentpending awaitingpayment 待付款 未付款 待支付 未支付 等待付款 等待支付 "
            "待买家付款 等待买家付款"
        ),
        "paid": (
            "paid processing unfulfilled toship readytoship awaitingshipment awaitingfulfillment refunding "
            "refundpending refundrequested 待发货 未发货 等待发货 等待卖家发货 待出库 备货中 配货中 已付款 已支付 "
            "付款成功 支付成功 买家已付款 买家已付款等待卖家发货 退款中 退款处理中 申请退款 退款申请中 售后中"
        ),
        "partly_shipped": "partiallyshipped partlyshipped partiallyfulfilled partial 部分发货 已部分发货 卖家部分发货",
        "shipped": (
            "shipped fulfilled dispatched intransit outfordelivery 已发货 待收货 等待收货 待签收 已出库 已寄出 配送中 "
            "运输中 卖家已发货 卖家已发货等待买家确认"
        ),
        "completed": (
            "completed complete delivered done finished 已完成 完成 订单完成 交易成功 交易完成 已收货 确认收货 "
            "已确认收货 已签收 买家已签收 待评价 已评价"
        ),
        "closed": (
            "closed cancelled canceled voided expired 已取消 取消 订单取消 交易取消 已关闭 关闭 订单关闭 交易关闭 "
            "已作废 作废"
        ),
    }.items()
    for word in words.split()
}
#: The money went back: all of it, where no column of refunds says how much.
REFUNDED_WORDS: Final = frozenset(
    "refunded fullyrefunded 已退款 退款成功 退款完成 全额退款 已全额退款 已退货退款".split()  # noqa: SIM905 (as above)
)
#: Some of it went back; only a column of refunds says how much.
PARTLY_REFUNDED_WORDS: Final = frozenset("partiallyrefunded partlyrefunded 部分退款 已部分退款".split())  # noqa: SIM905

#: Rows of four cells without a header: customer, day, pieces, sum (the CDNOW history as first published).
BARE_FOUR: Final = ("customerid", "date", "numberofcds", "dollarvalue")
#: Its sample has the customer's number within the sample as a second cell.
BARE_FIVE: Final = ("customerid", "sampleid", "date", "numberofcds", "dollarvalue")
#: What is sold, where only the name of the quantity's column says it.
ONLY_TITLES: Final[Mapping[str, str]] = {"numberofcds": "CD"}
