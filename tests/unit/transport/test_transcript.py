"""Nothing secret or personal survives in a transcript, wherever it stood."""

import asyncio
import base64
import json
from urllib.parse import quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.core.errors import PlatformUnknown
from hutong.transport.messages import Request, Response
from hutong.transport.transcript import BLANK, EXCHANGES_MAX, RecordingClient, Scrubber, Transcript

SECRET = "s3cr/et+值 of the 账号"
PEM = "-----BEGIN PRIVATE KEY-----\nQUJD\nREVG\n-----END PRIVATE KEY-----\n"


def everything(exchange) -> str:
    return msgspec.json.encode(exchange).decode() + repr(exchange)


def exchange_of(request_body=b"", response_body=b"", url="https://h/p", headers=None):
    request = Request(method="POST", url=url, headers=headers or {}, body=request_body)
    return Scrubber([SECRET]).exchange(request, Response(status=200, headers={}, body=response_body))


@pytest.mark.parametrize(
    "name",
    ["sign", "session", "access_token", "refresh_token", "app_secret", "receiver_name", "receiver_mobile", "buyer_nick",
     "openid", "phone", "code"],
)  # fmt: skip
def test_fields_go_by_name(name):
    value = "13800001234-张三"
    query = exchange_of(url="https://h/p?" + urlencode({"a": "1", name: value}))
    form = exchange_of(urlencode({"tid": "77", name: value}).encode())
    for kept, exchange in (("a=1", query), ("tid=77", form)):
        text = everything(exchange)
        assert "13800001234" not in text
        assert quote_plus("张三") not in text
        assert kept in text
        assert BLANK in text


def test_json_keys_go_at_any_depth_and_the_shape_stays():
    body = {
        "trade": [{"tid": 2**60, "receiver_phone": 13800001234, "address": {"town": ["长安街"]}}],
        "param_json": json.dumps({"inner": {"access_token": "abc", "sku": "K1"}}),
    }
    exchange = exchange_of(json.dumps(body).encode(), json.dumps({"code": 10000, "goods_name": "可乐"}).encode())
    seen = json.loads(exchange.request_body)
    assert seen["trade"][0] == {"tid": 2**60, "receiver_phone": BLANK, "address": {"town": [BLANK]}}
    assert json.loads(seen["param_json"]) == {"inner": {"access_token": BLANK, "sku": "K1"}}
    assert json.loads(exchange.response_body) == {"code": 10000, "goods_name": "可乐"}


def test_headers_keep_their_names_only():
    exchange = exchange_of(headers={"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1"', "Accept": "x"})
    assert exchange.request_headers == {"Authorization": BLANK, "Accept": "x"}


def test_private_keys_go_by_their_shape():
    text = everything(exchange_of(("note " + PEM).encode(), json.dumps({"innocent": PEM}).encode()))
    assert "QUJD" not in text
    assert "PRIVATE KEY" not in text


def test_bytes_that_are_no_text_are_only_counted():
    assert exchange_of(b"\xff\xfe\x00").request_body == "[3 bytes]"


WAYS = [
    lambda s: s,
    quote_plus,
    lambda s: json.dumps(s)[1:-1],
    lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    lambda s: base64.b64encode(s.encode()).decode(),
]


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=6, max_size=40),
    way=st.sampled_from(WAYS),
    place=st.sampled_from(["url", "header", "form", "json", "text"]),
)
def test_a_secret_value_is_found_under_any_name(secret, way, place):
    written = way(secret)
    request = {
        "url": lambda: Request(method="GET", url="https://h/p?" + urlencode({"innocent": secret})),
        "header": lambda: Request(method="GET", url="https://h/", headers={"X-Note": f"<{written}>"}),
        "form": lambda: Request(method="POST", url="https://h/", body=urlencode({"innocent": secret}).encode()),
        "json": lambda: Request(method="POST", url="https://h/", body=json.dumps({"k": [f"a {secret} b"]}).encode()),
        "text": lambda: Request(method="POST", url="https://h/", body=f"<xml>{written}</xml>".encode()),
    }[place]()
    exchange = Scrubber([secret]).exchange(request, None)
    seen = [exchange.url, exchange.request_body, *exchange.request_headers.values()]
    forms = {form(secret) for form in WAYS}
    assert not [form for form in forms for text in seen if form in text]
    assert BLANK in "".join(seen)


@given(st.binary(max_size=300))
def test_no_body_breaks_the_scrubber(body):
    exchange_of(body, body)


def test_a_deep_body_does_not_break_the_scrubber():
    exchange_of(b'{"a":' * 5000 + b"1" + b"}" * 5000)


def test_a_transcript_is_bounded_and_writes_lines():
    transcript = Transcript(Scrubber())
    for number in range(EXCHANGES_MAX + 3):
        transcript.record(Request(method="GET", url=f"https://h/{number}"), None)
    kept = transcript.exchanges()
    assert len(kept) == EXCHANGES_MAX
    assert kept[0].url == "https://h/3"
    assert len(transcript.json_lines().splitlines()) == EXCHANGES_MAX


def test_the_recording_client_keeps_answers_and_silences():
    class Inner:
        def __init__(self):
            self.silent = False

        async def send(self, request):
            if self.silent:
                raise PlatformUnknown(platform="p")
            return Response(status=201, headers={}, body=b"{}")

    async def main():
        inner, transcript = Inner(), Transcript(Scrubber([SECRET]))
        client = RecordingClient(inner, transcript)
        request = Request(method="POST", url="https://h/", body=SECRET.encode())
        assert (await client.send(request)).status == 201
        inner.silent = True
        with pytest.raises(PlatformUnknown):
            await client.send(request)
        return transcript

    transcript = asyncio.run(main())
    assert [exchange.status for exchange in transcript.exchanges()] == [201, None]
    assert SECRET.encode() not in transcript.json_lines()
