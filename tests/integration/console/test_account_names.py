"""No two accounts of the books have the same name."""

from __future__ import annotations

from uuid import UUID, uuid4

from hutong.core.money import Money
from hutong.ledger.account_queries import balances
from hutong.ledger.accounts import SUSPENSE_CLAIMED, SUSPENSE_PAYMENTS, party_path, wallet_path
from hutong.ledger.batches import Batch, Leg
from hutong.ledger.parties import create_party
from hutong.ledger.service import post
from hutong.merchants.models import connection
from hutong.merchants.service import create_merchant
from hutong.web.console.book_words import account_name, names_in_books


async def connected(unit, title):
    key, at = uuid4(), unit.now()
    facts = {"platform": "wechatpay", "mode": "sandbox", "title": title, "base_url": "", "created_at": at}
    await unit.insert(connection, connection_id=key, credentials=b"", settings={}, **facts)
    return key


def test_accounts_that_differ_are_named_apart(room):
    async def work(unit):
        await create_merchant(unit, "店")
        parties = [await create_party(unit, name=name) for name in ("小王", "小王", "老李")]
        wallets = [await connected(unit, title) for title in ("门店", "门店", "直播间")]
        paths = [SUSPENSE_PAYMENTS, SUSPENSE_CLAIMED, "expense:wallet_fee", "clearing:orders", "clearing:never_came"]
        paths += [party_path(key) for key in parties] + [wallet_path("wechatpay", key) for key in wallets]
        legs = tuple(Leg(path, Money(1)) for path in paths)
        legs = (*legs, Leg("revenue:sales", Money(-len(legs))))
        await post(
            unit,
            Batch(
                idempotency_key="x", kind="x", subject_kind="x", subject_id=UUID(int=1), event_at=unit.now(), legs=legs
            ),
        )
        names = await names_in_books(unit)
        return [account_name(row.path, names) for row in await balances(unit)]

    shown = room.do(work)
    told = [(one.label, one.platform, one.party) for one in shown]
    assert len(told) == 12
    assert len(set(told)) == len(told), sorted(told)
    assert {"老李", "直播间"} <= {party for _, _, party in told}
