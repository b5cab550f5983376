"""What a platform cannot do is answered by name, and costs it no line."""

from __future__ import annotations

import json

import pytest

LACKING = [
    ("POST", "/pay", "taobao", "TakesPayments"),
    ("POST", "/callbacks/replay", "taobao", "SendsCallbacks"),
    ("POST", "/callbacks/tamper", "taobao", "SendsCallbacks"),
    ("POST", "/certificates/rotate", "taobao", "RotatesKeys"),
    ("POST", "/bridge/pay", "taobao", "BridgesPages"),
    ("POST", "/buy", "wechatpay", "SellsGoods"),
    ("POST", "/shops/stock", "wechatpay", "SellsGoods"),
    ("POST", "/shops/orders", "wechatpay", "SellsGoods"),
]


@pytest.mark.parametrize(("method", "path", "platform", "ability"), LACKING)
def test_what_a_platform_lacks_is_named(sandbox, method, path, platform, ability):
    answer = sandbox.http.request(method, path, content=json.dumps({"platform": platform}))
    assert answer.status_code == 400
    assert answer.json()["details"] == {"field": "platform", "problem": f"{platform}: not {ability}"}


def test_each_platform_accepts_its_own_faults_only(sandbox):
    kinds = sandbox.http.get("/faults").json()["kinds"]
    assert {"wechatpay", "taobao"} <= kinds.keys()
    for platform, others in (("wechatpay", kinds["taobao"]), ("taobao", kinds["wechatpay"])):
        for kind in set(others) - set(kinds[platform]):
            answer = sandbox.http.put("/faults", content=json.dumps([{"platform": platform, "kind": kind}]))
            assert answer.status_code == 400, kind


def test_each_wallet_has_a_bridge_of_its_own(sandbox):
    script = sandbox.http.get("/bridge.js").text
    assert script == sandbox.http.get("/bridge.js?platform=wechatpay").text
    assert "WeixinJSBridge" in script
    assert sandbox.http.get("/bridge.js?platform=taobao").json()["details"]["problem"] == "taobao: not BridgesPages"
