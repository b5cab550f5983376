"""A running sandbox, a merchant's side written apart from the simulator, and a place that receives callbacks."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

START_S_MAX = 20


class Sandbox:
    """The sandbox's process and its control port."""

    def __init__(self, seed: int = 7) -> None:
        command = [sys.executable, "-c", "from hutong_sandbox.cli import main; main()"]
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0", "--seed", str(seed), "--lifeline"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line
        self.addresses = json.loads(line.removeprefix("ready "))
        self.http = httpx.Client(base_url=self.addresses["control"], trust_env=False, verify=False, timeout=30)

    def platform(self, name: str, merchant: str = "default") -> dict[str, Any]:
        return self.http.get("/platforms", params={"merchant": merchant}).json()[name]

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(path, json=body)

    def faults(self, *rules: dict[str, Any]) -> None:
        answer = self.http.put("/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        return [e for e in self.http.get("/events").json() if kind in (None, e["kind"])]

    def close(self) -> None:
        self.http.close()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class WechatMerchant:
    """A merchant's client for WeChat Pay, by hand: it shares no line with the simulator."""

    def __init__(self, platform: dict[str, Any], *, public_key_mode: bool = False) -> None:
        self.credentials = platform["credentials"]
        self.base_url = platform["base_url"]
        self.public_key_mode = public_key_mode
        self._key = serialization.load_pem_private_key(self.credentials["private_key"].encode(), None)
        self.http = httpx.Client(trust_env=False, verify=False, timeout=30)

    def sign(self, text: str) -> str:
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def call(self, method: str, target: str, body: Any = None, *, spoil: str = "", age_s: int = 0) -> httpx.Response:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        timestamp, nonce = str(int(time.time()) - age_s), uuid.uuid4().hex
        signature = self.sign(f"{method}\n{target}\n{timestamp}\n{nonce}\n{raw.decode()}\n")
        if spoil:
            raw = raw.replace(*[part.encode() for part in spoil.split(">")], 1)
        header = (
            f'WECHATPAY2-SHA256-RSA2048 mchid="{self.credentials["mchid"]}",nonce_str="{nonce}",'
            f'signature="{signature}",timestamp="{timestamp}",serial_no="{self.credentials["serial_no"]}"'
        )
        headers = {"Authorization": header, "Content-Type": "application/json", "Accept": "application/json"}
        if self.public_key_mode:
            headers["Wechatpay-Serial"] = self.credentials["public_key_id"]
        answer = self.http.request(method, self.base_url + target, content=raw, headers=headers)
        if 200 <= answer.status_code < 300:
            self.verify(answer.headers, answer.content)
        return answer

    def verify(self, headers: Any, body: bytes) -> None:
        serial = headers["Wechatpay-Serial"]
        if serial == self.credentials["public_key_id"]:
            key = serialization.load_pem_public_key(self.credentials["public_key"].encode())
        else:
            from cryptography import x509

            found = x509.load_pem_x509_certificates(self.credentials["platform_certificates"].encode())
            key = next(c.public_key() for c in found if f"{c.serial_number:X}" == serial)
        text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
        key.verify(base64.b64decode(headers["Wechatpay-Signature"]), text, padding.PKCS1v15(), hashes.SHA256())

    def open_notice(self, body: bytes) -> dict[str, Any]:
        notice = json.loads(body)
        sealed = notice["resource"]
        key = self.credentials["api_v3_key"].encode()
        plain = AESGCM(key).decrypt(
            sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), sealed["associated_data"].encode()
        )
        return {**notice, "resource": json.loads(plain)}

    def order(self, number: str, total: int = 990, method: str = "native", **extra: Any) -> httpx.Response:
        body = {
            "mchid": self.credentials["mchid"],
            "appid": self.credentials["appid"],
            "description": "小面包",
            "out_trade_no": number,
            "notify_url": "http://127.0.0.1:9/none",
            "amount": {"total": total, "currency": "CNY"},
            **extra,
        }
        return self.call("POST", f"/v3/pay/transactions/{method}", body)

    def query(self, out_trade_no: str) -> httpx.Response:
        mchid = self.credentials["mchid"]
        return self.call("GET", f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}")

    def refund(self, out_trade_no: str, number: str, refund: int, total: int, **extra: Any) -> httpx.Response:
        body = {
            "out_trade_no": out_trade_no,
            "out_refund_no": number,
            "amount": {"refund": refund, "total": total, "currency": "CNY"},
            **extra,
        }
        return self.call("POST", "/v3/refund/domestic/refunds", body)


class TopClient:
    """A client for TOP, by hand: a seller's with its session, a promoter's without one."""

    def __init__(self, platform: dict[str, Any]) -> None:
        self.credentials = platform["credentials"]
        self.base_url = platform["base_url"]
        self.http = httpx.Client(trust_env=False, verify=False, timeout=30)

    def call(self, method: str, *, secret: str | None = None, system: dict[str, str] | None = None, **arguments: Any):
        parameters = {
            "method": method,
            "app_key": self.credentials["app_key"],
            "timestamp": str(int(time.time() * 1000)),
            "format": "json",
            "v": "2.0",
            "sign_method": "md5",
            **({"session": self.credentials["access_token"]} if "access_token" in self.credentials else {}),
            **(system or {}),
        }
        business = {name: str(value) for name, value in arguments.items()}
        text = "".join(k + v for k, v in sorted({**parameters, **business}.items()))
        key = secret or self.credentials["app_secret"]
        parameters["sign"] = hashlib.md5(f"{key}{text}{key}".encode()).hexdigest().upper()
        answer = self.http.post(self.base_url + "/router/rest", params=parameters, data=business)
        assert answer.status_code == 200
        return answer.json()


class Receiver:
    """A merchant's callback address that answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/notify"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.post("/reset")
    return running_sandbox


@pytest.fixture
def new_sandbox() -> Iterator[Callable[[int], Sandbox]]:
    made: list[Sandbox] = []

    def make(seed: int) -> Sandbox:
        made.append(Sandbox(seed))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def wechat(sandbox: Sandbox) -> Iterator[WechatMerchant]:
    merchant = WechatMerchant(sandbox.platform("wechatpay"))
    yield merchant
    merchant.http.close()


@pytest.fixture
def wechat_by_public_key(sandbox: Sandbox) -> Iterator[WechatMerchant]:
    merchant = WechatMerchant(sandbox.platform("wechatpay"), public_key_mode=True)
    yield merchant
    merchant.http.close()


@pytest.fixture
def other_wechat(sandbox: Sandbox) -> Iterator[WechatMerchant]:
    merchant = WechatMerchant(sandbox.platform("wechatpay", "other"))
    yield merchant
    merchant.http.close()


@pytest.fixture
def seller(sandbox: Sandbox) -> Iterator[TopClient]:
    seller = TopClient(sandbox.platform("taobao"))
    yield seller
    seller.http.close()


@pytest.fixture
def top_client() -> type[TopClient]:
    return TopClient
