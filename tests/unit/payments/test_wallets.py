"""Which wallets are offered where: the container's own first, none that a wall keeps out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from hutong.merchants.connections import ConnectionView, Mode
from hutong.platforms.contract import Connector
from hutong.platforms.payments import PayMethod
from hutong.platforms.registry import Registry
from hutong.workflows.commands.detour import identifying
from hutong.workflows.commands.wallets import WalletAccount, choices_among, method_in

WECHAT = Registry.from_entry_points().get("wechatpay")
#: A second wallet of the other kind, whatever connectors exist today.
OTHER = msgspec.structs.replace(
    WECHAT,
    name="otherpay",
    title_zh="别的钱包",
    pay_methods=(PayMethod.JSAPI, PayMethod.NATIVE, PayMethod.H5, PayMethod.PAGE),
    identity_kind="other_id",
    home_containers=("alipay",),
    shut_containers=("wechat",),
)


def account(connector: Connector, number: int, **settings: int) -> WalletAccount:
    view = ConnectionView(
        connection_id=UUID(int=number),
        platform=connector.name,
        mode=Mode.SANDBOX,
        title=f"{connector.name} {number}",
        base_url="",
        settings=settings,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return WalletAccount(connection=view, connector=connector)


BOTH = [account(WECHAT, 1), account(OTHER, 2)]


@pytest.mark.parametrize(
    ("container", "offered", "default"),
    [
        ("wechat", [("wechatpay", "jsapi")], "wechatpay"),
        ("alipay", [("otherpay", "jsapi")], "otherpay"),
        ("desktop", [("wechatpay", "native"), ("otherpay", "native")], None),
        ("mobile", [("wechatpay", "h5"), ("otherpay", "h5")], None),
        ("weibo", [("wechatpay", "h5"), ("otherpay", "h5")], None),
        ("taobao", [("otherpay", "h5")], "otherpay"),
    ],
)
def test_the_wallet_follows_the_container(container, offered, default):
    choices = choices_among(BOTH, container)
    assert [(choice.platform, choice.method.value) for choice in choices] == offered
    assert next((choice.platform for choice in choices if choice.is_default), None) == default


def test_the_containers_own_wallet_comes_first_whatever_the_merchants_order():
    other_in_wechat = msgspec.structs.replace(OTHER, shut_containers=())
    choices = choices_among([account(other_in_wechat, 1), account(WECHAT, 2)], "wechat")
    assert [(c.platform, c.method.value, c.is_default) for c in choices] == [
        ("wechatpay", "jsapi", True),
        ("otherpay", "h5", False),
    ]


def test_the_first_account_stands_for_its_wallet():
    choices = choices_among([account(WECHAT, 7), account(OTHER, 8), account(WECHAT, 9)], "desktop")
    assert [(c.platform, c.connection_id.int) for c in choices] == [("wechatpay", 7), ("otherpay", 8)]


def test_a_wallet_without_a_way_is_not_offered():
    only_codes = msgspec.structs.replace(OTHER, pay_methods=(PayMethod.CODE,))
    assert [method_in(only_codes, container) for container in ("alipay", "desktop", "mobile")] == [None] * 3
    page_only = msgspec.structs.replace(OTHER, pay_methods=(PayMethod.PAGE,))
    assert method_in(page_only, "desktop") is PayMethod.PAGE


def test_only_the_containers_own_wallet_says_who_the_visitor_is():
    assert identifying(BOTH, "wechat") == BOTH[:1]
    assert identifying(BOTH, "alipay") == BOTH[1:]
    assert identifying(BOTH, "weibo") == []
    silent = [account(msgspec.structs.replace(WECHAT, identity=None), 1)]
    assert identifying(silent, "wechat") == []
