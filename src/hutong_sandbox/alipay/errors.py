"""What Alipay says when it says no: a gateway code, and a code of the method's own."""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

DONE: Final = "10000"
WAITING: Final = "10003"
FAILED: Final = "40004"
MESSAGES: Final[dict[str, str]] = {
    DONE: "Success",
    WAITING: " order success pay inprocess",
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Condition Exception",
    FAILED: "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}


class WireError(Exception):
    """A refusal on the wire. A business refusal is 40004 with an ``ACQ.`` code."""

    def __init__(self, sub_code: str, sub_msg: str, code: str = FAILED) -> None:
        super().__init__(sub_code)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg

    def content(self) -> Json:
        """The object of the answer."""
        return {"code": self.code, "msg": MESSAGES[self.code], "sub_code": self.sub_code, "sub_msg": self.sub_msg}


def invalid(field: str, problem: str = "") -> WireError:
    """A parameter of the content breaks its rule."""
    return WireError("ACQ.INVALID_PARAMETER", f"参数有误。{field} {problem}".strip())


def not_there() -> WireError:
    """No such order."""
    return WireError("ACQ.TRADE_NOT_EXIST", "交易不存在")
