"""The platform's side of Douyin's alliance, written from the documents for tests."""

import datetime as dt
import json

from hutong.platforms.conformance.doubles import StandingClock, account_of
from hutong.transport.messages import Response

NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
CREDENTIALS = {
    "app_key": "3409409348479354011",
    "app_secret": "app-secret-made-for-this-run",
    "access_token": "token-made-for-this-run",
    "refresh_token": "refresh-made-for-this-run",
    "pid": "dy_107056143204730814752_7377_1847395962",
}
PAGE = "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=3636752471654793993"
SHARED = {
    "share_link": "https://haohuo.jinritemai.com/ecommerce/trade/detail/index.html?id=3636752471654793993&x=1",
    "dy_deeplink": "snssdk1128://ec_goods_detail/?promotion_id=3455239341532652291&x=1",
    "dy_password": "6.43 abc:/ 复制打开抖音 ## 8NYMAvB4XgE8 ##",
    "dy_zlink": "",
    "qr_code": None,
    "use_ins_activity": "",
}
# A public sample of a real row (2024-06-04), the fields of the older document added.
ROW = {
    "order_id": "6930504568556819833",
    "product_id": "3636752471654793993",
    "product_name": "帛图 PD 充电器",
    "total_pay_amount": 98,
    "pay_success_time": "2026-11-23 11:35:27",
    "update_time": "2026-11-23 11:36:19",
    "refund_time": "",
    "settle_time": "",
    "pay_goods_amount": 98,
    "ads_estimated_commission": 13,
    "ads_real_commission": 0,
    "ads_promotion_rate": 1500,
    "flow_point": "PAY_SUCC",
    "item_num": 1,
    "pid_info": {"pid": CREDENTIALS["pid"], "external_info": "Ab12Z", "media_type_name": "ProductDetail"},
    "shop_id": 115786122,
}


def answer(data=None, code=10000, sub_code="", sub_msg="", **more) -> Response:
    told = {"code": code, "msg": "success" if code == 10000 else "失败", "sub_code": sub_code, "sub_msg": sub_msg}
    body = json.dumps({**told, "log_id": "2026112312000001", "data": data, **more}, ensure_ascii=False)
    return Response(status=200, headers={"content-type": "application/json"}, body=body.encode())


def page(*rows, cursor="") -> Response:
    return answer({"orders": list(rows), "cursor": cursor})


def account(answering, **changes):
    return account_of(
        "douyin_alliance", "https://gw.example", {**CREDENTIALS, **changes}, StandingClock(NOON), answering
    )
