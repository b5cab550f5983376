"""What the cash desk opens for each real User-Agent of the corpus: a wallet at once, a chooser, or a QR."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from hutong.links.containers import classify
from hutong.merchants.connections import ConnectionView, Mode
from hutong.platforms.registry import Registry
from hutong.web.buyer.reading import buttons_for, layout_of
from hutong.workflows.commands.wallets import WalletAccount

CORPUS = json.loads((Path(__file__).parents[1] / "links" / "user_agents.json").read_text("utf-8"))
REGISTRY = Registry.from_entry_points()
ACCOUNTS = [
    WalletAccount(
        connection=ConnectionView(
            connection_id=UUID(int=number),
            platform=name,
            mode=Mode.SANDBOX,
            title=name,
            base_url="",
            settings={},
            created_at=datetime(2026, 11, 23, tzinfo=UTC),
        ),
        connector=REGISTRY.get(name),
    )
    for number, name in enumerate(("wechatpay", "alipay"))
]


PLAIN = [("wechatpay", "h5"), ("alipay", "h5")]
ALIPAYS = [("alipay", "h5")]
#: Container -> wallets and ways, in their order, that the page offers there.
WAYS = {
    "wechat": [("wechatpay", "jsapi")],
    "alipay": [("alipay", "jsapi")],
    "wechat_mini": [],
    "wecom": [],
    "alipay_mini": ALIPAYS,
    "taobao": ALIPAYS,
    "tmall": ALIPAYS,
    "desktop": [("alipay", "page"), ("wechatpay", "native"), ("alipay", "native")],
}


def opens(agent_text: str, accounts: list[WalletAccount]) -> str:
    agent = classify(agent_text)
    buttons = buttons_for(accounts, agent.container)
    layout = layout_of(buttons, is_phone=agent.is_phone)
    return {"go": buttons[0].platform if buttons else "", "choose": "chooser", "scan": "qr"}[layout]


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: f"{entry['container']} {entry['os']}")
def test_the_wallet_follows_the_container(entry):
    assert opens(entry["agent"], ACCOUNTS) == entry["opens"]


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: f"{entry['container']} {entry['os']}")
def test_the_way_to_pay_follows_the_container(entry):
    buttons = buttons_for(ACCOUNTS, classify(entry["agent"]).container)
    assert [(button.platform, button.method) for button in buttons] == WAYS.get(entry["container"], PLAIN)


def test_every_wall_of_the_table_is_in_the_corpus():
    assert set(WAYS) <= {entry["container"] for entry in CORPUS}


@pytest.mark.parametrize("entry", [e for e in CORPUS if e["opens"] == "chooser"], ids=lambda e: e["container"])
def test_with_one_wallet_there_is_nothing_to_choose(entry):
    """Where that wallet opens at all; a wall that shuts it out leaves the QR and the copied link."""
    assert opens(entry["agent"], ACCOUNTS[:1]) in ("wechatpay", "qr")


def test_inside_a_wallet_nothing_else_comes_first():
    for entry in CORPUS:
        if entry["container"] in ("wechat", "alipay"):
            first = buttons_for(ACCOUNTS, entry["container"])[0]
            assert (first.platform, first.method) == (entry["opens"], "jsapi")


def test_a_computer_offers_the_wallets_own_pages_and_codes_beside_the_one_qr():
    ways = [(button.platform, button.method) for button in buttons_for(ACCOUNTS, "desktop")]
    assert ways == [("alipay", "page"), ("wechatpay", "native"), ("alipay", "native")]
