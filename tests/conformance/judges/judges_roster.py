"""The judges, and the checks in which each of them has to agree."""

from __future__ import annotations

#: The judge of our webhooks: it verifies what we sign, and no simulator takes part.
STANDARD_WEBHOOKS = "standardwebhooks"
SDKS = {
    "wechatpay": "wechatpayv3",
    "wechatpay_older": "wechatpy",
    "taobao": "taobao_openapi",
    "alipay": "alipay_sdk_python",
    "alipay_second": "python_alipay_sdk",
    STANDARD_WEBHOOKS: "standardwebhooks",
}
#: Judges whose name is not that of the platform they judge.
PLATFORMS = {"alipay_second": "alipay", "wechatpay_older": "wechatpay"}
CHECKS = {
    "wechatpay": [
        "connect",
        "native",
        "h5",
        "jsapi",
        "query",
        "same_order_other_amount",
        "close",
        "close_after_paid",
        "notice",
        "duplicate_notice",
        "spoilt_notices",
        "refund",
        "wrong_key",
        "app",
        "mini",
        "codepay",
        "codepay_with_password",
        "combine",
        "service_provider",
        "sharing",
        "sharing_for_another",
        "abnormal_refund",
        "wrong_notice_key",
        "certificates",
    ],
    "wechatpay_older": ["micropay", "codes", "password", "reverse", "service_provider", "hmac", "wrong_key"],
    "taobao": [
        "time",
        "goods",
        "orders",
        "full_info",
        "stock",
        "ship",
        "wrong_secret",
        "wrong_session",
        "wrong_arguments",
    ],
    "alipay": [
        "precreate",
        "query",
        "create",
        "pay",
        "close_and_cancel",
        "refund",
        "settle",
        "notice",
        "refund_notice",
        "spoilt_notices",
        "pages",
        "app",
        "wrong_keys",
    ],
    "alipay_second": [
        "precreate_and_query",
        "create_and_close",
        "pay_and_cancel",
        "refund",
        "settle",
        "links",
        "notice",
        "spoilt_notices",
        "wrong_keys",
        "certificates",
    ],
}
