"""The gateway's error codes in our words, and what a person can do about those that a person must act on.

Errors come with status 200. Source of the codes: the table 返回错误码说明 that stands under every call of
open.pinduoduo.com, for one https://open.pinduoduo.com/application/document/api?id=pdd.ddk.goods.promotion.url.generate.
What the service behind the gateway refuses is 50001, and its sub code says why; of those no table is published: 60001
and 20001 are as public clients saw them (sgxiang/pdd-coupon, issue 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hutong.core.errors import ErrorText, HutongError, PlatformUnknown
from hutong.platforms.contract import ErrorWord
from hutong.platforms.refusals import PlatformRefused

#: The service behind the gateway says no; the sub code says why.
BUSINESS: Final = "50001"
#: Neither the pid nor the pid with these custom parameters was filed (备案).
NOT_FILED: Final = "50001/60001"
#: The client is bound to no promoter (多多客); seen for an unfiled pid, too.
NO_PROMOTER: Final = "50001/20001"

ERROR_WORDS: Final[Mapping[str, ErrorWord]] = {
    "10000": ErrorWord.INVALID_REQUEST,
    "10001": ErrorWord.INVALID_REQUEST,
    "10016": ErrorWord.BAD_SIGNATURE,
    "10017": ErrorWord.INVALID_REQUEST,
    "10018": ErrorWord.INVALID_REQUEST,
    "10019": ErrorWord.TOKEN_EXPIRED,
    "10035": ErrorWord.TOKEN_EXPIRED,
    "20004": ErrorWord.BAD_SIGNATURE,
    "20005": ErrorWord.NOT_PERMITTED,
    "20031": ErrorWord.NOT_PERMITTED,
    "20032": ErrorWord.BAD_SIGNATURE,
    "20034": ErrorWord.NOT_PERMITTED,
    "20035": ErrorWord.INVALID_REQUEST,
    "21001": ErrorWord.INVALID_REQUEST,
    "21002": ErrorWord.INVALID_REQUEST,
    "30000": ErrorWord.NOT_PERMITTED,
    "30001": ErrorWord.NOT_PERMITTED,
    "50000": ErrorWord.UNAVAILABLE,
    BUSINESS: ErrorWord.UNKNOWN,
    NOT_FILED: ErrorWord.NOT_PERMITTED,
    NO_PROMOTER: ErrorWord.NOT_PERMITTED,
    "50002": ErrorWord.UNAVAILABLE,
    "52001": ErrorWord.UNAVAILABLE,
    "52002": ErrorWord.UNAVAILABLE,
    "52004": ErrorWord.INVALID_REQUEST,
    "52101": ErrorWord.THROTTLED,
    "52102": ErrorWord.UNAVAILABLE,
    "52103": ErrorWord.UNAVAILABLE,
    "70031": ErrorWord.THROTTLED,
    "70032": ErrorWord.NOT_PERMITTED,
    "70033": ErrorWord.UNAVAILABLE,
    "70034": ErrorWord.NOT_PERMITTED,
    "70035": ErrorWord.NOT_PERMITTED,
    "70036": ErrorWord.THROTTLED,
}

_UNFILED: Final = (
    (
        "推广位还没有备案；填了备案时的用户标识时，也可能是那个标识没有备案。",
        "到多多进宝给这个推广位生成“绑定备案”链接，用拼多多打开并授权一次，几分钟后再试。",
    ),
    (
        "The promotion position is not filed, or it is not filed under the user id that was entered.",
        "Make a filing link (绑定备案) for it at Duoduo Jinbao, open it with Pinduoduo and agree once; then try again.",
    ),
)
#: code -> (cause, fix) in Chinese and in English.
TOLD: Final[Mapping[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    NOT_FILED: _UNFILED,
    NO_PROMOTER: (
        (
            "这个应用还没有绑定多多客，或者推广位没有备案。",
            "到多多进宝的“第三方应用”里绑定这个 client_id，再给推广位备案。",
        ),
        (
            "The app is bound to no promoter, or the promotion position is not filed.",
            "Bind this client_id in Duoduo Jinbao's console (第三方应用), then file the position.",
        ),
    ),
    "20005": (
        ("这台服务器的 IP 不在应用的白名单里。", "到拼多多开放平台，应用详情，把这台服务器的 IP 加进白名单。"),
        (
            "This server's IP address is not on the app's allow-list.",
            "Add it at open.pinduoduo.com, in the app's page.",
        ),
    ),
}


class ErrorAnswer(msgspec.Struct, frozen=True):
    """What stands in ``error_response``; a sub code is null where the gateway itself refuses."""

    error_code: int | str
    error_msg: str | None = None
    sub_code: int | str | None = None
    sub_msg: str | None = None

    @property
    def code(self) -> str:
        """``50001/60001`` where a sub code says more than the code, else the code."""
        code, sub_code = str(self.error_code), "" if self.sub_code is None else str(self.sub_code)
        return f"{code}/{sub_code}" if sub_code and sub_code != code else code


class PinduoduoRefused(PlatformRefused):
    """The platform said no; where it is known what a person has to do, that is told."""

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale; cause and fix by the platform's code."""
        plain = super().text(locale)
        told = TOLD.get(str(self.details.get("platform_code", "")))
        if told is None:
            return plain
        cause, fix = told[0] if locale.startswith("zh") else told[1]
        return ErrorText(plain.sentence, cause, fix)


def word_of(code: str) -> ErrorWord:
    """The word of a code; a sub code that is not known leaves that of the code."""
    return ERROR_WORDS.get(code) or ERROR_WORDS.get(code.partition("/")[0], ErrorWord.UNKNOWN)


def error_of(platform: str, answer: ErrorAnswer) -> HutongError:
    """PlatformUnknown where the platform itself failed (it may have done it), else PlatformRefused."""
    word = word_of(answer.code)
    if word is ErrorWord.UNAVAILABLE:
        return PlatformUnknown(platform=platform, platform_code=answer.code)
    message = answer.sub_msg or answer.error_msg or ""
    return PinduoduoRefused(platform=platform, platform_code=answer.code, message=message, word=word)
