"""What is wrong with a matrix of jumps, told with file, line and reason."""

from __future__ import annotations

from typing import Final

from hutong.core.errors import ErrorText, HutongError

#: Of what stands in the file; an answer is no echo.
WHAT_CHARS_MAX: Final = 100
#: Each reason in Chinese and English; ``{what}`` is what stands in the file.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "not_yaml": ("不是有效的 YAML：{what}", "not valid YAML: {what}"),
    "too_large": ("文件超过 {what} 字节", "the file is larger than {what} bytes"),
    "alias": ("不能使用 YAML 别名 {what}", "YAML aliases are not taken: {what}"),
    "not_text": ("这里应该是文字", "a text is expected here"),
    "not_list": ("这里应该是列表", "a list is expected here"),
    "not_table": ("这里应该是键值", "a mapping is expected here"),
    "missing": ("缺少“{what}”", "“{what}” is missing"),
    "twice": ("“{what}”写了两次", "“{what}” stands here twice"),
    "unknown_key": ("不认识的项目“{what}”", "unknown key “{what}”"),
    "unknown_kind": ("不认识的方式“{what}”", "unknown kind “{what}”"),
    "unknown_form": ("没有名为“{what}”的写法", "there is no form “{what}”"),
    "unknown_container": ("不认识的应用“{what}”", "unknown container “{what}”"),
    "unknown_system": ("不认识的系统“{what}”", "unknown system “{what}”"),
    "unknown_destination": ("不认识的目的地“{what}”", "unknown destination “{what}”"),
    "unknown_name": ("地址里不认识的名字“{what}”", "unknown name in an address: “{what}”"),
    "address": ("不允许的地址“{what}”", "an address that is not allowed: “{what}”"),
    "evidence": ("应写 seen 或 guessed，而不是“{what}”", "seen or guessed is expected, not “{what}”"),
    "default": ("应写 on 或 off，而不是“{what}”", "on or off is expected, not “{what}”"),
    "version": ("不支持的版本“{what}”", "version “{what}” is not supported"),
    "taps": ("点击次数应是 0 到 9，而不是“{what}”", "taps are 0 to 9, not “{what}”"),
    "wrapper_on": (
        "“{what}”经过别家的页面，只能默认关闭",
        "“{what}” goes through another company's page: off by default only",
    ),
    "no_way": ("{what} 没有可用的办法", "{what} has no attempt that is on"),
    "no_fallback": ("{what} 没有不需要许可的办法", "{what} has no attempt that needs nobody's permission"),
    "never": ("这一行永远用不到：{what}", "this row is never reached: {what}"),
}


class MatrixBroken(HutongError):
    """A matrix of jumps cannot be used; the one before stays in force."""

    code = "matrix_broken"
    status = 400
    zh = ErrorText(
        "跳转表 {file} 第 {line} 行：{reason}。",
        "这一处不符合跳转表的规则。",
        "请改正这一行；在此之前继续使用原来的跳转表。",
    )
    en = ErrorText(
        "Jump matrix {file}, line {line}: {reason}.",
        "What stands there breaks a rule of the matrix.",
        "Correct that line; until then the matrix before stays in force.",
    )

    def __init__(self, file: str, line: int, reason: str, what: str = "") -> None:
        super().__init__(file=file, line=line, reason=reason, what=what[:WHAT_CHARS_MAX])

    def text(self, locale: str) -> ErrorText:
        """The texts in a locale, with the reason in words of the same language."""
        told = self.with_details({**self.details, "reason": self.reason(locale)})
        return HutongError.text(told, locale)

    def reason(self, locale: str) -> str:
        """What is wrong, in words."""
        words = REASONS.get(str(self.details["reason"]))
        if words is None:
            return str(self.details["reason"])
        return words[0 if locale.startswith("zh") else 1].format(what=self.details["what"])
