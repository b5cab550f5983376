"""What the gateway and the alliance behind it say when they say no: always HTTP 200.

Sources: jos.jd.com, 错误代码一览表 (gateway), and the lists of errors in the documents of each call
(union.jd.com/openplatform/api/v2, as kept in logerzhu/typed-jd-union-api).
"""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

#: Gateway code -> its words in Chinese and English.
GATEWAY: Final[dict[int, tuple[str, str]]] = {
    2: ("限制时间内调用失败次数", "App Call Limited"),
    4: ("缺少版本参数", "Missing Version"),
    5: ("不支持的版本号", "Unsupported Version"),
    7: ("缺少时间戳参数", "Missing Timestamp"),
    8: ("非法的时间戳参数", "Invalid Timestamp"),
    11: ("缺少签名参数", "Missing Signature"),
    12: ("无效签名", "Invalid Signature"),
    14: ("缺少方法名参数", "Missing Method"),
    15: ("不存在的方法名", "Invalid Method"),
    20: ("缺少app_key参数", "Missing App Key"),
    21: ("无效app_key", "Invalid App Key"),
    62: ("json转换时错误，错误的请求参数", "Invalid Json"),
    67: ("平台连接后端服务处理过程中出现未知异常信息", "platform connecting service process unknown exception"),
}
#: The alliance's code -> its message.
ALLIANCE: Final[dict[int, str]] = {
    429: "接口调用超频，请降低接口调用频次",
    2001101: "materialId链接格式错误",
    2001102: "materialId链接无法识别",
    2001104: "商品不在推广中",
    2001208: "subUnionId入参格式有误",
    2001212: "参数错误",
    2001214: "pid和subUnionId不能同时使用",
    2001403: "无调用权限，请联系联盟运营申请",
    2001501: "WEBID填写错误",
    2001609: "服务降级，请稍后重试！",
    2001610: "APPID不存在或者WEBID不存在",
    2001701: "无二合一转链权限",
    2002400: "参数错误",
    2002403: "无访问权限",
    2002408: "接口降级处理",
    2002452: "单位时间内订单量超过最大值(10000),请缩小查询时间范围",
    2002453: "无效请求-查询时间范围超过规定限制",
}


class GatewayRefusal(Exception):
    """The gateway says no: nobody behind it heard of the call."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def body(self, request_id: str) -> Json:
        """The JSON body."""
        zh_desc, en_desc = GATEWAY[self.code]
        told = {"code": str(self.code), "zh_desc": zh_desc, "en_desc": en_desc, "request_id": request_id}
        return {"error_response": told}


class AllianceRefusal(Exception):
    """The alliance says no, inside the gateway's envelope of success."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def result(self, request_id: str) -> Json:
        """The result."""
        return {"code": self.code, "message": ALLIANCE[self.code], "requestId": request_id}
