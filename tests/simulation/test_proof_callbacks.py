"""``make proof-callbacks`` in small: wrong callbacks of every kind at the real door, and every genuine one passes."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
COUNT = 300
SCHEMES = 4
KINDS_MIN = 15


def test_no_wrong_callback_is_accepted_and_none_breaks_the_hub():
    command = [sys.executable, str(BENCH / "proof_callbacks.py"), "--count", str(COUNT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts = [line for line in lines if "ok" in line]
    assert len({verdict["scheme"] for verdict in verdicts}) == len(verdicts) == SCHEMES, done.stderr
    for verdict in verdicts:
        assert verdict["ok"], verdict
        assert (verdict["sent"], verdict["genuine"], verdict["stored"]) == (COUNT, COUNT // 100, COUNT // 100)
        assert verdict["wrong"] >= COUNT * 9 // 10
        kinds = {line["kind"] for line in lines if "kind" in line and line["scheme"] == verdict["scheme"]}
        assert len(kinds - {"genuine", "replay"}) >= KINDS_MIN
    assert done.returncode == 0


@pytest.fixture
def trial(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location("proof_callbacks", BENCH / "proof_callbacks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Trial.__new__(module.Trial)
    made.statuses = {"genuine": Counter({204: 3}), "replay": Counter({204: 3}), "wrong key": Counter({401: 5})}
    return made


def test_the_proof_can_fail(trial):
    assert trial.verdict(stored=3)["ok"]
    assert not trial.verdict(stored=4)["ok"], "a replay that was stored again"
    for kind, status in (("wrong key", 204), ("wrong key", 302), ("wrong key", 500), ("genuine", 401), ("replay", 503)):
        before = {name: Counter(found) for name, found in trial.statuses.items()}
        trial.statuses[kind][status] += 1
        assert not trial.verdict(stored=3)["ok"], (kind, status)
        trial.statuses = before
