"""Connectors are found by entry point, ours like anybody's."""

from importlib.metadata import EntryPoint

import pytest

from hutong.connectors.wechatpay import CONNECTOR
from hutong.core.errors import NotFound
from hutong.platforms import registry
from hutong.platforms.registry import GROUP, Registry


def test_our_connectors_come_through_the_public_door():
    found = Registry.from_entry_points()
    names = [connector.name for connector in found.all()]
    assert names == sorted(names)
    assert {"generic", "taobao", "wechatpay"} <= set(names)
    assert found.get("wechatpay") is CONNECTOR


def test_an_unknown_platform_is_not_found():
    with pytest.raises(NotFound) as caught:
        Registry({}).get("nowhere")
    assert caught.value.details == {"key": "nowhere", "known": ""}


@pytest.mark.parametrize(
    ("name", "value"),
    [("wechat", "hutong.connectors.wechatpay:CONNECTOR"), ("wechatpay", "hutong.connectors.wechatpay:LIVE_BASE_URL")],
)
def test_an_entry_that_is_no_connector_of_its_name_is_refused(name, value, monkeypatch):
    entries = [EntryPoint(name=name, value=value, group=GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == GROUP else [])
    with pytest.raises(TypeError, match=name):
        Registry.from_entry_points()
