"""WeChat's global return codes in our words, and what a person can do about those that a person must act on.

Source: developers.weixin.qq.com, 全局返回码; the wording of cause and fix is ours. Errors come with status 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hutong.core.errors import ErrorText
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    "-1": ErrorWord.UNAVAILABLE,
    "40001": ErrorWord.TOKEN_EXPIRED,  # also: the secret is wrong, where a token is asked for
    "40014": ErrorWord.TOKEN_EXPIRED,
    "42001": ErrorWord.TOKEN_EXPIRED,
    "41001": ErrorWord.INVALID_REQUEST,
    "41002": ErrorWord.INVALID_REQUEST,
    "41004": ErrorWord.INVALID_REQUEST,
    "40002": ErrorWord.INVALID_REQUEST,
    "40013": ErrorWord.INVALID_REQUEST,
    "40097": ErrorWord.INVALID_REQUEST,
    "40125": ErrorWord.BAD_SIGNATURE,
    "40164": ErrorWord.NOT_PERMITTED,
    "48001": ErrorWord.NOT_PERMITTED,
    "50002": ErrorWord.NOT_PERMITTED,
    "50004": ErrorWord.NOT_PERMITTED,
    "50007": ErrorWord.NOT_PERMITTED,
    "89503": ErrorWord.NOT_PERMITTED,
    "45009": ErrorWord.THROTTLED,
    "45011": ErrorWord.THROTTLED,
}

_SECRET: Final = (
    ("AppSecret 不对，或在公众平台重置过。", "到公众平台“设置与开发 > 开发接口管理”重置 AppSecret，再填到这里。"),
    (
        "The AppSecret is wrong, or was reset.",
        "Reset it in the official account's console (开发接口管理) and enter it here.",
    ),
)
#: code -> (cause, fix) in Chinese and in English.
TOLD: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "40001": _SECRET,
    "40125": _SECRET,
    "40013": (
        ("AppID 不对，或不是这个公众号的。", "到公众平台“设置与开发 > 开发接口管理”核对 AppID。"),
        ("The AppID is wrong, or another account's.", "Check it in the official account's console (开发接口管理)."),
    ),
    "40164": (
        (
            "这台服务器的 IP 不在公众号的 IP 白名单里（错误信息里写着是哪个 IP）。",
            "到公众平台“开发接口管理 > IP 白名单”加上这个 IP，几分钟后再试。",
        ),
        (
            "This server's IP address is not on the account's allow-list (the message names it).",
            "Add it in the official account's console (IP 白名单), then try again in a few minutes.",
        ),
    ),
    "45009": (
        (
            "今天的调用次数用完了；获取 token 每天最多 2000 次，多半有别的程序也在反复获取。",
            "等到明天零点，或到公众平台“接口权限”清零；并检查还有谁在用这个 AppSecret。",
        ),
        (
            "Today's calls are used up (2000 a day for tokens): another program probably asks over and over.",
            "Wait for midnight or reset the counter in the console; look who else uses this AppSecret.",
        ),
    ),
    "48001": (
        ("公众号没有 JS-SDK 的接口权限。", "订阅号要先认证，或换成认证的服务号。"),
        ("The account may not use the JS-SDK.", "Have it verified, or use a verified service account."),
    ),
}


#: Where a token is shown, the same codes speak of the token.
TOKEN_REPLACED: Final = (
    ("token 失效了，多半是别的程序强制换了新的。", "检查还有谁在用这个公众号的 AppSecret，让它改用稳定版接口。"),
    (
        "The token is void: another program has probably replaced it by force.",
        "Look who else uses this account's AppSecret, and let it use the stable token.",
    ),
)


class AccountRefused(PlatformRefused):
    """The platform said no; where it is known what a person has to do, that is told."""

    def __init__(
        self, *, platform: str, platform_code: str, message: str, word: ErrorWord, is_token_shown: bool
    ) -> None:
        self._told = TOKEN_REPLACED if is_token_shown and word is ErrorWord.TOKEN_EXPIRED else TOLD.get(platform_code)
        super().__init__(platform=platform, platform_code=platform_code, message=message, word=word)

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale; cause and fix by the platform's code."""
        plain = super().text(locale)
        if self._told is None:
            return plain
        cause, fix = self._told[0] if locale.startswith("zh") else self._told[1]
        return ErrorText(plain.sentence, cause, fix)


def refusal_of(platform: str, code: int, message: str, *, is_token_shown: bool) -> AccountRefused:
    """A return code that is no success."""
    word = ERROR_WORDS.get(str(code), ErrorWord.UNKNOWN)
    return AccountRefused(
        platform=platform, platform_code=str(code), message=message, word=word, is_token_shown=is_token_shown
    )
