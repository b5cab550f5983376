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
    "country": ("country", "countryregion", "国家", "国家/地区"),
    "currency": ("currency", "currencycode", "币种", "货币"),
}  # fmt: skip

#: Words for states, lower case. What is not here is pending, which moves nothing.
STATES: Final[Mapping[str, str]] = {
    "unpaid": "unpaid", "pending payment": "unpaid", "awaiting payment": "unpaid",
    "待付款": "unpaid", "未付款": "unpaid", "待支付": "unpaid", "等待买家付款": "unpaid",
    "paid": "paid", "processing": "paid", "unfulfilled": "paid", "to ship": "paid",
    "待发货": "paid", "已付款": "paid", "已支付": "paid", "买家已付款": "paid",
    "partially shipped": "partly_shipped", "partial": "partly_shipped", "部分发货": "partly_shipped",
    "shipped": "shipped", "fulfilled": "shipped", "已发货": "shipped", "待收货": "shipped",
    "completed": "completed", "complete": "completed", "delivered": "completed", "done": "completed",
    "closed": "closed", "cancelled": "closed", "canceled": "closed", "voided": "closed",
    "已完成": "completed", "交易成功": "completed", "已收货": "completed", "交易完成": "completed",
    "已签收": "completed",
    "已取消": "closed", "已关闭": "closed", "交易关闭": "closed", "取消": "closed",
}  # fmt: skip

#: Rows of four cells without a header: customer, day, pieces, sum (the CDNOW history as first published).
BARE_FOUR: Final = ("customerid", "date", "numberofcds", "dollarvalue")
#: Its sample has the customer's number within the sample as a second cell.
BARE_FIVE: Final = ("customerid", "sampleid", "date", "numberofcds", "dollarvalue")
#: What is sold, where only the name of the quantity's column says it.
ONLY_TITLES: Final[Mapping[str, str]] = {"numberofcds": "CD"}
