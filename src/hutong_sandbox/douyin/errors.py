"""What the gateway says when it says no: always HTTP 200, the reason in ``code`` and ``sub_code``.

Source: op.jinritemai.com, 平台基础错误码汇总, and the code lists of the two documents (see ``methods``).
"""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

SUCCESS: Final = 10_000
#: Code -> its message.
MESSAGES: Final[dict[int, str]] = {
    20000: "系统错误",
    30001: "操作权限不足",
    40001: "缺少必选参数",
    40003: "非法的参数",
    40004: "非法的参数",
    50001: "平台处理失败",
    50002: "业务处理失败",
    60000: "触发限流，请稍后重试",
    70000: "接口服务已下线",
}


class WireError(Exception):
    """A refusal on the wire."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(code, sub_code)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg

    def envelope(self) -> Json:
        """Code and messages."""
        return {"code": self.code, "msg": MESSAGES[self.code], "sub_code": self.sub_code, "sub_msg": self.sub_msg}


def lacking(sub_code: str, sub_msg: str) -> WireError:
    """The platform itself misses a common parameter."""
    return WireError(40001, sub_code, sub_msg)


def platform(sub_code: str, sub_msg: str) -> WireError:
    """The platform itself refuses a common parameter."""
    return WireError(40003, sub_code, sub_msg)


def parameter(number: int, sub_msg: str) -> WireError:
    """The service refuses an argument."""
    return WireError(40004, f"isv.parameter-invalid:{number}", sub_msg)


def business(number: int, sub_msg: str) -> WireError:
    """The service refuses to do it."""
    return WireError(50002, f"isv.business-failed:{number}", sub_msg)
