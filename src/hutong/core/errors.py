"""One family of errors: each class is a wire code with a sentence, a cause and a fix, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Self

import msgspec

from hutong.core.things import NAMED, THINGS

LOCALES: Final = ("zh-Hans", "en")
#: Of anything that a sender wrote; an answer is no echo.
ECHO_CHARS_MAX: Final = 40


class ErrorText(msgspec.Struct, frozen=True):
    """What a person reads: what happened, why, and what to do. ``{name}`` fields come from the error's details."""

    sentence: str
    cause: str
    fix: str


class HutongError(Exception):
    """Base of every error that reaches a user.

    ``code`` is stable and public; ``status`` is the HTTP status at the API. ``details`` fill the texts and
    travel to the client, so they never carry secrets or personal data.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    zh: ClassVar[ErrorText] = ErrorText(
        "系统内部出错。", "程序没有预料到这种情况。", "请重试；仍然出现时运行 hutong doctor。"
    )
    en: ClassVar[ErrorText] = ErrorText(
        "Something broke inside.", "The program did not expect this.", "Try again; if it stays, run hutong doctor."
    )

    def __init__(self, **details: str | int) -> None:
        self.details: dict[str, str | int] = dict(details)
        super().__init__(self.text("en").sentence)

    def with_details(self, details: Mapping[str, str | int]) -> Self:
        """The same error with other details, however its class is made."""
        made = self.__class__.__new__(self.__class__, *self.args)
        made.__dict__.update(self.__dict__, details=dict(details))
        return made

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale (Chinese for any ``zh``), with the details filled in."""
        is_chinese = locale.startswith("zh")
        template = self.zh if is_chinese else self.en
        fields = _Fields(self.details)
        for name in NAMED:
            if (words := THINGS.get(str(fields.get(name)))) is not None:
                fields[name] = words[0 if is_chinese else 1]
        return ErrorText(
            template.sentence.format_map(fields), template.cause.format_map(fields), template.fix.format_map(fields)
        )


class _Fields(dict[str, str | int]):
    def __missing__(self, key: str) -> str:
        return "?"


class InvalidAmount(HutongError):
    """An amount is not an exact number of minor units of a known currency."""

    code = "invalid_amount"
    status = 400
    zh = ErrorText(
        "金额“{value}”无法使用。",
        "金额必须是该币种最小单位的整数，且币种已知。",
        "请检查金额和币种，例如 12.30 元写作 1230 分。",
    )
    en = ErrorText(
        "The amount “{value}” cannot be used.",
        "Amounts are whole minor units of a known currency.",
        "Check amount and currency: 12.30 yuan is 1230 fen.",
    )

    def __init__(self, **details: str | int) -> None:
        super().__init__(**{name: _short(value) for name, value in details.items()})


def clipped(text: str) -> str:
    """A text of somebody else's, short enough to be shown."""
    return text if len(text) <= ECHO_CHARS_MAX else f"{text[:ECHO_CHARS_MAX]}…"


def _short(value: str | int) -> str | int:
    return clipped(value) if isinstance(value, str) else value


class CurrencyMismatch(HutongError):
    """Two amounts of different currencies were put together."""

    code = "currency_mismatch"
    status = 409
    zh = ErrorText("币种不一致：{left} 与 {right}。", "不同币种的金额不能相加。", "请先换算成同一币种。")
    en = ErrorText(
        "Currencies differ: {left} and {right}.",
        "Amounts of different currencies cannot be added.",
        "Convert them to one currency first.",
    )


class InvalidTransition(HutongError):
    """A state table has no such step."""

    code = "invalid_transition"
    status = 409
    zh = ErrorText("{machine}不能从“{state}”执行“{event}”。", "这一步与当前状态不符。", "请刷新后查看最新状态。")
    en = ErrorText(
        "{machine} cannot take “{event}” in state “{state}”.",
        "The step does not fit the present state.",
        "Reload and look at the present state.",
    )


class NotFound(HutongError):
    """Nothing of that kind with that key, or not this merchant's."""

    code = "not_found"
    status = 404
    zh = ErrorText("找不到{what}“{key}”。", "编号不存在，或不属于当前商户。", "请检查编号。")
    en = ErrorText("No {what} “{key}”.", "It does not exist or belongs to another merchant.", "Check the number.")


class PlatformNotThere(NotFound):
    """No platform of that name can do this here; ``known`` names those that can."""

    code = "platform_not_there"
    zh = ErrorText(
        "没有可用的平台“{key}”。", "名称写错了，没有安装它的连接程序，或它不支持这件事。", "可用的平台：{known}。"
    )
    en = ErrorText(
        "No platform “{key}” for this.",
        "The name is mistyped, its connector is not installed, or it cannot do this.",
        "There are: {known}.",
    )


class InvalidInput(HutongError):
    """A field of a request or file does not hold what it must."""

    code = "invalid_input"
    status = 400
    zh = ErrorText("“{field}”填写有误：{problem}。", "内容不符合要求。", "请按说明修改后再提交。")
    en = ErrorText("“{field}” is not right: {problem}.", "The content does not fit.", "Correct it and send it again.")


class Conflict(HutongError):
    """The same key was used for something else, or the row changed meanwhile."""

    code = "conflict"
    status = 409
    zh = ErrorText(
        "{what}已存在或刚被修改。", "同一编号已用于不同的内容，或有人同时修改。", "请刷新后重试，或换一个编号。"
    )
    en = ErrorText(
        "This {what} exists already or was changed just now.",
        "The key serves other content, or somebody changed it at the same time.",
        "Reload and try again, or use another key.",
    )


class Unauthorized(HutongError):
    """No valid credentials."""

    code = "unauthorized"
    status = 401
    zh = ErrorText("身份验证失败。", "缺少凭证，或凭证无效、已过期、已停用。", "请重新登录，或检查 API 密钥。")
    en = ErrorText(
        "Not authenticated.",
        "Credentials are missing, wrong, expired or disabled.",
        "Sign in again or check the API key.",
    )


class Forbidden(HutongError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403
    zh = ErrorText("没有权限：需要“{scope}”。", "当前账号或密钥没有这项权限。", "请管理员授权，或使用有此权限的密钥。")
    en = ErrorText(
        "Not allowed: “{scope}” is needed.",
        "This account or key lacks the permission.",
        "Ask an administrator or use a key that has it.",
    )


class InvalidSignature(HutongError):
    """Bytes from outside do not carry the signature they claim."""

    code = "invalid_signature"
    status = 401
    zh = ErrorText(
        "签名验证失败。", "内容被改动、密钥不符或时间戳过期。", "请核对密钥、证书与服务器时间；原文不会被处理。"
    )
    en = ErrorText(
        "The signature does not verify.",
        "The content was changed, the key differs or the timestamp is stale.",
        "Check key, certificate and server time; the content is not processed.",
    )


class PlatformFailure(HutongError):
    """A platform answered with an error; its own code is shown."""

    code = "platform_failure"
    status = 502
    zh = ErrorText("平台 {platform} 返回错误 {platform_code}：{message}", "平台拒绝了这次请求。", "{hint}")
    en = ErrorText(
        "Platform {platform} answered {platform_code}: {message}", "The platform refused the request.", "{hint}"
    )


class PlatformUnknown(HutongError):
    """No answer, or one that cannot be read: the outcome is UNKNOWN and must be read back, never assumed failed."""

    code = "platform_unknown"
    status = 504
    zh = ErrorText(
        "平台 {platform} 没有给出明确结果。",
        "超时、断线或答复无法识别，操作可能已经生效。",
        "系统会自动查询结果，请勿重复操作。",
    )
    en = ErrorText(
        "Platform {platform} gave no clear result.",
        "Timeout, broken line or an unreadable answer; it may have taken effect.",
        "The result is read back automatically; do not repeat the action.",
    )
