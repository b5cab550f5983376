"""Names of states and kinds as people read them. A value that is not listed here is shown as it is, never hidden."""

from __future__ import annotations

from typing import Final


def mark(message: str) -> str:
    """Name a text for the catalogues; it is translated where it is shown."""
    return message


#: kind of value -> value -> text
LABELS: Final[dict[str, dict[str, str]]] = {
    "platform": {
        "wechatpay": mark("微信支付"),
        "taobao": mark("淘宝"),
        "generic": mark("文件导入"),
        "own": mark("互通收银台"),
        "alipay": mark("支付宝"),
        "douyin": mark("抖音小店"),
    },
    #: One letter of ours on a coloured ground stands for a wallet: nobody's trademark is drawn.
    "wallet_sign": {"wechatpay": mark("微"), "alipay": mark("支"), "douyinpay": mark("抖")},
    "container": {
        "wechat": mark("微信"),
        "wechat_mini": mark("微信小程序"),
        "wecom": mark("企业微信"),
        "weibo": mark("微博"),
        "douyin": mark("抖音"),
        "toutiao": mark("今日头条"),
        "kuaishou": mark("快手"),
        "kuaishou_lite": mark("快手极速版"),
        "xiaohongshu": mark("小红书"),
        "taobao": mark("淘宝"),
        "tmall": mark("天猫"),
        "alipay": mark("支付宝"),
        "alipay_mini": mark("支付宝小程序"),
        "unionpay": mark("云闪付"),
        "qq": mark("QQ"),
        "pinduoduo": mark("拼多多"),
        "jd": mark("京东"),
        "baidu": mark("百度"),
        "dingtalk": mark("钉钉"),
        "lark": mark("飞书"),
        "mobile": mark("手机浏览器"),
        "desktop": mark("电脑"),
        "store": mark("门店"),
        "other": mark("其他"),
    },
    "channel_kind": {
        "post": mark("帖子"),
        "video": mark("视频"),
        "live": mark("直播"),
        "poster": mark("海报"),
        "person": mark("推广人"),
        "store": mark("门店"),
    },
    "till_status": {"paying": mark("等待付款"), "paid": mark("已付款"), "expired": mark("没有付")},
    "shop_code_state": {"active": mark("使用中"), "paused": mark("已暂停")},
    "order_status": {
        "pending": mark("待确认"),
        "unpaid": mark("待付款"),
        "paid": mark("待发货"),
        "partly_shipped": mark("部分发货"),
        "shipped": mark("已发货"),
        "completed": mark("已完成"),
        "refunded": mark("已退款"),
        "closed": mark("已关闭"),
    },
    "payment_status": {
        "open": mark("等待付款"),
        "paid": mark("已付款"),
        "partly_refunded": mark("部分退款"),
        "refunded": mark("已退款"),
        "closed": mark("已关闭"),
    },
    "attempt_status": {
        "created": mark("正在下单"),
        "open": mark("等待付款"),
        "unknown": mark("结果待查"),
        "paid": mark("已付款"),
        "closed": mark("已关闭"),
        "refused": mark("被拒绝"),
        "reversing": mark("正在撤销"),
        "reversed": mark("已撤销"),
    },
    "refund_status": {
        "created": mark("待提交"),
        "unknown": mark("结果待查"),
        "sent": mark("退款中"),
        "succeeded": mark("已退到账"),
        "abnormal": mark("退款异常"),
        "failed": mark("失败"),
    },
    "refund_cause": {
        "requested": mark("手动退款"),
        "automatic": mark("自动退款"),
    },
    "order_origin": {
        "checkout": mark("收银台"),
        "pull": mark("平台拉取"),
        "push": mark("平台推送"),
        "file": mark("文件导入"),
    },
    "link_destination": {"checkout": mark("自己的收银台"), "url": mark("外部网址")},
    "link_state": {"active": mark("使用中"), "disabled": mark("已停用")},
    "pay_method": {
        "jsapi": mark("微信内付款"),
        "native": mark("扫码付款"),
        "h5": mark("手机浏览器付款"),
        "page": mark("电脑网页付款"),
        "app": mark("App 内付款"),
        "mini": mark("小程序付款"),
        "code": mark("付款码付款"),
    },
    "notice_field": {
        "amount": mark("金额"),
        "currency": mark("币种或金额"),
        "out_trade_no": mark("订单"),
        "out_refund_no": mark("退款"),
        "transaction_id": mark("钱包的交易号"),
        "mchid": mark("商户号"),
        "sub_mchid": mark("子商户号"),
        "appid": mark("应用"),
        "mini_appid": mark("应用"),
        "app_id": mark("应用"),
        "seller_id": mark("收款账号"),
    },
    "severity": {"urgent": mark("紧急"), "normal": mark("一般")},
    "severity_group": {"urgent": mark("现在就要处理"), "normal": mark("有空看一下")},
    "ticket_status": {"open": mark("待处理"), "resolved": mark("已处理"), "closed": mark("已处理")},
    "capability": {
        "payments": mark("收款与退款"),
        "codes": mark("付款码收款"),
        "combined": mark("合单收款"),
        "refund_rescue": mark("异常退款处理"),
        "share_receivers": mark("分账接收方"),
        "sharing": mark("分账"),
        "callbacks": mark("回调通知"),
        "identity": mark("识别访客"),
        "orders": mark("读取订单与发货"),
        "stock": mark("同步库存"),
        "order_files": mark("读取订单文件"),
    },
    "proof": {
        "simulated": mark("已模拟"),
        "judged": mark("第三方验证"),
        "file-tested": mark("文件验证"),
        "live-tested": mark("实测"),
        "unverified": mark("未核实"),
    },
    "mode": {"sandbox": mark("沙盒"), "live": mark("正式")},
    "timeline": {
        "placed": mark("下单"),
        "paid": mark("付款成功"),
        "refund_requested": mark("申请退款"),
        "refunded": mark("退款到账"),
        "clicked": mark("点击链接"),
    },
    "account": {
        "wallet": mark("钱包余额"),
        "receivable": mark("平台待结算"),
        "clearing": mark("订单待收"),
        "payable": mark("应付推广人"),
        "suspense": mark("待查款项"),
        "revenue": mark("销售收入"),
        "wallet_fee": mark("钱包手续费"),
        "commission": mark("佣金支出"),
        "platform_fee": mark("平台服务费"),
        "outside": mark("钱包外付款"),
        "external": mark("接口科目"),
        "other": mark("其他科目"),
    },
    "book_kind": {
        "sale": mark("销售"),
        "refund": mark("退款"),
        "suspense": mark("待查入账"),
        "suspense_return": mark("待查退回"),
        "share": mark("钱包分账"),
        "take_back": mark("分账回退"),
        "payout": mark("支付佣金"),
        "external": mark("接口记账"),
    },
    "stock_move": {
        "sell_direct": mark("平台卖出"),
        "put_back": mark("退回库存"),
        "receive": mark("入库"),
        "reserve": mark("下单占用"),
        "release": mark("释放占用"),
        "sell": mark("付款卖出"),
    },
    "books_page": {"": mark("账户"), "journal": mark("流水"), "days": mark("封印")},
    "hold_phase": {
        "held": mark("只是预留，还不算数"),
        "settled": mark("预留转为入账"),
        "voided": mark("预留已放弃"),
        "expired": mark("预留已过期"),
    },
    "account_group": {
        "held": mark("钱包里替您放着的"),
        "collecting": mark("平台还没结给您的"),
        "owed": mark("您还欠别人的"),
        "unclear": mark("来路不明、等您决定的"),
        "sold": mark("卖了多少"),
        "cost": mark("卖货花了多少"),
        "external": mark("服务商用接口记的，不算在上面"),
    },
    "money_page": {"payments": mark("收款"), "refunds": mark("退款")},
    "payment_tab": {
        "": mark("全部"),
        "open": mark("等待付款"),
        "checking": mark("核实中"),
        "paid": mark("已付款"),
        "refunded": mark("有退款"),
        "closed": mark("已关闭"),
    },
    "refund_tab": {
        "": mark("全部"),
        "act": mark("要处理"),
        "moving": mark("退款中"),
        "done": mark("已到账"),
        "failed": mark("失败"),
    },
    "payment_step": {
        "opened": mark("打开付款单"),
        "captured": mark("收到货款"),
        "surplus": mark("多收了一笔"),
        "refund_requested": mark("发起退款"),
        "refunded": mark("退款到账"),
        "surplus_leaving": mark("多收的钱开始自动退回"),
        "surplus_returned": mark("多收的钱已退回"),
    },
    "period": {
        "7d": mark("近 7 天"),
        "30d": mark("近 30 天"),
        "month": mark("本月"),
        "last_month": mark("上月"),
        "all": mark("全部"),
    },
    "reliance": {"low": mark("分散"), "medium": mark("偏集中"), "high": mark("太集中")},
    "rule_scope": {
        "channel": mark("渠道"),
        "live_session": mark("直播"),
        "link": mark("链接"),
        "sku": mark("商品"),
        "product": mark("商品系列"),
        "person": mark("某人带来的"),
    },
    "split_piece": {"fee": mark("钱包手续费"), "refunded": mark("已退给买家"), "yours": mark("留给您")},
    "rule_kind": {
        "percent": mark("按比例"),
        "fixed": mark("固定金额"),
        "tier": mark("阶梯"),
        "cap": mark("上限"),
        "remainder": mark("余额"),
    },
    "rule_base": {
        "gross": mark("订单金额"),
        "after_fee": mark("扣除钱包手续费后"),
        "after_refunds": mark("扣除退款后"),
    },
    "cut_reason": {
        "rule_limit": mark("超过规则自身上限"),
        "period_limit": mark("超过当月上限"),
        "party_cap": mark("超过收款方上限"),
        "total_cap": mark("超过商户分成总上限"),
        "price": mark("超过订单实收"),
        "self_purchase": mark("本人购买不计分成"),
        "levels": mark("超过两级"),
    },
    "commission_status": {
        "estimated": mark("预估"),
        "confirmed": mark("已确认"),
        "settled": mark("已结清"),
        "reversed": mark("已冲回"),
    },
    "outside_reason": {
        "not_frozen": mark("下单时未要求冻结资金"),
        "no_receiver": mark("收款方未登记钱包账户"),
        "ratio": mark("超过钱包允许的分账比例"),
        "requests": mark("超过钱包允许的分账次数"),
        "window_over": mark("冻结期已过"),
        "finished": mark("资金已解冻"),
        "taken_back": mark("已回退，待补付"),
    },
    "file_form": {"csv": mark("下载 CSV"), "xlsx": mark("下载 Excel"), "pdf": mark("下载 PDF")},
    "file_kind": {"csv": "CSV", "xlsx": "Excel", "pdf": "PDF"},
    "statement_finding": {
        "totals": mark("每一笔加起来等于合计"),
        "lines": mark("每一笔都和入账时一样"),
        "day": mark("封印日的根和今天的账链一致"),
        "root": mark("您输入的根就是这一天的根"),
    },
    "role": {"owner": mark("店主"), "manager": mark("经理"), "clerk": mark("店员"), "cashier": mark("收银员")},
}

#: What carries a shop's sales: platforms that bring buyers or close sales, and the merchant's own part.
LABELS["payment_shown"] = {**LABELS["payment_status"], "checking": mark("核实中")}
LABELS["carrier"] = {
    **LABELS["container"],
    **LABELS["platform"],
    "direct": mark("自己的客人"),
    "other": mark("线下与其他"),
}

#: Where buyers came from: the app of a platform, not the shop that it also has.
LABELS["source"] = {**LABELS["carrier"], **LABELS["container"], "other": LABELS["carrier"]["other"]}

#: kind of value -> value -> tone of its badge; what is not listed is neutral.
TONES: Final[dict[str, dict[str, str]]] = {
    "order_status": {
        "pending": "wait", "unpaid": "wait", "paid": "act", "partly_shipped": "act", "shipped": "good",
        "completed": "good",
    },
    "payment_status": {"open": "wait", "paid": "good"},
    "payment_shown": {"open": "wait", "checking": "act", "paid": "good"},
    "attempt_status": {
        "created": "wait",
        "open": "wait",
        "unknown": "wait",
        "paid": "good",
        "refused": "bad",
        "reversing": "wait",
    },
    "refund_status": {
        "created": "wait",
        "unknown": "wait",
        "sent": "wait",
        "succeeded": "good",
        "abnormal": "bad",
        "failed": "bad",
    },
    "commission_status": {"estimated": "wait", "confirmed": "act", "settled": "good"},
    "severity": {"urgent": "bad", "normal": "wait"},
    "severity_group": {"urgent": mark("现在就要处理"), "normal": mark("有空看一下")},
    "ticket_status": {"open": "act", "resolved": "mute", "closed": "mute"},
    "proof": {"simulated": "wait", "judged": "good", "file-tested": "good", "live-tested": "good", "unverified": "bad"},
    "mode": {"sandbox": "wait", "live": "good"},
    "reliance": {"low": "good", "medium": "act", "high": "bad"},
    "till_status": {"paying": "wait", "paid": "good"},
    "shop_code_state": {"active": "good", "paused": "mute"},
}  # fmt: skip


def label_of(kind: str, value: str) -> str:
    """The source text for a value of a kind, or the value itself."""
    return LABELS[kind].get(value, value)


def tone_of(kind: str, value: str) -> str:
    """The tone of a value's badge: good, act, wait, bad or mute."""
    return TONES.get(kind, {}).get(value, "mute")
