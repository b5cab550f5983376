"""What the TOP gateway says when it says no: always HTTP 200, with ``error_response`` in the body.

Source: open.taobao.com, API错误码 (platform codes 3–43 and sub codes ``isv.*`` and ``isp.*``).
"""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

#: Platform code -> its message.
MESSAGES: Final[dict[int, str]] = {
    7: "App Call Limited",
    10: "Service Currently Unavailable",
    11: "Insufficient isv permissions",
    15: "Remote service error",
    21: "Missing Method",
    22: "Invalid Method",
    23: "Invalid Format",
    24: "Missing Signature",
    25: "Invalid signature",
    26: "Missing Session",
    27: "Invalid session",
    28: "Missing App Key",
    29: "Invalid app Key",
    30: "Missing Timestamp",
    31: "Invalid timestamp",
    32: "Missing Version",
    33: "Invalid Version",
    40: "Missing required arguments",
    41: "Invalid arguments",
}


class TopError(Exception):
    """A refusal on the wire."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "", *, about: str = "") -> None:
        super().__init__(code, sub_code)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.msg = MESSAGES[code] + (f":{about}" if about else "")

    def body(self, request_id: str) -> Json:
        """The JSON body."""
        inner: Json = {"code": self.code, "msg": self.msg}
        if self.sub_code:
            inner |= {"sub_code": self.sub_code, "sub_msg": self.sub_msg}
        return {"error_response": {**inner, "request_id": request_id}}


def missing(name: str) -> TopError:
    """A required argument is not there."""
    return TopError(40, "isv.missing-parameter", f"缺少必选参数：{name}", about=name)


def invalid(name: str, why: str) -> TopError:
    """An argument breaks its rule."""
    return TopError(41, f"isv.invalid-parameter:{name}", why, about=name)


def remote(sub_code: str, sub_msg: str) -> TopError:
    """The service behind the gateway refuses."""
    return TopError(15, sub_code, sub_msg)
