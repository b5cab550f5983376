"""Proxies that are believed: named in the environment or the file, and a mistake names its key."""

from __future__ import annotations

import ipaddress

import pytest

from hutong.config import load_settings
from hutong.core.errors import InvalidInput


def trusted(home, text=None):
    given = {} if text is None else {"HUTONG_TRUSTED_PROXIES": text}
    return [str(network) for network in load_settings({"HUTONG_HOME": str(home), **given}).trusted_proxies]


def test_nobody_is_believed_where_nobody_is_named(tmp_path):
    assert trusted(tmp_path) == trusted(tmp_path, "") == trusted(tmp_path, " , ") == []


def test_addresses_and_networks(tmp_path):
    assert trusted(tmp_path, "127.0.0.1, ::1,10.0.0.0/8") == ["127.0.0.1/32", "::1/128", "10.0.0.0/8"]
    (tmp_path / "hutong.toml").write_text('trusted_proxies = ["172.16.0.0/12", "fd00::/8"]', "utf-8")
    assert trusted(tmp_path) == ["172.16.0.0/12", "fd00::/8"]
    assert ipaddress.ip_address("172.17.0.1") in load_settings({"HUTONG_HOME": str(tmp_path)}).trusted_proxies[0]


@pytest.mark.parametrize("text", ["caddy", "10.0.0.1/8", "10.0.0", "127.0.0.1;::1", "*"])
def test_a_mistake_names_its_key(tmp_path, text):
    with pytest.raises(InvalidInput, match="HUTONG_TRUSTED_PROXIES"):
        trusted(tmp_path, text)
