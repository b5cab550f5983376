"""What outside clients, unmodified, agreed on with the simulated WeChat Pay; the checks are run by the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: ``capability.operation`` -> ``client/check``. The silent sign-in is judged by nobody.
JUDGED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "payments.create": (
        "wechatpayv3/native",
        "wechatpayv3/h5",
        "wechatpayv3/jsapi",
        "wechatpayv3/app",
        "wechatpayv3/mini",
        "wechatpayv3/service_provider",
    ),
    "payments.query": ("wechatpayv3/query", "wechatpayv3/service_provider"),
    "payments.close": ("wechatpayv3/close", "wechatpayv3/close_after_paid", "wechatpayv3/service_provider"),
    "payments.refund": ("wechatpayv3/refund", "wechatpayv3/service_provider"),
    "payments.query_refund": ("wechatpayv3/refund", "wechatpayv3/service_provider"),
    "codes.charge": (
        "wechatpayv3/codepay",
        "wechatpayv3/codepay_with_password",
        "wechatpy/micropay",
        "wechatpy/password",
        "wechatpy/hmac",
    ),
    "codes.reverse": ("wechatpayv3/codepay", "wechatpy/reverse", "wechatpy/reverse_unshown"),
    "combined.create": ("wechatpayv3/combine",),
    "combined.query": ("wechatpayv3/combine",),
    "combined.close": ("wechatpayv3/combine",),
    "refund_rescue.rescue": ("wechatpayv3/abnormal_refund",),
    "share_receivers.add": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "share_receivers.remove": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "sharing.share": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "sharing.query": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "sharing.finish": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "sharing.take_back": ("wechatpayv3/sharing", "wechatpayv3/sharing_for_another"),
    "bills.fetch": ("wechatpayv3/bills",),
    "callbacks.verify": (
        "wechatpayv3/notice",
        "wechatpayv3/duplicate_notice",
        "wechatpayv3/spoilt_notices",
        "wechatpayv3/wrong_notice_key",
        "wechatpayv3/certificates",
    ),
}
