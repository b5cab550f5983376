"""The guide to the books for service providers, followed as written on a running hub."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REFUSED = ("ledger_not_external", "ledger_unbalanced", "ledger_key_reused", "ledger_overdrawn")


def test_the_guide_can_be_followed_as_written(market):
    text = (ROOT / "docs/howto/post-to-the-books.md").read_text("utf-8")
    tutorial = (ROOT / "docs/tutorial/first-sale.md").read_text("utf-8")
    tools = re.search(r"^api\(\) \{.*?^print.*?$", tutorial, re.DOTALL | re.MULTILINE)
    assert tools
    steps = [tools.group(0)]
    for kind, block in re.findall(r"<!-- (checked|refused) -->\n```sh\n(.*?)```", text, re.DOTALL):
        steps += [f"! {line}\necho" for line in block.strip().splitlines()] if kind == "refused" else [block]
    env = {**os.environ, "HUB": market.world.url, "KEY": market.world.login["api_key"]}
    market.goods(price_fen=990)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(steps)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [code for code in REFUSED if f'"{code}"' not in done.stdout] == []
    assert re.search(r"[1-9]\d* batches, \d+ sealed days: sound$", done.stdout, re.MULTILINE)
    assert market.world.breaches() == []
