"""A disk that is really full: the home stands on a small tmpfs that is filled to its last block under a running hub.

What cannot be stored is not acknowledged, so that the platform sends it again; with room again, nothing was lost.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from restartable import World, wait_until

from hutong.cli.buyers import open_in_wechat

DISK_BYTES = 384 * 1024 * 1024
BLOCK = b"\0" * 65536
#: Notices that may still find room in pages that are already there.
NOTICES_MAX = 200
#: More than the wallet waits between its first deliveries.
RETRY_S = 60


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """An empty file system of a fixed size."""
    folder = Path(tempfile.mkdtemp(prefix="hutong-small-"))
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "none", folder], check=False, capture_output=True
    )
    if made.returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount a file system (root): " + made.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """No block is free inside."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while out.write(BLOCK) == len(BLOCK):
            pass
    with filler.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        while out.write(b"\0" * 4096):
            pass
    try:
        assert os.statvfs(disk).f_bavail == 0
        yield
    finally:
        filler.unlink()


@pytest.fixture
def world(small_disk) -> Iterator[World]:
    running = World(home=small_disk / "home")
    try:
        running.start_hub()
        yield running
    finally:
        running.close()


def buyer_at_the_desk(world: World):
    """A visit and the number of its wallet order."""
    with world.api() as client:

        def post(path: str, body: dict) -> dict:
            answer = client.post(path, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        product = post("/products", {"title": "杯"})["product_id"]
        sku = post("/skus", {"product_id": product, "seller_code": "CUP", "price_fen": 5900, "stock": 9})["sku_id"]
        channel = {"kind": "post", "platform": "weibo", "name": "微博"}
        link = post("/links", {"title": "杯", "channel": channel, "sku_id": sku})
    visit = open_in_wechat(link["url"], buyer="1")
    visit.press_pay()
    return visit, world.sql("SELECT out_trade_no FROM attempt")[0]["out_trade_no"]


def test_what_cannot_be_stored_is_not_acknowledged(world, small_disk):
    visit, out_trade_no = buyer_at_the_desk(world)
    world.settle()
    stored_before = world.count("inbound")
    answers: list[int] = []
    with full(small_disk):
        for _ in range(NOTICES_MAX):
            told = world.post_sandbox("/callbacks/tamper", out_trade_no=out_trade_no, change="other_amount")
            answers.append(told["status"])
            if answers[-1] != 204:
                break
        assert answers[-1] in (0, 500, 503), answers[-1]
        paid = world.post_sandbox("/pay", platform="wechatpay", out_trade_no=out_trade_no)
        assert paid["trade_state"] == "SUCCESS"
        events = world.sandbox.get("/events", params={"platform": "wechatpay"}).json()
        sent = [event for event in events if event["kind"] == "callback_sent"]
        assert [event["detail"]["status"] in (200, 204) for event in sent] == [False]
    if world.hub_died():
        world.start_hub(fresh_login=False)
    wait_until("answers again", lambda: reachable(world), 60)
    # What was acknowledged is there; nothing else is.
    assert world.count("inbound") == stored_before + answers.count(204)
    world.post_sandbox("/clock/advance", seconds=RETRY_S)
    wait_until("paid", lambda: visit.state() == "paid", 60)
    visit.close()
    wait_until("at rest", lambda: at_rest(world), 60)
    assert world.breaches() == []
    assert world.count("job", "state = 'failed'") == 0
    assert world.count("ticket", "kind = 'notice_mismatched'") == answers.count(204)


def reachable(world: World) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{world.url}/healthz", trust_env=False, timeout=10).status_code == 200
    return False


def at_rest(world: World) -> bool:
    """Jobs that failed for want of room come again by their own schedule; time passes meanwhile.

    Some are never done: the next look at the shops and alliances, the next day's seal, the next day's bill.
    """
    world.post_sandbox("/clock/advance", seconds=RETRY_S)
    lasting = (
        "kind NOT IN ('shops.pull_orders', 'links.promote', 'links.pull_promoted', 'ledger.seal_days', "
        "'payments.read_bill')"
    )
    return world.count("undelivered") == 0 and world.count("job", f"finished_at IS NULL AND {lasting}") == 0
