"""Who gets the money of a combined order's parts, and how many parts an account combines."""

from __future__ import annotations

import pytest

from hutong.connectors.wechatpay import CONNECTOR as WECHAT
from hutong.core.errors import InvalidInput

PROVIDER = {"sub_mchid": "1900000109", "sub_appid": "wx2421b1c4370ec43b"}


def account_of(wechat, **changes):
    return wechat.account(**changes)[0]


def test_a_merchant_names_merchants_and_a_provider_its_sub_merchants(wechat):
    own, other = account_of(wechat), account_of(wechat, mchid="1900000110")
    assert WECHAT.combined.receivers(own, [own, other]) == ("1900007291", "1900000110")
    one, two = account_of(wechat, **PROVIDER), account_of(wechat, sub_mchid="1900000111")
    assert WECHAT.combined.receivers(one, [one, two]) == ("1900000109", "1900000111")


def test_neither_combines_what_is_not_its_own_to_combine(wechat):
    own, provider = account_of(wechat), account_of(wechat, **PROVIDER)
    elsewhere = account_of(wechat, mchid="1900000110", **PROVIDER)
    for account, sellers in ((own, [own, provider]), (provider, [provider, own]), (provider, [provider, elsewhere])):
        with pytest.raises(InvalidInput):
            WECHAT.combined.receivers(account, sellers)


@pytest.mark.parametrize(("changes", "most"), [({}, 10), (PROVIDER, 50)])
def test_how_many_parts_an_account_combines(wechat, changes, most):
    account = account_of(wechat, **changes)
    assert len(WECHAT.combined.receivers(account, [account] * most)) == most
    with pytest.raises(InvalidInput):
        WECHAT.combined.receivers(account, [account] * (most + 1))
