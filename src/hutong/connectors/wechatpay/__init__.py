"""WeChat Pay: APIv3 in both of its key modes, and the silent sign-in that JSAPI payments need."""

from __future__ import annotations

from typing import Final

from hutong.connectors.wechatpay.callbacks import WechatCallbacks
from hutong.connectors.wechatpay.errors import ERROR_WORDS
from hutong.connectors.wechatpay.identity import WechatIdentity
from hutong.connectors.wechatpay.merchant import LIVE_BASE_URL
from hutong.connectors.wechatpay.payments import WechatPayments
from hutong.connectors.wechatpay.trades import PAY_METHODS
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
    ),
    optional_fields=("platform_certificates", "public_key_id", "public_key"),
    secret_fields=("app_secret", "private_key", "api_v3_key"),
    error_words=ERROR_WORDS,
    proofs={"payments": Proof.SIMULATED, "callbacks": Proof.SIMULATED, "identity": Proof.SIMULATED},
    pay_methods=PAY_METHODS,
    identity_kind="wechat_openid",
    home_containers=("wechat",),
    shut_containers=("alipay", "taobao", "tmall"),  # unverified: recalled, these apps do not follow weixin://
    payments=WechatPayments(),
    callbacks=WechatCallbacks(),
    identity=WechatIdentity(),
)
