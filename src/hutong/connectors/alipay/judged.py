"""What outside clients, unmodified, agreed on with the simulated Alipay; the checks are run by the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: ``capability.operation`` -> ``client/check``. Of sharing the judges drive the synchronous mode, and ask; the
#: connector shares asynchronously. The sign-in is judged by nobody.
JUDGED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "payments.create": (
        "alipay-sdk-python/precreate",
        "alipay-sdk-python/create",
        "alipay-sdk-python/pages",
        "alipay-sdk-python/app",
        "python-alipay-sdk/precreate_and_query",
        "python-alipay-sdk/links",
    ),
    "payments.query": ("alipay-sdk-python/query", "python-alipay-sdk/precreate_and_query"),
    "payments.close": ("alipay-sdk-python/close_and_cancel", "python-alipay-sdk/create_and_close"),
    "payments.refund": ("alipay-sdk-python/refund", "python-alipay-sdk/refund"),
    "payments.query_refund": ("alipay-sdk-python/refund", "python-alipay-sdk/refund"),
    "codes.charge": ("alipay-sdk-python/pay", "python-alipay-sdk/pay_and_cancel"),
    "codes.reverse": ("alipay-sdk-python/close_and_cancel", "python-alipay-sdk/pay_and_cancel"),
    "share_receivers.add": ("alipay-sdk-python/settle",),
    "share_receivers.remove": ("alipay-sdk-python/settle",),
    "sharing.query": ("alipay-sdk-python/settle",),
    "bills.fetch": ("alipay-sdk-python/bills",),
    "callbacks.verify": (
        "alipay-sdk-python/notice",
        "alipay-sdk-python/refund_notice",
        "alipay-sdk-python/spoilt_notices",
        "python-alipay-sdk/notice",
        "python-alipay-sdk/spoilt_notices",
    ),
}
