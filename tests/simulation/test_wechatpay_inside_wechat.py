"""What happens on the buyer's screen: silent OAuth, the JSAPI cashier, the buyers' ids."""

from __future__ import annotations

import time
import uuid
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest


def authorise(wechat, *, headers: dict | None = None, **changes: str) -> httpx.Response:
    parameters = {
        "appid": wechat.credentials["appid"],
        "redirect_uri": "http://127.0.0.1:9/back?x=1",
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "s t/ate",
        **changes,
    }
    return wechat.http.get(wechat.base_url + "/connect/oauth2/authorize", params=parameters, headers=headers)


def exchange(wechat, code: str, **changes: str) -> dict:
    parameters = {
        "appid": wechat.credentials["appid"],
        "secret": wechat.credentials["app_secret"],
        "code": code,
        "grant_type": "authorization_code",
        **changes,
    }
    return wechat.http.get(wechat.base_url + "/sns/oauth2/access_token", params=parameters).json()


def code_in(answer: httpx.Response) -> str:
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def openid_of(wechat, **authorise_with) -> str:
    return exchange(wechat, code_in(authorise(wechat, **authorise_with)))["openid"]


def test_oauth_returns_to_the_page_with_code_and_state(wechat):
    location = authorise(wechat).headers["Location"]
    query = parse_qs(urlsplit(location).query)
    assert location.startswith("http://127.0.0.1:9/back?x=1&code=")
    assert query["state"] == ["s t/ate"]


def test_openid_is_the_buyers_own_and_stays(wechat, other_wechat):
    first = openid_of(wechat)
    assert first == openid_of(wechat)
    assert first == openid_of(wechat, headers={"X-Sandbox-Buyer": "1"})
    second = openid_of(wechat, headers={"X-Sandbox-Buyer": "2"})
    assert second == openid_of(wechat, headers={"Cookie": "a=b; sandbox_buyer=2"})
    assert len({first, second, openid_of(other_wechat)}) == 3


def test_codes_serve_once_and_for_five_minutes(sandbox, wechat, other_wechat):
    code = code_in(authorise(wechat))
    assert exchange(other_wechat, code)["errcode"] == 40029
    assert exchange(wechat, code)["scope"] == "snsapi_base"
    assert exchange(wechat, code)["errcode"] == 40163
    assert exchange(wechat, "0invented")["errcode"] == 40029
    code = code_in(authorise(wechat))
    sandbox.post("/clock/advance", seconds=301)
    assert exchange(wechat, code)["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [({"appid": "wx1"}, 40013), ({"secret": "x"}, 40125), ({"grant_type": "x"}, 40002), ({"secret": ""}, 41004)],
)
def test_oauth_errors(wechat, changes, errcode):
    assert exchange(wechat, code_in(authorise(wechat)), **changes)["errcode"] == errcode


def test_authorise_refuses_strange_requests(wechat):
    assert authorise(wechat, appid="wx1").status_code == 400
    assert authorise(wechat, redirect_uri="javascript:alert(1)").status_code == 400
    assert authorise(wechat, scope="everything").status_code == 400


def invoke_for(wechat, prepay_id: str) -> dict[str, str]:
    parameters = {
        "appId": wechat.credentials["appid"],
        "timeStamp": str(int(time.time())),
        "nonceStr": uuid.uuid4().hex,
        "package": f"prepay_id={prepay_id}",
    }
    return {**parameters, "signType": "RSA", "paySign": wechat.sign("".join(f"{v}\n" for v in parameters.values()))}


def test_jsapi_cashier_opens_only_for_a_rightly_signed_page(sandbox, wechat):
    openid = openid_of(wechat)
    prepay_id = wechat.order("order-0001", method="jsapi", payer={"openid": openid}).json()["prepay_id"]
    invoke = invoke_for(wechat, prepay_id)

    def pay(**changes: str) -> httpx.Response:
        return sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001", invoke={**invoke, **changes})

    for changes in (
        {"paySign": invoke["paySign"][:-8] + "AAAAAAA="},
        {"timeStamp": "1"},
        {"nonceStr": "other"},
        {"appId": "wx0"},
        {"package": "prepay_id=other"},
        {"signType": "MD5"},
    ):
        assert pay(**changes).status_code >= 400, changes
    assert wechat.query("order-0001").json()["trade_state"] == "NOTPAY"
    assert pay().json()["payer"] == {"openid": openid}


def test_prepay_id_lives_two_hours(sandbox, wechat):
    prepay_id = wechat.order("order-0001", method="jsapi", payer={"openid": openid_of(wechat)}).json()["prepay_id"]
    sandbox.post("/clock/advance", seconds=7201)
    assert sandbox.post("/pay", platform="wechatpay", prepay_id=prepay_id).status_code == 400
    again = wechat.order("order-0001", method="jsapi", payer={"openid": openid_of(wechat)}).json()["prepay_id"]
    assert again != prepay_id
    assert sandbox.post("/pay", platform="wechatpay", prepay_id=again).json()["trade_type"] == "JSAPI"


def test_only_the_named_payer_pays(sandbox, wechat):
    wechat.order("order-0001", method="jsapi", payer={"openid": openid_of(wechat)})
    assert sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001", buyer=2).status_code == 400
    assert sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001", buyer=1).status_code == 200


def test_openid_of_another_app_is_refused(wechat, other_wechat):
    answer = wechat.order("order-0001", method="jsapi", payer={"openid": openid_of(other_wechat)})
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert wechat.order("order-0001", method="jsapi", payer={"openid": "nobody"}).status_code == 400
    assert wechat.order("order-0001", method="jsapi").status_code == 400


def log_in(sandbox, buyer: int = 1) -> str:
    return sandbox.http.post("/logins", json={"platform": "wechatpay", "buyer": buyer}).json()["login_code"]


def session(wechat, code: str, **changes: str) -> dict:
    parameters = {
        "appid": wechat.credentials["mini_appid"],
        "secret": wechat.credentials["mini_app_secret"],
        "js_code": code,
        "grant_type": "authorization_code",
        **changes,
    }
    return wechat.http.get(wechat.base_url + "/sns/jscode2session", params=parameters).json()


def test_a_mini_programs_login_serves_once_and_tells_another_id_than_a_page(wechat, sandbox):
    code = log_in(sandbox)
    told = session(wechat, code)
    assert sorted(told) == ["openid", "session_key"]
    assert told["openid"] == session(wechat, log_in(sandbox))["openid"] != openid_of(wechat)
    assert told["openid"] != session(wechat, log_in(sandbox, 2))["openid"]
    assert session(wechat, code)["errcode"] == 40163


def test_what_a_mini_programs_login_is_not(wechat, sandbox):
    page = code_in(authorise(wechat))
    assert session(wechat, page)["errcode"] == 40029
    assert exchange(wechat, log_in(sandbox))["errcode"] == 40029
    wrong = {
        40013: {"appid": wechat.credentials["appid"]},
        40125: {"secret": wechat.credentials["app_secret"]},
        41008: {"js_code": ""},
        40002: {"grant_type": "client_credential"},
        40029: {"js_code": "0" * 32},
    }
    for errcode, changes in wrong.items():
        assert session(wechat, log_in(sandbox), **changes)["errcode"] == errcode
