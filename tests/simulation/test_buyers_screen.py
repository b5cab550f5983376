"""The H5 page and the bridge that WeChat puts into pages."""

from __future__ import annotations

import functools
import json
import shutil
import threading
import time
import uuid
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

SCENE = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def invoke_of(wechat, number: str = "order-0001") -> dict[str, str]:
    prepay_id = wechat.order(number, method="jsapi", payer={"openid": OPENID}).json()["prepay_id"]
    parameters = {
        "appId": wechat.credentials["appid"],
        "timeStamp": str(int(time.time())),
        "nonceStr": uuid.uuid4().hex,
        "package": f"prepay_id={prepay_id}",
    }
    return {**parameters, "signType": "RSA", "paySign": wechat.sign("".join(f"{v}\n" for v in parameters.values()))}


def test_h5_page_shows_the_order_and_takes_the_money(sandbox, wechat, receiver):
    order = wechat.order("order-0001", 1230, "h5", scene_info=SCENE, notify_url=receiver.url, description="<b>面包</b>")
    h5_url = order.json()["h5_url"] + "&redirect_url=http%3A%2F%2F127.0.0.1%3A9%2Fpaid"
    page = wechat.http.get(h5_url).text
    assert "¥12.30" in page
    assert "<b>面包" not in page
    assert "确认支付" in page
    answer = wechat.http.post(h5_url)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:9/paid")
    assert len(receiver.got) == 1
    assert "确认支付" not in wechat.http.get(h5_url).text
    assert wechat.http.post(h5_url).status_code == 303
    assert len(receiver.got) == 1
    assert wechat.http.get(h5_url.replace("prepay_id=", "prepay_id=x")).status_code == 404


def test_bridge_pays_by_signed_parameters_alone(sandbox, wechat):
    invoke = invoke_of(wechat)
    refused = sandbox.http.post("/bridge/pay", content=json.dumps({"invoke": {**invoke, "nonceStr": "x"}}))
    assert refused.status_code == 401
    assert sandbox.http.post("/bridge/pay", content=b"{}").status_code == 400
    answer = sandbox.http.post("/bridge/pay", content=json.dumps({"invoke": invoke}))
    assert answer.json()["trade_state"] == "SUCCESS"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.browser
def test_bridge_in_a_browser(sandbox, wechat, tmp_path):
    from playwright.sync_api import sync_playwright

    (tmp_path / "pay.html").write_text("<!doctype html><title>pay</title>")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    pages = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=pages.serve_forever, args=(0.02,), daemon=True).start()
    invoke = "p => new Promise(done => WeixinJSBridge.invoke('getBrandWCPayRequest', p, done))"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(sandbox.http.get("/bridge.js").text)
        page.goto(f"http://127.0.0.1:{pages.server_port}/pay.html")
        parameters = invoke_of(wechat)
        assert page.evaluate(invoke, {**parameters, "paySign": "AAAA"}) == {"err_msg": "get_brand_wcpay_request:fail"}
        assert page.evaluate(invoke, parameters) == {"err_msg": "get_brand_wcpay_request:ok"}
        browser.close()
    pages.shutdown()
    pages.server_close()
    assert wechat.query("order-0001").json()["trade_state"] == "SUCCESS"
