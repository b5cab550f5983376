"""The cases of our own connectors, and the sandbox as a process."""

import asyncio
import datetime as dt
import gzip
import hashlib
import hmac
import http.server
import importlib.util
import io
import json
import pathlib
import subprocess
import sys
import threading
import zipfile
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from msgspec import structs

from hutong.connectors.alipay import CONNECTOR as ALIPAY
from hutong.connectors.douyin.alliance import CONNECTOR as DOUYIN_ALLIANCE
from hutong.connectors.jd.alliance import CONNECTOR as JD_ALLIANCE
from hutong.connectors.pinduoduo.alliance import CONNECTOR as PINDUODUO_ALLIANCE
from hutong.connectors.taobao import CONNECTOR as TAOBAO
from hutong.connectors.taobao.alliance import CONNECTOR as TAOBAO_ALLIANCE
from hutong.connectors.wechat_account import CONNECTOR as WECHAT_ACCOUNT
from hutong.connectors.wechatpay import CONNECTOR as WECHATPAY
from hutong.connectors.wechatpay.certificates import MEMORY
from hutong.core.errors import PlatformUnknown
from hutong.platforms.account import Account
from hutong.platforms.conformance import (
    ORDER_ID,
    OUT_REFUND_NO,
    OUT_RETURN_NO,
    OUT_SHARE_NO,
    OUT_TRADE_NO,
    Case,
    Forgery,
)
from hutong.platforms.conformance.doubles import StandingClock
from hutong.platforms.jump_links import Promotion
from hutong.platforms.refusals import PlatformRefused
from hutong.platforms.registry import Registry
from hutong.transport.client import HttpPool, HttpSettings
from hutong.transport.messages import Response
from hutong.transport.pacing import Pace

WAIT_S = 10
SIDES = pathlib.Path(__file__).parents[2] / "unit" / "connectors" / "conftest.py"


def _side(name, path):
    """A platform's side as the unit tests have it."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wechat_side():
    return _side("wechat_side", SIDES).WechatSide()


def wechatpay_case() -> Case:
    return wechatpay_case_of(_wechat_side())


def wechatpay_case_of(side) -> Case:
    MEMORY.forget_all()

    def throttled(request):
        if "/sns/" in request.url:
            return Response(status=200, headers={}, body=b'{"errcode":45011,"errmsg":"api minute-quota reach limit"}')
        return side.refusal(429, "FREQUENCY_LIMITED", "频率超限")

    def notice():
        body = side.notice(side.trade(out_trade_no=OUT_TRADE_NO))
        return side.headers(body), body

    def share(status):
        line = {
            "type": "MERCHANT_ID",
            "account": "1900000109",
            "amount": 100,
            "result": status,
            "detail_id": "36011111",
        }
        told = {"out_order_no": OUT_SHARE_NO, "order_id": "3008450740201411110007820472", "state": status}
        return side.answer({**told, "transaction_id": "4200", "receivers": [line]})

    def take_back(status):
        told = {"out_order_no": OUT_SHARE_NO, "out_return_no": OUT_RETURN_NO, "return_mchid": "1900000109"}
        return side.answer({**told, "order_id": "3008", "return_id": "3009", "amount": 100, "result": status})

    def bill(word):
        """Asked for, answered signed; the file is not."""
        names = "交易时间,微信订单号,商户订单号,交易状态,货币种类,微信退款单号,商户退款单号,退款状态,"
        names += "手续费,订单金额,申请退款金额"
        row = f"`2026-11-21 12:00:00,`4200,`{OUT_TRADE_NO},`SUCCESS,`CNY,`0,`0,`,`0.07000,`12.34,`0.00"
        sums = "总交易单数,手续费总金额,订单总金额,申请退款总金额\n`1,`0.07000,`12.34,`0.00\n"
        plain = f"{names}\n{row}\n{'' if word == 'cut' else sums}".encode()
        host = "https://elsewhere.example" if word == "elsewhere" else "https://pay.example"
        told = {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(plain).hexdigest(),
            "download_url": f"{host}/v3/billdownload/file?token=made-at-run-time",
        }
        codes = {"not_ready": "STATEMENT_CREATING", "empty": "NO_STATEMENT_EXIST"}

        def answer(request):
            if word in codes:
                return side.refusal(400, codes[word], "账单")
            if "/billdownload/" in request.url:
                return Response(status=200, headers={}, body=gzip.compress(plain))
            return side.answer(told)

        return answer

    return Case(
        connector=WECHATPAY,
        clock=side.clock,
        base_url="https://pay.example",
        credentials={
            **side.credentials,
            "platform_certificates": side.cert_pem,
            "mini_appid": "wxmini678efh567hg6",
            "mini_app_secret": "made-at-run-time-mini-app-secret",
            "api_key": "",
        },
        stranger={**side.credentials, "api_v3_key": "another-merchant's-APIv3-key-32b", "mchid": "1900000000"},
        sent_secrets=("app_secret", "mini_app_secret"),
        forgery=Forgery(
            throttled=throttled,
            answered=lambda body: Response(status=200, headers=side.headers(body), body=body),
            trade=lambda status: side.answer(side.trade(out_trade_no=OUT_TRADE_NO, trade_state=status)),
            refund=lambda status: side.answer(side.refund(out_refund_no=OUT_REFUND_NO, status=status)),
            charge=lambda status: side.answer(side.trade(out_trade_no=OUT_TRADE_NO, trade_state=status)),
            rescue=lambda status: side.answer(side.refund(out_refund_no=OUT_REFUND_NO, status=status)),
            share=share,
            take_back=take_back,
            bill=bill,
            notice=notice,
        ),
        sealed_calls=("rescue to a card", "add receiver"),
        own_codes=("134567890123456789", "100000000000000000", "159999999999999999"),
        other_codes=("284567890123456789", "160000000000000000", "094567890123456789", "62123456789012345678"),
    )


def wechatpay_provider_case() -> Case:
    """A service provider that acts for another merchant: other paths, other fields, other notices."""
    side = _wechat_side()
    plain = wechatpay_case_of(side)
    parties = {"sub_mchid": "1900000100", "sub_appid": "wxsub78efh567hg6787"}

    def trade(status):
        told = side.trade(out_trade_no=OUT_TRADE_NO, trade_state=status)
        mine = {"sp_mchid": told.pop("mchid"), "sp_appid": told.pop("appid")}
        return {**told, **mine, **parties, "payer": {"sp_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}

    def notice():
        body = side.notice(trade("SUCCESS"))
        return side.headers(body), body

    forgery = structs.replace(
        plain.forgery,
        trade=lambda status: side.answer(trade(status)),
        charge=lambda status: side.answer(trade(status)),
        notice=notice,
    )
    return structs.replace(
        plain,
        credentials={**plain.credentials, **parties},
        stranger={**plain.stranger, **parties},
        forgery=forgery,
    )


def wechatpay_v2_case() -> Case:
    """An account that charges payment codes by the older API."""
    side = _wechat_side()
    plain = wechatpay_case_of(side)
    key = "made-at-run-time-key-of-the-old-api"

    def old(fields) -> Response:
        told = {
            "return_code": "SUCCESS",
            "return_msg": "OK",
            "appid": side.credentials["appid"],
            "mch_id": side.credentials["mchid"],
            "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
            **fields,
        }
        text = "&".join([*(f"{name}={told[name]}" for name in sorted(told)), f"key={key}"])
        told["sign"] = hmac.new(key.encode(), text.encode(), "sha256").hexdigest().upper()
        body = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in told.items())
        return Response(status=200, headers={"content-type": "text/xml"}, body=f"<xml>{body}</xml>".encode())

    def throttled(request):
        if "/pay/" in request.url and "/v3/" not in request.url:
            return old({"result_code": "FAIL", "err_code": "FREQUENCY_LIMITED", "err_code_des": "频率超限"})
        return plain.forgery.throttled(request)

    def charge(status):
        paid = {"trade_type": "MICROPAY", "total_fee": "1234", "transaction_id": "4200", "time_end": "20261123120000"}
        return old({"result_code": "SUCCESS", "out_trade_no": OUT_TRADE_NO, "trade_state": status, **paid})

    _, certificate = side.certificate(side.merchant_key)
    return structs.replace(
        plain,
        credentials={**plain.credentials, "api_key": key, "client_certificate": certificate},
        stranger={**plain.stranger, "api_key": key, "client_certificate": certificate},
        forgery=structs.replace(plain.forgery, throttled=throttled, charge=charge),
    )


def taobao_case() -> Case:
    clock = StandingClock(dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC))

    def answer(record) -> Response:
        return Response(status=200, headers={"content-type": "text/javascript"}, body=json.dumps(record).encode())

    def order(status):
        trade = {
            "tid": int(ORDER_ID),
            "status": status,
            "payment": "7.00",
            "created": "2026-11-23 11:00:00",
            "modified": "2026-11-23 11:00:00",
        }
        return answer({"trade_fullinfo_get_response": {"trade": trade}})

    limited = {"code": 7, "msg": "App Call Limited", "sub_code": "accesscontrol.limited-by-api-access-count"}
    return Case(
        connector=TAOBAO,
        clock=clock,
        base_url="https://gw.example",
        credentials={
            "app_key": "21987231",
            "app_secret": "app-secret-made-for-this-run",
            "access_token": "session-made-for-this-run",
            "refresh_token": "refresh-made-for-this-run",
            "shop_id": "132592026",
        },
        sent_secrets=("access_token",),
        forgery=Forgery(
            throttled=lambda request: answer({"error_response": limited}),
            answered=lambda body: Response(status=200, headers={}, body=body),
            order=order,
        ),
    )


def douyin_alliance_case() -> Case:
    side = _side("douyin_side", SIDES.with_name("douyin_side.py"))

    def promoted(status):
        def answer(request):
            if request.url.partition("?")[0].endswith("/buyin/kolProductShare"):
                return side.answer(side.SHARED)
            first = json.loads(request.body)["cursor"] == "0"
            return side.page(*([{**side.ROW, "order_id": ORDER_ID, "flow_point": status}] if first else []), cursor="7")

        return answer

    return Case(
        connector=DOUYIN_ALLIANCE,
        clock=StandingClock(side.NOON),
        base_url="https://gw.example",
        credentials=side.CREDENTIALS,
        sent_secrets=("access_token",),
        promotion=Promotion(url=side.PAGE, names={"goods": "3636752471654793993"}, mark="01kb3q7Xh2Ab"),
        forgery=Forgery(
            throttled=lambda request: side.answer(code=60000, sub_msg="触发限流，请稍后重试"),
            answered=lambda body: Response(status=200, headers={}, body=body),
            promoted=promoted,
        ),
    )


def jd_alliance_case() -> Case:
    def answer(record) -> Response:
        return Response(status=200, headers={}, body=json.dumps(record).encode())

    def promoted(status):
        row = {"id": "415900297816660001", "orderId": int(ORDER_ID), "skuId": 100010793716, "validCode": int(status)}
        row |= {"orderTime": "2026-11-23 11:00:00", "modifyTime": "2026-11-23 11:30:00"}
        row |= {"estimateCosPrice": 54.0, "estimateFee": 2.43}
        address = {"clickURL": "https://union-click.jd.com/jdc?e=1&p=2"}

        def told(request):
            method = dict(parse_qsl(request.body.decode()))["method"]
            data = [row] if method.endswith(".query") else address
            result = {"code": 200, "message": "success", "data": data}
            name = method.replace(".", "_") + "_responce"
            return answer({name: {"code": "0", f"{method.rpartition('.')[2]}Result": json.dumps(result)}})

        return told

    limited = {"code": "2", "zh_desc": "限制时间内调用失败次数", "en_desc": "App Call Limited"}
    return Case(
        connector=JD_ALLIANCE,
        clock=StandingClock(dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)),
        base_url="https://api.example",
        credentials={
            "app_key": "0123456789abcdef0123456789abcdef",
            "app_secret": "fedcba9876543210fedcba9876543210",
            "site_id": "",
            "position_id": "",
        },
        forgery=Forgery(
            throttled=lambda request: answer({"error_response": limited}),
            answered=lambda body: Response(status=200, headers={}, body=body),
            promoted=promoted,
        ),
        promotion=Promotion(
            url="https://item.jd.com/100010793716.html", names={"item": "100010793716"}, mark="0Hk3vQ7Zb1"
        ),
    )


def pinduoduo_alliance_case(**more) -> Case:
    clock = StandingClock(dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC))
    at = int(clock.now().timestamp()) - 60

    def answer(record) -> Response:
        return Response(status=200, headers={"content-type": "application/json"}, body=json.dumps(record).encode())

    def promoted(status):
        """Every envelope at once: to make an address takes two calls."""
        address = {"url": "https://mobile.yangkeduo.com/duo_coupon_landing.html?goods_id=939144832144&pid=1_2"}
        order = {
            "order_sn": int(ORDER_ID),
            "order_status": int(status),
            "order_amount": 700,
            "order_create_time": at,
            "order_modify_at": at,
        }
        told = {
            "goods_search_response": {"goods_list": [{"goods_sign": "E9X2eMMq"}]},
            "goods_promotion_url_generate_response": {"goods_promotion_url_list": [address]},
            "order_list_get_response": {"order_list": [order], "total_count": 1},
        }
        return lambda request: answer(told)

    limited = {"error_code": 52101, "error_msg": "当前接口被限流，请稍后重试", "sub_code": "52101", "sub_msg": ""}
    page = "https://mobile.yangkeduo.com/goods.html?goods_id=939144832144"
    return Case(
        connector=PINDUODUO_ALLIANCE,
        clock=clock,
        base_url="https://gw-api.example",
        credentials={"client_id": "c1", "client_secret": "made-at-run-time-secret", "pid": "60005_612", **more},
        promotion=Promotion(url=page, names={"goods": "939144832144"}, mark="0J8w7Zk3bQ5xN2vT6yR1mC4hL9pD7sGaBcDeFab"),
        forgery=Forgery(
            throttled=lambda request: answer({"error_response": limited}),
            answered=lambda body: Response(status=200, headers={}, body=body),
            promoted=promoted,
        ),
    )


def taobao_alliance_case() -> Case:
    def answer(record) -> Response:
        return Response(status=200, headers={"content-type": "text/javascript"}, body=json.dumps(record).encode())

    def promoted(status):
        row = {
            "trade_id": ORDER_ID,
            "trade_parent_id": ORDER_ID,
            "adzone_id": 111112234455,
            "tk_status": int(status),
            "tk_create_time": "2026-11-23 11:50:00",
            "modified_time": "2026-11-23 11:55:00",
        }
        links = {"cps_short_url": "https://s.click.taobao.com/CvHjOPu"}
        materials = {"material_url_list": {"material_url_list": [{"link_info_dto": links}]}}
        told = {
            "taobao.tbk.adzone.create": {"data": {"model": "mm_12345678_45598009_111112234455"}},
            "taobao.tbk.dg.general.link.convert": {"data": materials},
            "taobao.tbk.order.details.get": {"data": {"results": {"publisher_order_dto": [row]}, "has_next": False}},
        }

        def forge(request):
            method = dict(parse_qsl(urlsplit(request.url).query))["method"]
            return answer({f"{method.removeprefix('taobao.').replace('.', '_')}_response": told[method]})

        return forge

    limited = {"code": 7, "msg": "App Call Limited", "sub_code": "accesscontrol.limited-by-api-access-count"}
    return Case(
        connector=TAOBAO_ALLIANCE,
        clock=StandingClock(dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)),
        base_url="https://gw.example",
        credentials={
            "app_key": "31987231",
            "app_secret": "promoters-secret-made-for-this-run",
            "pid": "mm_12345678_45598009_110000000001",
            "access_token": "promoters-session-made-for-this-run",
        },
        sent_secrets=("access_token",),
        forgery=Forgery(
            throttled=lambda request: answer({"error_response": limited}),
            answered=lambda body: Response(status=200, headers={}, body=body),
            promoted=promoted,
        ),
        promotion=Promotion(
            url="https://item.taobao.com/item.htm?id=612345678901", names={"item": "612345678901"}, mark="1C00ABCDEFG9"
        ),
    )


def wechat_account_case() -> Case:
    quota = b'{"errcode":45009,"errmsg":"reach max api daily quota limit rid: 1"}'
    return Case(
        connector=WECHAT_ACCOUNT,
        clock=StandingClock(dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)),
        base_url="https://api.example",
        credentials={"appid": "wx0123456789abcdef", "app_secret": "made-at-run-time-account-secret"},
        sent_secrets=("app_secret",),
        forgery=Forgery(
            throttled=lambda request: Response(status=200, headers={}, body=quota),
            answered=lambda body: Response(status=200, headers={}, body=body),
        ),
    )


def alipay_case() -> Case:
    module = _side("alipay_side", SIDES.with_name("alipay_side.py"))
    side = module.AlipaySide()
    side.mode_sn = side.cert_sn

    def method_of(request):
        return dict(parse_qsl(urlsplit(request.url).query))["method"]

    def returned(status):
        """One object under both names, for a return is asked for and then asked about."""
        record = {"out_trade_no": OUT_TRADE_NO, "out_request_no": OUT_RETURN_NO, "refund_status": status}
        one = json.loads(side.answer("a", {**record, "fund_change": "N"}).body)
        names = ("alipay_trade_refund_response", "alipay_trade_fastpay_refund_query_response")
        content = json.dumps(one["a_response"], ensure_ascii=False)
        body = ",".join(f'"{name}":{content}' for name in names)
        tail = f'"alipay_cert_sn":"{side.cert_sn}","sign":"{one["sign"]}"'
        return Response(status=200, headers={}, body=f"{{{body},{tail}}}".encode())

    def shared(status):
        detail = {"operation_type": "transfer", "trans_in": "1900000109", "amount": 1.00, "state": status}
        record = {"out_request_no": OUT_SHARE_NO, "royalty_detail_list": [detail]}
        return side.answer("alipay.trade.order.settle.query", record)

    def refunded(status):
        record = {"out_trade_no": OUT_TRADE_NO, "out_request_no": OUT_REFUND_NO, "refund_status": status}
        return side.answer("alipay.trade.fastpay.refund.query", {**record, "refund_amount": "2.34"})

    def bill(word):
        """Asked for, answered signed; the archive is not."""
        method = "alipay.data.dataservice.bill.downloadurl.query"
        lines = [
            "#支付宝业务明细查询",
            "支付宝交易号,商户订单号,业务类型,完成时间,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）",
            f"2026112122001\t,{OUT_TRADE_NO}\t,交易\t,2026-11-21 12:00:00,12.34,12.34,\t,-0.07",
            "#交易合计：1笔，商家实收共12.34元，商家优惠共0.00元",
            "#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元",
        ]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("details.csv", "\r\n".join(lines[:3] if word == "cut" else lines).encode("gbk"))
        host = "https://elsewhere.example" if word == "elsewhere" else "https://pay.example"
        told = side.answer(method, {"bill_download_url": f"{host}/downloadBillFile.resource?token=1"})

        def answer(request):
            if word in ("not_ready", "empty"):
                return side.refusal(method, "isp.bill_not_exist")
            if "/downloadBillFile.resource" in request.url:
                return Response(status=200, headers={}, body=packed.getvalue())
            return told

        return answer

    return Case(
        connector=ALIPAY,
        clock=side.clock,
        base_url="https://pay.example",
        credentials={**side.credentials, **side.certificates},
        stranger={**side.credentials, "alipay_public_key": module.public_pem_of(module.new_key())},
        stale=dt.timedelta(days=2),  # the last repetition comes after 25 hours
        signed_part=_form_of,
        own_codes=("280000000000000001", "2512345678901234", "301234567890123456789012"),
        other_codes=("130000000000000001", "310000000000000001", "2512345678901", "2812345678901234567890123"),
        forgery=Forgery(
            throttled=lambda request: side.refusal(method_of(request), "isv.app-call-limited", code="40005"),
            answered=lambda body: Response(status=200, headers={}, body=body),
            trade=lambda status: side.answer(
                "alipay.trade.query", side.trade(out_trade_no=OUT_TRADE_NO, trade_status=status)
            ),
            refund=refunded,
            charge=lambda status: side.answer(
                "alipay.trade.pay", {"out_trade_no": OUT_TRADE_NO, "trade_status": status}, code="10003"
            ),
            share=shared,
            take_back=returned,
            bill=bill,
            notice=lambda: (module.FORM, side.notice()),
        ),
    )


def _form_of(body: bytes) -> object:
    """A form's parameters; two ways to write the same percent escape are one."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return body


CASES = {
    "alipay": alipay_case,
    "douyin_alliance": douyin_alliance_case,
    "generic": lambda: Case(connector=Registry.from_entry_points().get("generic"), clock=StandingClock(None)),
    "jd_alliance": jd_alliance_case,
    "pinduoduo_alliance": pinduoduo_alliance_case,
    "pinduoduo_alliance with a filed uid": lambda: pinduoduo_alliance_case(uid="hub01"),
    "taobao": taobao_case,
    "taobao_alliance": taobao_alliance_case,
    "wechat_account": wechat_account_case,
    "wechatpay": wechatpay_case,
    "wechatpay as a service provider": wechatpay_provider_case,
    "wechatpay with the older API": wechatpay_v2_case,
}


@pytest.fixture(scope="session")
def cases():
    made = {}

    def case_of(name: str) -> Case:
        if name not in CASES:
            pytest.fail(f"connector {name} is installed, but has no conformance case")
        if name not in made:
            made[name] = CASES[name]()
        return made[name]

    return case_of


class Sandbox:
    """The simulated platforms in a process of their own, and a clock that follows theirs."""

    def __init__(self, process, ready):
        self.process = process
        self.control = ready["control"]
        self.http = httpx.Client(base_url=self.control, timeout=20)

    def get(self, path):
        return self.http.get(path).raise_for_status().json()

    def post(self, path, record):
        return self.http.post(path, json=record).raise_for_status().json()

    def put(self, path, record):
        return self.http.put(path, json=record).raise_for_status().json()

    def platform(self, name):
        return self.get("/platforms")[name]


@pytest.fixture(scope="session")
def sandbox_process():
    command = [pathlib.Path(sys.executable).with_name("hutong-sandbox"), "serve", "--port", "0", "--seed", "20261123"]
    with subprocess.Popen(
        [*command, "--lifeline"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        assert line.startswith("ready "), line
        sandbox = Sandbox(process, json.loads(line.removeprefix("ready ")))
        try:
            yield sandbox
        finally:
            sandbox.http.close()
            process.stdin.close()
            process.wait(timeout=20)


@pytest.fixture
def sandbox(sandbox_process):
    """The running sandbox, emptied."""
    sandbox_process.post("/reset", {})
    MEMORY.forget_all()
    return sandbox_process


class SandboxClock:
    """The sandbox's time, asked once for its distance from ours."""

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self.follow()

    def follow(self):
        theirs = dt.datetime.fromisoformat(self._sandbox.get("/clock")["now"])
        self._distance = theirs - dt.datetime.now(dt.UTC)

    def now(self):
        return dt.datetime.now(dt.UTC) + self._distance


class Inbox:
    """A merchant's callback address: keeps raw bytes, answers what it is told."""

    def __init__(self):
        self.got = []
        self.status = 204
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(inbox.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callbacks/wechatpay/1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def wait_for(self, count):
        deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=WAIT_S)
        while len(self.got) < count and dt.datetime.now(dt.UTC) < deadline:
            threading.Event().wait(0.05)
        assert len(self.got) >= count, f"only {len(self.got)} of {count} callbacks came"
        return self.got

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def inbox():
    made = Inbox()
    yield made
    made.close()


class Hub:
    """Calls a connector as the hub would: real pool, real pace, the sandbox's clock."""

    def __init__(self, sandbox, platform):
        self.sandbox = sandbox
        self.name = platform
        self.clock = SandboxClock(sandbox)
        self.seen = []

    def credentials(self, **changes):
        given = self.sandbox.platform(self.name)["credentials"]
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
        return {**texts, **changes}

    def run(self, call, *, settings=None, **changes):
        async def main():
            async with HttpPool(settings or HttpSettings(read_timeout_s=5)) as pool:
                account = Account(
                    platform=self.name,
                    base_url=self.sandbox.platform(self.name)["base_url"],
                    credentials=self.credentials(**changes),
                    http=pool.account(self.name, "a", Pace(calls=1000, seconds=1)),
                    clock=self.clock,
                )
                return await call(account)

        return asyncio.run(main())

    def fails(self, call, **more):
        with pytest.raises((PlatformRefused, PlatformUnknown)) as caught:
            self.run(call, **more)
        return caught.value


@pytest.fixture
def wechat(sandbox):
    return Hub(sandbox, "wechatpay")


@pytest.fixture
def shop(sandbox):
    return Hub(sandbox, "taobao")


@pytest.fixture
def alliance(sandbox):
    return Hub(sandbox, "douyin_alliance")


@pytest.fixture
def jd_alliance(sandbox):
    return Hub(sandbox, "jd_alliance")


@pytest.fixture
def hub_of(sandbox):
    """Calls of any connector, by the simulated platform's name."""
    return lambda name: Hub(sandbox, name)


@pytest.fixture
def promoter(sandbox):
    return Hub(sandbox, "taobao_alliance")
