"""A hub whose database has gone for good ends too and says so; started again it has everything. A demo without its hub
ends as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from restartable import World, wait_until

from hutong.cli.processes import PartEnded
from hutong.db.cluster import Cluster
from hutong.db.refusals import DatabaseEnded

pytestmark = pytest.mark.slow

ENDS_WITHIN_S = 30


def parent(pid: int) -> int:
    """The parent's process id (Linux)."""
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="/proc")
def test_a_hub_whose_lifeline_was_killed_ends_with_a_sentence():
    world = World(seed=20261126)
    try:
        world.start_hub()
        with world.api() as api:
            key = {"idempotency-key": "one"}
            assert api.post("/products", json={"title": "杯"}, headers=key).status_code == 201
        found = Cluster(world.home).postmaster()
        assert found is not None
        os.kill(parent(found[0]), signal.SIGKILL)
        wait_until("the hub's end", lambda: world.hub.process.poll() is not None, ENDS_WITHIN_S)
        assert world.hub.process.poll() == 1
        last = world.hub.tail()[-600:]
        assert any(sentence in last for sentence in (DatabaseEnded.zh.sentence, DatabaseEnded.en.sentence))
        assert "Traceback" not in last
        world.kill_hub()  # nothing is left to kill; the next one may start
        world.start_hub(fresh_login=False)
        assert world.count("product") == 1
        assert world.breaches() == []
    finally:
        world.close()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="/proc")
@pytest.mark.long
def test_a_demo_whose_hub_was_killed_ends_with_a_sentence(tmp_path):
    demo = subprocess.Popen(
        [str(Path(sys.executable).parent / "hutong"), "demo", "--still", "--port", "0"],
        env={**os.environ, "HUTONG_HOME": str(tmp_path / "shop")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("ready ")
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        hubs = [pid for pid in map(int, children) if b"hutong-sandbox" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(hubs[0], signal.SIGKILL)
        _, said = demo.communicate(timeout=ENDS_WITHIN_S)
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(ENDS_WITHIN_S)
    assert demo.returncode == 1
    expected = {text.sentence.format(part="hutong") for text in (PartEnded.zh, PartEnded.en)}
    assert any(sentence in said for sentence in expected), said[-2000:]
