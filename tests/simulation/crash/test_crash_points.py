"""The crash proof at one point in the middle, or at a few, evenly chosen; all of them: ``make proof-crash``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[3] / "bench" / "proof_crash.py"
#: Commits, sends and acknowledgements of one story; fewer means that hooks were lost. (Before events were dispatched in
#: batches and callbacks worked together, the same story had 226: fewer transactions, not fewer hooks.)
POINTS_MIN = 120


@pytest.mark.timeout(600)
@pytest.mark.parametrize("points", [1, pytest.param(4, marks=pytest.mark.long)])
def test_killed_at_any_point_the_story_ends_with_the_same_figures(points):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--sample", str(points)], check=False, capture_output=True, text=True, timeout=590
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1]["points"] >= POINTS_MIN
    assert (lines[-1]["killed"], lines[-1]["failed"]) == (points, 0)
    figures = lines[1]["figures"]
    assert figures["breaches"] == []
    assert figures["clicks_by_container"] == {"desktop": 1, "wechat": 1}
    assert (figures["stock"], figures["stock_on_taobao"], figures["books_sum_fen"]) == (8, 8, 0)
