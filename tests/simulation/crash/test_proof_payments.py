"""The payments proof with a few buyers and two kills; a hundred thousand of them: ``make proof-payments``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[3] / "bench" / "proof_payments.py"
PAYMENTS = 90
KILLS = 2


@pytest.mark.timeout(900)
def test_faults_and_kills_lose_and_double_nothing():
    arguments = ["--payments", str(PAYMENTS), "--kills", str(KILLS), "--minutes", "12"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *arguments], check=False, capture_output=True, text=True, timeout=890
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    end = lines[-1]
    assert (end["payments"], end["kills"], end["wrong"], end["breaches"], end["whole"]) == (PAYMENTS, KILLS, 0, 0, True)
    told = next(line for line in lines if "share_faulted" in line)
    assert told["share_faulted"] >= 0.3
    assert {kind for kind, count in told["faults"].items() if count} >= {"F1 lost callback", "F9 paid twice"}
    figures = next(line for line in lines if "figures" in line)["figures"]
    assert figures["orders"] == PAYMENTS
    assert figures["surplus"] == figures["tickets"]["surplus_captured"] > 0
    webhooks = next(line for line in lines if "webhooks" in line)
    assert webhooks["silent_s"] > 24 * 3600
    assert webhooks["webhooks"]["heard"] == webhooks["webhooks"]["events"] > PAYMENTS
    assert webhooks["webhooks"]["heard_again"] > 0, "what was not answered came again"
