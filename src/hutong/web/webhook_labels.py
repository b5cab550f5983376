"""Names of what is pushed to a merchant's own systems, as people read them."""

from __future__ import annotations

from typing import Final

from hutong.web.marks import mark

#: kind of value -> value -> text
WEBHOOK_LABELS: Final[dict[str, dict[str, str]]] = {
    "webhook_health": {
        "fine": mark("正常"),
        "failing": mark("送不到"),
        "disabled": mark("已停用"),
        "new": mark("还没用过"),
    },
    "webhook_because": {
        "by_hand": mark("这个地址已停用"),
        "gone": mark("对方说不再接收（410），已停用"),
        "failing": mark("三天多没有送达任何事件，已停用"),
    },
    "webhook_delivery": {"waiting": mark("待发送"), "delivered": mark("已送达"), "failed": mark("没送到")},
    "webhook_tab": {"": mark("全部"), "waiting": mark("待发送"), "delivered": mark("已送达"), "failed": mark("没送到")},
    "webhook_trouble": {
        "timeout": mark("15 秒没有应答"),
        "unreachable": mark("连不上，或中途断线"),
        "not_resolved": mark("找不到这个域名"),
        "tls": mark("证书不可信"),
        "refused": mark("域名指向内网，没有发送"),
    },
    "webhook_group": {
        "*": mark("全部事件"),
        "payment.*": mark("付款与退款"),
        "order.*": mark("订单"),
        "stock.*": mark("库存"),
        "customer.*": mark("顾客"),
        "link.*": mark("链接与跳转"),
        "statement.*": mark("结算单"),
    },
    "webhook_event": {
        "payment.paid": mark("付款成功"),
        "payment.refunded": mark("退款到账"),
        "payment.refund_failed": mark("退款没有办成"),
        "payment.closed": mark("没有付款，已关闭"),
        "payment.unknown": mark("付款结果待查"),
        "payment.surplus": mark("多收了钱"),
        "payment.surplus_returned": mark("多收的钱已退回"),
        "payment.mismatched": mark("付款通知对不上"),
        "payment.decided": mark("待查款项已决定"),
        "payment.sent_back": mark("待查款项已退回"),
        "payment.bill_read": mark("钱包账单已读取"),
        "order.placed": mark("下单"),
        "order.paid": mark("订单已付"),
        "order.refunded": mark("订单退款"),
        "order.closed": mark("订单关闭"),
        "order.short": mark("订单缺货"),
        "order.shipped": mark("订单发货"),
        "order.imported": mark("从文件导入订单"),
        "stock.changed": mark("库存变动"),
        "customer.seen": mark("新顾客"),
        "link.wall_moved": mark("应用之间的墙有变化"),
        "statement.drawn": mark("结算单生成"),
        "link.reported": mark("链接被举报"),
        "link.winner_named": mark("链接比较有了结果"),
        "webhook.test": mark("试发"),
    },
}
