"""WeChat Pay: APIv3 in both of its key modes, for merchants and service providers, payment codes also by V2."""

from __future__ import annotations

from typing import Final

from hutong.connectors.wechatpay.bills import WechatBills
from hutong.connectors.wechatpay.callbacks import WechatCallbacks
from hutong.connectors.wechatpay.codes import WechatCodes
from hutong.connectors.wechatpay.combined import WechatCombined
from hutong.connectors.wechatpay.errors import ERROR_WORDS
from hutong.connectors.wechatpay.examine import examine
from hutong.connectors.wechatpay.identity import WechatIdentity
from hutong.connectors.wechatpay.judged import JUDGED_BY
from hutong.connectors.wechatpay.merchant import LIVE_BASE_URL, RESERVE_BASE_URL
from hutong.connectors.wechatpay.orders import PAY_METHODS
from hutong.connectors.wechatpay.payments import WechatPayments
from hutong.connectors.wechatpay.receivers import WechatReceivers
from hutong.connectors.wechatpay.rescue import WechatRefundRescue
from hutong.connectors.wechatpay.sharing import WechatSharing
from hutong.connectors.wechatpay.trial import trial
from hutong.platforms.contract import AmountFormat, Connector, Proof, RateLimit

CONNECTOR: Final = Connector(
    name="wechatpay",
    title_zh="微信支付",
    title_en="WeChat Pay",
    amount_format=AmountFormat.FEN_INTEGER,
    base_url=LIVE_BASE_URL,
    # Ours, not the platform's: well below what its documents name for refunds (150 a second).
    rate_limit=RateLimit(calls=100, seconds=1),
    credential_fields=(
        "mchid",
        "appid",
        "app_secret",
        "serial_no",
        "private_key",
        "api_v3_key",
        "platform_certificates",
        "public_key_id",
        "public_key",
        "mini_appid",
        "mini_app_secret",
        "store_id",
        "api_key",
        "api_sign_type",
        "client_certificate",
        "sub_mchid",
        "sub_appid",
        "line_url",
        "line_authority",
    ),
    optional_fields=(
        "platform_certificates",
        "public_key_id",
        "public_key",
        "mini_appid",
        "mini_app_secret",
        "store_id",
        "api_key",
        "api_sign_type",
        "client_certificate",
        "sub_mchid",
        "sub_appid",
        "line_url",
        "line_authority",
    ),
    secret_fields=("app_secret", "mini_app_secret", "private_key", "api_v3_key", "api_key"),
    account_fields=("mchid", "appid", "sub_mchid", "sub_appid"),
    settled_fields=("mini_appid",),
    trial=trial,
    sandbox_fields=("line_url", "line_authority"),
    examine=examine,
    # The platform's own certificates are not among them: new ones are fetched by themselves.
    certificate_fields=("client_certificate",),
    other_base_urls=(RESERVE_BASE_URL,),
    error_words=ERROR_WORDS,
    proofs={
        "payments": Proof.JUDGED,
        "codes": Proof.JUDGED,
        "combined": Proof.JUDGED,
        "refund_rescue": Proof.JUDGED,
        "share_receivers": Proof.JUDGED,
        "sharing": Proof.JUDGED,
        "callbacks": Proof.JUDGED,
        "bills": Proof.JUDGED,
        "identity": Proof.SIMULATED,
    },
    judged_by=JUDGED_BY,
    pay_methods=PAY_METHODS,
    identity_kind="wechat_openid",
    mini_identity_fields=("mini_appid",),
    identity_fields=("appid",),
    home_containers=("wechat",),
    # unverified: recalled, these apps do not follow weixin://, and WeChat refuses H5 inside itself and inside WeCom
    shut_containers=("alipay", "alipay_mini", "taobao", "tmall", "wechat_mini", "wecom"),
    payments=WechatPayments(),
    codes=WechatCodes(),
    combined=WechatCombined(),
    refund_rescue=WechatRefundRescue(),
    share_receivers=WechatReceivers(),
    sharing=WechatSharing(),
    callbacks=WechatCallbacks(),
    bills=WechatBills(),
    identity=WechatIdentity(),
)
