"""The README says what the sandbox says of itself."""

from __future__ import annotations

from pathlib import Path

PLATFORMS = (
    *("| wechatpay |", "| taobao |", "| alipay |", "| wechat_account |"),
    *("| pinduoduo_alliance |", "| jd_alliance |", "| douyin_alliance |", "| taobao_alliance |"),
)
README = Path(__file__).parents[2] / "src" / "hutong_sandbox" / "README.md"


def test_proof_table_is_the_sandboxes_own(sandbox):
    text = README.read_text(encoding="utf-8")
    wanted = [
        f"| {platform} | {capability} | {proof} |"
        for platform, proofs in sandbox.http.get("/proofs").json().items()
        for capability, proof in proofs.items()
    ]
    found = [line for line in text.splitlines() if line.startswith(PLATFORMS)]
    assert found == wanted


def test_every_control_address_is_described(sandbox):
    text = README.read_text(encoding="utf-8")
    for address in sandbox.http.get("/").json()["addresses"]:
        method, path = address.split(" ")
        if path not in ("/", "/healthz"):
            assert f"{method} {path}" in text, address
