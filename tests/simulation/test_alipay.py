"""The simulated Alipay by itself: signed by hand, over HTTP, in every form of request that SDKs send."""

from __future__ import annotations

import base64
import json
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from hutong_sandbox.alipay.buyers import CODE_LIFE, Users
from hutong_sandbox.sender import Sender
from hutong_sandbox.world import World

ANNA = {"type": "userId", "account": "2088123412341234", "memo": "m"}


class App:
    """An app that signs as the documents say, written here once more."""

    def __init__(self, sandbox, merchant="default"):
        given = sandbox.http.get(f"/platforms?merchant={merchant}").json()["alipay"]
        self.sandbox, self.base_url, self.credentials = sandbox, given["base_url"], given["credentials"]
        self.gateway = self.base_url + "/gateway.do"
        pem = self.credentials["private_key_pkcs8"].encode()
        self.key = serialization.load_pem_private_key(pem, None)
        self.http = httpx.Client(trust_env=False, timeout=20)

    def parameters(self, method, content=None, **more):
        values = {
            "app_id": self.credentials["app_id"],
            "method": method,
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": "2026-11-25 12:00:00",
            "version": "1.0",
            **more,
        }
        if content is not None:
            values["biz_content"] = json.dumps(content, ensure_ascii=False)
        values = {name: value for name, value in values.items() if value is not None}
        text = "&".join(f"{name}={values[name]}" for name in sorted(values))
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {**values, "sign": base64.b64encode(signature).decode()}

    def call(self, method, content=None, **more):
        answer = self.http.post(self.gateway, data=self.parameters(method, content, **more)).json()
        return answer[method.replace(".", "_") + "_response"]

    def order(self, number, **more):
        return {"out_trade_no": number, "total_amount": "100.00", "subject": "小面包", **more}

    def paid(self, number, **more):
        code = self.call("alipay.trade.precreate", self.order(number, **more))["qr_code"]
        return self.sandbox.post("/pay", platform="alipay", code_url=code).json()["trade_no"]

    def bind(self, *accounts):
        receivers = [{"type": "userId", "account": account, "memo": "m"} for account in accounts]
        return self.call("alipay.trade.royalty.relation.bind", {"out_request_no": "b", "receiver_list": receivers})

    def share(self, trade_no, number, *amounts, **more):
        lines = [{"trans_in": who, "trans_in_type": "userId", "amount": yuan} for who, yuan in amounts]
        content = {"trade_no": trade_no, "out_request_no": number, "royalty_parameters": lines, **more}
        return self.call("alipay.trade.order.settle", content)


@pytest.fixture
def app(sandbox):
    made = App(sandbox)
    yield made
    made.http.close()


def test_every_form_of_request_is_taken(app):
    """All in the query, all in the form, or parted; with POST or GET; with an absolute target as to a proxy."""
    whole = app.parameters("alipay.trade.query", {"out_trade_no": "S1"})
    parted = {name: value for name, value in whole.items() if name != "biz_content"}
    body = {"biz_content": whole["biz_content"]}
    answers = [
        app.http.get(app.gateway, params=whole).content,
        app.http.post(app.gateway, data=whole).content,
        app.http.post(f"{app.gateway}?{urlencode(parted)}", data=body).content,
        absolute(app, urlencode(parted), urlencode(body)),
    ]
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["alipay_trade_query_response"]["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def absolute(app, query, body):
    place = urlsplit(app.base_url)
    head = f"POST {app.gateway}?{query} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((place.hostname, place.port), 10) as line:
        line.sendall(
            f"{head}Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{body}".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("changes", "code", "sub_code"),
    [
        ({"sign_type": "RSA"}, "40002", "isv.invalid-signature-type"),
        ({"charset": "GBK"}, "40002", "isv.invalid-charset"),
        ({"app_id": "2021000000000000"}, "40002", "isv.invalid-app-id"),
        ({"timestamp": None}, "40001", "isv.missing-timestamp"),
        ({"timestamp": "2026-11-23T12:00:00"}, "40002", "isv.invalid-timestamp"),
        ({"timestamp": "2026-02-30 12:00:00"}, "40002", "isv.invalid-timestamp"),
        ({"app_cert_sn": "00", "alipay_root_cert_sn": "00"}, "40002", "isv.invalid-app-cert-sn"),
    ],
)
def test_wrong_common_parameters(app, changes, code, sub_code):
    answer = app.call("alipay.trade.query", {"out_trade_no": "S1"}, **changes)
    assert (answer["code"], answer["sub_code"]) == (code, sub_code)


def test_a_changed_request_is_refused_and_an_unknown_method_named(app):
    parameters = app.parameters("alipay.trade.query", {"out_trade_no": "S1"})
    for name in ("biz_content", "timestamp", "version"):
        changed = {**parameters, name: parameters[name] + " "}
        answer = app.http.post(app.gateway, data=changed).json()["alipay_trade_query_response"]
        assert answer["sub_code"] == "isv.invalid-signature", name
    assert app.call("alipay.trade.nothing", {})["sub_code"] == "isv.invalid-method"
    assert app.call("alipay.trade.query", {})["sub_code"] == "ACQ.INVALID_PARAMETER"


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e2", "NaN", "", None, True, "12.3 4", "100000001"])
def test_amounts_that_are_none(app, amount):
    answer = app.call("alipay.trade.precreate", app.order("S2", total_amount=amount))
    assert answer["sub_code"] == "ACQ.INVALID_PARAMETER"


@pytest.mark.parametrize(("amount", "fen"), [("0.07", 7), (0.07, 7), (12.3, 1230), (5, 500), ("1.10", 110)])
def test_amounts_are_exact_as_text_and_as_numbers(app, amount, fen):
    number = f"S3{fen}{type(amount).__name__}"
    code = app.call("alipay.trade.precreate", app.order(number, total_amount=amount))["qr_code"]
    app.sandbox.post("/pay", platform="alipay", code_url=code)
    assert [row["amount_fen"] for row in app.sandbox.http.get("/books").json()] == [fen]


def test_orders_end_by_themselves(app):
    buyer = {"buyer_id": "2088101117955611"}
    app.call("alipay.trade.create", app.order("S4", timeout_express="90m", **buyer))
    soon = (datetime.now(UTC) + timedelta(hours=8, minutes=5)).strftime("%Y-%m-%d %H:%M:%S")
    app.call("alipay.trade.create", app.order("S5", time_expire=soon, **buyer))
    app.paid("S6")
    app.sandbox.post("/clock/advance", seconds=400)
    states = [app.call("alipay.trade.query", {"out_trade_no": number})["trade_status"] for number in ("S4", "S5")]
    assert states == ["WAIT_BUYER_PAY", "TRADE_CLOSED"]
    app.sandbox.post("/clock/advance", seconds=6000)
    assert app.call("alipay.trade.query", {"out_trade_no": "S4"})["trade_status"] == "TRADE_CLOSED"
    app.sandbox.post("/clock/advance", seconds=366 * 86_400)
    assert app.call("alipay.trade.query", {"out_trade_no": "S6"})["trade_status"] == "TRADE_FINISHED"
    refund = app.call("alipay.trade.refund", {"out_trade_no": "S6", "refund_amount": "1.00", "out_request_no": "r"})
    assert refund["sub_code"] == "ACQ.TRADE_HAS_FINISHED"


def test_sharing_at_once_is_all_or_nothing_and_within_its_limits(app):
    trade_no, people = app.paid("S7"), [f"20880000000000{n:02d}" for n in range(6)]
    app.bind(*people[:5])
    strange = app.share(trade_no, "1", (people[0], "1.00"), (people[5], "1.00"))
    assert strange["sub_code"] == "ACQ.NON_ROYALTY_RELATION"
    app.bind(people[5])
    six = app.share(trade_no, "2", *[(who, "1.00") for who in people])
    assert six["sub_code"] == "ACQ.ROYALTY_RECEIVER_INVALID"
    over = app.share(trade_no, "3", (people[0], "20.00"), (people[1], "10.01"))
    assert over["sub_code"] == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    assert [row["shared_fen"] for row in app.sandbox.http.get("/books").json()] == [0]
    for n in range(50):
        assert app.share(trade_no, f"n{n}", (people[n % 6], "0.01"))["code"] == "10000"
    assert app.share(trade_no, "n50", (people[0], "0.01"))["sub_code"] == "ACQ.ROYALTY_RECEIVER_INVALID"
    assert app.share(trade_no, "n49", (people[1], "0.01"))["code"] == "10000"  # the same number is the same request
    other = app.share(trade_no, "n49", (people[1], "0.02"))
    assert other["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert [row["shared_fen"] for row in app.sandbox.http.get("/books").json()] == [50]
    mixed = app.share(trade_no, "a", (people[0], "0.01"), royalty_mode="async")
    assert mixed["sub_code"] == "ACQ.INVALID_PARAMETER"
    left = app.call("alipay.trade.order.onsettle.query", {"trade_no": trade_no})
    assert left["unsettled_amount"] == "29.50"
    assert app.call("alipay.trade.royalty.rate.query", {"out_request_no": "q"})["max_ratio"] == 30


def test_relations_are_listed_by_pages(app):
    app.bind(*[f"20880000000000{n:02d}" for n in range(20)])
    app.bind("2088000000000099")
    page = app.call("alipay.trade.royalty.relation.batchquery", {"page_num": "2", "page_size": "20"})
    assert (page["total_record_num"], page["total_page_num"]) == (21, 2)
    assert [row["account"] for row in page["receiver_list"]] == ["2088000000000099"]
    gone = {"out_request_no": "u", "receiver_list": [ANNA]}
    assert app.call("alipay.trade.royalty.relation.unbind", gone)["sub_code"] == "ROYALTY_RELATION_NOT_EXIST"


def test_a_shown_code_is_good_for_a_minute_and_one_order():
    world = World(1, Sender(None))
    users = Users(world)
    code, until = users.show_code(7)
    assert users.charge(code, "A") == 7
    assert users.charge(code, "A") == 7
    assert users.charge(code, "B") is None
    old, _ = users.show_code(8)
    world.clock.move_to(until + CODE_LIFE)
    assert users.charge(old, "C") is None
    assert users.charge("134567890123456789", "D") is None


def test_another_app_sees_nothing_of_it(app, sandbox):
    app.paid("S8")
    other = App(sandbox, "other")
    assert other.call("alipay.trade.query", {"out_trade_no": "S8"})["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    assert other.call("alipay.trade.precreate", other.order("S8"))["code"] == "10000"
    double = sandbox.post("/pay", platform="alipay", out_trade_no="S8")
    assert double.status_code == 400
    named = sandbox.post("/pay", platform="alipay", out_trade_no="S8", merchant="other")
    assert named.json()["trade_status"] == "TRADE_SUCCESS"
    other.http.close()


def test_the_page_that_an_sdk_posts_opens_too(app):
    parameters = app.parameters("alipay.trade.page.pay", app.order("S9"), return_url="https://shop.example/")
    body = {"biz_content": parameters.pop("biz_content")}
    page = app.http.post(f"{app.gateway}?{urlencode(parameters, quote_via=quote_plus)}", data=body)
    assert "100.00" in page.text
    assert "确认付款" in page.text
    wrong = app.http.post(f"{app.gateway}?{urlencode({**parameters, 'sign': 'AAAA'})}", data=body)
    assert wrong.status_code == 400


def test_the_app_bridge_is_alipays(app):
    script = app.sandbox.http.get("/bridge.js?platform=alipay").text
    assert "AlipayJSBridge" in script
    assert "__CONTROL__" not in script


def story(sandbox):
    """The same calls in any sandbox."""
    app = App(sandbox)
    app.paid("D1")
    app.call("alipay.trade.refund", {"out_trade_no": "D1", "refund_amount": "1.00", "out_request_no": "r1"})
    app.bind(ANNA["account"])
    app.http.close()
    sandbox.post("/clock/advance", seconds=10)
    return sandbox.http.get("/events?platform=alipay").json(), app.credentials


@pytest.mark.long
def test_a_seed_repeats_keys_and_events(new_sandbox):
    (one, keys), (two, same_keys) = (story(new_sandbox(42)) for _ in range(2))
    assert one == two
    assert keys == same_keys
