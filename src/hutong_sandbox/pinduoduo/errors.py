"""What Pinduoduo's gateway says when it says no: always HTTP 200, with ``error_response`` in the body.

Source: open.pinduoduo.com, 异常示例 and 返回错误码说明 under every call.
"""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

#: Code -> its message.
MESSAGES: Final[dict[int, str]] = {
    10001: "公共参数错误",
    10016: "client下线或者clientId不正确",
    10017: "type不正确",
    10019: "access_token已过期",
    20004: "签名sign校验失败",
    21001: "请求参数错误",
    21002: "请求参数不能为空",
    50001: "业务服务错误",
    52001: "网关业务服务错误",
    52101: "当前接口被限流，请稍后重试",
    52102: "当前接口暂时不可用，请稍后重试",
}
UNFILED: Final = (
    "未传入已经授权备案过的相关参数(pid/custom_parameters)，"
    "授权备案说明链接：https://jinbao.pinduoduo.com/qa-system?questionId=204"
)


class PddError(Exception):
    """A refusal on the wire. ``about`` stands behind the message of the code."""

    def __init__(self, code: int, sub_msg: str = "", *, sub_code: str = "", about: str = "") -> None:
        super().__init__(code, sub_code)
        self.code = code
        self.sub_code = sub_code or str(code)
        self.sub_msg = sub_msg or MESSAGES[code]
        self.msg = MESSAGES[code] + (f":{about}" if about else "")

    def body(self, request_id: str) -> Json:
        """The JSON body. Where a parameter of the gateway's own is wrong, there is no sub code."""
        is_bare = self.code == 10001
        inner: Json = {
            "error_msg": self.msg,
            "sub_msg": "" if is_bare else self.sub_msg,
            "sub_code": None if is_bare else self.sub_code,
            "error_code": self.code,
            "request_id": request_id,
        }
        return {"error_response": inner}


def system(name: str) -> PddError:
    """A parameter of the gateway's own is missing or wrong."""
    return PddError(10001, about=name)


def missing(name: str) -> PddError:
    """A required argument is not there."""
    return PddError(21002, f"{name}不能为空")


def invalid(name: str, why: str) -> PddError:
    """The service finds an argument that breaks its rule."""
    return PddError(50001, f"参数校验失败：{name}{why}", sub_code="21001")


def unfiled() -> PddError:
    """The position, or the position with these custom parameters, is not filed (备案)."""
    return PddError(50001, UNFILED, sub_code="60001")


def business(sub_code: str, sub_msg: str) -> PddError:
    """The service behind the gateway refuses."""
    return PddError(50001, sub_msg, sub_code=sub_code)
