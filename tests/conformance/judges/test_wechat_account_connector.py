"""The signature of pages: the published example, and an outside client that signs the same pages."""

from __future__ import annotations

import json
import random
import string
import subprocess
from pathlib import Path

import pytest

from hutong.connectors.wechat_account.pages import signature

HERE = Path(__file__).parent
pytestmark = [pytest.mark.judge, pytest.mark.slow]


def pages(count):
    dice = random.Random(20261127)
    letters = string.ascii_letters + string.digits
    made = []
    for _ in range(count):
        ticket = "".join(dice.choices(letters + "-_", k=dice.randint(20, 120)))
        nonce = "".join(dice.choices(letters, k=dice.randint(1, 32)))
        query = "".join(dice.choices(letters + "&=%+~中文", k=dice.randint(0, 40)))
        made.append([nonce, ticket, dice.randint(1, 2**31), f"https://shop.example/u/{nonce}?{query}"])
    return made


def test_the_connector_and_an_outside_client_sign_pages_alike(environments):
    given = pages(300)
    done = subprocess.run(
        [str(environments["wechat_account"].python), str(HERE / "wechat_account_words.py")],
        check=True,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = [signature(ticket, nonce, at, url) for nonce, ticket, at, url in given]
    assert ours == json.loads(done.stdout)
    assert len(set(ours)) == len(given)
