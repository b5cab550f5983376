"""Unmodified third-party SDKs drive the simulators, and agree with them in every check."""

from __future__ import annotations

import ast
import base64
import csv
import hashlib
from pathlib import Path

import pytest
from judges_roster import CHECKS, PLATFORMS, SDKS

HERE = Path(__file__).parent
pytestmark = [pytest.mark.judge, pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param("wechatpay", "public_key", marks=pytest.mark.long),
        ("wechatpay", "certificate"),
        ("wechatpay", "async public_key"),
        pytest.param("wechatpay", "async certificate", marks=pytest.mark.long),
        ("wechatpay_older", "key"),
        ("wechat_account", "account"),
        ("taobao", "session"),
        ("pinduoduo_alliance", "key"),
        ("douyin_alliance", "token"),
        ("jd_alliance", "older address"),
        ("jd_alliance_second", "newer address"),
        ("taobao_alliance", "alliance"),
        ("alipay", "public_key"),
        pytest.param("alipay_second", "public_key", marks=pytest.mark.long),
        ("alipay_second", "certificate"),
    ],
)
def test_judge_agrees(environments, start_sandbox, judge, name, mode):
    with start_sandbox() as sandbox:
        platform = PLATFORMS.get(name, name)
        code, verdicts = judge(environments[name], sandbox, platform, mode, stop_at_first=False)
    assert verdicts == dict.fromkeys(CHECKS[name], "")
    assert code == 0


@pytest.mark.parametrize("platform", sorted(SDKS))
def test_the_sdks_files_are_as_published(environments, platform):
    packages = environments[platform].packages
    [record] = packages.glob(f"{SDKS[platform]}-*.dist-info/RECORD")
    compared = 0
    for name, digest, _size in csv.reader(record.read_text().splitlines()):
        if digest:
            found = hashlib.sha256((packages / name).read_bytes()).digest()
            assert base64.urlsafe_b64encode(found).decode().rstrip("=") == digest.removeprefix("sha256="), name
            compared += 1
    assert compared >= 8


def test_nothing_but_the_listed_shims_touches_an_sdk():
    """No judge replaces or reaches into anything of an SDK; only shims.py may, and lists what."""
    for script in sorted(HERE.glob("judge_*.py")):
        tree = ast.parse(script.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                assert ast.unparse(node.value) in ("self", "judge"), f"{script.name}:{node.lineno} {ast.unparse(node)}"
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Attribute):
                        assert ast.unparse(target.value) in ("self", "judge"), f"{script.name}:{node.lineno}"
    shims = ast.parse((HERE / "shims.py").read_text())
    listed = next(n for n in shims.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "SHIMS")
    assert [entry[0] for entry in ast.literal_eval(listed.value)] == [
        "wechatpayv3",
        "wechatpayv3",
        "wechatpy",
        "wechatpy",
        "taobao-openapi",
        "pdd-sdk",
        "jdu",
        "jd-sdk",
        "alipay-sdk-python",
        "python-alipay-sdk",
        "doudian",
    ]


@pytest.mark.parametrize("platform", sorted(SDKS))
def test_locks_hold_hashes_and_no_address(environments, platform):
    text = environments[platform].lock.read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text
