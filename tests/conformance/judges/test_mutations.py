"""Every planted mistake in the simulators' signing is noticed by a judge: so their agreement means something."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

MUTATIONS_MIN = 10
SEALING = ("notice_sealed_without_associated_data", "notice_sealed_with_hashed_key")


def _names() -> dict[str, str]:
    place = Path(__file__).parent / "mutated_sandbox.py"
    spec = importlib.util.spec_from_file_location("mutated_sandbox", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: mutation[0] for name, mutation in module.MUTATIONS.items()}


NAMES = _names()
pytestmark = [pytest.mark.judge, pytest.mark.slow]


def test_there_are_enough():
    assert len(NAMES) >= MUTATIONS_MIN


@pytest.mark.parametrize(("mutation", "platform"), NAMES.items(), ids=NAMES)
def test_planted_mistake_is_noticed(environments, start_sandbox, judge, mutation, platform):
    with start_sandbox(mutation) as sandbox:
        code, verdicts = judge(environments[platform], sandbox, platform, "public_key", stop_at_first=True)
    assert code == 1, f"{mutation} went unnoticed: {verdicts}"
    assert [why for why in verdicts.values() if why], verdicts


@pytest.mark.parametrize("mutation", SEALING)
def test_badly_sealed_certificates_are_noticed(environments, start_sandbox, judge, mutation):
    with start_sandbox(mutation) as sandbox:
        code, verdicts = judge(environments["wechatpay"], sandbox, "wechatpay", "certificate", stop_at_first=True)
    assert (code, list(verdicts)) == (1, ["connect"])
