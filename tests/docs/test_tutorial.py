"""The tutorial is run as it is written: its commands, in bash, against a demo."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-sale.md"
OPENED = "第一批交易已完成"
READY_S_MAX = 180
COMMANDS_S_MAX = 120


def wait_for_words(log: Path, words: str) -> None:
    """Until a log holds these words: the demo's own first buyers are done."""
    deadline = time.monotonic() + READY_S_MAX
    while words not in log.read_text("utf-8"):
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.2)


def stranger(buying):
    """A buyer of the demo's, between the reader's sale and his look at it; the newest order is not his any more."""
    bought = "".join(buying).replace("X-Sandbox-Buyer: 7", "X-Sandbox-Buyer: 8")
    desks = "[one['url'] for one in json.load(sys.stdin)['items'] if one['destination'] == 'checkout']"
    return f"""(
URL=$(api links | python3 -c "import json, sys; print({desks}[1])")
{bought})
ORDER_OF_STRANGER=$(api 'orders?source=own&limit=1' | field items 0 order_id)
"""


@pytest.fixture
def demo(tmp_path):
    """A running demo, whose own buyers go on coming as they do for the reader; its ``ready`` line and home."""
    home = tmp_path / "home"
    log = (tmp_path / "demo.log").open("w+")
    command = [str(Path(sys.executable).parent / "hutong"), "demo", "--port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "HUTONG_HOME": str(home)},
        cwd=tmp_path,
    )
    try:
        line = next((line for line in process.stdout if line.startswith("ready ")), None)
        assert line, (tmp_path / "demo.log").read_text("utf-8")
        wait_for_words(tmp_path / "demo.log", OPENED)
        yield json.loads(line.removeprefix("ready ")), home
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
        log.close()


@pytest.mark.slow
def test_the_first_sale_can_be_made_as_written(demo, tmp_path):
    ready, home = demo
    text = PAGE.read_text("utf-8")
    blocks = re.findall(r"<!-- checked -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(re.findall(r"^```sh", text, re.MULTILINE)) - 2  # all but the start and its addresses
    after = next(number for number, block in enumerate(blocks) if "/bridge/pay" in block)
    blocks.insert(after + 1, stranger(blocks[after - 1 : after + 1]))
    script = "".join(blocks).replace('export HUTONG_HOME="$PWD/var/first-sale"\n', "")
    script += """
api 'stock?search=BOWL-01'
api accounts
api channels
api "orders/$ORDER"
api "orders/$ORDER_OF_STRANGER"
"""
    env = {
        **os.environ,
        "HUTONG_HOME": str(home),
        "HUB": ready["url"],
        "SANDBOX": ready["sandbox"],
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=COMMANDS_S_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    stock, accounts, channels, mine, other = [json.loads(line) for line in done.stdout.splitlines()[-5:]]
    (bowl,) = stock["items"]
    assert (bowl["seller_code"], bowl["available"]) == ("BOWL-01", 10)  # sold once, refunded before it was shipped
    assert sum(account["balance_minor"] for account in accounts["items"]) == 0
    channel = next(item for item in channels["items"] if item["name"] == "微博：饭碗")
    assert channel["clicks"] == 1
    assert (mine["order"]["channel_id"], mine["order"]["state"]) == (channel["channel_id"], "refunded")
    assert (other["order"]["title"], other["order"]["state"]) != ("粗陶饭碗", "refunded")
