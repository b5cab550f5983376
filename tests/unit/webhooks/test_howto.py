"""What the guide tells a developer to write verifies our messages, and nothing else."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from hutong.webhooks.schedule import GAPS, JITTER_PERCENT_MAX, TRIES_MAX, wait_after
from hutong.webhooks.signing import headers_of, new_secret

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "howto" / "hear-events.md").read_text("utf-8")
LINES_MAX = 10


def code():
    [found] = re.findall(r"<!-- verified -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    return found


def verify():
    names = {}
    exec(compile(code(), "hear-events.md", "exec"), names)
    return names["verify"]


def test_the_ten_lines_of_the_guide_verify_what_we_send():
    check, secret, old = verify(), new_secret(), new_secret()
    body = b'{"id": "1"}'
    now = datetime.now(UTC)
    headers = headers_of(uuid4(), now, body, [secret, old])
    assert check(secret, headers, body)
    assert check(old, headers, body)
    assert not check(new_secret(), headers, body)
    for at in range(len(body)):
        assert not check(secret, headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    assert not check(secret, {**headers, "webhook-id": str(uuid4())}, body)
    assert not check(secret, {**headers, "webhook-timestamp": "x"}, body)
    for late in (timedelta(seconds=310), timedelta(seconds=-310)):
        assert not check(secret, headers_of(uuid4(), now - late, body, [secret]), body)
    assert abs(time.time() - now.timestamp()) < 60


def test_the_guide_keeps_its_word_about_length_and_schedule():
    inside = [line for line in code().splitlines() if line.startswith("    ") and '"""' not in line]
    assert 0 < len(inside) <= LINES_MAX
    words = "5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h"
    assert words in PAGE
    units = {"s": 1, "min": 60, "h": 3600}
    told = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)", words)]
    assert [timedelta(seconds=seconds) for seconds in told] == list(GAPS)
    assert sum(GAPS, timedelta(0)) > timedelta(hours=75)


def test_waits_grow_by_the_schedule_with_a_little_chance_and_end():
    for tries, gap in enumerate(GAPS, start=1):
        waits = [wait_after(tries) for _ in range(200)]
        assert all(gap <= wait <= gap * (100 + JITTER_PERCENT_MAX) / 100 for wait in waits)
        assert len(set(waits)) > 10
    assert wait_after(TRIES_MAX) is None
    assert wait_after(0) is None
