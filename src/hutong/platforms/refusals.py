"""A platform's own error answer, with the one word that says how to react."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.core.errors import ErrorText, PlatformFailure
from hutong.platforms.contract import ErrorWord

#: Characters of a platform's own message that are passed on.
MESSAGE_CHARS_MAX: Final = 200

#: What a person can do about it, in Chinese and English.
HINTS: Final[Mapping[ErrorWord, tuple[str, str]]] = {
    ErrorWord.BAD_SIGNATURE: (
        "请核对商户号、证书序列号、密钥与服务器时间。",
        "Check account number, certificate serial, keys and the server's time.",
    ),
    ErrorWord.TOKEN_EXPIRED: ("授权已过期，请重新授权该店铺。", "The authorisation ran out: authorise the shop again."),
    ErrorWord.NOT_PERMITTED: (
        "请在平台后台开通该接口或产品权限。",
        "Ask the platform for this permission or product in its own console.",
    ),
    ErrorWord.THROTTLED: (
        "调用过于频繁：后台任务稍后自动重试；收款请稍等片刻再扫一次。",
        "Too many calls: work in the background is tried again later; for a charge wait a moment, then scan again.",
    ),
    ErrorWord.NOT_FOUND: ("请核对编号，并确认属于该账号。", "Check the number, and that it belongs to this account."),
    ErrorWord.ALREADY_DONE: ("平台已处理过，请刷新查看最新状态。", "It was done before: reload and look at the state."),
    ErrorWord.INVALID_REQUEST: ("请按平台提示修改后重试。", "Correct what the platform names, then try again."),
    ErrorWord.INSUFFICIENT_FUNDS: (
        "收款时请顾客换一种付款方式；退款或转账时请为商户账户充值后重试。",
        "For a charge, ask the buyer for another means; for refunds and transfers, top up the merchant account.",
    ),
    ErrorWord.UNAVAILABLE: (
        "平台暂时不可用：后台任务稍后自动重试；收款请稍后再扫一次，或换一种付款方式。",
        "The platform is down: work in the background is tried again; for a charge scan again, or take another means.",
    ),
    ErrorWord.UNKNOWN: (
        "请凭错误代码查询平台文档或联系平台客服。",
        "Look the code up in the platform's documents or ask its support.",
    ),
}


def shown(text: str) -> str:
    """A platform's text without what no page shows and no database holds: control characters, halves of pairs."""
    return "".join(char if char.isprintable() else " " for char in text)


class PlatformRefused(PlatformFailure):
    """The platform understood and said no. ``word`` is what callers act on, the code and message are for people."""

    def __init__(self, *, platform: str, platform_code: str, message: str, word: ErrorWord) -> None:
        self.word = word
        code, told = shown(platform_code), shown(message[:MESSAGE_CHARS_MAX])
        super().__init__(platform=platform, platform_code=code, message=told, word=word.value)

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale; the fix is the hint that belongs to the word."""
        plain = super().text(locale)
        zh, en = HINTS[self.word]
        return ErrorText(plain.sentence, plain.cause, zh if locale.startswith("zh") else en)
