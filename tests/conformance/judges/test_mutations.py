"""Every planted mistake in the simulators' signing is noticed by a judge: so their agreement means something."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parent / "mutated_sandbox.py"
MUTATIONS_MIN = 10
SEALING = ("notice_sealed_without_associated_data", "notice_sealed_with_hashed_key")


def _names() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("mutated_sandbox", LAUNCHER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: mutation[0] for name, mutation in module.MUTATIONS.items()}


NAMES = _names()
JUDGED = {name: platform for name, platform in NAMES.items() if platform != "vectors"}
BY_VECTOR = [name for name, platform in NAMES.items() if platform == "vectors"]
#: The second Alipay SDK knows certificates; another SDK than that of v3 knows the older API of WeChat Pay.
MODES = {"alipay_second": "certificate", "wechat_account": "account"}
PLATFORMS = {"alipay_second": "alipay", "jd_alliance_second": "jd_alliance", "wechatpay_older": "wechatpay"}
#: Each starts a sandbox and an SDK: every sixth of them here, which is some of each judge; all by `make proof-suite`.
SHOWN_EVERY = 6
PLANTED = [
    pytest.param(name, platform, id=name, marks=[pytest.mark.long] if number % SHOWN_EVERY else [])
    for number, (name, platform) in enumerate(sorted(JUDGED.items(), key=lambda mutation: mutation[1]))
]
TESTS_FAILED = 1  # pytest's exit code
pytestmark = [pytest.mark.judge, pytest.mark.slow]


def test_there_are_enough():
    assert len(NAMES) >= MUTATIONS_MIN
    shown = {platform for mutation in PLANTED if not mutation.marks for platform in mutation.values[1:]}
    assert shown == set(JUDGED.values()), "a judge of which `make test` shows nothing"


@pytest.mark.parametrize(("mutation", "platform"), PLANTED)
def test_planted_mistake_is_noticed(environments, start_sandbox, judge, mutation, platform):
    mode = MODES.get(platform, "public_key")
    with start_sandbox(mutation) as sandbox:
        name = PLATFORMS.get(platform, platform)
        code, verdicts = judge(environments[platform], sandbox, name, mode, stop_at_first=True)
    assert code == 1, f"{mutation} went unnoticed: {verdicts}"
    assert [why for why in verdicts.values() if why], verdicts


@pytest.mark.parametrize("mutation", ["", *BY_VECTOR])
def test_vectors_find_what_no_judge_sends(mutation):
    """The SDK signs with md5 only; the keyed digests are pinned by RFC 2202 and RFC 4231."""
    command = [sys.executable, str(LAUNCHER)]
    environment = {**os.environ, "HUTONG_SANDBOX_MUTATION": mutation}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == (TESTS_FAILED if mutation else 0), done.stdout
    assert " failed" in done.stdout or not mutation


@pytest.mark.parametrize("mutation", SEALING)
def test_badly_sealed_certificates_are_noticed(environments, start_sandbox, judge, mutation):
    with start_sandbox(mutation) as sandbox:
        code, verdicts = judge(environments["wechatpay"], sandbox, "wechatpay", "certificate", stop_at_first=True)
    assert (code, list(verdicts)) == (1, ["connect"])
