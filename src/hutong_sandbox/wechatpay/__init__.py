"""WeChat Pay APIv3, simulated: signed orders, refunds, certificates, notices, and snsapi_base OAuth."""

from hutong_sandbox.wechatpay.platform import PROOFS, WechatPay

__all__ = ["PROOFS", "WechatPay"]
