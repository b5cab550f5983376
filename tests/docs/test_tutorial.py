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


@pytest.fixture
def demo(tmp_path):
    """A running demo without further trade; its ``ready`` line and home."""
    home = tmp_path / "home"
    log = (tmp_path / "demo.log").open("w+")
    command = [str(Path(sys.executable).parent / "hutong"), "demo", "--still", "--port", "0"]
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
    script = "".join(blocks).replace('export HUTONG_HOME="$PWD/var/first-sale"\n', "")
    script += "\necho; api stock\necho; api accounts\necho; api channels\n"
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
    stock, accounts, channels = [json.loads(line) for line in done.stdout.strip().splitlines()[-3:]]
    bowl = next(item for item in stock["items"] if item["seller_code"] == "BOWL-01")
    assert bowl["available"] == 10  # sold once, refunded before it was shipped
    assert sum(account["balance_minor"] for account in accounts["items"]) == 0
    channel = next(item for item in channels["items"] if item["name"] == "微博：饭碗")
    assert channel["clicks"] == 1
