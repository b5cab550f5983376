"""The command ``hutong import orders``: what it leaves behind, what it tells, and its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

pytestmark = pytest.mark.slow

HUTONG = Path(sys.executable).parent / "hutong"
HEADER = "order_no,sku,quantity,unit_price,order_time,status\n"
GOOD = "A1,MUG,2,12.50,2026-01-05 10:00,paid\n"
BAD = "A2,MUG,many,12.50,2026-01-05 10:00,paid\n"


class Fresh:
    """An empty home on a database of its own."""

    def __init__(self, server, folder):
        self.url = server.url(f"import_{os.urandom(5).hex()}")
        self.folder = folder
        self.home = folder / "home"

    def load(self, content, *options, platform="generic"):
        file = self.folder / "orders.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        environment = {**os.environ, "HUTONG_HOME": str(self.home), "HUTONG_DATABASE_URL": self.url}
        call = [HUTONG, "import", "orders", file, "--platform", platform, *options]
        return subprocess.run(call, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def counts(self):
        """Rows of what an import makes."""

        async def work():
            connection = await asyncpg.connect(self.url)
            try:
                return {
                    name: await connection.fetchval(f"SELECT count(*) FROM {name}")
                    for name in ("merchant", "staff", "sales_order", "import_run")
                }
            finally:
                await connection.close()

        return asyncio.run(work())


@pytest.fixture
def fresh(server, tmp_path):
    return Fresh(server, tmp_path)


NOTHING = {"merchant": 0, "staff": 0, "sales_order": 0, "import_run": 0}


def test_a_broken_file_makes_no_shop_and_the_next_one_tells_the_login(fresh):
    broken = fresh.load(b"PK\x03\x04 an archive that was cut off")
    assert (broken.returncode, "login " in broken.stderr) == (1, False)
    assert "Traceback" not in broken.stderr
    assert fresh.counts() == NOTHING

    refused = fresh.load(HEADER + BAD)
    assert (refused.returncode, "login " in refused.stderr) == (1, False)
    assert json.loads(refused.stdout)["rejected"] == 1
    assert fresh.counts() == NOTHING

    trial = fresh.load(HEADER + GOOD, "--dry-run")
    assert (trial.returncode, "login " in trial.stderr) == (0, False)
    assert fresh.counts() == NOTHING

    good = fresh.load(HEADER + GOOD)
    assert (good.returncode, good.stderr.count("login owner ")) == (0, 1)
    assert fresh.counts() == {"merchant": 1, "staff": 1, "sales_order": 1, "import_run": 1}

    again = fresh.load(HEADER + GOOD)
    assert (again.returncode, "login " in again.stderr) == (0, False)


def test_rows_that_are_refused_fail_the_command_only_where_none_is_taken(fresh):
    partly = fresh.load(HEADER + GOOD + BAD)
    figures = json.loads(partly.stdout)
    assert (partly.returncode, figures["imported"], figures["rejected"]) == (0, 1, 1)
    assert "orders.csv" in partly.stderr
    wholly = fresh.load(HEADER + BAD, "--json")
    figures = json.loads(wholly.stdout)
    assert (wholly.returncode, figures["rows_read"], figures["rejected"]) == (1, 1, 1)
    assert fresh.load(HEADER + BAD, "--dry-run").returncode == 1
    assert fresh.load(HEADER + GOOD).returncode == 0  # nothing new, and nothing refused


def test_a_mistyped_platform_makes_nothing_at_all(fresh):
    report = fresh.folder / "refused.csv"
    done = fresh.load(HEADER + GOOD, "--report", str(report), platform="nosuch")
    assert done.returncode == 1
    assert "nosuch" in done.stderr
    assert "generic" in done.stderr
    assert not fresh.home.exists()
    assert not report.exists()
