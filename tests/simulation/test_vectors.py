"""The simulator's own texts and digests against vectors from outside."""

from __future__ import annotations

import pytest

from hutong_sandbox.jd import signing as jd
from hutong_sandbox.pinduoduo import signing as pinduoduo
from hutong_sandbox.taobao import signing as top
from hutong_sandbox.wechatpay import older
from hutong_sandbox.wechatpay import signing as wechat

# open.taobao.com, 签名算法 (docId 101617), the worked example: secret helloworld.
TOP_EXAMPLE = {
    "method": "taobao.item.seller.get",
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
TOP_SIGN = "66987CB115214E59E6EC978214934FB8"


def test_top_worked_example():
    text = top.canonical(TOP_EXAMPLE, with_empty=True)
    assert top.signature("md5", "helloworld", text) == TOP_SIGN
    assert top.verifies("helloworld", {**TOP_EXAMPLE, "sign": TOP_SIGN})
    assert not top.verifies("helloworld", {**TOP_EXAMPLE, "sign": TOP_SIGN.lower()})
    assert not top.verifies("helloworlD", {**TOP_EXAMPLE, "sign": TOP_SIGN})
    for name in TOP_EXAMPLE:
        if name != "sign_method":
            assert not top.verifies("helloworld", {**TOP_EXAMPLE, name: "x", "sign": TOP_SIGN}), name


@pytest.mark.parametrize(
    ("method", "secret", "parameters", "expected"),
    [
        # RFC 2202, test case 1: name and value join to "Hi There".
        ("hmac", "\x0b" * 16, {"Hi": " There"}, "9294727A3638BB1C13F48EF8158BFC9D"),
        # RFC 4231, test case 2: name and value join to "what do ya want for nothing?".
        (
            "hmac-sha256",
            "Jefe",
            {"what do ya want": " for nothing?"},
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
        ),
    ],
)
def test_top_keyed_digests(method, secret, parameters, expected):
    assert top.signature(method, secret, top.canonical(parameters, with_empty=True)) == expected


# jd-sdk 1.1.1 (PyPI), jd.api.base.sign, run by itself.
JD_SECRET = "fedcba9876543210fedcba9876543210"
JD_CALL = {
    "method": "jd.union.open.promotion.bysubunionid.get",
    "v": "1.0",
    "app_key": "0123456789abcdef0123456789abcdef",
    "timestamp": "2026-11-23 12:00:00.000+0800",
    "360buy_param_json": '{"promotionCodeReq": {"materialId": "https://item.jd.com/100010793716.html", '
    '"subUnionId": "0Hk3vQ7Zb1"}}',
}
JD_SIGN = "1061E3222EF9999C8C3ABEAC35280517"


def test_jd_signature_of_the_official_sdk():
    assert jd.verifies(JD_SECRET, {**JD_CALL, "sign": JD_SIGN})
    assert not jd.verifies(JD_SECRET, {**JD_CALL, "sign": JD_SIGN.lower()})
    assert not jd.verifies(JD_SECRET.upper(), {**JD_CALL, "sign": JD_SIGN})
    for name, value in JD_CALL.items():
        assert not jd.verifies(JD_SECRET, {**JD_CALL, name: value + " ", "sign": JD_SIGN}), name


# pay.weixin.qq.com, APIv3 签名生成 and JSAPI调起支付: the worked examples' texts, byte for byte.
def test_wechatpay_texts():
    nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
    assert (
        wechat.request_text("GET", "/v3/certificates", "1554208460", nonce, b"")
        == b"GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n"
    )
    assert (
        wechat.answer_text("1554209980", "c5ac7061fccab6bf3e254dcf98995b8c", b'{"data":[]}')
        == b'1554209980\nc5ac7061fccab6bf3e254dcf98995b8c\n{"data":[]}\n'
    )
    assert (
        wechat.invoke_text("wx2421b1c4370ec43b", "1554208460", nonce, "prepay_id=wx201410272009395522657a690389285100")
        == b"wx2421b1c4370ec43b\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n"
        b"prepay_id=wx201410272009395522657a690389285100\n"
    )


# github.com/wechatpay-apiv3/wechatpay-skills at 15f40d0, 签名与验签规则: the app's fourth line is the bare prepay_id.
def test_wechatpay_app_text():
    nonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
    assert (
        wechat.app_invoke_text("wx2421b1c4370ec43b", "1554208460", nonce, "wx201410272009395522657a690389285100")
        == b"wx2421b1c4370ec43b\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\nwx201410272009395522657a690389285100\n"
    )


# pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=4_3, the worked example, with both digests.
OLDER_EXAMPLE = {
    "appid": "wxd930ea5d5a258f4f",
    "mch_id": "10000100",
    "device_info": "1000",
    "body": "test",
    "nonce_str": "ibuaiVcKdpRxkhJA",
    "attach": "",
}
OLDER_KEY = "192006250b4c09247ec02edce69f6a2d"
OLDER_SIGNS = {
    "MD5": "9A0A8659F005D6984697E2CA0A9CF3B7",
    "HMAC-SHA256": "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
}


def test_wechatpay_older_worked_example():
    for sign_type, expected in OLDER_SIGNS.items():
        message = {**OLDER_EXAMPLE, "sign": "not signed itself"}
        assert older.message_sign(message, OLDER_KEY, sign_type) == expected
        assert older.message_sign({**message, "attach": "x"}, OLDER_KEY, sign_type) != expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"<xml><a>1</b></xml>",
        b"<xml><a><b>1</b></a></xml>",
        b"<xml>text</xml>",
        b"<xml><a>1</a></xml><xml/>",
        b'<!DOCTYPE xml [<!ENTITY e "x">]><xml><a>&e;</a></xml>',
        b"<xml>" + b" " * older.XML_BYTES_MAX + b"</xml>",
    ],
)
def test_wechatpay_older_messages_are_flat(body):
    with pytest.raises(older.BadMessage):
        older.read_xml(body)


def test_wechatpay_older_messages_come_back_as_written():
    fields = {"body": "a<b & c>d ]] 中", "attach": "1", "total_fee": "1"}
    assert older.read_xml(older.write_xml(fields)) == fields
    assert older.read_xml(b"<xml>\n  <a>1 &lt; 2 &amp;amp;</a>\n</xml>") == {"a": "1 < 2 &amp;"}


def test_wechatpay_authorization_header_in_any_order():
    header = (
        'WECHATPAY2-SHA256-RSA2048 mchid="1900009191",nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",signature="uO+/==",'
        'timestamp="1554208460",serial_no="1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"'
    )
    parsed = wechat.parse_authorization(header)
    assert parsed is not None
    assert (parsed.mchid, parsed.signature, parsed.timestamp) == ("1900009191", "uO+/==", "1554208460")
    scheme, _, fields = header.partition(" ")
    assert wechat.parse_authorization(f"{scheme} {','.join(reversed(fields.split(',')))}") == parsed
    assert wechat.parse_authorization(fields) is None
    assert wechat.parse_authorization(header.replace("mchid", "merchant")) is None


# open.pinduoduo.com, 签名算法 (browse?idStr=8EC06C399636041E), the worked example: secret testSecret.
PINDUODUO_EXAMPLE = {
    "type": "pdd.order.number.list.get",
    "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
    "client_id": "1",
    "data_type": "XML",
    "timestamp": "1480411125",
    "order_status": "1",
    "page": "1",
    "page_size": "10",
}
PINDUODUO_SIGN = "E4DE3ED21002510DED352819E7AE6775"


def test_pinduoduo_worked_example():
    assert pinduoduo.signature("testSecret", pinduoduo.canonical(PINDUODUO_EXAMPLE)) == PINDUODUO_SIGN
    assert pinduoduo.verifies("testSecret", {**PINDUODUO_EXAMPLE, "sign": PINDUODUO_SIGN})
    assert not pinduoduo.verifies("testSecret", {**PINDUODUO_EXAMPLE, "sign": PINDUODUO_SIGN.lower()})
    assert not pinduoduo.verifies("testsecret", {**PINDUODUO_EXAMPLE, "sign": PINDUODUO_SIGN})
    for name in PINDUODUO_EXAMPLE:
        assert not pinduoduo.verifies("testSecret", {**PINDUODUO_EXAMPLE, name: "x", "sign": PINDUODUO_SIGN}), name
