"""Simulated apps: schedules that are refused with their line, chance that repeats, the proof in small."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hutong_sandbox.apps.habits import PASSING, all_apps
from hutong_sandbox.apps.schedule import PHASE_CLICKS_MIN, ScheduleBroken, random_schedules, read_schedule

BENCH = Path(__file__).parents[2] / "bench"
GOOD = """\
- app: douyin
  system: ios
  to: pinduoduo
  changes:
    - {from_click: 0, does: refuses}
    - {from_click: 300, does: opens}
"""


def broken(tmp_path, text):
    file = tmp_path / "walls.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ScheduleBroken) as caught:
        read_schedule(file)
    told = caught.value.details
    assert told["file"] == "walls.yaml"
    assert str(told["line"]) in caught.value.text("zh-Hans").sentence
    return told["line"], told["reason"]


@pytest.mark.parametrize(
    ("before", "after", "line", "word"),
    [
        ("app: douyin", "app: douyn", 1, "douyn"),
        ("system: ios", "system: windows", 2, "windows"),
        ("to: pinduoduo", "to: nowhere", 3, "nowhere"),
        ("does: refuses", "does: vanishes", 5, "vanishes"),
        ("from_click: 0", "from_click: 1", 5, "click 0"),
        ("from_click: 300", "from_click: 3e2", 6, "3e2"),
        ("from_click: 300", "from_click: -1", 6, "-1"),
        ("from_click: 300", "from_click: 10", 6, "at least"),
        ("  to: pinduoduo\n", "", 1, "missing"),
        ("  to: pinduoduo\n", "  to: pinduoduo\n  to: jd\n", 4, "twice"),
        ("  changes:", "  change:", 4, "unknown key"),
    ],
)
def test_a_broken_schedule_is_refused_with_its_line(tmp_path, before, after, line, word):
    assert before in GOOD
    at, reason = broken(tmp_path, GOOD.replace(before, after, 1))
    assert (at, word in reason) == (line, True), reason


def test_a_file_that_is_none_is_refused(tmp_path):
    assert broken(tmp_path, GOOD + GOOD)[0] == 7, "the same cell twice"
    assert broken(tmp_path, "- [")[1].startswith("not valid YAML")
    assert broken(tmp_path, "")[1] == "no schedule"
    assert broken(tmp_path, "app: douyin\n") == (1, "a list is expected here")


def test_what_holds_follows_the_click(tmp_path):
    file = tmp_path / "walls.yaml"
    file.write_text(GOOD, "utf-8")
    (cell,) = read_schedule(file)
    assert [cell.does(click) for click in (0, 299, 300, 9_999)] == ["refuses", "refuses", "opens", "opens"]
    assert cell.phases(500) == [(0, 300, "refuses"), (300, 500, "opens")]
    assert cell.phases(200) == [(0, 200, "refuses")]


def test_the_same_seed_makes_the_same_schedules():
    first, again, other = (random_schedules(seed, 20, 3) for seed in (1, 1, 2))
    assert first == again != other
    assert len({(cell.app, cell.system, cell.to) for cell in first}) == 20
    for cell in first:
        assert (cell.app, cell.system, cell.to) in all_apps().moving()
        pairs = list(zip(cell.changes, cell.changes[1:], strict=False))
        assert len(pairs) == 2
        for before, after in pairs:
            assert after.from_click - before.from_click >= PHASE_CLICKS_MIN
            assert (before.does in PASSING) != (after.does in PASSING), "every change is one that can be seen"


@pytest.fixture
def proof(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    spec = importlib.util.spec_from_file_location("proof_walls", BENCH / "proof_walls.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_proof_can_fail(proof):
    def line(to, *, ok, adapted=20, judged=True):
        return {"app": "qq", "system": "ios", "to": to, "ok": ok, "is_judged": judged, "adapted_after": adapted}

    good, deaf = [line("jd", ok=True)], [line("jd", ok=False)]
    assert proof.verdict(good, deaf)["ok"]
    assert not proof.verdict([*good, line("weibo", ok=False)], deaf)["ok"]
    assert not proof.verdict(good, good)["ok"], "a hub that hears nothing and follows all the same proves nothing"
    assert not proof.verdict(good, [])["ok"]
    assert not proof.verdict([], deaf)["ok"]
    unjudged = line("weibo", ok=True, adapted=None, judged=False)
    assert not proof.verdict([unjudged], deaf)["ok"], "where nothing can be learned nothing is proven"
    told = proof.verdict([*good, unjudged], deaf)
    assert (told["ok"], told["phases"], told["not_judged"], told["adapted_after_most"]) == (True, 1, 1, 20)


@pytest.mark.slow
@pytest.mark.long
def test_the_hub_follows_walls_that_move_and_a_deaf_one_does_not():
    """``make proof-walls`` in small, on a hub of its own."""
    some = ["--written", "1", "--random", "1", "--control", "1", "--clicks", "540"]
    command = [sys.executable, str(BENCH / "proof_walls.py"), *some]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (lines, done.stderr)
    assert lines[-1]["kind"] == "verdict"
    assert lines[-1]["phases"] == 2 * (1 + 1)
