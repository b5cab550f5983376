"""What WeChat Pay says when it says no: HTTP status, code, message, and for bad parameters the place."""

from __future__ import annotations

from typing import Final

from hutong_sandbox.http import Json

#: Code -> HTTP status, as the documents' error tables list them.
STATUS: Final[dict[str, int]] = {
    "PARAM_ERROR": 400,
    "INVALID_REQUEST": 400,
    "APPID_MCHID_NOT_MATCH": 400,
    "MCH_NOT_EXISTS": 400,
    "ORDERPAID": 400,
    "ORDER_CLOSED": 400,
    "NO_STATEMENT_EXIST": 400,
    "STATEMENT_CREATING": 400,
    "SIGN_ERROR": 401,
    "AUTH_CODE_INVALID": 400,
    "AUTH_CODE_EXPIRE": 400,
    "ORDER_REVERSED": 400,
    "USERPAYING": 400,
    "NO_AUTH": 403,
    "RULE_LIMIT": 403,
    "NOT_ENOUGH": 403,
    "OUT_TRADE_NO_USED": 403,
    "ORDER_NOT_EXIST": 404,
    "RESOURCE_NOT_EXISTS": 404,
    "FREQUENCY_LIMITED": 429,
    "SYSTEM_ERROR": 500,
}


class WireError(Exception):
    """A refusal on the wire."""

    def __init__(self, code: str, message: str, detail: Json | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUS[code]
        self.message = message
        self.detail = detail

    def body(self) -> Json:
        """The JSON body."""
        body: Json = {"code": self.code, "message": self.message}
        return body if self.detail is None else {"code": self.code, "detail": self.detail, "message": self.message}


def bad_parameter(location: str, field: str, issue: str, value: object = "") -> WireError:
    """A parameter breaks its rule. ``location`` is ``body``, ``query`` or ``uri``."""
    detail: Json = {"location": location, "field": field, "issue": issue, "value": value}
    return WireError("PARAM_ERROR", f"参数错误：{field} {issue}", detail)
