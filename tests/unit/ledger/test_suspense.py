"""Whatever is told and decided, in whatever order: suspense is what lies open, and the wallet has what was kept."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hutong.core.money import Money, share_bps
from hutong.ledger.accounts import NEVER_CAME, SUSPENSE_CLAIMED, SUSPENSE_PAYMENTS, UNEXPLAINED
from hutong.ledger.sales import sale_batch, suspense_batch, suspense_return_batch
from hutong.ledger.suspense import cleared_batch

AT = datetime(2026, 3, 1, tzinfo=UTC)
ID = UUID(int=1)
WALLET = f"wallet:wechatpay:{ID}"
cases = st.lists(
    st.tuples(
        st.integers(1, 10**9),
        st.integers(0, 100),
        st.sampled_from(["open", "take", "send_back", "write_off", "never_came"]),
    ),
    max_size=30,
)


def steps(amount: Money, fee: Money, decision: str):
    """The batches of one sum in suspense, in the order in which they are posted."""
    about = {"subject_kind": "connection", "subject_id": ID, "event_at": AT}
    none = Money(0, amount.currency)
    arrival = suspense_batch(suspense_id=ID, wallet_path=WALLET, amount=amount, fee=fee, **about)
    yield suspense_batch(suspense_id=ID, wallet_path=SUSPENSE_CLAIMED, amount=amount, fee=none, **about)
    if decision == "open":
        return
    path = {"write_off": UNEXPLAINED, "never_came": NEVER_CAME}.get(decision)
    if decision == "take":
        yield sale_batch(order_id=ID, wallet_path=WALLET, gross=amount, fee=fee, party_shares=(), event_at=AT)
    elif decision == "write_off":
        yield arrival
    elif decision == "send_back":
        yield arrival
        yield suspense_return_batch(refund_id=ID, wallet_path=WALLET, amount=amount, fee=fee, **about)
    yield cleared_batch(suspense_id=ID, amount=amount, connection_id=ID, written_off_to=path, event_at=AT)


@given(told=cases)
def test_suspense_is_what_lies_open(told):
    balances: Counter[str] = Counter()
    still_open = kept = explained = fees = 0
    for amount_fen, rate_bps, decision in told:
        fee_fen = share_bps(amount_fen, rate_bps)
        for batch in steps(Money.fen(amount_fen), Money.fen(fee_fen), decision):
            batch.verify()
            for leg in batch.legs:
                balances[leg.path] += leg.amount.amount_minor
        still_open += amount_fen if decision == "open" else 0
        explained += amount_fen if decision == "write_off" else 0
        if decision in ("take", "write_off"):
            kept, fees = kept + amount_fen - fee_fen, fees + fee_fen
        assert (balances[SUSPENSE_CLAIMED], balances[SUSPENSE_PAYMENTS]) == (still_open, -still_open)
        assert (balances[WALLET], balances["expense:wallet_fee"]) == (kept, fees)
        assert (balances[UNEXPLAINED], balances[NEVER_CAME], sum(balances.values())) == (-explained, 0, 0)
