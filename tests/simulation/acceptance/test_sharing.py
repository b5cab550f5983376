"""Shares through both wallets, over days of virtual time: what the hub books is what the wallets' own books say."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from restartable import World

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
DAY_S = 86_400
WINDOW_S = 7 * DAY_S + 3_600
PRICE_FEN = 10_000
#: The wallet's name and how a receiver is named there: a merchant's number, and a person's id.
WALLETS = {
    "wechatpay": ("1900000109", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
    "alipay": ("2088101126708402", "2088102150477652"),
}


class Shares:
    """Goods whose sales are shared with four parties: two with accounts, one without, one beyond the wallet's part."""

    numbers = itertools.count(1)

    def __init__(self, market: Any, until: Any, platform: str) -> None:
        self.market = market
        self.until = until
        self.platform = platform
        self.goods = market.goods(price_fen=PRICE_FEN, stock=50)
        merchant, person = WALLETS[platform]
        self.agent = self.party("代理", 1_000, {"kind": "merchant", "account_ref": merchant, "name": "代理公司"})
        self.creator = self.party("达人", 500, {"kind": "person", "account_ref": person, "name": "小周"})
        self.cash = self.party("老吴", 300, None)

    def party(self, name: str, rate_bps: int, receiver: dict[str, str] | None) -> str:
        party_id = self.market.post("/parties", {"name": f"{name} {next(self.numbers)}"})["party_id"]
        rule = {"party_id": party_id, "rate_bps": rate_bps, "sku_id": self.goods.sku_id}
        self.market.post("/split-rules", rule)
        if receiver:
            self.market.post(f"/parties/{party_id}/receivers", {"platform": self.platform, **receiver})
        return str(party_id)

    def sell(self) -> dict[str, Any]:
        """One sale through the wallet, paid and booked; its payment."""
        visit = self.goods.visit(2)
        answer = httpx.post(
            f"{self.market.world.url}/c/{visit.checkout_id}/pay",
            json={"method": "native", "platform": self.platform},
            trust_env=False,
            timeout=60,
        )
        assert answer.is_success, answer.text
        row = self.market.world.sql(
            "SELECT a.out_trade_no, p.order_id, p.payment_id FROM checkout c JOIN payment p USING (merchant_id, "
            "payment_id) JOIN attempt a USING (merchant_id, payment_id) WHERE c.checkout_id = $1::text::uuid",
            visit.checkout_id,
        )[0]
        self.market.world.post_sandbox("/pay", platform=self.platform, code_url=answer.json()["code_url"])
        order_id = str(row["order_id"])
        self.until("paid", lambda: self.order(order_id)["state"] == "paid")
        self.market.world.settle()
        visit.close()
        return {"order_id": order_id, "out_trade_no": row["out_trade_no"]}

    def order(self, order_id: str) -> dict[str, Any]:
        return next(item for item in self.market.items("/orders") if item["order_id"] == order_id)

    def commissions(self, sale: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """By party."""
        rows = self.market.items("/commissions", order_id=sale["order_id"])
        return {row["party_id"]: row for row in rows}

    def figures(self, sale: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
        """State, settled, reversed, owed and reason of each party's commission."""
        rows = self.commissions(sale)
        names = {self.agent: "agent", self.creator: "creator", self.cash: "cash"}
        return {
            names[party]: (
                row["state"],
                *(row[name]["amount_minor"] for name in ("settled", "reversed", "owed")),
                row["outside_reason"],
            )
            for party, row in rows.items()
        }

    def wallet(self, sale: dict[str, Any]) -> dict[str, Any]:
        """What the wallet's own books say of the order."""
        rows = self.market.world.sandbox.get("/books").json()
        return next(row for row in rows if row["order_no"] == sale["out_trade_no"])

    def refund(self, sale: dict[str, Any], amount_fen: int) -> None:
        before = self.order(sale["order_id"])["refunded_minor"]
        self.market.post(f"/orders/{sale['order_id']}/refunds", {"amount_fen": amount_fen})  # nobody has to say why
        self.until("refunded", lambda: self.order(sale["order_id"])["refunded_minor"] == before + amount_fen)
        self.market.world.settle()

    def rest(self, seconds: int = 60) -> None:
        """Let the wallet work and the hub look, until the order's shares are decided."""
        for _ in range(4):
            self.market.advance(seconds)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A hub and sandbox of their own: a third of a year passes here, and authorisations of shops run out."""
    running = World(seed=20261126)
    try:
        running.start_hub()
        yield running
    finally:
        running.close()


@pytest.fixture
def shares(market, until, platform):
    return Shares(market, until, platform)


def through(here: str):
    """Through both wallets; here through this one, by ``make proof-suite`` through the other one."""
    wallets = [name if name == here else pytest.param(name, marks=pytest.mark.long) for name in sorted(WALLETS)]
    return pytest.mark.parametrize("platform", wallets)


def booked(shares: Shares, sale: dict[str, Any]) -> int:
    """What the hub's books say left through the wallet for an order, less what came back."""
    rows = [row for row in shares.market.items("/postings") if row["subject_id"] == sale["order_id"]]
    return -sum(
        row["amount_minor"]
        for row in rows
        if row["kind"] in ("share", "take_back") and row["account"].startswith(f"wallet:{shares.platform}:")
    )


@through("alipay")
def test_a_sale_is_shared_after_the_return_window_and_taken_back_by_a_refund(shares):
    sale = shares.sell()
    assert shares.figures(sale) == {
        "agent": ("estimated", 0, 0, 1_000, None),
        "creator": ("estimated", 0, 0, 500, None),
        "cash": ("estimated", 0, 0, 300, None),
    }
    assert shares.wallet(sale)["shared_fen"] == 0
    shares.market.advance(WINDOW_S)
    shares.rest()
    assert shares.figures(sale) == {
        "agent": ("settled", 1_000, 0, 0, None),
        "creator": ("settled", 500, 0, 0, None),
        "cash": ("confirmed", 0, 0, 300, "no_receiver"),
    }
    assert (shares.wallet(sale)["shared_fen"], booked(shares, sale)) == (1_500, 1_500)
    shares.refund(sale, 4_000)
    wallet, figures = shares.wallet(sale), shares.figures(sale)
    assert (wallet["refunded_fen"], wallet["shared_fen"] - wallet["returned_fen"]) == (4_000, booked(shares, sale))
    assert figures["agent"] == ("settled", 600, 400, 0, None)
    assert figures["cash"] == ("confirmed", 0, 120, 180, "no_receiver")
    kept = 500 if shares.platform == "wechatpay" else 300  # WeChat takes nothing back from a person
    assert figures["creator"] == ("settled", kept, 200, 300 - kept, None)
    told = {ticket["kind"] for ticket in shares.market.items("/tickets")}
    assert "notice_mismatched" not in told, "Alipay tells of a return as of a refund"
    assert shares.market.world.breaches() == []


@through("wechatpay")
def test_what_is_refunded_within_the_window_is_never_shared(shares):
    part, whole = shares.sell(), shares.sell()
    shares.refund(part, 5_000)
    shares.refund(whole, PRICE_FEN)
    shares.market.advance(WINDOW_S)
    shares.rest()
    assert shares.figures(part)["agent"] == ("settled", 500, 500, 0, None)
    assert set(shares.figures(whole).values()) == {("reversed", 0, part, 0, None) for part in (1_000, 500, 300)}
    assert (shares.wallet(part)["shared_fen"], shares.wallet(whole)["shared_fen"]) == (750, 0)
    assert shares.market.world.breaches() == []


@through("wechatpay")
def test_a_receiver_that_fails_stands_outside_and_is_paid_there(shares):
    shares.market.faults({"platform": shares.platform, "kind": "share_failed", "rate": 1.0})
    sale = shares.sell()
    shares.market.advance(WINDOW_S)
    shares.rest()
    figures = shares.figures(sale)
    assert {figures[name][:4] for name in ("agent",)} == {("confirmed", 0, 0, 1_000)}
    assert figures["agent"][4] not in (None, "ratio"), "the wallet's own reason"
    assert (shares.wallet(sale)["shared_fen"], booked(shares, sale)) == (0, 0)
    now = shares.market.world.now().isoformat()
    payout = {"party_id": shares.agent, "amount_minor": 1_000, "paid_at": now, "reference": f"BANK-{shares.agent}"}
    shares.market.post("/payouts", payout)
    assert shares.figures(sale)["agent"] == ("settled", 1_000, 0, 0, None)
    refused = shares.market.send("/payouts", {**payout, "reference": "again"})
    assert (refused.status_code, refused.json()["code"]) == (409, "outside_payment_too_large")
    assert shares.market.world.breaches() == []


@through("alipay")
def test_no_more_than_the_wallets_part_is_shared(shares):
    merchant = {"kind": "merchant", "account_ref": WALLETS[shares.platform][0] + "1", "name": "供货商"}
    supplier = shares.party("供货", 2_500, merchant)
    sale = shares.sell()
    shares.market.advance(WINDOW_S)
    shares.rest()
    rows = shares.commissions(sale)
    carried = {party: row["settled"]["amount_minor"] for party, row in rows.items()}
    assert sum(carried.values()) == shares.wallet(sale)["shared_fen"] == booked(shares, sale) == 3_000
    outside = {
        row["owed"]["amount_minor"]: row["outside_reason"] for row in rows.values() if row["owed"]["amount_minor"]
    }
    assert outside == {300: "no_receiver", 1_000: "ratio"}
    assert carried[supplier] + rows[supplier]["owed"]["amount_minor"] == 2_500
    assert shares.market.world.breaches() == []


def test_a_lost_answer_is_asked_for_and_nothing_is_shared_twice(market, until):
    shares = Shares(market, until, "wechatpay")
    sales = [shares.sell() for _ in range(3)]
    market.faults({"platform": "wechatpay", "kind": "share_timeout", "rate": 0.7})
    market.advance(WINDOW_S)
    shares.rest()
    market.faults()
    shares.rest(3_600)
    for sale in sales:
        assert shares.wallet(sale)["shared_fen"] == booked(shares, sale) == 1_500
        assert shares.figures(sale)["agent"] == ("settled", 1_000, 0, 0, None)
    assert market.world.breaches() == []


def test_what_does_not_come_back_is_a_debt_that_the_next_sale_nets(market, until):
    shares = Shares(market, until, "wechatpay")
    sale = shares.sell()
    market.advance(WINDOW_S)
    shares.rest()
    market.faults({"platform": "wechatpay", "kind": "return_failed", "rate": 1.0})
    shares.refund(sale, 4_000)
    assert shares.figures(sale)["agent"] == ("settled", 1_000, 400, -400, None)
    market.faults()
    later = shares.sell()
    market.advance(WINDOW_S)
    shares.rest()
    assert shares.figures(sale)["agent"] == ("settled", 600, 400, 0, None)
    assert shares.figures(later)["agent"] == ("settled", 1_000, 0, 0, None)
    # 600 to the agent; the creator, a person, owed 200 from the refund.
    assert shares.wallet(later)["shared_fen"] == booked(shares, later) == 600 + 300
    assert market.world.breaches() == []


def test_what_becomes_due_after_the_freeze_stands_outside(market, until):
    shares = Shares(market, until, "wechatpay")
    market.post("/split-terms", {"return_window_days": 40})
    try:
        sale = shares.sell()
        market.advance(41 * DAY_S)
        shares.rest()
    finally:
        market.post("/split-terms", {"return_window_days": 7})
    assert shares.figures(sale)["agent"] == ("confirmed", 0, 0, 1_000, "window_over")
    assert (shares.wallet(sale)["shared_fen"], booked(shares, sale)) == (0, 0)
    assert market.world.breaches() == []


def test_the_guide_can_be_followed_as_written(market):
    text = (ROOT / "docs/howto/share-a-sale.md").read_text("utf-8")
    tutorial = (ROOT / "docs/tutorial/first-sale.md").read_text("utf-8")
    tools = re.search(r"^api\(\) \{.*?^print.*?$", tutorial, re.DOTALL | re.MULTILINE)
    assert tools
    checked = re.findall(r"<!-- checked -->\n```sh\n(.*?)```", text, re.DOTALL)
    (refused,) = re.findall(r"<!-- refused -->\n```sh\n(.*?)```", text, re.DOTALL)
    turned = "".join(f"! {line}\necho\n" for line in refused.strip().splitlines())
    before, after = checked[:2], checked[2:]
    env = {
        **os.environ,
        "HUB": market.world.url,
        "KEY": market.world.login["api_key"],
        "SKU": market.goods(price_fen=PRICE_FEN).sku_id,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([tools.group(0), *before, turned, *after])],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    market.post("/split-terms", {"total_cap_bps": 5_000})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for code in ("split_recruiting_refused", "split_levels_refused", "split_cap_exceeded"):
        assert f'"{code}"' in done.stdout
    tried, _ = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index('{"lines"'))
    assert sorted(line["amount_minor"] for line in tried["lines"]) == [300, 1_000]
