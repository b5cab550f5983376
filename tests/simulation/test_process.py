"""The sandbox as a process: ports, lifeline, control port, absolute request targets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest


def test_ready_line_names_every_port_on_loopback(sandbox):
    assert set(sandbox.addresses["platforms"]) == {
        "wechatpay",
        "taobao",
        "alipay",
        "wechat_account",
        "pinduoduo_alliance",
        "jd_alliance",
        "douyin_alliance",
        "taobao_alliance",
    }
    for url in [sandbox.addresses["control"], *sandbox.addresses["platforms"].values()]:
        assert url.startswith("http://127.0.0.1:")
    described = sandbox.http.get("/platforms").json()
    assert {name: entry["base_url"] for name, entry in described.items()} == sandbox.addresses["platforms"]
    for entry in described.values():
        assert all(isinstance(value, str) for value in entry["credentials"].values())


def test_lifeline_ends_the_process(new_sandbox):
    sandbox = new_sandbox(1)
    sandbox.process.stdin.close()
    assert sandbox.process.wait(10) == 0


def test_fixed_port_takes_the_next_ones(new_sandbox):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        taken = probe.getsockname()[1]
        probe.listen()
        command = [sys.executable, "-c", "from hutong_sandbox.cli import main; main()", "serve", "--port", str(taken)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert str(taken) in done.stderr
    assert "ready" not in done.stdout


def test_control_port_says_what_it_did_not_understand(sandbox):
    assert sandbox.http.get("/nowhere").status_code == 404
    assert sandbox.http.post("/pay", content=b"{").status_code == 400
    assert sandbox.post("/pay", platform="nobody").status_code == 404
    answer = sandbox.post("/pay", platform="taobao")
    assert answer.status_code == 400
    assert answer.json()["zh"]["sentence"]
    assert sandbox.post("/buy", platform="wechatpay").status_code == 400
    assert sandbox.post("/pay", platform="wechatpay", out_trade_no="none-such").status_code == 404
    assert sandbox.post("/clock/advance", seconds=-1).status_code == 400


def test_absolute_request_targets_are_understood(sandbox):
    host, port = sandbox.addresses["platforms"]["taobao"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(
            f"GET http://{host}:{port}/router/rest?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b""
        while block := line.recv(4096):
            answer += block
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["error_response"]["code"] == 21


@pytest.mark.parametrize(
    "garbage", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_garbage_on_the_line_hurts_nobody(sandbox, garbage):
    host, port = sandbox.addresses["control"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(garbage)
        line.recv(4096)
    assert sandbox.http.get("/healthz").status_code == 200


def test_reset_forgets_orders_and_keeps_keys(sandbox, wechat):
    wechat.order("order-0001")
    sandbox.post("/pay", platform="wechatpay", out_trade_no="order-0001")
    sandbox.post("/clock/advance", seconds=5000)
    before = sandbox.http.get("/platforms").json()
    sandbox.post("/reset")
    assert sandbox.http.get("/platforms").json() == before
    assert sandbox.http.get("/books").json() == []
    assert sandbox.http.get("/events").json() == []
    assert sandbox.http.get("/clock").json()["advanced_s"] == 0
    assert wechat.query("order-0001").status_code == 404
