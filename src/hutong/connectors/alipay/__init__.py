"""Alipay: every way to pay in both of its key modes, payment codes, profit sharing, and the silent sign-in."""

from __future__ import annotations

from typing import Final

from hutong.connectors.alipay.bills import AlipayBills
from hutong.connectors.alipay.callbacks import AlipayCallbacks
from hutong.connectors.alipay.codes import AlipayCodes
from hutong.connectors.alipay.errors import ERROR_WORDS
from hutong.connectors.alipay.examine import examine
from hutong.connectors.alipay.identity import AlipayIdentity
from hutong.connectors.alipay.judged import JUDGED_BY
from hutong.connectors.alipay.merchant import CERTIFICATE_FIELDS, LIVE_BASE_URL
from hutong.connectors.alipay.payments import AlipayPayments
from hutong.connectors.alipay.receivers import AlipayReceivers
from hutong.connectors.alipay.sharing import AlipaySharing
from hutong.connectors.alipay.trades import METHODS, SIGNED_METHODS
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="alipay",
    title_zh="支付宝",
    title_en="Alipay",
    amount_format=AmountFormat.YUAN_TEXT,
    base_url=LIVE_BASE_URL,
    # Ours: the documents name 30 settle calls a second for one seller and nothing for payments.
    rate_limit=RateLimit(calls=100, seconds=1),
    credential_fields=(
        "app_id",
        "seller_id",
        "private_key_pkcs8",
        "private_key_pkcs1",
        "alipay_public_key",
        "app_cert",
        "alipay_cert",
        "alipay_root_cert",
    ),
    optional_fields=(
        "seller_id",
        "private_key_pkcs8",
        "private_key_pkcs1",
        "alipay_public_key",
        "app_cert",
        "alipay_cert",
        "alipay_root_cert",
    ),
    secret_fields=("private_key_pkcs8", "private_key_pkcs1"),
    account_fields=("app_id",),
    settled_fields=("seller_id",),
    answer_fields=("alipay_cert", "alipay_public_key"),
    either_fields=("private_key_pkcs8", "private_key_pkcs1"),
    examine=examine,
    certificate_fields=CERTIFICATE_FIELDS,
    error_words=ERROR_WORDS,
    proofs={
        "payments": Proof.JUDGED,
        "codes": Proof.JUDGED,
        "share_receivers": Proof.JUDGED,
        "sharing": Proof.SIMULATED,  # the judges drive the synchronous mode only
        "callbacks": Proof.JUDGED,
        "bills": Proof.JUDGED,
        "identity": Proof.SIMULATED,
    },
    judged_by=JUDGED_BY,
    pay_methods=tuple(METHODS),
    signed_methods=SIGNED_METHODS,
    identity_kind="alipay_user_id",
    identity_fields=("app_id",),
    home_containers=("alipay",),
    shut_containers=("wechat", "wechat_mini", "wecom"),  # recalled: WeChat's wall does not let Alipay open
    payments=AlipayPayments(),
    codes=AlipayCodes(),
    share_receivers=AlipayReceivers(),
    sharing=AlipaySharing(),
    callbacks=AlipayCallbacks(),
    bills=AlipayBills(),
    identity=AlipayIdentity(),
)
